//! Addresses to the networks that hold them.

use std::rc::Rc;
use std::sync::Arc;

use kql_syntax::ast::{Argument, Call, Expr, ExprKind, Type};
use kql_values::Value;
use kql_values::function::Failure;
use kql_values::network::lookup::Lookup;
use kql_values::rows::{Rows, TableArgument};

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
        let (named, positional): (Vec<_>, Vec<_>) = call
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
        let network = self.network_column(&lookup, network, scope)?;
        let (keys, keeps_all) = self.lookup_options(&input, &lookup, (extra, &named), scope)?;
        let rows = self.values(lookup.clone(), LOOKED_AT_MAX + 1)?;
        if rows.len() > LOOKED_AT_MAX {
            let text = format!("a table of more than {LOOKED_AT_MAX} networks");
            return Err(Refusal::at(table.value.span, text));
        }
        let columns = lookup.columns.clone();
        let key_places: Vec<_> = keys.iter().map(|(_, theirs)| *theirs).collect();
        let matching = Matching::new(Rows { columns, rows }, network, keys, keeps_all);
        let name = self.fresh("address");
        let input = input.extend(self.frame(), vec![(name, address)])?;
        let source: Vec<(String, Type)> =
            input.columns.iter().rev().skip(1).rev().cloned().collect();
        let mut output = source.clone();
        let mut added = Vec::with_capacity(lookup.columns.len());
        for (place, (name, ty)) in lookup.columns.iter().enumerate() {
            let free =
                crate::names::unique(name, |name| output.iter().any(|(taken, _)| taken == name));
            // A key is the same on both sides, and stands once.
            if !key_places.contains(&place) {
                added.push(free.clone());
            }
            output.push((free, *ty));
        }
        let run: Run =
            Arc::new(move |rows: Rows| -> Result<Rows, Failure> { Ok(matching.join(rows)) });
        let ours = source.into_iter().map(|(name, _)| name);
        // The documentation shows the columns of the looked-up table first for version 6, last for version 4.
        let shown: Vec<_> = if call.name.text == "ipv6_lookup" {
            added.into_iter().chain(ours).collect()
        } else {
            ours.chain(added).collect()
        };
        super::evaluate::through(input, &call.name.text, output, run)?.select(&shown)
    }

    /// A table as an argument of a plugin: its column with the name of the first argument, or its first one.
    pub(super) fn identities(
        &self,
        table: &Expr,
        arguments: &[Argument],
        scope: &Rc<Scope>,
    ) -> Bind<TableArgument> {
        let relation = self.tabular(table, scope)?;
        let first = arguments
            .first()
            .and_then(|first| crate::names::implied(&first.value));
        let first = first.filter(|name| relation.has(name));
        let column = first.or_else(|| relation.columns.first().map(|(name, _)| name.clone()));
        let column = column.into_iter().collect::<Vec<_>>();
        let rows = self.values(relation.select(&column)?, LOOKED_AT_MAX + 1)?;
        if rows.len() > LOOKED_AT_MAX {
            let text = format!("a table of more than {LOOKED_AT_MAX} rows");
            return Err(Refusal::at(table.span, text));
        }
        let values = rows.into_iter().flatten().map(|value| value.to_json());
        Ok(TableArgument::Constant(Value::list(values)))
    }

    /// The place of the column that holds the networks.
    fn network_column(
        &self,
        lookup: &Relation,
        network: &Argument,
        scope: &Rc<Scope>,
    ) -> Bind<usize> {
        let bound = self.scalar(&network.value, &Row::of(&lookup.columns), scope)?;
        let place = match &bound.kind {
            Kind::Column(name) => lookup.columns.iter().position(|(column, _)| column == name),
            _ => None,
        };
        place.ok_or_else(|| Refusal::at(network.value.span, "the network is a column of the table"))
    }

    /// Places of columns that have to be the same on both sides, and whether rows without a network stay.
    fn lookup_options(
        &self,
        input: &Relation,
        lookup: &Relation,
        (extra, named): (&[&Argument], &[&Argument]),
        scope: &Rc<Scope>,
    ) -> Bind<(Vec<(usize, usize)>, bool)> {
        let place = |relation: &Relation, name: &str| {
            let mut columns = relation.columns.iter();
            columns.position(|(column, _)| column == name)
        };
        let mut keys = Vec::new();
        let mut keeps_all = false;
        for argument in extra.iter().chain(named) {
            let key = match &argument.value.kind {
                ExprKind::Name(name) if argument.name.is_none() => {
                    place(input, &name.text).zip(place(lookup, &name.text))
                }
                _ => None,
            };
            match key {
                Some(key) => keys.push(key),
                None => {
                    let option = self.constant(&argument.value, scope)?;
                    keeps_all |= option.constant() == Some(&Value::Bool(true));
                }
            }
        }
        Ok((keys, keeps_all))
    }
}

/// A table with networks, against which rows with addresses are held.
#[derive(Debug)]
struct Matching {
    table: Rows,
    networks: Lookup,
    keys: Vec<(usize, usize)>,
    keeps_all: bool,
}

impl Matching {
    fn new(table: Rows, network: usize, keys: Vec<(usize, usize)>, keeps_all: bool) -> Self {
        let text = |cells: &Vec<Value>| {
            let text = cells.get(network).map(Value::to_text);
            text.unwrap_or_default().trim().to_owned()
        };
        Self {
            networks: Lookup::new(table.rows.iter().map(text)),
            table,
            keys,
            keeps_all,
        }
    }

    /// Each row, whose last cell is the address, with every row of the table whose network holds it.
    fn join(&self, rows: Rows) -> Rows {
        let width = self.table.columns.len();
        let mut joined = Vec::new();
        for mut cells in rows.rows {
            let address = cells.pop().map(|cell| cell.to_text()).unwrap_or_default();
            let found = self.matches(&address, &cells);
            if found.is_empty() && self.keeps_all {
                cells.extend(std::iter::repeat_n(Value::Null, width));
                joined.push(cells);
                continue;
            }
            for place in found {
                let mut row = cells.clone();
                row.extend(self.table.rows.get(place).cloned().unwrap_or_default());
                joined.push(row);
            }
        }
        Rows {
            columns: rows.columns,
            rows: joined,
        }
    }

    fn matches(&self, address: &str, cells: &[Value]) -> Vec<usize> {
        let has_keys = |row: &usize| {
            let theirs = self.table.rows.get(*row);
            self.keys
                .iter()
                .all(|(our, their)| cells.get(*our) == theirs.and_then(|row| row.get(*their)))
        };
        let found = self.networks.matches(address.trim());
        let mut found: Vec<_> = found.filter(has_keys).collect();
        found.sort_unstable();
        found
    }
}
