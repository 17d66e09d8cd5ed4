//! Bounds on what a body may hold.

/// Bounds on a body. Its own length is bounded where it is decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records in a body, broken ones included. Beyond it the body is refused as a whole.
    pub records_max: usize,
    /// Bytes of a record. A longer one is quarantined, cut to this length.
    pub record_bytes_max: usize,
    /// Objects and lists in each other within a record. A deeper one is quarantined, so that no
    /// reader of `AdditionalFields` needs to fear for its stack.
    pub depth_max: usize,
    /// Bytes of text that flow tuples may repeat from their records, which are written once but
    /// become part of every row. Beyond it flow logs of the body are quarantined.
    pub copies_max: usize,
    /// Bytes of quarantined records that are kept. Of those beyond it only reason, length and digest are.
    pub quarantine_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            records_max: 100_000,
            record_bytes_max: 4 << 20,
            depth_max: 64,
            copies_max: 512 << 20,
            quarantine_bytes_max: 16 << 20,
        }
    }
}
