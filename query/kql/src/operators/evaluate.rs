//! `evaluate`: plugins. Those whose columns depend on the data (`bag_unpack`, `pivot`) look at it while the query is
//! planned.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use kql_syntax::Span;
use kql_syntax::ast::{Argument, Call, Column, Expr, ExprKind, NamedExpr, Type};
use kql_values::function::Context;
use kql_values::rows::TableArgument;
use kql_values::{Dynamic, Value};

use super::project::Unnamed;
use crate::arrays::Reader;
use crate::bind::{Binder, Row, Scope, did_you_mean, step};
use crate::bound::{Bound, Kind};
use crate::error::{Bind, Refusal, failed_at};
use crate::node::{RowsNode, Run};
use crate::relation::Relation;

/// Rows that are looked at for the columns of `bag_unpack` and `pivot`.
pub(super) const LOOKED_AT_MAX: usize = 1_000_000;

/// Most columns that data may make.
const COLUMNS_MAX: usize = 1_000;

impl Binder<'_> {
    pub(super) fn evaluate(
        &self,
        input: Relation,
        call: &Call,
        schema: Option<&[Column]>,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        match call.name.text.as_str() {
            "bag_unpack" => self.bag_unpack(input, call, schema, scope),
            "pivot" => self.pivot(input, call, scope),
            "ipv4_lookup" | "ipv6_lookup" => self.ip_lookup(input, call, scope),
            "preview" | "identity" => self.preview(input, call, scope),
            name if is_outward(name) => Err(outward(call)),
            _ => self.plugin(input, call, scope),
        }
    }

    /// A plugin of the registry.
    fn plugin(&self, input: Relation, call: &Call, scope: &Rc<Scope>) -> Bind<Relation> {
        let plugins = &self.environment.language.plugins;
        let Some(plugin) = plugins
            .iter()
            .find(|plugin| plugin.name == call.name.text)
            .cloned()
        else {
            let known = plugins.iter().map(|plugin| plugin.name).chain([
                "bag_unpack",
                "pivot",
                "ipv4_lookup",
                "ipv6_lookup",
            ]);
            let hint = did_you_mean(&call.name.text, known);
            return Err(Refusal::at(
                call.name.span,
                format!("there is no plugin '{}'{hint}", call.name.text),
            ));
        };
        let names: Vec<_> = input.columns.iter().map(|(name, _)| name.clone()).collect();
        let (input, arguments) = self.table_arguments(input, &call.arguments, scope)?;
        let output =
            (plugin.columns)(&input.columns, &arguments).map_err(failed_at(call.name.span))?;
        let now = self.environment.now;
        let run: Run = Arc::new(move |rows| (plugin.run)(&mut Context::new(now), rows, &arguments));
        let result = through(input, plugin.name, output, run)?;
        // Its rows are those of the source; the condition is no column of them.
        if plugin.name == "rows_near" {
            return result.select(&names);
        }
        Ok(result)
    }

    /// The first rows; `identity()` gives all.
    fn preview(&self, input: Relation, call: &Call, scope: &Rc<Scope>) -> Bind<Relation> {
        match call.arguments.first() {
            Some(count) => self.take(input, &count.value, scope),
            None => Ok(input),
        }
    }

    /// Arguments of a plugin: columns by their places, constants by their values. Other expressions become columns.
    fn table_arguments(
        &self,
        mut input: Relation,
        arguments: &[Argument],
        scope: &Rc<Scope>,
    ) -> Bind<(Relation, Vec<TableArgument>)> {
        let mut bound = Vec::with_capacity(arguments.len());
        for argument in arguments {
            if self.is_tabular(&argument.value, &Row::of(&input.columns), scope) {
                bound.push(self.identities(&argument.value, arguments, scope)?);
                continue;
            }
            let value = self.scalar(&argument.value, &Row::of(&input.columns), scope)?;
            if let Some(constant) = value.constant() {
                bound.push(TableArgument::Constant(constant.clone()));
                continue;
            }
            let given = argument.name.as_ref().map(|name| name.text.clone());
            let name = match (&value.kind, given) {
                (Kind::Column(name), None) => name.clone(),
                (_, given) => {
                    let name = given
                        .or_else(|| crate::names::implied(&argument.value))
                        .unwrap_or_else(|| "Column1".to_owned());
                    let name = crate::names::unique(&name, |name| input.is_taken(name));
                    input = input.extend(self.frame(), vec![(name.clone(), value)])?;
                    name
                }
            };
            let place = input
                .columns
                .iter()
                .position(|(column, _)| *column == name)
                .unwrap_or_default();
            bound.push(TableArgument::Column(place));
        }
        Ok((input, bound))
    }

    fn bag_unpack(
        &self,
        input: Relation,
        call: &Call,
        schema: Option<&[Column]>,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let (names, positional): (Vec<_>, Vec<_>) = call
            .arguments
            .iter()
            .partition(|argument| argument.name.is_some());
        let option = |wanted: &str, place: usize| -> Bind<Option<Value>> {
            let by_name = names.iter().find(|argument| {
                argument
                    .name
                    .as_ref()
                    .is_some_and(|name| name.text.eq_ignore_ascii_case(wanted))
            });
            let found = by_name.copied().or_else(|| positional.get(place).copied());
            found
                .map(|argument| {
                    self.constant(&argument.value, scope)
                        .map(|bound| bound.constant().cloned().unwrap_or(Value::Null))
                })
                .transpose()
        };
        let Some(bag) = positional.first() else {
            return Err(Refusal::at(call.name.span, "bag_unpack needs a column"));
        };
        let bound = self
            .scalar(&bag.value, &Row::of(&input.columns), scope)?
            .convert(Type::Dynamic);
        let Kind::Column(bag_name) = &bound.kind else {
            return Err(Refusal::at(
                bag.value.span,
                "bag_unpack takes a dynamic column",
            ));
        };
        let bag_name = bag_name.clone();
        let prefix =
            option("OutputColumnPrefix", 1)?.map_or_else(String::new, |value| value.to_text());
        let conflict = option("columnsConflict", 2)?
            .map_or_else(|| "error".to_owned(), |value| value.to_text());
        let ignored = option("ignoredProperties", 3)?
            .unwrap_or(Value::Null)
            .to_json();
        let is_ignored = |name: &str| {
            let names = ignored.as_array();
            names.is_some_and(|names| names.iter().any(|one| one.as_str() == Some(name)))
        };
        let found = match schema {
            Some(schema) => stated(schema, &input, &bag_name),
            None => self.properties(&input, &bag_name)?,
        };
        let mut columns: Vec<(String, Bound)> = Vec::new();
        for (name, ty) in input.columns.iter().filter(|(name, _)| *name != bag_name) {
            columns.push((name.clone(), Bound::column(name.clone(), *ty)));
        }
        for (key, ty) in found.into_iter().filter(|(key, _)| !is_ignored(key)) {
            let name = format!("{prefix}{key}");
            let value = step(bound.clone(), Bound::string(key), bag.value.span)?.convert(ty);
            match columns.iter_mut().find(|(taken, _)| *taken == name) {
                None => columns.push((name, value)),
                Some(slot) if conflict == "replace_source" => slot.1 = value,
                Some(_) if conflict == "keep_source" => {}
                Some(_) => {
                    let text = format!(
                        "the bag has a property '{name}' and the table a column of that name; columnsConflict says what to do"
                    );
                    return Err(Refusal::at(call.name.span, text));
                }
            }
        }
        input.project(self.frame(), columns)
    }

    /// The properties of the bags of a column and the type that all values of each have.
    fn properties(&self, input: &Relation, bag: &str) -> Bind<Vec<(String, Type)>> {
        let bags = input.clone().select(&[bag.to_owned()])?;
        let batches = self.rows(bags.plan, LOOKED_AT_MAX + 1)?;
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if rows > LOOKED_AT_MAX {
            self.warn(format!(
                "bag_unpack looked at {LOOKED_AT_MAX} rows for its columns: a property that only others have is left out; `: (*, name: type)` names those that are wanted"
            ));
        }
        let mut found: BTreeMap<String, Option<Type>> = BTreeMap::new();
        for batch in &batches {
            let reader = Reader::new(batch.column(0), Type::Dynamic)?;
            for row in 0..batch.num_rows() {
                let Value::Dynamic(Dynamic::Object(members)) = reader.value(row) else {
                    continue;
                };
                for (key, value) in members {
                    let ty = type_of(&value);
                    let slot = found.entry(key).or_insert(ty);
                    *slot = of_both(*slot, ty);
                }
            }
        }
        if found.len() > COLUMNS_MAX {
            let text = format!(
                "the bags have more than {COLUMNS_MAX} properties; `: (*, name: type)` names those that are wanted"
            );
            return Err(Refusal::at(Span::default(), text));
        }
        Ok(found
            .into_iter()
            .map(|(key, ty)| (key, ty.unwrap_or(Type::Dynamic)))
            .collect())
    }

    /// `pivot(key, aggregate, columns...)`: an aggregate for each value of the key.
    fn pivot(&self, input: Relation, call: &Call, scope: &Rc<Scope>) -> Bind<Relation> {
        let mut arguments = call.arguments.iter().map(|argument| &argument.value);
        let Some(key) = arguments.next() else {
            return Err(Refusal::at(call.name.span, "pivot needs a column"));
        };
        let aggregate = arguments.next();
        let rest: Vec<&Expr> = arguments.collect();
        let bound = self
            .scalar(key, &Row::of(&input.columns), scope)?
            .convert(Type::String);
        let key_name = crate::names::implied(key).unwrap_or_default();
        let values = self.distinct_texts(&input, &bound, key.span)?;
        let used = aggregate.map(argument_names).unwrap_or_default();
        let groups: Vec<NamedExpr> = if rest.is_empty() {
            let others = input
                .columns
                .iter()
                .filter(|(name, _)| *name != key_name && !used.contains(name));
            others
                .map(|(name, _)| Expr::name(name, key.span).into())
                .collect()
        } else {
            rest.into_iter().cloned().map(NamedExpr::from).collect()
        };
        let mut summary = super::summarize::Summary {
            keys: self.named(&groups, &Row::of(&input.columns), scope, Unnamed::Column)?,
            ..Default::default()
        };
        for value in values {
            let condition = Bound::call(
                "==",
                vec![bound.clone(), Bound::string(value.clone())],
                Type::Bool,
            );
            let (name, arguments) = self.conditional(&input, aggregate, condition, scope)?;
            let (arguments, ty) = self.aggregate_types(&name, arguments, key.span)?;
            let raw = self.fresh("pivot");
            summary.aggregation.0.push(crate::aggregates::Aggregate {
                name,
                arguments,
                column: raw.clone(),
                ty,
            });
            summary.results.push((value, Bound::column(raw, ty)));
        }
        self.apply_summary(input, summary)
    }

    /// An aggregate that looks only at rows of a condition.
    fn conditional(
        &self,
        input: &Relation,
        aggregate: Option<&Expr>,
        condition: Bound,
        scope: &Rc<Scope>,
    ) -> Bind<(String, Vec<Bound>)> {
        let Some(aggregate) = aggregate else {
            return Ok(("countif".to_owned(), vec![condition]));
        };
        let ExprKind::Call(call) = &aggregate.kind else {
            return Err(Refusal::at(
                aggregate.span,
                "pivot takes an aggregate such as sum(x)",
            ));
        };
        let mut arguments = Vec::new();
        for argument in &call.arguments {
            arguments.push(self.scalar(&argument.value, &Row::of(&input.columns), scope)?);
        }
        let name = match call.name.text.as_str() {
            "make_list" | "make_set" | "make_bag" => format!("{}_if", call.name.text),
            "any" => "anyif".to_owned(),
            name => format!("{name}if"),
        };
        if !crate::aggregates::is_aggregate(self.environment.language, &name) {
            return Err(Refusal::at(
                call.name.span,
                format!("pivot does not take {}()", call.name.text),
            ));
        }
        let place = arguments.len().min(1);
        arguments.insert(place, condition);
        Ok((name, arguments))
    }

    fn distinct_texts(&self, input: &Relation, bound: &Bound, span: Span) -> Bind<Vec<String>> {
        let summary = super::summarize::Summary {
            keys: vec![("key".to_owned(), bound.clone())],
            ..Default::default()
        };
        let keys = self.apply_summary(input.clone(), summary)?;
        let rows = self.values(keys, COLUMNS_MAX + 1)?;
        let values = rows.iter().flatten().map(Value::to_text);
        let mut values: Vec<_> = values.collect();
        if values.len() > COLUMNS_MAX {
            return Err(Refusal::at(
                span,
                format!(
                    "the column has more than {COLUMNS_MAX} values, each of which would be a column"
                ),
            ));
        }
        values.sort();
        Ok(values)
    }
}

