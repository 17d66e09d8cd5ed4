//! JSON text, appended piece by piece: cheap enough to feed a load test, and it cannot fail.

use chrono::{DateTime, Datelike as _, Timelike as _};
use store::Timestamp;

/// JSON under construction. The caller opens and closes; commas come by themselves.
#[derive(Debug, Default)]
pub(super) struct Json {
    bytes: Vec<u8>,
}

impl Json {
    /// The text so far.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Opens an object or array, which is a member, an element or the whole.
    pub(super) fn open(&mut self, bracket: u8) {
        self.comma();
        self.bytes.push(bracket);
    }

    /// Closes what was opened.
    pub(super) fn close(&mut self, bracket: u8) {
        self.bytes.push(bracket);
    }

    /// Opens the object or array `name`.
    pub(super) fn open_in(&mut self, name: &str, bracket: u8) {
        self.key(name);
        self.bytes.push(bracket);
    }

    /// A text member.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.key(name);
        self.quoted(|bytes| escape(bytes, value));
    }

    /// A text member whose value is joined of `parts`.
    pub(super) fn joined(&mut self, name: &str, parts: &[&str]) {
        self.key(name);
        self.quoted(|bytes| parts.iter().for_each(|part| escape(bytes, part)));
    }

    /// A text element of an array.
    pub(super) fn element(&mut self, value: &str) {
        self.comma();
        self.quoted(|bytes| escape(bytes, value));
    }

    /// A number member.
    pub(super) fn number(&mut self, name: &str, value: u64) {
        self.key(name);
        digits(&mut self.bytes, value, 1);
    }

    /// A boolean member.
    pub(super) fn boolean(&mut self, name: &str, value: bool) {
        self.key(name);
        self.bytes
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// A time member with seven fractional digits, the last of which is `tick`.
    pub(super) fn time(&mut self, name: &str, time: Timestamp, tick: u64) {
        self.key(name);
        self.quoted(|bytes| instant(bytes, time, tick));
    }

    /// An IPv4 address member.
    pub(super) fn address(&mut self, name: &str, address: [u8; 4]) {
        self.key(name);
        self.quoted(|bytes| dotted(bytes, address));
    }

    /// A UUID member of 128 given bits.
    pub(super) fn uuid(&mut self, name: &str, bits: [u64; 2]) {
        self.key(name);
        self.quoted(|bytes| hyphenated(bytes, bits));
    }

    fn key(&mut self, name: &str) {
        self.comma();
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b"\":");
    }

    fn quoted(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.push(b'"');
        write(&mut self.bytes);
        self.bytes.push(b'"');
    }

    fn comma(&mut self) {
        if !matches!(self.bytes.last(), None | Some(b'{' | b'[' | b':')) {
            self.bytes.push(b',');
        }
    }
}

/// An address in dotted form.
pub(super) fn address_text(address: [u8; 4]) -> String {
    std::net::Ipv4Addr::from(address).to_string()
}

/// `value` in decimal, filled up with zeros to `width`.
fn digits(bytes: &mut Vec<u8>, value: u64, width: usize) {
    let mut reversed = [b'0'; 20];
    let mut rest = value;
    let mut length = 0;
    while rest > 0 || length < width {
        reversed[length] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        length += 1;
    }
    bytes.extend(reversed[..length].iter().rev());
}

fn instant(bytes: &mut Vec<u8>, time: Timestamp, tick: u64) {
    let at = DateTime::from_timestamp_micros(time.as_micros()).unwrap_or_default();
    digits(bytes, u64::try_from(at.year()).unwrap_or(0), 4);
    for (mark, part) in [
        (b'-', at.month()),
        (b'-', at.day()),
        (b'T', at.hour()),
        (b':', at.minute()),
        (b':', at.second()),
    ] {
        bytes.push(mark);
        digits(bytes, u64::from(part), 2);
    }
    bytes.push(b'.');
    digits(
        bytes,
        u64::from(at.timestamp_subsec_micros()) * 10 + tick % 10,
        7,
    );
    bytes.push(b'Z');
}

fn dotted(bytes: &mut Vec<u8>, address: [u8; 4]) {
    for (place, octet) in address.into_iter().enumerate() {
        if place > 0 {
            bytes.push(b'.');
        }
        digits(bytes, u64::from(octet), 1);
    }
}

fn hyphenated(bytes: &mut Vec<u8>, bits: [u64; 2]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let octets = bits.map(u64::to_be_bytes).into_iter().flatten();
    for (place, octet) in octets.enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            bytes.push(b'-');
        }
        bytes.push(HEX[usize::from(octet >> 4)]);
        bytes.push(HEX[usize::from(octet & 15)]);
    }
}

fn escape(bytes: &mut Vec<u8>, text: &str) {
    for octet in text.bytes() {
        match octet {
            b'"' | b'\\' => bytes.extend([b'\\', octet]),
            0..=31 => bytes.push(b' '),
            _ => bytes.push(octet),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_elements_and_nesting_are_json() {
        let mut json = Json::default();
        json.open(b'{');
        json.time("time", Timestamp::from_micros(1_719_901_891_465_590), 2);
        json.open_in("list", b'[');
        json.element("a\"b\\");
        json.open(b'{');
        json.number("n", 0);
        json.boolean("b", true);
        json.close(b'}');
        json.close(b']');
        json.address("ip", [10, 0, 255, 1]);
        json.uuid("id", [1, 0xfedc_ba98_7654_3210]);
        json.close(b'}');
        assert_eq!(
            String::from_utf8(json.into_bytes()).unwrap(),
            r#"{"time":"2024-07-02T06:31:31.4655902Z","list":["a\"b\\",{"n":0,"b":true}],"ip":"10.0.255.1","id":"00000000-0000-0001-fedc-ba9876543210"}"#
        );
    }
}
