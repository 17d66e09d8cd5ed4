//! `top-nested` and `top-hitters`: the largest groups.

use std::rc::Rc;

use datafusion::common::JoinType;
use kql_syntax::Span;
use kql_syntax::ast::{Expr, Name, NamedExpr, SortOrder, TopNested, Type};

use super::join::JoinKeys;
use crate::bind::{Binder, Row, Scope};
use crate::bound::Bound;
use crate::error::Bind;
use crate::lower::column;
use crate::names;
use crate::relation::Relation;

/// A level of `top-nested` whose rest is wanted too, under a label.
struct Level<'a> {
    of: &'a [NamedExpr],
    by: &'a NamedExpr,
    /// The keys of the levels above.
    keys: &'a [String],
    of_name: &'a str,
    by_name: &'a str,
    label: Bound,
}

impl Binder<'_> {
    pub(super) fn top_hitters(
        &self,
        input: Relation,
        count: &Expr,
        (of, by): (&Expr, Option<&Expr>),
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let count = self.count(count, scope)?;
        let of_name = names::implied(of).unwrap_or_else(|| "Column1".to_owned());
        let (weight, name) = match by {
            Some(by) => {
                let bound = self.scalar(by, &Row::of(&input.columns), scope)?;
                (
                    ("sum", vec![bound]),
                    format!("approximate_sum_{}", names::implied(by).unwrap_or_default()),
                )
            }
            None => (
                ("count", Vec::new()),
                format!("approximate_count_{of_name}"),
            ),
        };
        let key = self.scalar(of, &Row::of(&input.columns), scope)?;
        let (arguments, ty) = self.aggregate_types(weight.0, weight.1, of.span)?;
        let raw = self.fresh("weight");
        let summary = super::summarize::Summary {
            keys: vec![(of_name, key)],
            aggregation: crate::aggregates::Aggregation(vec![crate::aggregates::Aggregate {
                name: weight.0.to_owned(),
                arguments,
                column: raw.clone(),
                ty,
            }]),
            raw: Vec::new(),
            results: vec![(name.clone(), Bound::column(raw, ty))],
        };
        let mut weighed = self.apply_summary(input, summary)?;
        let order = vec![column(&name).sort(false, false)];
        weighed.plan = weighed.builder().sort(order.clone())?.build()?;
        weighed.order = order;
        self.first_rows(weighed, count)
    }

    /// Each level keeps, within each group of the level above, the groups with the largest aggregate.
    pub(super) fn top_nested(
        &self,
        input: Relation,
        levels: &[TopNested],
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let mut result: Option<Relation> = None;
        let mut of: Vec<NamedExpr> = Vec::new();
        let mut keys: Vec<String> = Vec::new();
        for level in levels {
            let of_name = match level.of.names.first() {
                Some(name) => name.text.clone(),
                None => names::implied(&level.of.value)
                    .unwrap_or_else(|| format!("Column{}", of.len() + 1)),
            };
            of.push(level.of.clone());
            let by_name = match level.by.names.first() {
                Some(name) => name.text.clone(),
                None => format!("aggregated_{of_name}"),
            };
            let by = NamedExpr {
                names: vec![Name {
                    text: by_name.clone(),
                    span: level.by.value.span,
                }],
                value: level.by.value.clone(),
            };
            let grouped = self.summarize(input.clone(), std::slice::from_ref(&by), &of, scope)?;
            // The level above tells which groups are still in.
            let grouped = match result.take() {
                Some(above) => self.within(grouped, above, &keys)?,
                None => grouped,
            };
            let is_ascending = level.order == Some(SortOrder::Ascending);
            let kept = match &level.count {
                Some(count) => {
                    let count = self.count(count, scope)?;
                    self.best(grouped, count, &keys, (&by_name, is_ascending))?
                }
                None => grouped,
            };
            let kept = match &level.others {
                Some(others) => {
                    let level = Level {
                        of: &of,
                        by: &by,
                        keys: &keys,
                        of_name: &of_name,
                        by_name: &by_name,
                        label: self.constant(others, scope)?,
                    };
                    self.with_others(kept, &input, &level, scope)?
                }
                None => kept,
            };
            keys.push(of_name);
            result = Some(kept);
        }
        Ok(result.unwrap_or(input))
    }

    /// The groups whose keys the level above kept, with its columns before theirs.
    fn within(&self, grouped: Relation, above: Relation, keys: &[String]) -> Bind<Relation> {
        let mut order: Vec<String> = above.columns.iter().map(|(name, _)| name.clone()).collect();
        order.extend(
            grouped
                .columns
                .iter()
                .map(|(name, _)| name.clone())
                .filter(|name| !keys.contains(name)),
        );
        let on = JoinKeys::by_name(&above, keys);
        let joined = self.join_on(above, grouped, &on, JoinType::Inner)?;
        joined.select(&order)
    }

    fn best(
        &self,
        grouped: Relation,
        count: usize,
        keys: &[String],
        by: (&str, bool),
    ) -> Bind<Relation> {
        let columns = grouped.columns.clone();
        let hidden: Vec<_> = keys
            .iter()
            .filter_map(|key| grouped.type_of(key).map(|ty| (key.clone(), ty)))
            .collect();
        let mut partitioned = grouped;
        let mut names = Vec::new();
        for (key, ty) in hidden {
            let name = self.fresh("parent");
            let hidden = crate::relation::Hidden {
                name: name.clone(),
                ty,
                is_key: true,
            };
            partitioned = partitioned.add_hidden(hidden, column(&key))?;
            names.push(name);
        }
        let order = vec![column(by.0).sort(by.1, false)];
        if names.is_empty() {
            partitioned.plan = partitioned.builder().sort(order.clone())?.build()?;
        }
        partitioned.order = order;
        let kept = self.first_rows(partitioned, count)?.drop_hidden(&names)?;
        let names: Vec<_> = columns.into_iter().map(|(name, _)| name).collect();
        kept.select(&names)
    }

    /// The rest of each group as one more group.
    fn with_others(
        &self,
        kept: Relation,
        input: &Relation,
        level: &Level<'_>,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let Some((_, parents)) = level.of.split_last() else {
            return Ok(kept);
        };
        // Rows whose group was not kept, aggregated by the groups above.
        let keyed = self.extend(input.clone(), level.of, scope)?;
        let shared: Vec<_> = level
            .keys
            .iter()
            .cloned()
            .chain([level.of_name.to_owned()])
            .collect();
        let on = JoinKeys::by_name(&keyed, &shared);
        let rest = self.join_on(keyed, kept.clone(), &on, JoinType::LeftAnti)?;
        let rest = self.summarize(rest, std::slice::from_ref(level.by), parents, scope)?;
        let rest = if level.keys.is_empty() {
            rest
        } else {
            let above = kept.clone().select(
                &kept
                    .columns
                    .iter()
                    .map(|(name, _)| name.clone())
                    .filter(|name| name != level.of_name && name != level.by_name)
                    .collect::<Vec<_>>(),
            )?;
            let names = above.columns.iter().map(|(name, _)| name);
            let all: Vec<_> = names
                .map(|name| Expr::name(name, Span::default()).into())
                .collect();
            let above = self.distinct(above, &all, scope)?;
            self.within(rest, above, level.keys)?
        };
        let ty = kept.type_of(level.of_name).unwrap_or(Type::String);
        let columns = kept
            .columns
            .iter()
            .map(|(name, column_type)| {
                let value = if name == level.of_name {
                    level.label.clone().convert(ty)
                } else {
                    Bound::column(name.clone(), *column_type)
                };
                (name.clone(), value)
            })
            .collect();
        let rest = rest.project(self.frame(), columns)?;
        super::union::stack(vec![kept, rest])
    }
}
