//! Addresses to the networks that hold them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use ipnet::IpNet;
use kql_syntax::ast::{Call, ExprKind, Type};
use kql_values::Value;
use kql_values::function::Failure;
use kql_values::rows::Rows;

use super::evaluate::LOOKED_AT_MAX;
use crate::bind::{Binder, Row, Scope};
use crate::bound::Kind;
use crate::error::{Bind, Refusal};
use crate::node::Run;
use crate::relation::Relation;

impl Binder<'_> {
    /// `ipv4_lookup(Table, SourceAddress, LookupNetwork [, keys...] [, return_unmatched])`: a join by network.
    pub(super) fn ip_lookup(
        &self,
        input: Relation,
        call: &Call,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let (named_arguments, positional): (Vec<_>, Vec<_>) = call
            .arguments
            .iter()
            .partition(|argument| argument.name.is_some());
        let [table, address, network, extra @ ..] = positional.as_slice() else {
            return Err(Refusal::at(
                call.name.span,
                format!(
                    "{} needs a table, an address and a column of networks",
                    call.name.text
                ),
            ));
        };
        let lookup = self.tabular(&table.value, scope)?;
        let address = self
            .scalar(&address.value, &Row::of(&input.columns), scope)?
            .convert(Type::String);
        let network_bound = self.scalar(&network.value, &Row::of(&lookup.columns), scope)?;
        let mut keys = Vec::new();
        let mut keeps_all = false;
        for argument in extra {
            match &argument.value.kind {
                ExprKind::Name(name) if input.has(&name.text) && lookup.has(&name.text) => {
                    keys.push(name.text.clone());
                }
                _ => {
                    keeps_all |= self.constant(&argument.value, scope)?.constant()
                        == Some(&Value::Bool(true));
                }
            }
        }
        for argument in named_arguments {
            keeps_all |=
                self.constant(&argument.value, scope)?.constant() == Some(&Value::Bool(true));
        }
        let rows = self.values(lookup.clone(), LOOKED_AT_MAX + 1)?;
        if rows.len() > LOOKED_AT_MAX {
            let text = format!("a table of more than {LOOKED_AT_MAX} networks");
            return Err(Refusal::at(table.value.span, text));
        }
        let networks = Rows {
            columns: lookup.columns.clone(),
            rows,
        };
        let Kind::Column(network_name) = &network_bound.kind else {
            return Err(Refusal::at(
                network.value.span,
                "the network is a column of the table",
            ));
        };
        let place = lookup
            .columns
            .iter()
            .position(|(name, _)| name == network_name)
            .unwrap_or_default();
        let name = self.fresh("address");
        let input = input.extend(self.frame(), vec![(name, address)])?;
        let key_places = keys.iter().filter_map(|key| {
            let ours = input.columns.iter().position(|(name, _)| name == key)?;
            let theirs = lookup.columns.iter().position(|(name, _)| name == key)?;
            Some((ours, theirs))
        });
        let matching = Matching::new(&networks, place, key_places.collect(), keeps_all);
        let mut output: Vec<(String, Type)> =
            input.columns.iter().rev().skip(1).rev().cloned().collect();
        for (name, ty) in &lookup.columns {
            let name =
                crate::names::unique(name, |name| output.iter().any(|(taken, _)| taken == name));
            output.push((name, *ty));
        }
        let run: Run = Arc::new(move |rows: Rows| -> Result<Rows, Failure> {
            Ok(matching.join(rows, &networks))
        });
        self.through(input, &call.name.text, output, run)
    }
}

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
