//! Calls of scalar functions.

use std::rc::Rc;

use kql_syntax::Span;
use kql_syntax::ast::{Argument, Call, Expr, ExprKind, Literal, Type};
use kql_values::convert::common_type;
use kql_values::operators::result_type;
use kql_values::{ParameterType, Returns, Signature};

use super::expr::step;
use super::{Binder, Binding, Row, Scope, did_you_mean};
use crate::bound::{Bound, Kind};
use crate::error::{Bind, Refusal};
use crate::operators::matches_wildcard;

impl Binder<'_> {
    /// Binds a call that gives one value.
    pub(super) fn call(
        &self,
        call: &Call,
        span: Span,
        row: &Row<'_>,
        scope: &Rc<Scope>,
    ) -> Bind<Bound> {
        let name = call.name.text.as_str();
        if let Some(Binding::Function(function, home)) = scope.find(name) {
            let arguments = self.arguments(&call.arguments, row, scope)?;
            return self.call_scalar(&function, &home, arguments, span);
        }
        if let Some(bound) = self.special(call, span, row, scope)? {
            return Ok(bound);
        }
        if let Some(bound) = self.window(call, span, row, scope)? {
            return Ok(bound);
        }
        let is_aggregate = crate::aggregates::is_aggregate(self.environment.language, name);
        if is_aggregate && let Some(bound) = self.aggregate(call, span, row, scope)? {
            return Ok(bound);
        }
        if let Some(bound) = self.registered(call, span, row, scope)? {
            return Ok(bound);
        }
        Err(Refusal::at(
            call.name.span,
            self.unknown_function(name, is_aggregate, scope),
        ))
    }

    fn unknown_function(&self, name: &str, is_aggregate: bool, scope: &Rc<Scope>) -> String {
        if is_aggregate {
            return format!(
                "{name}() counts rows of groups: it stands in summarize, make-series and their kin"
            );
        }
        if name.starts_with("geo_") {
            return format!("{name}() is a geospatial function; Bartizan has none of them");
        }
        if let Some(reason) = refused(name) {
            return format!("{name}() is not served: {reason}");
        }
        if self
            .environment
            .catalog
            .functions()
            .iter()
            .any(|known| known == name)
        {
            return format!("'{name}' gives a table, and one value is needed here");
        }
        let lets = scope.names();
        let known = self.environment.language.function_names();
        let hint = elsewhere(name).map_or_else(
            || {
                let lets = lets.iter().map(String::as_str);
                did_you_mean(name, known.into_iter().chain(lets))
            },
            |own| format!("; did you mean {own}?"),
        );
        format!("there is no function '{name}'{hint}")
    }

    pub(crate) fn arguments(
        &self,
        arguments: &[Argument],
        row: &Row<'_>,
        scope: &Rc<Scope>,
    ) -> Bind<Vec<(Option<String>, Binding, Span)>> {
        let mut bound = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let name = argument.name.as_ref().map(|name| name.text.clone());
            let value = if self.is_tabular(&argument.value, row, scope) {
                Binding::Tabular(self.tabular(&argument.value, scope)?)
            } else {
                Binding::Scalar(self.scalar(&argument.value, row, scope)?)
            };
            bound.push((name, value, argument.value.span));
        }
        Ok(bound)
    }

    /// A function of the registry: its arguments are brought to the types of its signature.
    fn registered(
        &self,
        call: &Call,
        span: Span,
        row: &Row<'_>,
        scope: &Rc<Scope>,
    ) -> Bind<Option<Bound>> {
        let functions = &self.environment.language.functions;
        let Some(function) = functions.scalar(&call.name.text) else {
            return Ok(None);
        };
        let signature = &function.signature;
        // `extract(..., typeof(long))`: the result is brought to that type.
        let (arguments, typeof_type) = without_type(&call.arguments);
        let mut bound = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match &argument.value.kind {
                ExprKind::Wildcard(pattern) => {
                    let columns = row.columns.iter();
                    let meant = columns.filter(|(name, _)| matches_wildcard(name, &pattern.text));
                    bound.extend(meant.map(|(name, ty)| Bound::column(name.clone(), *ty)));
                }
                _ => bound.push(self.scalar(&argument.value, row, scope)?),
            }
        }
        check_arity(signature, bound.len(), span)?;
        let (bound, ty) = fit(signature, bound, span)?;
        let types: Vec<_> = bound.iter().map(|one| one.ty).collect();
        let ty = match signature.returns {
            Returns::One(ParameterType::Any) => result_type(signature.name, &types).unwrap_or(ty),
            _ => ty,
        };
        let is_single_sort = signature.name.starts_with("array_sort_")
            && bound.iter().filter(|one| one.ty == Type::Dynamic).count() == 1;
        let result = self.fold(Bound::call(signature.name, bound, ty), span)?;
        // Sorting several arrays gives an array for each; sorting one gives it.
        let result = if is_single_sort {
            step(result, Bound::long(0), span)?
        } else {
            result
        };
        Ok(Some(match typeof_type {
            Some(ty) => result.convert(ty),
            None => result,
        }))
    }

    /// The results of a call that gives several values, with their names.
    pub(crate) fn several(&self, bound: &Bound) -> Option<Vec<(String, Bound)>> {
        let Kind::Call(name, _) = &bound.kind else {
            return None;
        };
        let function = self.environment.language.functions.scalar(name)?;
        let Returns::Several(results) = &function.signature.returns else {
            return None;
        };
        let results = results.iter().enumerate().map(|(place, (name, ty))| {
            let result = Bound {
                kind: Kind::Result(Box::new(bound.clone()), place),
                ty: *ty,
            };
            ((*name).to_owned(), result)
        });
        Some(results.collect())
    }
}

