//! Rules to findings to incidents to deliveries.
//!
//! Data flows one way: a window of events, a rule's query over it, findings, an alert each, the
//! incident that it opens or joins, and a message in the outbox, which is leased and delivered. A
//! window's results and the move to the next window are one transaction. Nothing here knows HTTP
//! requests, configuration files or tokens.

mod deliver;
mod evaluate;
mod finding;
mod incidents;
mod model;
mod outbox;
mod rows;
mod rules;
mod service;
mod settings;
mod state;
mod stored;
mod window;

pub use deliver::{
    AddressReach, AddressRefused, DeliverError, Delivered, GuardedResolver, MailError,
    WebhookError, is_address_allowed, is_host_allowed, sign,
};
pub use evaluate::{EvaluateError, IncidentOpened, Outcome};
pub use incidents::{
    Change, Classification, ClassificationReason, Filter, Incident, IncidentChange, LIST_MAX,
    Refusal, Status, Updated,
};
pub use model::{Entity, Evidence, Severity};
pub use outbox::{Delivery, DeliveryFilter, DeliveryStatus, Resent};
pub use rules::{
    Aggregation, EntityMapping, Grouping, Rule, RuleFailure, RuleSet, TextOverride, Trigger,
    TriggerOperator, parse_rule,
};
pub use service::{OpenError, Service, check_rules};
pub use settings::{
    EmailSettings, Receiver, ReceiverKind, Secret, Settings, SmtpCredentials, SmtpSecurity,
    SmtpSettings, WebhookSettings,
};
pub use state::{Failing, RuleState};
pub use window::{Patience, Reach, Window, ends_of_step, first_end, watermark};

#[cfg(test)]
mod tests;
