//! Addresses to the networks that hold them.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;
use kql_values::Value;
use kql_values::rows::Rows;

/// Networks by their length, and which rows of the table they come from.
#[derive(Debug)]
pub(super) struct Matching {
    by_network: HashMap<IpNet, Vec<usize>>,
    lengths: Vec<u8>,
    keys: Vec<(usize, usize)>,
    keeps_all: bool,
    width: usize,
}

impl Matching {
    pub(super) fn new(
        table: &Rows,
        network: usize,
        keys: Vec<(usize, usize)>,
        keeps_all: bool,
    ) -> Self {
        let mut by_network: HashMap<IpNet, Vec<usize>> = HashMap::new();
        let mut lengths = Vec::new();
        for (row, cells) in table.rows.iter().enumerate() {
            let text = cells.get(network).map(Value::to_text).unwrap_or_default();
            let Some(network) = parse(text.trim()) else {
                continue;
            };
            if !lengths.contains(&network.prefix_len()) {
                lengths.push(network.prefix_len());
            }
            by_network.entry(network.trunc()).or_default().push(row);
        }
        Self {
            by_network,
            lengths,
            keys,
            keeps_all,
            width: table.columns.len(),
        }
    }

    /// Each row, whose last cell is the address, with every row of the table whose network holds it.
    pub(super) fn join(&self, rows: Rows, table: &Rows) -> Rows {
        let mut joined = Vec::new();
        for mut cells in rows.rows {
            let address = cells.pop().map(|cell| cell.to_text()).unwrap_or_default();
            let found = self.matches(address.trim(), &cells, table);
            if found.is_empty() && self.keeps_all {
                let mut row = cells;
                row.extend(std::iter::repeat_n(Value::Null, self.width));
                joined.push(row);
                continue;
            }
            for place in found {
                let mut row = cells.clone();
                row.extend(table.rows.get(place).cloned().unwrap_or_default());
                joined.push(row);
            }
        }
        Rows {
            columns: rows.columns,
            rows: joined,
        }
    }

    fn matches(&self, address: &str, cells: &[Value], table: &Rows) -> Vec<usize> {
        let Ok(address) = address.parse::<IpAddr>() else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for length in &self.lengths {
            let Ok(network) = IpNet::new(address, *length) else {
                continue;
            };
            found.extend(
                self.by_network
                    .get(&network.trunc())
                    .into_iter()
                    .flatten()
                    .copied(),
            );
        }
        found.retain(|row| {
            let theirs = table.rows.get(*row);
            self.keys
                .iter()
                .all(|(our, their)| cells.get(*our) == theirs.and_then(|row| row.get(*their)))
        });
        found.sort_unstable();
        found
    }
}

fn parse(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
