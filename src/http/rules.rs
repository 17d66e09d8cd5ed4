//! `GET /api/v1/rules`.

use std::collections::HashMap;
use std::sync::Arc;

use ::alerts::RuleState;
use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::app::App;
use super::problem::{Problem, ProblemBody};
use crate::keys::Principal;

/// The rules and how they do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleList {
    rules: Vec<RuleView>,
    /// Files that could not be loaded; their rules do not run.
    failing: Vec<RuleFailureView>,
}

/// A rule that runs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuleView {
    id: String,
    name: String,
    version: String,
    description: String,
    severity: String,
    tactics: Vec<String>,
    relevant_techniques: Vec<String>,
    /// Distance between two windows, in seconds.
    query_frequency_seconds: u64,
    /// Length of a window, in seconds.
    query_period_seconds: u64,
    query: String,
    /// Windows evaluated so far.
    windows: u64,
    /// End of the window that comes next, in event time; null before the first event.
    next_window_end: Option<String>,
    /// The last error, while its evaluation fails.
    error: Option<String>,
}

/// A rule that does not run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleFailureView {
    file: String,
    line: Option<usize>,
    reason: String,
}

/// Lists the rules.
#[utoipa::path(get, path = "/api/v1/rules", tag = "incidents", security(("key" = [])), responses(
    (status = 200, description = "Rules that run and rules that don't", body = RuleList),
    (status = 403, description = "The key lacks the scope `read`", body = ProblemBody)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<RuleList>, Problem> {
    let core = app.core()?;
    let states = core.alerts.rule_states(&principal.workspace).await;
    let states = states.map_err(|error| Problem::internal("read the rules' states", &error))?;
    let states: HashMap<String, RuleState> = states
        .into_iter()
        .map(|state| (state.rule_id.clone(), state))
        .collect();
    let set = core.alerts.rules();
    let failing = set.failures.iter().map(|failure| RuleFailureView {
        file: failure.file.clone(),
        line: failure.line,
        reason: failure.reason.clone(),
    });
    let rules = set
        .rules
        .iter()
        .map(|rule| view(rule, states.get(&rule.id)));
    Ok(Json(RuleList {
        rules: rules.collect(),
        failing: failing.collect(),
    }))
}

fn view(rule: &::alerts::Rule, state: Option<&RuleState>) -> RuleView {
    RuleView {
        id: rule.id.clone(),
        name: rule.name.clone(),
        version: rule.version.clone(),
        description: rule.description.clone(),
        severity: rule.severity.to_string(),
        tactics: rule.tactics.clone(),
        relevant_techniques: rule.techniques.clone(),
        query_frequency_seconds: rule.frequency.as_secs(),
        query_period_seconds: rule.period.as_secs(),
        query: rule.query.clone(),
        windows: state.map_or(0, |state| state.windows),
        next_window_end: state.map(|state| state.next_window_end.to_rfc3339()),
        error: state
            .and_then(|state| state.failing.as_ref())
            .map(|failing| failing.error.clone()),
    }
}
