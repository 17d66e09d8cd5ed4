//! Which addresses a webhook may reach, and whatever else is fetched. Checked for every connection, on the address connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// How far a webhook may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses only.
    Public,
    /// Private and loopback addresses too; never link-local, metadata or reserved ones.
    Private,
}

/// Private and loopback networks.
const PRIVATE_V4: [([u8; 4], u32); 5] = [
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([172, 16, 0, 0], 12),
    ([192, 168, 0, 0], 16),
];

/// Special networks, and Azure's wire server, which looks public.
const SPECIAL_V4: [([u8; 4], u32); 11] = [
    ([0, 0, 0, 0], 8),
    ([168, 63, 129, 16], 32),
    ([169, 254, 0, 0], 16),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// Private and loopback networks.
const PRIVATE_V6: [([u16; 8], u32); 2] = [
    ([0, 0, 0, 0, 0, 0, 0, 1], 128),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
];

/// Special networks, and those that carry an IPv4 address to who knows where.
const SPECIAL_V6: [([u16; 8], u32); 11] = [
    ([0, 0, 0, 0, 0, 0, 0, 0], 96),
    ([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96),
    ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
    ([0x100, 0, 0, 0, 0, 0, 0, 0], 64),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 32),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
    ([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 9),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
];

/// Whether a webhook of that reach may connect to `address`.
pub fn is_allowed(address: IpAddr, reach: Reach) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_allowed_v4(address, reach),
        IpAddr::V6(address) => is_allowed_v6(address, reach),
    }
}

fn is_allowed_v4(address: Ipv4Addr, reach: Reach) -> bool {
    let bits = u32::from(address);
    let lies_in = |(network, length): &([u8; 4], u32)| {
        let shift = 32_u32.saturating_sub(*length);
        bits >> shift == u32::from(Ipv4Addr::from(*network)) >> shift
    };
    if PRIVATE_V4.iter().any(lies_in) {
        return reach == Reach::Private;
    }
    !SPECIAL_V4.iter().any(lies_in)
}

fn is_allowed_v6(address: Ipv6Addr, reach: Reach) -> bool {
    let bits = u128::from(address);
    let lies_in = |(network, length): &([u16; 8], u32)| {
        let shift = 128_u32.saturating_sub(*length);
        bits >> shift == u128::from(Ipv6Addr::from(*network)) >> shift
    };
    if PRIVATE_V6.iter().any(lies_in) {
        return reach == Reach::Private;
    }
    !SPECIAL_V6.iter().any(lies_in)
}

/// Whether the host of a URL is a name, or an address that may be connected to: a literal address never comes before the
/// resolver.
pub fn is_host_allowed(url: &Url, reach: Reach) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_allowed(address.into(), reach),
        Some(Host::Ipv6(address)) => is_allowed(address.into(), reach),
        Some(Host::Domain(_)) | None => true,
    }
}

/// A name has an address that must not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the address is not allowed")]
pub struct AddressRefused;

/// The system's resolver, behind the table above: one bad address spoils the name.
#[derive(Clone, Copy, Debug)]
pub struct GuardedResolver {
    /// Which addresses a name may have.
    pub reach: Reach,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        Box::pin(async move {
            let addresses: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if addresses
                .iter()
                .any(|address| !is_allowed(address.ip(), reach))
            {
                return Err(AddressRefused.into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_denied_and_private_ones_only_by_leave() {
        #[track_caller]
        fn check(address: &str, is_public: bool, is_private: bool) {
            let parsed: IpAddr = address.parse().unwrap();
            let found = (
                is_allowed(parsed, Reach::Public),
                is_allowed(parsed, Reach::Private),
            );
            assert_eq!(found, (is_public, is_private), "{address}");
        }
        let always = [
            "1.1.1.1",
            "8.8.8.8",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "172.32.0.1",
            "168.63.129.17",
        ];
        let by_leave = [
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "::1",
            "fc00::1",
            "fdff::1",
            "::ffff:127.0.0.1",
        ];
        let never = [
            "0.0.0.0",
            "169.254.169.254",
            "168.63.129.16",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "233.252.0.16",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::7f00:1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ];
        for address in always {
            check(address, true, true);
        }
        for address in by_leave {
            check(address, false, true);
        }
        for address in never {
            check(address, false, false);
        }
    }
}
