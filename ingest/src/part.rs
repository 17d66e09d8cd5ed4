//! A part of a longer text, which its sender can only send as it is: what can't be read in it is kept, all of it.

use store::Table;

use crate::columns::Constants;
use crate::decode::{Context, DecodeError, Decoded, Limits, decode};
use crate::envelope::{Envelope, Piece};
use crate::quarantine::{Kept, Quarantine};
use crate::refused;

/// Decodes as [`decode()`] does, but a part in which no record can be told apart goes to quarantine line by line.
pub fn decode_part(
    context: &Context<'_>,
    limits: &Limits,
    part: &[u8],
) -> Result<Decoded, DecodeError> {
    match decode(context, limits, part) {
        Err(DecodeError::Unreadable { reason, .. }) => {
            quarantine_all(context, limits, part, &reason)
        }
        Err(DecodeError::Empty) => Ok(Decoded {
            parts: Vec::new(),
            accepted: 0,
            quarantined: 0,
            mapped: Vec::new(),
            kept: Kept::default(),
        }),
        decoded => decoded,
    }
}

fn quarantine_all(
    context: &Context<'_>,
    limits: &Limits,
    part: &[u8],
    reason: &str,
) -> Result<Decoded, DecodeError> {
    let mut quarantine = Quarantine::new(limits.record_bytes_max, limits.quarantine_bytes_max);
    let mut envelope = Envelope::new(part, limits.record_bytes_max);
    let mut quarantined = 0_u64;
    let is_refused = refused::why(part).is_some();
    while !is_refused && let Some(piece) = envelope.next() {
        if let Piece::Broken { range, reason } = piece {
            quarantined = quarantined.saturating_add(1);
            let bytes = part.get(range.clone()).unwrap_or_default();
            quarantine.write(context, range.start, bytes, &reason);
        }
    }
    if quarantined == 0 {
        quarantined = 1;
        quarantine.write(context, 0, part, reason);
    }
    let constants = Constants {
        workspace: context.workspace,
        received: context.received,
    };
    let (columns, kept) = quarantine.into_columns();
    let rows = columns.finish(&constants)?;
    Ok(Decoded {
        parts: vec![(Table::Quarantine, rows)],
        accepted: 0,
        quarantined,
        mapped: Vec::new(),
        kept,
    })
}

#[cfg(test)]
mod tests {
    use store::{Timestamp, Workspace};

    use super::*;
    use crate::Mappings;

    #[track_caller]
    fn check(part: &str, accepted: u64, quarantined: u64) {
        let context = Context {
            workspace: &Workspace::default(),
            batch: "b",
            source: "file",
            received: Timestamp::from_micros(0),
            mappings: &Mappings::default(),
        };
        let decoded = decode_part(&context, &Limits::default(), part.as_bytes()).unwrap();
        let found = (decoded.accepted, decoded.quarantined);
        assert_eq!(found, (accepted, quarantined), "{part}");
    }

    #[test]
    fn a_part_without_a_record_is_kept_line_by_line() {
        check("one line\nanother line\n", 0, 2);
        check("]}", 0, 1);
        check("a,\"TimeGenerated [Local Time]\"\n1,2\n3,4\n", 0, 1);
        check(" \n", 0, 0);
        check(
            "{\"time\":\"2026-01-01T00:00:00Z\",\"resourceId\":\"/a/b\",\"category\":\"x\"}\nnoise\n",
            1,
            1,
        );
    }
}
