//! Builds the service and runs it: the one place where its parts meet.
//!
//! Start: bind, serve health, open the store (which replays its log), open alerts, serve everything. Stop, in
//! order: no new requests, the running ones end, alerts rest, the store publishes and closes.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsConfig;
use metrics_exporter_prometheus::PrometheusBuilder;
use query::Engine;
use store::{Clock, Store};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, TlsFiles};
use crate::http::{App, Core, MetricsHandle, router};
use crate::keys::{CreatedKey, Keys};
use crate::watchlists::UploadedWatchlists;

/// How long running requests may take to end when the service stops.
const DRAIN: Duration = Duration::from_secs(20);

/// How long the database may take to be closed.
const CLOSE: Duration = Duration::from_secs(5);

/// How long they may take when a part of it failed.
const FAREWELL: Duration = Duration::from_secs(3);

/// How long a client may take for a request's head.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);

/// Longest head of a request, in bytes.
const HEADER_BYTES_MAX: usize = 64 * 1024;

/// A running service.
pub(crate) struct Service {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
    /// The first administrator's key, if this start made it.
    pub(crate) first_key: Option<CreatedKey>,
    /// What is open.
    pub(crate) core: Arc<Core>,
    http: Handle<SocketAddr>,
    alerts_token: CancellationToken,
    store_token: CancellationToken,
    tasks: JoinSet<anyhow::Result<Part>>,
}

/// A part of the service that runs until it is told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Http,
    Alerts,
    Store,
}

impl Service {
    /// Starts it; returns when every request is served.
    pub(crate) async fn start(config: Config, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let listener = bind(config.http.listen)?;
        let address = listener
            .local_addr()
            .context("read the listening address")?;
        let scheme = if config.http.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let app = Arc::new(App::new(&config, Arc::clone(&clock), metrics_handle()));
        let http = Handle::new();
        let mut tasks = JoinSet::new();
        serve(&mut tasks, &app, listener, &http).await?;
        tracing::info!(%address, "listening on {scheme}://{address}");
        let (core, first_key) = open(config, &clock).await?;
        let alerts_token = CancellationToken::new();
        let store_token = CancellationToken::new();
        let (alerts, token) = (Arc::clone(&core.alerts), alerts_token.clone());
        tasks.spawn(async move {
            alerts.run(token).await;
            Ok(Part::Alerts)
        });
        let (store, token) = (Arc::clone(&core.store), store_token.clone());
        tasks.spawn(async move {
            store.run(token).await.context("publish the rows")?;
            Ok(Part::Store)
        });
        app.open(Arc::clone(&core));
        tracing::info!("ready");
        Ok(Self {
            address,
            scheme,
            first_key,
            core,
            http,
            alerts_token,
            store_token,
            tasks,
        })
    }

