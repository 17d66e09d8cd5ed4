//! `bartizan demo`: the service, a day of an invented company's logs with attacks hidden in it, and what it makes
//! of them.
//!
//! Nothing here is special to the demo but the logs and the sinks: they go in over HTTP, the shipped rules run,
//! mails and webhooks leave over the network.

mod check;
mod count;
mod sinks;
mod story;
mod stream;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use store::{Clock, SystemClock, Timestamp};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cli::DemoArguments;
use crate::client::Client;
use crate::config::{ClientConfig, Config};
use crate::generate::{BACKEND_CIDR, GATEWAY_CIDR, Plan};
use crate::service::Service;
use crate::terminal;
use sinks::{SmtpSink, WebhookSink};

/// A secret of no other use; the sink checks signatures by it.
const WEBHOOK_SECRET: &str = "whsec_ZGVtby1zZWNyZXQtb2Ytbm8tb3RoZXItdXNl";

/// Gateway requests a minute, as a mean over the day: sixty thousand records or so.
const REQUESTS_PER_MINUTE: u32 = 30;

pub(crate) async fn run(arguments: DemoArguments) -> anyhow::Result<ExitCode> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let folder = tempfile::tempdir().context("make a folder for the demo")?;
    let (mail_sink, mail_address, mails) = SmtpSink::bind().await.context("start the mail sink")?;
    let (hook_sink, hook_address, events) = WebhookSink::bind(WEBHOOK_SECRET, Arc::clone(&clock))
        .await
        .context("start the webhook sink")?;
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(mail_sink.run(stop.clone()));
    tasks.spawn(hook_sink.run(stop.clone()));

    let text = configuration(
        folder.path(),
        &arguments,
        mail_address.port(),
        &hook_address.to_string(),
    );
    let mut config = Config::from_text(&text)?;
    let key = format!("demo-{}", uuid::Uuid::new_v4().simple());
    config.admin_key = Some(alerts::Secret::new(key.clone()));
    let service = Service::start(config, Arc::clone(&clock)).await?;
    let client = Client::new(ClientConfig {
        url: service.url(),
        key: Some(alerts::Secret::new(key.clone())),
    })?;
    let plan = Plan {
        seed: arguments.seed,
        start: a_tuesday_before(clock.now()),
        hours: 24,
        requests_per_minute: REQUESTS_PER_MINUTE,
        attacks: true,
    };
    terminal::line(format!(
        "bartizan is up at {}, its data in {}",
        service.url(),
        folder.path().display()
    ));
    let mut story = story::Story::new(Arc::clone(&service.core), mails, events);
    let sent = stream::send(&plan, &client, &mut story).await?;
    terminal::line(format!(
        "{} records ({:.1} MB) of the day {} are in",
        sent.records,
        sent.megabytes(),
        day(plan.start)
    ));
    count::check(&sent.rows, &client).await?;
    story.finish(&plan).await?;
    let verdict = check::verdict(
        &plan,
        service.core.alerts.rules(),
        story.incidents(),
        story.messages(),
    );
    verdict.print();
    let code = if verdict.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    if !arguments.exit {
        hints(&service.url(), &key);
        tokio::signal::ctrl_c().await.context("wait for Ctrl-C")?;
    }
    service.stop().await?;
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    Ok(code)
}

fn configuration(
    folder: &std::path::Path,
    arguments: &DemoArguments,
    mail_port: u16,
    hook: &str,
) -> String {
    let data = folder.join("data");
    format!(
        "data = '{}'
         listen = '{}'
         [store]
         flush_interval = '10s'
         [limits]
         ingest_requests_per_second = 100000
         requests_per_second = 1000
         address_requests_per_second = 100000
         [watchlists]
         gateway_addresses = ['{GATEWAY_CIDR}']
         backend_addresses = ['{BACKEND_CIDR}']
         [rules]
         lateness = '3m'
         idle = '2s'
         interval = '500ms'
         [smtp]
         host = '127.0.0.1'
         port = {mail_port}
         tls = 'none'
         from = 'Bartizan <bartizan@demo.invalid>'
         [[receivers]]
         name = 'demo'
         email = {{ to = ['oncall@demo.invalid'] }}
         webhook = {{ url = 'http://{hook}/hook', secret = '{WEBHOOK_SECRET}', allow_private = true }}
        ",
        data.display(),
        arguments.listen,
    )
}

const DAY: Duration = Duration::from_hours(24);

/// Midnight of the last Tuesday that is over: an ordinary day at work, whenever the demo runs.
fn a_tuesday_before(now: Timestamp) -> Timestamp {
    let day_micros = i64::try_from(DAY.as_micros()).unwrap_or(i64::MAX);
    let today = now.as_micros().div_euclid(day_micros);
    // Day 0, 1970-01-01, was a Thursday, so Tuesdays are the days 5, 12, ...
    let since_tuesday = (today - 5).rem_euclid(7);
    let days_back = if since_tuesday == 0 { 7 } else { since_tuesday };
    Timestamp::from_micros((today - days_back) * day_micros)
}

fn day(start: Timestamp) -> String {
    start.to_rfc3339().chars().take(10).collect()
}

fn hints(url: &str, key: &str) {
    let program = std::env::current_exe().ok();
    let program = program.map_or_else(|| "bartizan".to_owned(), |path| path.display().to_string());
    terminal::line(format!(
        "
The service stays up until Ctrl-C. What to try next:

  read the API's description         {url}/docs
  see the incidents                  curl -H 'Authorization: Bearer {key}' {url}/api/v1/incidents
  ask something                      {program} query --url {url} --key {key} \\
                                       \"select CallerIpAddress, count(*) as calls from ApiManagementGatewayLogs
                                        where ResponseCode = 401 group by CallerIpAddress order by calls desc limit 5\"
  send a log of your own             curl -H 'Authorization: Bearer {key}' {url}/api/v1/ingest -d \\
                                       '{{\"records\":[{{\"time\":\"2026-01-01T00:00:00Z\",\"category\":\"GatewayLogs\",
                                         \"operationName\":\"Microsoft.ApiManagement/GatewayLogs\",
                                         \"properties\":{{\"method\":\"GET\",\"url\":\"https://api.example.org/\",\"responseCode\":200}}}}]}}'
"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_a_tuesday_that_is_over() {
        let now = Timestamp::parse_rfc3339("2026-11-23T11:00:00Z").unwrap();
        assert_eq!(day(a_tuesday_before(now)), "2026-11-17");
        let tuesday = Timestamp::parse_rfc3339("2026-11-24T11:00:00Z").unwrap();
        assert_eq!(day(a_tuesday_before(tuesday)), "2026-11-17");
    }
}