/// Why a function of the language is not served.
pub(super) fn refused(name: &str) -> Option<&'static str> {
    Some(match name {
        "graph" | "all" | "any" | "map" | "inner_nodes" | "labels" | "node_degree_in"
        | "node_degree_out" | "node_id" => "graphs are not: tables, joins and mv-apply are",
        "cursor_after"
        | "cursor_before_or_at"
        | "cursor_current"
        | "current_cursor"
        | "extent_id"
        | "extentid"
        | "extent_tags"
        | "row_id"
        | "rowstore_ordinal_range"
        | "current_node_id" => {
            "it tells how Kusto keeps its rows; ingestion_time() tells when a row came"
        }
        "current_principal_is_member_of" => "there are no groups of users",
        "materialized_view" | "stored_query_result" => {
            "there are no results that are kept; a function of the query gives rows anew"
        }
        "external_table" => "tables outside are read with externaldata",
        "entity_group" => "there is one database",
        _ => return None,
    })
}

fn without_type(arguments: &[Argument]) -> (&[Argument], Option<Type>) {
    match arguments.split_last() {
        Some((last, rest)) => match type_argument(&last.value) {
            Some(ty) => (rest, Some(ty)),
            None => (arguments, None),
        },
        None => (arguments, None),
    }
}

/// The type that `typeof(...)` names.
pub(crate) fn type_argument(expr: &Expr) -> Option<Type> {
    match &expr.kind {
        ExprKind::Literal(Literal::Type(columns)) => columns.first().and_then(|column| column.ty),
        _ => None,
    }
}

/// Refuses a call that has too few arguments for a signature, or too many.
pub(crate) fn check_arity(signature: &Signature, count: usize, span: Span) -> Bind<()> {
    let names: Vec<_> = signature.parameters.iter().map(|one| one.name).collect();
    let call = format!("{}({})", signature.name, names.join(", "));
    let counts = (signature.arity_min(), signature.arity_max());
    check_count(&call, counts, count, span)
}