/// The rows of a relation, in its order, passed through a function.
pub(super) fn through(
    input: Relation,
    name: &str,
    output: Vec<(String, Type)>,
    run: Run,
) -> Bind<Relation> {
    if !input.keys().is_empty() {
        return super::groups::through(input, name, output, run);
    }
    whole(input, name, output, run)
}

/// The same, whatever the groups.
pub(super) fn whole(
    input: Relation,
    name: &str,
    output: Vec<(String, Type)>,
    run: Run,
) -> Bind<Relation> {
    let (hidden, order) = input.order_places();
    let columns = input.as_they_are();
    let input = Relation { hidden, ..input }.project_lowered(columns)?;
    let types = input.columns.iter().map(|(_, ty)| *ty).collect();
    let plan = RowsNode::plan(name, (input.plan, types), order, output.clone(), run)?;
    Ok(Relation::new(crate::catalog::unqualified(plan)?, output))
}

/// Whether a plugin runs code of others or asks a service.
pub(super) fn is_outward(name: &str) -> bool {
    const NAMES: [&str; 19] = [
        "ai_chat_completion",
        "ai_chat_completion_prompt",
        "ai_embed_text",
        "ai_embeddings",
        "azure_digital_twins_query_request",
        "cosmosdb_sql_request",
        "csharp",
        "dax_request",
        "execute_query",
        "execute_show_command",
        "http_request",
        "http_request_post",
        "infer_storage_schema",
        "infer_storage_schema_with_suggestions",
        "mysql_request",
        "postgresql_request",
        "python",
        "r",
        "sql_request",
    ];
    NAMES.contains(&name)
}

