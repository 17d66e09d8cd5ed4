//! `extend`, `project` and their kin: which columns there are, and in what order.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;

use kql_syntax::ast::{
    Argument, Expr, ExprKind, Literal, Name, NamedExpr, ReorderKey, ReorderOrder, Type,
};
use kql_values::{Dynamic, Value};

use super::Windows;
use crate::bind::{Binder, Row, Scope, custom_of, did_you_mean, step};
use crate::bound::Bound;
use crate::error::{Bind, Refusal};
use crate::lower::column;
use crate::names;
use crate::relation::Relation;

/// How unnamed columns are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unnamed {
    /// `Column1`, `Column2`.
    Column,
    /// `print_0`, by the place.
    Print,
}

impl Binder<'_> {
    /// Binds named expressions over a row. What has several results gives several columns.
    pub(crate) fn named(
        &self,
        columns: &[NamedExpr],
        row: &Row<'_>,
        scope: &Rc<Scope>,
        unnamed: Unnamed,
    ) -> Bind<Vec<(String, Bound)>> {
        let mut bound = Vec::with_capacity(columns.len());
        let mut number = 0_usize;
        for (place, column) in columns.iter().enumerate() {
            if let ExprKind::Wildcard(pattern) = &column.value.kind {
                for (name, ty) in row
                    .columns
                    .iter()
                    .filter(|(name, _)| matches_wildcard(name, &pattern.text))
                {
                    bound.push((name.clone(), Bound::column(name.clone(), *ty)));
                }
                continue;
            }
            let value = self.scalar(&column.value, row, scope)?;
            if let Some(results) = self.results(&column.value, &value)? {
                name_results(column, results, unnamed, &mut bound)?;
                continue;
            }
            if let [first, _, ..] = column.names.as_slice() {
                take_apart(&column.names, &value, first, &mut bound)?;
                continue;
            }
            let name = match column.names.first() {
                Some(name) => name.text.clone(),
                None if unnamed == Unnamed::Print => format!("print_{place}"),
                None => match names::implied(&column.value).filter(|name| !name.is_empty()) {
                    Some(name) => {
                        names::unique(&name, |name| bound.iter().any(|(taken, _)| taken == name))
                    }
                    None => {
                        number += 1;
                        names::unique(&format!("Column{number}"), |name| {
                            row.columns.iter().any(|(taken, _)| taken == name)
                        })
                    }
                },
            };
            bound.push((name, value));
        }
        Ok(bound)
    }

    /// The values of a call that gives several, each with the name that it has if the query gives none.
    fn results(&self, expr: &Expr, value: &Bound) -> Bind<Option<Vec<(String, Bound)>>> {
        let ExprKind::Call(call) = &expr.kind else {
            return Ok(None);
        };
        let implied = |argument: &Argument| names::implied(&argument.value).unwrap_or_default();
        if let Some(results) = self.several(value) {
            let first = call.arguments.first().map(implied).unwrap_or_default();
            let stem = match first.as_str() {
                "" => call.name.text.clone(),
                first => format!("{}_{first}", call.name.text),
            };
            let named = results.into_iter();
            return Ok(Some(
                named
                    .map(|(name, value)| (format!("{stem}_{name}"), value))
                    .collect(),
            ));
        }
        // Sorting several arrays gives as many.
        let is_sort = matches!(
            call.name.text.as_str(),
            "array_sort_asc" | "array_sort_desc"
        );
        let is_array = |argument: &&Argument| {
            !matches!(argument.value.kind, ExprKind::Literal(Literal::Bool(_)))
        };
        let arrays: Vec<_> = call.arguments.iter().filter(is_array).collect();
        if !is_sort || arrays.len() < 2 {
            return Ok(None);
        }
        let mut results = Vec::with_capacity(arrays.len());
        for (place, argument) in arrays.into_iter().enumerate() {
            let name = match implied(argument).as_str() {
                "" => format!("array{place}_sorted"),
                name => format!("{name}_sorted"),
            };
            let index = Bound::long(i64::try_from(place).unwrap_or(i64::MAX));
            results.push((name, step(value.clone(), index, expr.span)?));
        }
        Ok(Some(results))
    }

    /// Binds named expressions over a relation, window functions among them.
    fn over(
        &self,
        input: Relation,
        columns: &[NamedExpr],
        scope: &Rc<Scope>,
        unnamed: Unnamed,
    ) -> Bind<(Relation, Vec<(String, Bound)>)> {
        let windows = RefCell::new(Windows::default());
        let bound = {
            let row = Row {
                windows: Some(&windows),
                ..Row::of(&input.columns)
            };
            self.named(columns, &row, scope, unnamed)?
        };
        let input = self.apply_windows(input, &windows.into_inner())?;
        Ok((input, bound))
    }

    pub(super) fn extend(
        &self,
        input: Relation,
        columns: &[NamedExpr],
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let visible: Vec<_> = input.columns.iter().map(|(name, _)| name.clone()).collect();
        let (input, bound) = self.over(input, columns, scope, Unnamed::Column)?;
        // A later expression may not read an earlier one's new value: all read the row as it was.
        let mut all: Vec<(String, Bound)> = visible
            .iter()
            .filter_map(|name| {
                input
                    .type_of(name)
                    .map(|ty| (name.clone(), Bound::column(name.clone(), ty)))
            })
            .collect();
        let written: Vec<_> = columns
            .iter()
            .flat_map(|column| &column.names)
            .map(|name| name.text.as_str())
            .collect();
        for (name, value) in bound {
            let is_written = written.contains(&name.as_str())
                || matches!(&value.kind, crate::bound::Kind::Column(_));
            let place = all.iter().position(|(taken, _)| *taken == name);
            match place.and_then(|place| all.get_mut(place)) {
                Some(slot) if is_written => slot.1 = value,
                Some(_) => {
                    let free =
                        names::unique(&name, |name| all.iter().any(|(taken, _)| taken == name));
                    all.push((free, value));
                }
                None => all.push((name, value)),
            }
        }
        input.project(self.frame(), all)
    }

    pub(super) fn project(
        &self,
        input: Relation,
        columns: &[NamedExpr],
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let (input, bound) = self.over(input, columns, scope, Unnamed::Column)?;
        if let Some(twice) = duplicate(&bound) {
            let span = columns
                .first()
                .map_or_else(kql_syntax::Span::default, |first| first.value.span);
            return Err(Refusal::at(
                span,
                format!("two columns are named '{twice}'"),
            ));
        }
        input.project(self.frame(), bound)
    }

    pub(super) fn project_by_names(
        &self,
        input: Relation,
        columns: &[Expr],
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let mut wanted = Vec::new();
        for expr in columns {
            let bound = self.constant(expr, scope)?;
            match bound.constant() {
                Some(Value::String(name)) => wanted.push(name.clone()),
                Some(Value::Dynamic(Dynamic::Array(items))) => {
                    wanted.extend(items.iter().filter_map(Dynamic::as_str).map(str::to_owned));
                }
                Some(Value::Dynamic(Dynamic::String(name))) => wanted.push(name.clone()),
                _ => {
                    return Err(Refusal::at(
                        expr.span,
                        "names of columns are needed here: a text, or an array of texts",
                    ));
                }
            }
        }
        let mut names: Vec<String> = Vec::new();
        for pattern in &wanted {
            for (name, _) in &input.columns {
                if matches_wildcard(name, pattern) && !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        input.select(&names)
    }

    pub(super) fn project_keep(&self, input: Relation, columns: &[Expr]) -> Bind<Relation> {
        let input = self.with_custom(
            input,
            &columns.iter().filter_map(name_of).collect::<Vec<_>>(),
        )?;
        let wanted = matching(&input, columns)?;
        let kept: Vec<_> = input
            .columns
            .iter()
            .map(|(name, _)| name.clone())
            .filter(|name| wanted.contains(name))
            .collect();
        input.select(&kept)
    }

    pub(super) fn project_rename(&self, input: Relation, columns: &[NamedExpr]) -> Bind<Relation> {
        let olds = columns.iter().map(|column| &column.value);
        let input = self.with_custom(input, &olds.filter_map(name_of).collect::<Vec<_>>())?;
        let mut renamed: Vec<(String, String, Type)> = input
            .columns
            .iter()
            .map(|(name, ty)| (name.clone(), name.clone(), *ty))
            .collect();
        for one in columns {
            let ExprKind::Name(old) = &one.value.kind else {
                return Err(Refusal::at(
                    one.value.span,
                    "project-rename takes `new = old`, where old is the name of a column",
                ));
            };
            let Some(slot) = renamed
                .iter_mut()
                .find(|(_, source, _)| *source == old.text)
            else {
                let message = unknown_column(&input, &old.text);
                return Err(Refusal::Unknown(old.text.clone(), old.span, message));
            };
            if let Some(name) = one.names.first() {
                slot.0.clone_from(&name.text);
            }
        }
        let mut seen = std::collections::HashSet::new();
        if let Some((twice, ..)) = renamed.iter().find(|(name, ..)| !seen.insert(name)) {
            let span = columns.first().map(|first| first.value.span);
            let text = format!("two columns would be named '{twice}'");
            return Err(Refusal::at(span.unwrap_or_default(), text));
        }
        let columns = renamed
            .into_iter()
            .map(|(name, source, ty)| (name, ty, column(&source)))
            .collect();
        input.project_lowered(columns)
    }

    pub(super) fn project_reorder(&self, input: Relation, keys: &[ReorderKey]) -> Bind<Relation> {
        let named = keys.iter().map(|key| &key.column);
        let input = self.with_custom(input, &named.filter_map(name_of).collect::<Vec<_>>())?;
        let mut ordered: Vec<String> = Vec::new();
        for key in keys {
            let mut found = matching(&input, std::slice::from_ref(&key.column))?;
            found.retain(|name| !ordered.contains(name));
            match key.order {
                None => {}
                Some(ReorderOrder::Ascending) => found.sort(),
                Some(ReorderOrder::Descending) => found.sort_by(|left, right| right.cmp(left)),
                Some(ReorderOrder::GrannyAscending) => {
                    found.sort_by(|left, right| granny(left, right));
                }
                Some(ReorderOrder::GrannyDescending) => {
                    found.sort_by(|left, right| granny(right, left));
                }
            }
            ordered.extend(found);
        }
        let rest = input
            .columns
            .iter()
            .map(|(name, _)| name.clone())
            .filter(|name| !ordered.contains(name));
        let all: Vec<_> = ordered.iter().cloned().chain(rest).collect();
        input.select(&all)
    }

    /// The rows with those of the named columns that are read from `AdditionalFields`.
    pub(super) fn with_custom(&self, input: Relation, names: &[&Name]) -> Bind<Relation> {
        let custom = |name: &&Name| Some((name.text.clone(), custom_of(&input, &name.text)?));
        let added: Vec<_> = names.iter().filter_map(custom).collect();
        if added.is_empty() {
            return Ok(input);
        }
        input.extend(self.frame(), added)
    }
}

/// `(a, b) = dynamic`: its elements.
fn take_apart(
    names: &[Name],
    value: &Bound,
    first: &Name,
    bound: &mut Vec<(String, Bound)>,
) -> Bind<()> {
    if value.ty != Type::Dynamic {
        return Err(Refusal::at(
            first.span,
            "only a call that gives several values, or an array, can be taken apart",
        ));
    }
    for (place, name) in (0_i64..).zip(names) {
        let part = Bound {
            kind: crate::bound::Kind::Path(Box::new(value.clone()), vec![Bound::long(place)]),
            ty: Type::Dynamic,
        };
        bound.push((name.text.clone(), part));
    }
    Ok(())
}

pub(super) fn project_away(input: Relation, columns: &[Expr]) -> Bind<Relation> {
    // One that is read from `AdditionalFields` is no column until it is read.
    let is_custom =
        |expr: &Expr| name_of(expr).is_some_and(|name| custom_of(&input, &name.text).is_some());
    let named = columns.iter().filter(|expr| !is_custom(expr));
    let away = matching(&input, &named.cloned().collect::<Vec<_>>())?;
    let kept: Vec<_> = input
        .columns
        .iter()
        .map(|(name, _)| name.clone())
        .filter(|name| !away.contains(name))
        .collect();
    input.select(&kept)
}

/// The columns that a list of names and wildcards means; an unknown name is an error.
pub(crate) fn matching(input: &Relation, columns: &[Expr]) -> Bind<Vec<String>> {
    let mut found = Vec::new();
    for expr in columns {
        match &expr.kind {
            ExprKind::Wildcard(pattern) => {
                let names = input.columns.iter().map(|(name, _)| name);
                found.extend(
                    names
                        .filter(|name| matches_wildcard(name, &pattern.text))
                        .cloned(),
                );
            }
            ExprKind::Name(name) if input.has(&name.text) => found.push(name.text.clone()),
            ExprKind::Name(name) => {
                let message = unknown_column(input, &name.text);
                return Err(Refusal::Unknown(name.text.clone(), name.span, message));
            }
            _ => {
                return Err(Refusal::at(
                    expr.span,
                    "the name of a column is needed here",
                ));
            }
        }
    }
    Ok(found)
}

/// The name, if an expression is nothing else.
pub(super) fn name_of(expr: &Expr) -> Option<&Name> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name),
        _ => None,
    }
}

