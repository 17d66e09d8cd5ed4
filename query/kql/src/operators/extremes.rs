//! `arg_max`, `arg_min` and `take_any` of several columns: values that stand in one row.

use std::rc::Rc;

use datafusion::functions_aggregate::expr_fn::{first_value, max, min};
use kql_syntax::ast::{Argument, Call, ExprKind, NamedExpr, Type};

use super::summarize::Summary;
use crate::bind::{Binder, Row, Scope};
use crate::bound::{Bound, Kind};
use crate::error::Bind;
use crate::names;
use crate::relation::Relation;

/// Columns that `arg_max`, `take_any` and their like take out of one row.
struct Carried<'a> {
    arguments: &'a [Argument],
    /// How many arguments stand before them.
    before: usize,
    /// The beginning of the name of one without a name, before the number of the argument.
    unnamed: &'a str,
    /// Columns that `*` leaves out.
    taken: Vec<String>,
}

impl Binder<'_> {
    /// `take_any(a, b)`, `take_any(*)`: values of one row of each group.
    pub(super) fn any_row(
        &self,
        input: &Relation,
        (named, call): (&NamedExpr, &Call),
        scope: &Rc<Scope>,
        summary: &mut Summary,
    ) -> Bind<()> {
        let unnamed = if call.name.text == "any" {
            "arg"
        } else {
            "any_arg"
        };
        let carried = Carried {
            arguments: &call.arguments,
            before: 0,
            unnamed,
            taken: summary.key_columns(),
        };
        let mut written = named.names.iter();
        for (own, value) in self.carried(input, carried, scope)? {
            let raw = self.fresh("any");
            let expr = input.lowering(self.frame()).expr(&value)?;
            let first = first_value(expr, input.order.clone());
            summary.raw.push((raw.clone(), value.ty, first));
            let name = written.next().map_or(own, |name| name.text.clone());
            summary.add(&name, Bound::column(raw, value.ty));
        }
        Ok(())
    }

    /// The columns that arguments name: `*` is all that no argument before it named and that are no keys.
    fn carried(
        &self,
        input: &Relation,
        carried: Carried<'_>,
        scope: &Rc<Scope>,
    ) -> Bind<Vec<(String, Bound)>> {
        let Carried {
            arguments,
            before,
            unnamed,
            mut taken,
        } = carried;
        let is_star = |one: &Argument| matches!(one.value.kind, ExprKind::Wildcard(_));
        let has_star = arguments.iter().any(is_star);
        let mut found: Vec<(String, Bound)> = Vec::new();
        for (place, argument) in arguments.iter().enumerate() {
            if let ExprKind::Wildcard(pattern) = &argument.value.kind {
                let matches = |name: &str| super::project::matches_wildcard(name, &pattern.text);
                let columns = input.columns.iter();
                for (name, ty) in columns.filter(|(name, _)| matches(name)) {
                    let is_new = !taken.contains(name);
                    taken.extend(is_new.then(|| name.clone()));
                    found.extend(is_new.then(|| (name.clone(), Bound::column(name.clone(), *ty))));
                }
                continue;
            }
            let bound = self.scalar(&argument.value, &Row::of(&input.columns), scope)?;
            if let Kind::Column(column) = &bound.kind {
                if has_star && taken.contains(column) {
                    continue;
                }
                taken.push(column.clone());
            }
            let name = match &argument.name {
                Some(name) => name.text.clone(),
                None => names::implied(&argument.value)
                    .unwrap_or_else(|| format!("{unnamed}{}", place + before)),
            };
            found.push((name, bound));
        }
        Ok(found)
    }

    /// `arg_max(by, columns...)` and its like: the extreme and what stands in its row.
    pub(super) fn extreme(
        &self,
        input: &Relation,
        (named, call): (&NamedExpr, &Call),
        scope: &Rc<Scope>,
        summary: &mut Summary,
    ) -> Bind<()> {
        let Some((by, rest)) = call.arguments.split_first() else {
            return Ok(());
        };
        let is_max = call.name.text.contains("max");
        let by_bound = self.scalar(&by.value, &Row::of(&input.columns), scope)?;
        let mut taken = summary.key_columns();
        if let Kind::Column(column) = &by_bound.kind {
            taken.push(column.clone());
        }
        let by_bound = match by_bound.ty {
            Type::Dynamic => by_bound.convert(Type::Real),
            _ => by_bound,
        };
        let key = input.lowering(self.frame()).expr(&by_bound)?;
        let prefix = if is_max { "max_" } else { "min_" };
        let given = by.name.as_ref().map(|name| name.text.clone());
        let by_name = given.or_else(|| names::implied(&by.value));
        let mut written = named.names.iter();
        let extreme = if is_max {
            max(key.clone())
        } else {
            min(key.clone())
        };
        let raw = self.fresh("extreme");
        summary.raw.push((raw.clone(), by_bound.ty, extreme));
        let own = by_name.clone().unwrap_or_else(|| prefix.to_owned());
        let name = written.next().map_or(own, |name| name.text.clone());
        summary.add(&name, Bound::column(raw, by_bound.ty));
        let order = vec![key.sort(!is_max, false)];
        let unnamed = format!("{prefix}{}_arg", by_name.unwrap_or_default());
        let carried = Carried {
            arguments: rest,
            before: 1,
            unnamed: &unnamed,
            taken,
        };
        for (own, bound) in self.carried(input, carried, scope)? {
            let raw = self.fresh("extreme");
            let value = input.lowering(self.frame()).expr(&bound)?;
            let first = first_value(value, order.clone());
            summary.raw.push((raw.clone(), bound.ty, first));
            let name = written.next().map_or(own, |name| name.text.clone());
            summary.add(&name, Bound::column(raw, bound.ty));
        }
        Ok(())
    }
}