    /// The address as a client writes it.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Returns only if a part ends by itself, which is an error.
    pub(crate) async fn failed(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            Some(Ok(Ok(part))) => anyhow!("{part:?} ended by itself"),
            Some(Ok(Err(error))) => error,
            Some(Err(error)) => anyhow::Error::new(error).context("run a part of the service"),
            None => anyhow!("nothing is running"),
        }
    }

    /// Ends it in order; what was acknowledged is published.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.http.graceful_shutdown(Some(DRAIN));
        self.wait_for(Part::Http).await?;
        self.alerts_token.cancel();
        self.wait_for(Part::Alerts).await?;
        self.store_token.cancel();
        let stored = self.wait_for(Part::Store).await;
        // So that the catalog is one file, which can be copied. Nobody works with it any more.
        let closed = self.core.store.database().close();
        if tokio::time::timeout(CLOSE, closed).await.is_err() {
            tracing::warn!("the database is still in use: it is closed by the next start");
        }
        stored
    }

    /// Ends what still runs beside a part that failed: what can be answered and published in a short time is.
    pub(crate) async fn abandon(mut self) {
        self.http.graceful_shutdown(Some(FAREWELL));
        self.alerts_token.cancel();
        self.store_token.cancel();
        let rest = async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Ok(Err(error)) = ended {
                    tracing::error!("ending: {error:#}");
                }
            }
        };
        if tokio::time::timeout(DRAIN, rest).await.is_err() {
            tracing::warn!("ending without waiting longer for what still runs");
        }
    }

    async fn wait_for(&mut self, part: Part) -> anyhow::Result<()> {
        while let Some(ended) = self.tasks.join_next().await {
            if ended.context("end a part of the service")?? == part {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| format!("listen on {address}"))?;
    listener
        .set_nonblocking(true)
        .context("prepare the listening socket")?;
    Ok(listener)
}

async fn serve(
    tasks: &mut JoinSet<anyhow::Result<Part>>,
    app: &Arc<App>,
    listener: TcpListener,
    handle: &Handle<SocketAddr>,
) -> anyhow::Result<()> {
    let make = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let handle = handle.clone();
    if let Some(files) = &app.http.tls {
        let tls = tls(files).await?;
        let server = axum_server::from_tcp_rustls(listener, tls)?.handle(handle);
        let mut server = server.map(|acceptor| acceptor.acceptor(NoDelayAcceptor::new()));
        bound_heads(server.http_builder());
        tasks.spawn(async move {
            server.serve(make).await.context("serve HTTPS")?;
            Ok(Part::Http)
        });
    } else {
        let server = axum_server::from_tcp(listener)?.handle(handle);
        let mut server = server.acceptor(NoDelayAcceptor::new());
        bound_heads(server.http_builder());
        tasks.spawn(async move {
            server.serve(make).await.context("serve HTTP")?;
            Ok(Part::Http)
        });
    }
    Ok(())
}

fn bound_heads(
    builder: &mut hyper_util::server::conn::auto::Builder<hyper_util::rt::TokioExecutor>,
) {
    builder
        .http1()
        .timer(hyper_util::rt::TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX);
    builder
        .http2()
        .timer(hyper_util::rt::TokioTimer::new())
        .max_header_list_size(u32::try_from(HEADER_BYTES_MAX).unwrap_or(u32::MAX))
        .keep_alive_interval(Some(HEADER_TIMEOUT));
}

/// Reads certificate and key.
pub(crate) async fn tls(files: &TlsFiles) -> anyhow::Result<RustlsConfig> {
    RustlsConfig::from_pem_file(&files.certificate, &files.key)
        .await
        .with_context(|| {
            format!(
                "read TLS certificate {} and key {}",
                files.certificate.display(),
                files.key.display()
            )
        })
}

async fn open(
    config: Config,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<(Arc<Core>, Option<CreatedKey>)> {
    let data = config.store.data.clone();
    let store = Store::open(config.store, Arc::clone(clock)).await;
    let store = Arc::new(store.with_context(|| format!("open data folder {}", data.display()))?);
    let engine = Arc::new(Engine::new(
        Arc::clone(&store),
        Arc::clone(clock),
        config.engine,
    )?);
    let keys = Keys::new(store.database().clone());
    let first_key = match &config.admin_key {
        Some(secret) => {
            keys.set_environment_key(secret.reveal(), clock.now())
                .await
                .context("set the administrator's key")?;
            None
        }
        None => keys
            .create_first(clock.now())
            .await
            .context("make the first key")?,
    };
    let seen = engine.watchlists().clone();
    let watchlists = UploadedWatchlists::open(store.database().clone(), seen)
        .await
        .context("read the watchlists")?;
    let alerts = alerts::Service::open(
        Arc::clone(&store),
        Arc::clone(&engine),
        Arc::clone(clock),
        config.alerts,
    );
    let alerts = Arc::new(alerts.await?);
    Ok((
        Arc::new(Core {
            store,
            engine,
            alerts,
            keys,
            watchlists,
        }),
        first_key,
    ))
}

/// Metrics are ambient: the first service of a process installs the recorder, a later one shares nothing with it.
fn metrics_handle() -> MetricsHandle {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::debug!("metrics are recorded for another service of this process");
    }
    MetricsHandle(handle)
}
