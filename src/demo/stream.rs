//! Sends the day over HTTP, in event-time order, as fast as the rules keep up.

use std::collections::BTreeMap;

use indicatif::{ProgressBar, ProgressStyle};

use super::story::Story;
use crate::client::Client;
use crate::generate::{Kind, Plan, pieces};

/// What was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    pub(super) records: u64,
    bytes: usize,
    /// Rows that the records are, by kind.
    pub(super) rows: BTreeMap<Kind, u64>,
}

impl Sent {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub(super) fn megabytes(&self) -> f64 {
        self.bytes as f64 / 1e6
    }
}

/// Pieces between two looks at what came of them.
const PIECES_PER_LOOK: usize = 25;

pub(super) async fn send(plan: &Plan, client: &Client, story: &mut Story) -> anyhow::Result<Sent> {
    let bar = ProgressBar::new(u64::from(plan.hours) * 60);
    bar.set_style(ProgressStyle::with_template("{bar:40} {msg}")?);
    let mut sent = Sent::default();
    for (place, piece) in pieces(plan).enumerate() {
        let minute = piece.time.since(plan.start).as_secs() / 60;
        sent.records += u64::from(piece.records);
        sent.bytes += piece.body.len();
        *sent.rows.entry(piece.kind).or_default() += u64::from(piece.rows);
        let answer = client.post("/api/v1/ingest", piece.body).await?;
        let answer: serde_json::Value = serde_json::from_slice(&answer)?;
        anyhow::ensure!(
            answer["accepted"] == piece.records && answer["quarantined"] == 0,
            "the service took {answer} of {} records",
            piece.records
        );
        bar.set_position(minute);
        bar.set_message(format!("{:02}:{:02} of the day", minute / 60, minute % 60));
        if place % PIECES_PER_LOOK == 0 {
            story.tell(&bar).await?;
            story.wait_for_rules(piece.time).await?;
        }
    }
    story.tell(&bar).await?;
    bar.finish_and_clear();
    Ok(sent)
}
