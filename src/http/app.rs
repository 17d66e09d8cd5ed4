//! What handlers work with: handles, no logic.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use parking_lot::RwLock;
use store::{Clock, Store};

use super::problem::Problem;
use super::rates::Rates;
use crate::config::{HttpConfig, QueryConfig};
use crate::intake::Intake;
use crate::keys::Keys;
use crate::quarantine::Budget;
use crate::watchlists::UploadedWatchlists;

/// What is there once the data folder is open and the log replayed.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) store: Arc<Store>,
    pub(crate) engine: Arc<query::Engine>,
    pub(crate) alerts: Arc<alerts::Service>,
    pub(crate) keys: Keys,
    pub(crate) watchlists: UploadedWatchlists,
}

/// Shared by every request.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) http: HttpConfig,
    pub(crate) query: QueryConfig,
    pub(crate) intake: Intake,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rates: Rates,
    pub(crate) metrics: MetricsHandle,
    core: RwLock<Option<Arc<Core>>>,
}

/// Renders the metrics.
#[derive(Clone)]
pub(crate) struct MetricsHandle(pub(crate) PrometheusHandle);

impl std::fmt::Debug for MetricsHandle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("MetricsHandle")
    }
}

impl App {
    pub(crate) fn new(
        config: &crate::config::Config,
        clock: Arc<dyn Clock>,
        metrics: MetricsHandle,
    ) -> Self {
        Self {
            http: config.http.clone(),
            query: config.query,
            intake: Intake::new(
                (config.ingest, config.mappings.clone()),
                config.http.bounds,
                Budget::new(config.quarantine),
                Arc::clone(&clock),
            ),
            rates: Rates::new(&config.http),
            clock,
            metrics,
            core: RwLock::new(None),
        }
    }

    /// From now on requests are served.
    pub(crate) fn open(&self, core: Arc<Core>) {
        *self.core.write() = Some(core);
    }

    /// What is open, or an answer that says to come back.
    pub(crate) fn core(&self) -> Result<Arc<Core>, Problem> {
        self.core.read().clone().ok_or_else(|| {
            Problem::unavailable("the service is starting: its log is being replayed")
        })
    }
}
