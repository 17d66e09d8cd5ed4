//! What a test did, for the table in the documents.

use std::fs;
use std::path::PathBuf;

/// One line of the table.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Its place in the table.
    pub(super) test: &'static str,
    /// What is done.
    pub(super) procedure: &'static str,
    pub(super) rounds: u64,
    pub(super) faults: u64,
    pub(super) acknowledged: u64,
    pub(super) lost: u64,
    pub(super) doubled: u64,
    /// Whether rows must be lost, because a part of the promise is switched off.
    pub(super) expects_loss: bool,
}

impl Record {
    /// Leaves the line in the folder that was asked for, if one was.
    pub(super) fn write(&self) {
        #[expect(
            clippy::disallowed_methods,
            reason = "where a test reports to is no setting of the service"
        )]
        let Ok(folder) = std::env::var("BARTIZAN_DURABILITY") else {
            return;
        };
        let line = serde_json::json!({
            "test": self.test,
            "procedure": self.procedure,
            "rounds": self.rounds,
            "faults": self.faults,
            "acknowledged": self.acknowledged,
            "lost": self.lost,
            "doubled": self.doubled,
            "expects_loss": self.expects_loss,
            "effort": super::rounds(1),
        });
        fs::create_dir_all(&folder).unwrap();
        let name: String = self
            .test
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        fs::write(
            PathBuf::from(folder).join(format!("{name}.json")),
            line.to_string(),
        )
        .unwrap();
    }
}
