//! Bodies of which it is certain that they can't be read, and what to send instead.

use std::borrow::Cow;

use crate::csv;

/// Why a body can't be read, whatever it says.
pub(crate) fn why(body: &[u8]) -> Option<Cow<'static, str>> {
    // A mark, or the bracket with which JSON begins as two octets.
    match body {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, b'{' | b'[', ..] | [b'{' | b'[', 0, ..] => {
            let reason = "this is UTF-16 and not UTF-8: send it as UTF-8, for instance by `iconv -f UTF-16 -t UTF-8`";
            Some(Cow::Borrowed(reason))
        }
        _ => csv::unknown_zone(body).map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &[u8], expected: &str) {
        let reason = why(body).unwrap_or_default();
        let is_right = reason.contains(expected) && reason.is_empty() == expected.is_empty();
        assert!(is_right, "{reason}");
    }

    fn utf16(text: &str, mark: &[u8], bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let units = text.encode_utf16().flat_map(bytes);
        mark.iter().copied().chain(units).collect()
    }

    #[test]
    fn other_encodings() {
        for mark in [true, false] {
            let marked = |bytes: &'static [u8]| if mark { bytes } else { &[] };
            let little = utf16("{\"a\":1}", marked(b"\xff\xfe"), u16::to_le_bytes);
            check(&little, "UTF-16");
            check(
                &utf16("[{}]", marked(b"\xfe\xff"), u16::to_be_bytes),
                "UTF-16",
            );
        }
        check(b"", "");
        check(b"{", "");
        check(b"\xef\xbb\xbf{\"a\":1}", "");
        check(b"{\"a\":1}", "");
    }

    #[test]
    fn zones_that_nobody_knows() {
        let header = |name: &str| format!("\u{feff}\"$table\",\"{name}\",a\n1,2,3\n");
        let local = header("TimeGenerated [Local Time]");
        check(local.as_bytes(), "'TimeGenerated [Local Time]'");
        check(local.as_bytes(), "UTC");
        check(header("TimeGenerated [UTC+02:00]").as_bytes(), "UTC+02:00");
        check(header("TimeGenerated [UTC]").as_bytes(), "");
        check(header("TimeGenerated").as_bytes(), "");
        check(b"{\"TimeGenerated [Local Time]\":1}", "");
        check(b"a TimeGenerated [x] in prose", "");
    }
}
