//! The crate's one service: rules evaluated, incidents kept, deliveries made.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use query::Engine;
use store::{Clock, Store, Workspace};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::deliver::{DeliverError, Delivered, Deliverer};
use crate::evaluate::{EvaluateError, Evaluator, IncidentOpened, Outcome, with_sources};
use crate::incidents::{self, Change, Filter, Incident, IncidentChange, Target, Updated};
use crate::outbox::{self, Delivery, DeliveryFilter, Resent};
use crate::rules::RuleSet;
use crate::settings::Settings;
use crate::state::{self, RuleState};

/// Incidents that a slow listener may be behind before it loses some.
const OPENED_BACKLOG: usize = 256;

/// How long one rule may catch up before others have their turn.
const SHARE: Duration = Duration::from_secs(1);

/// Shortest pause between two passes, so that many small batches share one.
const PAUSE_MIN: Duration = Duration::from_millis(200);

/// How often metrics of deliveries are brought up to date.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// Why the service can't start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A receiver can't be used.
    #[error("set up the receivers")]
    Receivers(#[from] DeliverError),
    /// The outbox can't be used.
    #[error("release the leases of the outbox")]
    Outbox(#[from] sqlx::Error),
}

/// Rules, incidents and deliveries of a deployment.
#[derive(Debug)]
pub struct Service {
    evaluator: Evaluator,
    deliverer: Deliverer,
    rules: RuleSet,
    opened: broadcast::Sender<IncidentOpened>,
}

impl Service {
    /// Loads and plans the rules, checks the receivers and takes back leases of a former process.
    pub async fn open(
        store: Arc<Store>,
        engine: Arc<Engine>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let workspace = settings.workspaces.first().cloned().unwrap_or_default();
        let rules = check_rules(
            settings.rules_directory.as_deref(),
            &settings.rules_disabled,
            Some((engine.as_ref(), &workspace)),
        )
        .await;
        for failure in &rules.failures {
            tracing::error!(rule.file = %failure.file, "rule does not run: {failure}");
        }
        let deliverer = Deliverer::new(store.database().clone(), Arc::clone(&clock), &settings)?;
        let released = deliverer.recover().await?;
        tracing::info!(
            rules = rules.rules.len(),
            failing = rules.failures.len(),
            released,
            "opened alerts"
        );
        let (opened, _) = broadcast::channel(OPENED_BACKLOG);
        let evaluator = Evaluator {
            started: clock.now(),
            store,
            engine,
            clock,
            settings,
            rules: rules.rules.clone(),
            opened: opened.clone(),
        };
        Ok(Self {
            evaluator,
            deliverer,
            rules,
            opened,
        })
    }

    /// Evaluates and delivers until `token` is cancelled. Cancelling loses nothing: what was not
    /// committed is done again at the next start.
    pub async fn run(self: Arc<Self>, token: CancellationToken) {
        let work = async { tokio::join!(self.evaluate_forever(), self.deliver_forever()) };
        tokio::select! {
            () = token.cancelled() => {}
            ((), ()) = work => {}
        }
    }

    async fn evaluate_forever(&self) {
        let mut changes = self.evaluator.store.changes();
        let interval = self.evaluator.settings.interval.max(PAUSE_MIN);
        loop {
            changes.borrow_and_update();
            match self.evaluator.pass(SHARE).await {
                Ok(pass) if pass.is_behind => continue,
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(error = with_sources(&error), "failed to evaluate the rules");
                }
            }
            tokio::time::sleep(PAUSE_MIN).await;
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                Ok(()) = changes.changed() => {}
            }
        }
    }

    /// Each receiver has a loop of its own, so that none waits for another.
    async fn deliver_forever(&self) {
        let receivers = self.deliverer.receivers();
        let queues = receivers.map(|receiver| self.deliver_forever_to(receiver));
        tokio::join!(futures::future::join_all(queues), self.look_after_queues());
    }

    async fn deliver_forever_to(&self, receiver: &str) {
        let mut opened = self.subscribe();
        let interval = self
            .evaluator
            .settings
            .interval
            .min(Duration::from_secs(1))
            .max(PAUSE_MIN);
        loop {
            if let Err(error) = self.deliverer.deliver_due_to(receiver).await {
                tracing::error!(
                    error = with_sources(&error),
                    receiver,
                    "failed to use the outbox"
                );
            }
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                Ok(_opened) = opened.recv() => {}
            }
        }
    }

    async fn look_after_queues(&self) {
        let mut told = BTreeSet::new();
        loop {
            let looked = async {
                self.deliverer.postpone_unknown().await?;
                self.deliverer.measure(&mut told).await
            };
            if let Err(error) = looked.await {
                tracing::error!(
                    error = with_sources(&error),
                    "failed to look after the outbox"
                );
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Evaluates every window that is due, once.
    pub async fn evaluate_due(&self) -> Result<Outcome, EvaluateError> {
        let mut total = Outcome::default();
        loop {
            let pass = self.evaluator.pass(SHARE).await?;
            total.add(pass.outcome);
            if !pass.is_behind {
                return Ok(total);
            }
        }
    }

    /// Tries every delivery that is due, once.
    pub async fn deliver_due(&self) -> Result<Delivered, DeliverError> {
        self.deliverer.deliver_due().await
    }

    /// The rules that run and those that can't.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// Where each rule stands; one that has seen no event yet is not among them.
    pub async fn rule_states(&self, workspace: &Workspace) -> sqlx::Result<Vec<RuleState>> {
        state::list(self.evaluator.database(), workspace).await
    }

    /// Incidents, newest first.
    pub async fn list(&self, workspace: &Workspace, filter: Filter) -> sqlx::Result<Vec<Incident>> {
        incidents::list(self.evaluator.database(), workspace, filter).await
    }

    /// One incident.
    pub async fn get(&self, workspace: &Workspace, number: i64) -> sqlx::Result<Option<Incident>> {
        incidents::get(self.evaluator.database(), workspace, number).await
    }

    /// Changes an incident if it still has `expected_version`.
    pub async fn update(
        &self,
        workspace: &Workspace,
        (number, expected_version): (i64, i64),
        change: &Change,
        actor: &str,
    ) -> sqlx::Result<Updated> {
        let target = Target {
            workspace,
            number,
            expected_version,
            actor,
        };
        incidents::update(
            self.evaluator.database(),
            target,
            change,
            self.evaluator.clock.now(),
        )
        .await
    }

    /// What people did to an incident, oldest first.
    pub async fn changes(
        &self,
        workspace: &Workspace,
        number: i64,
    ) -> sqlx::Result<Vec<IncidentChange>> {
        incidents::changes(self.evaluator.database(), workspace, number).await
    }

    /// Deliveries, newest first.
    pub async fn deliveries(
        &self,
        workspace: &Workspace,
        filter: &DeliveryFilter,
    ) -> sqlx::Result<Vec<Delivery>> {
        outbox::list(self.evaluator.database(), workspace, filter).await
    }

    /// Makes a delivery that was given up, or that waits, due now.
    pub async fn resend(&self, workspace: &Workspace, id: &str) -> sqlx::Result<Resent> {
        let now = self.evaluator.clock.now();
        outbox::resend(self.evaluator.database(), workspace, id, now).await
    }

    /// Tells of incidents from now on, as they open.
    pub fn subscribe(&self) -> broadcast::Receiver<IncidentOpened> {
        self.opened.subscribe()
    }
}

/// Reads the shipped rules and those of `directory`, and plans their queries if there is an engine.
pub async fn check_rules(
    directory: Option<&Path>,
    disabled: &[String],
    engine: Option<(&Engine, &Workspace)>,
) -> RuleSet {
    let mut rules = RuleSet::load(directory, disabled);
    if let Some((engine, workspace)) = engine {
        rules.plan(engine, workspace).await;
    }
    rules
}
