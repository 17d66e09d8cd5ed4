//! IP addresses with a prefix, as KQL writes them: `10.0.0.0/8`, `fe80::1/64`, `::192.168.1.1/24`.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Bits of an IPv6 address that stand before a mapped IPv4 one.
const MAPPED_BITS: u8 = 96;

/// An IPv4 network; a single address is one of 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Network {
    /// The address without the bits past the prefix.
    pub address: u32,
    /// Bits that count.
    pub prefix: u8,
}

impl Ipv4Network {
    /// Reads `192.168.1.1` or `192.168.1.1/24`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, prefix_length(prefix, 32)?),
            None => (text, 32),
        };
        let address: Ipv4Addr = address.parse().ok()?;
        Some(Self::new(u32::from(address), prefix))
    }

    /// An address of which only the first bits count.
    pub fn new(address: u32, prefix: u8) -> Self {
        let prefix = prefix.min(32);
        let address = address & ipv4_mask(prefix);
        Self { address, prefix }
    }

    /// With at most so many bits; none if that is no length of a prefix.
    pub fn shortened(self, prefix: i64) -> Option<Self> {
        let prefix = u8::try_from(prefix).ok().filter(|prefix| *prefix <= 32)?;
        Some(Self::new(self.address, self.prefix.min(prefix)))
    }

    /// Whether another one lies within.
    pub fn contains(self, other: Self) -> bool {
        other.prefix >= self.prefix && other.address & ipv4_mask(self.prefix) == self.address
    }

    /// Whether it is set aside for private use (RFC 1918).
    pub fn is_private(self) -> bool {
        const PRIVATE: [([u8; 4], u8); 3] = [
            ([10, 0, 0, 0], 8),
            ([172, 16, 0, 0], 12),
            ([192, 168, 0, 0], 16),
        ];
        PRIVATE
            .into_iter()
            .any(|(octets, prefix)| Self::new(u32::from_be_bytes(octets), prefix).contains(self))
    }

    /// Its first address as text.
    pub fn address_text(self) -> String {
        Ipv4Addr::from(self.address).to_string()
    }
}

/// An IPv6 network; an IPv4 one is mapped (`::ffff:192.168.1.1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Network {
    /// The address without the bits past the prefix.
    pub address: u128,
    /// Bits that count.
    pub prefix: u8,
    /// Whether it was written as an IPv4 one.
    pub is_ipv4: bool,
}

impl Ipv6Network {
    /// Reads an IPv6 or IPv4 address or network. The prefix of one whose address ends as an IPv4 one counts that
    /// one's bits, as long as it has that few.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(ipv4) = Ipv4Network::parse(text) {
            let mapped = Ipv4Addr::from(ipv4.address).to_ipv6_mapped();
            let mut network = Self::new(u128::from(mapped), ipv4.prefix + MAPPED_BITS);
            network.is_ipv4 = true;
            return Some(network);
        }
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, prefix_length(prefix, 128)?),
            None => (text, 128),
        };
        let parsed: Ipv6Addr = address.parse().ok()?;
        if !address.contains('.') {
            return Some(Self::new(u128::from(parsed), prefix));
        }
        let [.., a, b, c, d] = parsed.octets();
        let is_compatible = u128::from(parsed) >> 32 == 0;
        let parsed = if is_compatible {
            Ipv4Addr::new(a, b, c, d).to_ipv6_mapped()
        } else {
            parsed
        };
        let prefix = if prefix <= 32 {
            prefix + MAPPED_BITS
        } else {
            prefix
        };
        Some(Self::new(u128::from(parsed), prefix))
    }

    fn new(address: u128, prefix: u8) -> Self {
        let prefix = prefix.min(128);
        Self {
            address: address & ipv6_mask(prefix),
            prefix,
            is_ipv4: false,
        }
    }

    /// With at most so many bits; none if that is no length of a prefix.
    pub fn shortened(self, prefix: i64) -> Option<Self> {
        let prefix = u8::try_from(prefix).ok().filter(|prefix| *prefix <= 128)?;
        Some(Self {
            is_ipv4: self.is_ipv4,
            ..Self::new(self.address, self.prefix.min(prefix))
        })
    }

    /// Whether another one lies within.
    pub fn contains(self, other: Self) -> bool {
        other.prefix >= self.prefix && other.address & ipv6_mask(self.prefix) == self.address
    }

    /// Its first address as eight groups of four digits.
    pub fn address_text(self) -> String {
        let groups = Ipv6Addr::from(self.address).segments();
        groups.map(|group| format!("{group:04x}")).join(":")
    }
}

fn prefix_length(text: &str, max: u8) -> Option<u8> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let length = text.parse().ok().filter(|length| *length <= max)?;
    is_number.then_some(length)
}

fn ipv4_mask(prefix: u8) -> u32 {
    u32::MAX
        .checked_shl(32 - u32::from(prefix.min(32)))
        .unwrap_or(0)
}

fn ipv6_mask(prefix: u8) -> u128 {
    u128::MAX
        .checked_shl(128 - u32::from(prefix.min(128)))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, u8)>) {
        let found = Ipv6Network::parse(text).map(|it| (it.address_text(), it.prefix));
        assert_eq!(
            found,
            expected.map(|(text, prefix)| (text.to_owned(), prefix))
        );
    }

    #[test]
    fn an_ipv4_address_is_mapped() {
        let mapped = "0000:0000:0000:0000:0000:ffff:0a01:0203";
        check("10.1.2.3", Some((mapped, 128)));
        check("::10.1.2.3", Some((mapped, 128)));
        check("::ffff:10.1.2.3", Some((mapped, 128)));
        let network = "0000:0000:0000:0000:0000:ffff:0a01:0000";
        check("10.1.2.3/16", Some((network, 112)));
        check("::10.1.2.3/16", Some((network, 112)));
    }

    #[test]
    fn a_prefix_cuts_the_address() {
        let cut = "2001:0db8:0000:0000:0000:0000:0000:0000";
        check("2001:db8::beef/32", Some((cut, 32)));
        check("::/0", Some(("0000:0000:0000:0000:0000:0000:0000:0000", 0)));
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "",
            "10.1.2",
            "10.1.2.256",
            "10.1.2.3/33",
            "10.1.2.3/",
            "10.1.2.3/+8",
            "::1/129",
            "fe80::1%eth0",
        ] {
            check(text, None);
        }
    }
}
