//! The HTTP API: a table of routes, who may use them, and what they answer.

mod app;
mod authorize;
mod incidents;
mod ingest;
mod keys;
mod openapi;
mod problem;
mod query;
mod rates;
mod routes;
mod rules;
mod system;

pub(crate) use app::{App, Core, MetricsHandle};
pub(crate) use routes::router;

#[cfg(test)]
mod tests;