pub(crate) fn unknown_column(input: &Relation, name: &str) -> String {
    let known = input.columns.iter().map(|(name, _)| name.as_str());
    format!("there is no column '{name}'{}", did_you_mean(name, known))
}

fn duplicate(columns: &[(String, Bound)]) -> Option<&str> {
    let mut seen = std::collections::HashSet::new();
    columns
        .iter()
        .map(|(name, _)| name.as_str())
        .find(|name| !seen.insert(*name))
}

/// Whether a name matches a pattern in which `*` stands for anything.
pub(crate) fn matches_wildcard(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else {
        return name.is_empty();
    };
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Order of names in which numbers count as numbers.
fn granny(left: &str, right: &str) -> Ordering {
    let split = |text: &str| {
        let mut parts: Vec<(String, Option<u64>)> = Vec::new();
        for sign in text.chars() {
            let is_digit = sign.is_ascii_digit();
            match parts.last_mut() {
                Some((part, number)) if number.is_some() == is_digit => {
                    part.push(sign);
                    *number = number.and(part.parse().ok());
                }
                _ => parts.push((
                    sign.to_string(),
                    is_digit.then(|| u64::from(sign.to_digit(10).unwrap_or_default())),
                )),
            }
        }
        parts
    };
    for (left, right) in split(left).iter().zip(split(right).iter()) {
        let order = match (left.1, right.1) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => left.0.cmp(&right.0),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len())
}

/// `(a, b) = f()` and `f(x)` where `f` gives several values: those that the query does not name have names of their
/// own, but for `print`, which leaves them out behind one that is named.
fn name_results(
    column: &NamedExpr,
    results: Vec<(String, Bound)>,
    unnamed: Unnamed,
    bound: &mut Vec<(String, Bound)>,
) -> Bind<()> {
    if column.names.len() > results.len() {
        let text = format!(
            "this call gives {} values, and {} names are given",
            results.len(),
            column.names.len()
        );
        return Err(Refusal::at(column.value.span, text));
    }
    let is_cut = unnamed == Unnamed::Print && !column.names.is_empty();
    let mut given = column.names.iter();
    for (own, value) in results {
        let name = match given.next() {
            Some(name) => name.text.clone(),
            None if is_cut => break,
            None => names::unique(&own, |name| bound.iter().any(|(taken, _)| taken == name)),
        };
        bound.push((name, value));
    }
    Ok(())
}
