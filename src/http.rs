//! The HTTP API: a table of routes, who may use them, and what they answer.

mod app;
mod arrived;
mod authorize;
mod bulk;
mod credential;
mod deliveries;
mod elastic;
mod forms;
mod incidents;
mod ingest;
mod keys;
mod kusto;
mod log_analytics;
mod logs_ingestion;
mod openapi;
mod otlp;
mod problem;
mod quarantine;
mod query;
mod rates;
mod routes;
mod rules;
mod sources;
mod system;
mod timespan;
mod watchlists;

pub(crate) use app::{App, Core, MetricsHandle};
pub(crate) use routes::router;

#[cfg(test)]
mod tests;
