//! Why a mapping did not take records, for whoever writes it.

use super::compile::Compiled;
use super::{Condition, Format, Lines, Mappings, Test, matching, parse_line};
use crate::carrier;
use crate::envelope::{Envelope, Piece};
use crate::json::{Fields, ObjectWriter};
use crate::kind;

/// A record that no mapping took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// Its place among the records of the body, from 1.
    pub record: usize,
    /// Byte of the body at which it begins.
    pub at: usize,
    /// What the mapping misses in it.
    pub reason: String,
}

/// The first records of a body that the mappings do not take, `count_max` of them at most.
pub fn misses(mappings: &Mappings, body: &[u8], count_max: usize) -> Vec<Miss> {
    if mappings.takes_lines()
        && let Some(lines) = Lines::of(body)
    {
        return lines_missed(lines, body, count_max);
    }
    let mut found = Vec::new();
    let mut envelope = Envelope::new(body, body.len());
    let mut record = 0_usize;
    while found.len() < count_max
        && let Some(piece) = envelope.next()
    {
        record = record.saturating_add(1);
        let (at, reason) = match piece {
            Piece::Broken { range, reason } => (range.start, Some(reason)),
            Piece::Record { range, fields } => (range.start, reason(mappings, &fields)),
            Piece::Rewritten { range, text, .. } => {
                let fields = Fields::parse(&text);
                (
                    range.start,
                    fields.and_then(|fields| reason(mappings, &fields)),
                )
            }
        };
        if let Some(reason) = reason {
            found.push(Miss { record, at, reason });
        }
    }
    found
}

fn lines_missed(lines: Lines<'_>, body: &[u8], count_max: usize) -> Vec<Miss> {
    let mut object = ObjectWriter::default();
    let missed = lines.zip(1..).filter(|(range, _)| {
        let line = body.get(range.clone()).unwrap_or_default();
        !parse_line(line, &mut object)
    });
    let told = missed.map(|(range, record)| Miss {
        record,
        at: range.start,
        reason: "it is no line of the Combined Log Format".to_owned(),
    });
    told.take(count_max).collect()
}

fn reason(mappings: &Mappings, record: &Fields<'_>) -> Option<String> {
    if let Some(kind) = kind::own(record) {
        return Some(format!(
            "it is a record of Azure ({kind:?}), and those go first"
        ));
    }
    if mappings.find(record).is_some() || is_carried(mappings, record) {
        return None;
    }
    let reasons: Vec<_> = mappings
        .all()
        .map(|mapping| missing(mapping, record))
        .collect();
    Some(reasons.join("; "))
}

/// Whether an event of a shipper carries a record that is taken.
fn is_carried(mappings: &Mappings, event: &Fields<'_>) -> bool {
    let text = carrier::inside(event);
    let inner = text.as_deref().and_then(Fields::parse);
    if inner.is_some_and(|inner| mappings.find(&inner).is_some()) {
        return true;
    }
    let line = carrier::line(event).filter(|_| mappings.takes_lines());
    line.is_some_and(|line| parse_line(line.as_bytes(), &mut ObjectWriter::default()))
}

fn missing(mapping: &Compiled, record: &Fields<'_>) -> String {
    if mapping.format == Format::Combined {
        return "it is JSON, and carries no line of the Combined Log Format".to_owned();
    }
    let mut conditions = mapping.conditions.iter();
    match conditions.find(|condition| !matching::holds(condition, record)) {
        Some(condition) => unmet(condition),
        None => "it matches".to_owned(),
    }
}

fn unmet(condition: &Condition) -> String {
    let paths: Vec<_> = condition.paths.iter().map(ToString::to_string).collect();
    let paths = paths.join(" or ");
    match &condition.test {
        Test::Present => format!("it has no {paths}"),
        Test::Absent => format!("it has {paths}"),
        Test::Equals(text) => format!("its {paths} is not '{text}'"),
        Test::Within(bounds) => format!("its {paths} is no number {bounds}"),
    }
}
