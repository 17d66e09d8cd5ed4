//! What comes of the logs: incidents as they open, and the messages about them.

use std::sync::Arc;
use std::time::Duration;

use alerts::{Incident, IncidentOpened};
use anyhow::bail;
use indicatif::ProgressBar;
use store::{Timestamp, Workspace};
use tokio::sync::{broadcast, mpsc};
use tokio::time::Instant;

use super::sinks::{ReceivedEvent, ReceivedMail};
use crate::generate::Plan;
use crate::http::Core;
use crate::terminal;

/// Messages that arrived at the sinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Messages {
    pub(super) mails: usize,
    pub(super) webhooks: usize,
}

/// Listens to a service and tells what it hears.
pub(super) struct Story {
    core: Arc<Core>,
    opened: broadcast::Receiver<IncidentOpened>,
    mails: mpsc::Receiver<ReceivedMail>,
    events: mpsc::Receiver<ReceivedEvent>,
    incidents: Vec<Incident>,
    messages: Messages,
}

/// Event time by which the stream may be ahead of the rules; a longer lead would be counted as their latency.
const LEAD_MAX: Duration = Duration::from_mins(45);

/// How long the last windows and messages may take.
const END_MAX: Duration = Duration::from_mins(3);

const PAUSE: Duration = Duration::from_millis(20);

impl Story {
    pub(super) fn new(
        core: Arc<Core>,
        mails: mpsc::Receiver<ReceivedMail>,
        events: mpsc::Receiver<ReceivedEvent>,
    ) -> Self {
        let opened = core.alerts.subscribe();
        Self {
            core,
            opened,
            mails,
            events,
            incidents: Vec::new(),
            messages: Messages::default(),
        }
    }

    pub(super) fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    pub(super) fn messages(&self) -> Messages {
        self.messages
    }

    /// Tells of every incident that opened since the last time.
    pub(super) async fn tell(&mut self, bar: &ProgressBar) -> anyhow::Result<()> {
        while let Ok(opened) = self.opened.try_recv() {
            let Some(incident) = self
                .core
                .alerts
                .get(&opened.workspace, opened.number)
                .await?
            else {
                bail!("incident {} is gone", opened.number);
            };
            bar.suspend(|| tell_of(&incident));
            self.incidents.push(incident);
        }
        while let Ok(mail) = self.mails.try_recv() {
            self.messages.mails += 1;
            let recipients = mail.to.join(", ");
            let text = format!("    e-mail to {recipients}: {}", mail.subject);
            bar.suspend(|| terminal::line(terminal::visible(&text)));
        }
        while let Ok(event) = self.events.try_recv() {
            self.messages.webhooks += 1;
            let text = format!(
                "    webhook {}, signature verified: {}",
                event.id, event.event["type"]
            );
            bar.suspend(|| terminal::line(terminal::visible(&text)));
        }
        Ok(())
    }

    /// Waits while the rules are far behind `time`.
    pub(super) async fn wait_for_rules(&self, time: Timestamp) -> anyhow::Result<()> {
        let deadline = Instant::now() + END_MAX;
        while self
            .rules_reach()
            .await?
            .is_some_and(|reach| time.since(reach) > LEAD_MAX)
        {
            if Instant::now() > deadline {
                bail!("the rules do not keep up");
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Waits until every window of the day is evaluated and every message has arrived.
    pub(super) async fn finish(&mut self, plan: &Plan) -> anyhow::Result<()> {
        let end = plan.start.plus(Duration::from_hours(u64::from(plan.hours)));
        let deadline = Instant::now() + END_MAX;
        let hidden = ProgressBar::hidden();
        loop {
            self.tell(&hidden).await?;
            let evaluated = self.rules_reach().await?.is_some_and(|reach| reach > end);
            let arrived = self.messages.mails >= self.incidents.len()
                && self.messages.webhooks >= self.incidents.len();
            if evaluated && arrived {
                return Ok(());
            }
            if Instant::now() > deadline {
                terminal::line("the last windows or messages did not come in time");
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The earliest window that some rule has yet to evaluate.
    async fn rules_reach(&self) -> anyhow::Result<Option<Timestamp>> {
        let states = self.core.alerts.rule_states(&Workspace::default()).await?;
        if states.len() < self.core.alerts.rules().rules.len() {
            return Ok(None);
        }
        Ok(states.iter().map(|state| state.next_window_end).min())
    }
}

fn tell_of(incident: &Incident) {
    let minute = |time: Timestamp| {
        time.to_rfc3339()
            .chars()
            .skip(11)
            .take(5)
            .collect::<String>()
    };
    let entities: Vec<String> = incident.entities.iter().map(ToString::to_string).collect();
    let mut lines = vec![
        String::new(),
        format!(
            "[{}] {} ({})",
            incident.severity,
            incident.title,
            entities.join(", ")
        ),
        format!(
            "    {} to {} \u{b7} {}",
            minute(incident.first_activity),
            minute(incident.last_activity),
            incident.tactics.join(", ")
        ),
        format!("    why: {}", incident.reason),
    ];
    lines.extend(
        incident
            .details
            .iter()
            .map(|(name, value)| format!("         {name}: {value}")),
    );
    if let Some(row) = incident.evidence.rows.first() {
        let cells = incident
            .evidence
            .columns
            .iter()
            .zip(row)
            .filter(|(_, cell)| !cell.is_empty());
        let cells: Vec<String> = cells
            .map(|(column, cell)| format!("{column}={cell}"))
            .collect();
        lines.push(format!("    such as: {}", cells.join(" ")));
    }
    if let Some(received) = incident.received {
        let latency = incident.created.since(received).as_secs_f64();
        lines.push(format!("    opened {latency:.1} s after the log came in"));
    }
    terminal::line(terminal::visible(&lines.join("\n")));
}
