//! IPv4 addresses in running text.

use std::net::Ipv4Addr;

use crate::network::address::Ipv4Network;

/// What `has_ipv4` and its kin look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sought(Ipv4Network);

impl Sought {
    /// A whole address.
    pub(super) fn address(text: &str) -> Option<Self> {
        let address: Ipv4Addr = text.parse().ok()?;
        Some(Self(Ipv4Network::new(u32::from(address), 32)))
    }

    /// A whole address, or its first octets with a dot at the end.
    pub(super) fn prefix(text: &str) -> Option<Self> {
        let Some(octets) = text.strip_suffix('.') else {
            return Self::address(text);
        };
        let count = octets.split('.').count();
        let rest = match count {
            1 => ".0.0.0",
            2 => ".0.0",
            3 => ".0",
            _ => return None,
        };
        let address: Ipv4Addr = format!("{octets}{rest}").parse().ok()?;
        let bits = u8::try_from(count * 8).ok()?;
        Some(Self(Ipv4Network::new(u32::from(address), bits)))
    }
}

/// Whether a text names an address that one of those sought covers.
pub(super) fn has_any(text: &str, sought: &[Sought]) -> bool {
    let found = |address| {
        let address = Ipv4Network::new(address, 32);
        sought.iter().any(|sought| sought.0.contains(address))
    };
    !sought.is_empty() && addresses(text).any(found)
}

/// The addresses in a text that have no letter or digit on either side.
fn addresses(text: &str) -> impl Iterator<Item = u32> {
    let bytes = text.as_bytes();
    let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    (0..bytes.len()).filter_map(move |start| {
        let before = start.checked_sub(1).and_then(|place| bytes.get(place));
        let is_start = bytes.get(start).is_some_and(u8::is_ascii_digit) && !is_word(before);
        if !is_start {
            return None;
        }
        let (address, rest) = leading_address(bytes.get(start..)?)?;
        (!is_word(rest.first())).then_some(address)
    })
}

fn leading_address(mut bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut address = 0;
    for place in 0..4 {
        if place > 0 {
            bytes = bytes.strip_prefix(b".")?;
        }
        let digits = bytes
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .take(4)
            .count();
        let (octet, rest) = bytes.split_at_checked(digits)?;
        let octet: u8 = std::str::from_utf8(octet).ok()?.parse().ok()?;
        address = address << 8 | u32::from(octet);
        bytes = rest;
    }
    Some((address, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, prefix: &str, expected: bool) {
        let sought = Sought::prefix(prefix);
        assert_eq!(
            has_any(text, sought.as_slice()),
            expected,
            "{text} {prefix}"
        );
    }

    #[test]
    fn an_address_stands_alone() {
        check("peer=10.0.0.7:443", "10.0.0.7", true);
        check("peer=10.0.0.7.", "10.0.0.7", true);
        check("peer10.0.0.7", "10.0.0.7", false);
        check("10.0.0.77", "10.0.0.7", false);
        check("é10.0.0.7é", "10.0.0.7", true);
    }

    #[test]
    fn a_prefix_ends_with_a_dot() {
        check("from 10.20.30.40 to", "10.20.", true);
        check("from 10.20.30.40 to", "10.20", false);
        check("from 10.20.30.400 to", "10.20.", false);
        check("from 10.200.30.40 to", "10.20.", false);
        check("from 10.20.30.40 to", "10.20.30.40.", false);
    }
}
