//! Whether every row that was sent is there, once.

use std::collections::BTreeMap;

use anyhow::ensure;

use crate::client::Client;
use crate::generate::Kind;

/// Compares the rows of each table with what was sent to it.
pub(super) async fn check(rows: &BTreeMap<Kind, u64>, client: &Client) -> anyhow::Result<()> {
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    for (kind, count) in rows {
        *expected.entry(table(*kind)).or_default() += count;
    }
    for (table, count) in expected {
        let question = serde_json::json!({"query": format!("select count(*) as n from {table}")});
        let answer = client.post("/api/v1/query", question.to_string()).await?;
        let answer: serde_json::Value = serde_json::from_slice(&answer)?;
        let found = &answer["rows"][0][0];
        ensure!(
            *found == count,
            "{table} has {found} rows, but {count} were sent"
        );
    }
    Ok(())
}

fn table(kind: Kind) -> &'static str {
    match kind {
        Kind::Gateway => "ApiManagementGatewayLogs",
        Kind::VnetFlow | Kind::NsgFlow => "NTANetAnalytics",
        Kind::Activity => "AzureActivity",
    }
}
