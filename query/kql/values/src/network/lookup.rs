//! Which networks of a table an address lies in, for `ipv4_lookup` and `ipv6_lookup`.

use std::collections::{BTreeMap, HashMap};

use crate::network::address::Ipv6Network;

/// Networks by length of prefix, so that a search takes one step for each length that occurs.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    by_prefix: BTreeMap<u8, HashMap<u128, Vec<usize>>>,
}

impl Lookup {
    /// From the texts of a column of networks or addresses, IPv4 or IPv6; what is neither is left out.
    pub fn new(networks: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut lookup = Self::default();
        for (row, text) in networks.into_iter().enumerate() {
            let Some(network) = Ipv6Network::parse(text.as_ref()) else {
                continue;
            };
            let rows = lookup.by_prefix.entry(network.prefix).or_default();
            rows.entry(network.address).or_default().push(row);
        }
        lookup
    }

    /// The rows whose network covers an address or network, those of the longest prefix first.
    pub fn matches(&self, text: &str) -> impl Iterator<Item = usize> {
        let groups = Ipv6Network::parse(text).into_iter().flat_map(|sought| {
            let lengths = self.by_prefix.range(..=sought.prefix).rev();
            lengths.filter_map(move |(prefix, rows)| {
                let network = sought.shortened(i64::from(*prefix))?;
                rows.get(&network.address)
            })
        });
        groups.flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORKS: [&str; 6] = [
        "10.0.0.0/8",
        "10.1.0.0/16",
        "nonsense",
        "10.1.2.3",
        "10.1.0.0/16",
        "2001:db8::/32",
    ];

    #[track_caller]
    fn check(text: &str, expected: &[usize]) {
        let lookup = Lookup::new(NETWORKS);
        assert_eq!(lookup.matches(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_longest_prefix_comes_first() {
        check("10.1.2.3", &[3, 1, 4, 0]);
        check("10.1.9.9", &[1, 4, 0]);
        check("10.1.9.0/24", &[1, 4, 0]);
        check("10.9.9.9", &[0]);
        check("11.0.0.1", &[]);
        check("2001:db8:1::1", &[5]);
        check("what", &[]);
    }
}
