//! Members of a record under the names that Azure's diagnostics mode gives them in `AzureDiagnostics`: `clientIP` is
//! `clientIP_s`, `claim` in `identity` is `identity_claim_...`, and what a value is, is told by its suffix.
//!
//! Azure makes a column for every name; here a record can't make any, so that only those are filled that the
//! table has from the start. They repeat what `AdditionalFields` has.

use store::Table;

use crate::columns::{Columns, Place};
use crate::json::{self, Fields};
use crate::names::Names;
use crate::time;

/// Suffixes: text, number, truth, GUID, instant.
const SUFFIXES: [&str; 5] = ["_s", "_d", "_b", "_g", "_t"];

/// Objects in objects that are entered.
const DEPTH_MAX: usize = 4;

/// Longest name that is looked up; no column has a longer one.
const NAME_BYTES_MAX: usize = 128;

/// The columns with a suffix.
#[derive(Debug)]
pub(super) struct Flat {
    names: Names<Place>,
}

impl Flat {
    /// Those of a table; `None` where there are none.
    pub(super) fn of(table: Table) -> Option<Self> {
        if table != Table::AzureDiagnostics {
            return None;
        }
        let mut names = Names::new();
        let columns = table.columns().iter().map(|column| column.name);
        let has_suffix = |name: &&str| SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
        for name in columns.filter(has_suffix) {
            names.add(name, Place::of(table, name));
        }
        Some(Self { names })
    }

    /// Sets the columns of the members of an object, which is a JSON text.
    pub(super) fn put_object(&self, columns: &mut Columns, object: &str) {
        self.put_members(columns, "", object, DEPTH_MAX);
    }

    /// Sets the columns of a member.
    pub(super) fn put(&self, columns: &mut Columns, name: &str, value: &str) {
        self.put_value(columns, name, value, DEPTH_MAX);
    }

    fn put_members(&self, columns: &mut Columns, prefix: &str, object: &str, depth: usize) {
        let fields = Fields::parse(object);
        for field in fields.iter().flat_map(|fields| &fields.0) {
            if prefix.is_empty() {
                self.put_value(columns, &field.name, field.value, depth);
            } else {
                let name = format!("{prefix}_{}", field.name);
                self.put_value(columns, &name, field.value, depth);
            }
        }
    }

    fn put_value(&self, columns: &mut Columns, name: &str, value: &str, depth: usize) {
        if name.len() > NAME_BYTES_MAX || matches!(value, "null" | "\"\"") {
            return;
        }
        if value.starts_with('{') {
            if let Some(depth) = depth.checked_sub(1) {
                self.put_members(columns, name, value, depth);
            }
            return;
        }
        let place = |suffix: &str| self.names.find(&format!("{name}{suffix}"));
        // Two members may differ in casing only; the first counts.
        let _put = match value.as_bytes().first() {
            Some(b'"') => {
                let text = json::string(value).unwrap_or_default();
                let suffix = suffix(&text);
                place(suffix).map(|place| columns.plain(place, &text))
            }
            Some(b'[') => place("_s").map(|place| columns.text(place, value)),
            Some(b't' | b'f') => place("_b").map(|place| columns.json(place, value)),
            _ => place("_d").map(|place| columns.json(place, value)),
        };
    }
}

/// The suffix of a name whose value is that text.
fn suffix(text: &str) -> &'static str {
    let is_dated = text.as_bytes().get(4) == Some(&b'-') && text.len() > 10;
    match () {
        () if is_guid(text) => "_g",
        () if is_dated && time::parse(text).is_some() => "_t",
        () => "_s",
    }
}

fn is_guid(text: &str) -> bool {
    let is_digit = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_tells_the_suffix() {
        for (text, expected) in [
            ("", "_s"),
            ("192.0.2.7", "_s"),
            ("1f2e3d4c-0000-1111-2222-333344445555", "_g"),
            ("1F2E3D4C-0000-1111-2222-333344445555", "_g"),
            ("1f2e3d4c-0000-1111-2222-33334444555g", "_s"),
            ("2026-03-04T05:06:07.89Z", "_t"),
            ("2026-03-04 05:06:07", "_t"),
            ("2026-13-04T05:06:07Z", "_s"),
            ("1/2/2026 3:04:05 PM", "_s"),
        ] {
            assert_eq!(suffix(text), expected, "{text}");
        }
    }
}