/// Why such a plugin is refused.
pub(super) fn outward(call: &Call) -> Refusal {
    let text = format!(
        "the plugin '{}' runs code or calls services, which Bartizan does not do",
        call.name.text
    );
    Refusal::at(call.name.span, text)
}

/// The columns that `: (*, a: long)` states for a bag.
fn stated(schema: &[Column], input: &Relation, bag: &str) -> Vec<(String, Type)> {
    schema
        .iter()
        .filter(|column| {
            column.name.text != "*" && (!input.has(&column.name.text) || column.name.text == bag)
        })
        .map(|column| (column.name.text.clone(), column.ty.unwrap_or(Type::Dynamic)))
        .collect()
}

/// The type that holds what two types do.
fn of_both(one: Option<Type>, other: Option<Type>) -> Option<Type> {
    match (one, other) {
        (None, ty) | (ty, None) => ty,
        (Some(one), Some(other)) if one == other => Some(one),
        (Some(Type::Long | Type::Real), Some(Type::Long | Type::Real)) => Some(Type::Real),
        _ => Some(Type::Dynamic),
    }
}

fn type_of(value: &Dynamic) -> Option<Type> {
    match value {
        Dynamic::Null => None,
        Dynamic::Bool(_) => Some(Type::Bool),
        Dynamic::Number(number) if number.is_i64() => Some(Type::Long),
        Dynamic::Number(_) => Some(Type::Real),
        Dynamic::String(_) => Some(Type::String),
        _ => Some(Type::Dynamic),
    }
}

/// Names among the arguments of a call.
fn argument_names(expr: &Expr) -> Vec<String> {
    match &expr.kind {
        ExprKind::Call(call) => call
            .arguments
            .iter()
            .filter_map(|argument| match &argument.value.kind {
                ExprKind::Name(name) => Some(name.text.clone()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}