/// The same for least and most arguments.
pub(crate) fn check_count(
    call: &str,
    (min, max): (usize, Option<usize>),
    count: usize,
    span: Span,
) -> Bind<()> {
    if count >= min && max.is_none_or(|max| count <= max) {
        return Ok(());
    }
    let wanted = match max {
        Some(1) if min == 1 => "1 argument".to_owned(),
        Some(max) if max == min => format!("{min} arguments"),
        Some(max) => format!("{min} to {max} arguments"),
        None => format!("at least {min} arguments"),
    };
    let text = format!("{call} takes {wanted}, and has {count} here");
    Err(Refusal::at(span, text))
}

/// Brings arguments to the types of a signature, and tells the type of the result.
pub(crate) fn fit(
    signature: &Signature,
    arguments: Vec<Bound>,
    span: Span,
) -> Bind<(Vec<Bound>, Type)> {
    let kind = |place: usize| signature.parameter(place).map(|parameter| parameter.ty);
    let gathered = |wanted: ParameterType| {
        arguments
            .iter()
            .enumerate()
            .filter(move |(place, argument)| kind(*place) == Some(wanted) && !argument.is_null())
            .map(|(_, argument)| argument.ty)
    };
    let common = gathered(ParameterType::Common)
        .try_fold(None, |common, ty| match common {
            None => Some(Some(ty)),
            Some(common) => common_type(common, ty).map(Some),
        })
        .ok_or_else(|| {
            Refusal::at(
                span,
                format!(
                    "the arguments of {} have types that do not go together",
                    signature.name
                ),
            )
        })?;
    let null = || arguments.iter().map(|argument| argument.ty).next();
    let common = common.or_else(null).unwrap_or(Type::Dynamic);
    let number = gathered(ParameterType::Number)
        .map(|ty| match ty {
            Type::Int | Type::Long | Type::Decimal => ty,
            _ => Type::Real,
        })
        .reduce(|left, right| common_type(left, right).unwrap_or(Type::Real))
        .unwrap_or(Type::Real);
    let resolve = |ty: ParameterType, own: Type| match ty {
        ParameterType::Exactly(ty) => ty,
        ParameterType::Any => own,
        ParameterType::Common => common,
        ParameterType::Number => number,
    };
    let returns = match &signature.returns {
        Returns::One(ty) => resolve(
            *ty,
            arguments.first().map_or(Type::Dynamic, |first| first.ty),
        ),
        Returns::Several(_) => Type::Dynamic,
    };
    let fitted = arguments
        .into_iter()
        .enumerate()
        .map(|(place, argument)| {
            let own = argument.ty;
            let wanted = signature
                .parameter(place)
                .map_or(own, |parameter| resolve(parameter.ty, own));
            argument.convert(wanted)
        })
        .collect();
    Ok((fitted, returns))
}

/// What a function of another language is called here.
fn elsewhere(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "len" | "length" | "char_length" => "'strlen'",
        "substr" | "left" | "right" | "mid" => "'substring'",
        "concat" => "'strcat'",
        "nvl" | "ifnull" => "'coalesce'",
        "lower" | "lcase" => "'tolower'",
        "upper" | "ucase" => "'toupper'",
        "if" => "'iff'",
        "datediff" | "date_diff" => "'datetime_diff'",
        "dateadd" | "date_add" => "'datetime_add'",
        "date_trunc" | "datetrunc" => "'bin' or 'startofday'",
        "year" | "month" | "day" | "hour" | "minute" => "'datetime_part'",
        "regexp_extract" | "regexp_substr" => "'extract'",
        "regexp_replace" => "'replace_regex'",
        "cast" | "to_string" | "str" => "'tostring'",
        "distinct" => "'dcount', or the operator `distinct`",
        "first" | "any_value" => "'take_any'",
        "median" => "'percentile'",
        "array_agg" | "collect_list" => "'make_list'",
        _ => return None,
    })
}
