//! Expressions, but for calls.

use std::rc::Rc;

use kql_syntax::Span;
use kql_syntax::ast::{BinaryOperator, Expr, ExprKind, Literal, Name, Type, UnaryOperator};
use kql_values::Value;
use kql_values::convert::literal;
use kql_values::dynamic::{Step, walk};

use super::{Binder, Binding, Row, Scope, did_you_mean};
use crate::bound::{Bound, Kind};
use crate::error::{Bind, Refusal, failed_at};
use crate::relation::Relation;

impl Binder<'_> {
    /// Binds an expression that gives one value for each row.
    #[recursive::recursive]
    pub(crate) fn scalar(&self, expr: &Expr, row: &Row<'_>, scope: &Rc<Scope>) -> Bind<Bound> {
        match &expr.kind {
            ExprKind::Literal(Literal::Type(columns)) => {
                let ty = columns.first().and_then(|column| column.ty);
                Ok(Bound::string(ty.unwrap_or(Type::Dynamic).name()))
            }
            ExprKind::Literal(Literal::DateTime(Some(text)))
                if ["", "now"].contains(&text.trim().to_ascii_lowercase().as_str()) =>
            {
                let now = Value::DateTime(self.environment.now);
                Ok(Bound::literal(now, Type::DateTime))
            }
            ExprKind::Literal(text) => {
                let ty = literal_type(text);
                let value = literal(text).map_err(failed_at(expr.span))?;
                Ok(Bound::literal(value, ty))
            }
            ExprKind::Name(name) => self.name(name, row, scope),
            ExprKind::Wildcard(name) => Err(Refusal::at(
                name.span,
                format!(
                    "'{}' stands for several columns, and one value is needed here",
                    name.text
                ),
            )),
            ExprKind::Call(call) => self.call(call, expr.span, row, scope),
            ExprKind::Path { base, member } => self.member(base, member, row, scope),
            ExprKind::CallOn { call, .. } => Err(Refusal::at(
                expr.span,
                format!(
                    "{}() on another database gives a table, and one value is needed here",
                    call.name.text
                ),
            )),
            ExprKind::Index { base, index } => {
                let index = self.scalar(index, row, scope)?;
                let base = self.scalar(base, row, scope)?;
                step(base, index, expr.span)
            }
            ExprKind::Unary { operator, operand } => {
                let operand = self.scalar(operand, row, scope)?;
                match operator {
                    UnaryOperator::Plus => Ok(operand),
                    UnaryOperator::Minus => self.negate(operand, expr.span),
                }
            }
            ExprKind::Binary {
                operator: BinaryOperator::And | BinaryOperator::Or,
                ..
            } => self.junction(expr, row, scope),
            ExprKind::Binary {
                operator,
                left,
                right,
            } if is_star(left) => {
                let right = self.scalar(right, row, scope)?;
                any_column(row, expr.span, |value| {
                    self.binary(*operator, value, right.clone(), expr.span)
                })
            }
            ExprKind::Binary {
                operator,
                left,
                right,
            } => {
                let left = self.scalar(left, row, scope)?;
                let right = self.scalar(right, row, scope)?;
                self.binary(*operator, left, right, expr.span)
            }
            ExprKind::List {
                operator,
                operand,
                list,
            } => {
                let operand = self.scalar(operand, row, scope)?;
                let span = list.first().map_or(expr.span, |first| first.span);
                let list = self.list(list, row, scope)?;
                self.list_operator(*operator, operand, list, span)
            }
            ExprKind::Between {
                negated,
                operand,
                low,
                high,
            } => {
                let operand = self.scalar(operand, row, scope)?;
                let low = self.scalar(low, row, scope)?;
                let high = self.scalar(high, row, scope)?;
                self.between(*negated, operand, (low, high), expr.span)
            }
            ExprKind::Pipe { .. } | ExprKind::Datatable { .. } | ExprKind::ExternalData { .. } => {
                Err(Refusal::at(
                    expr.span,
                    "a table stands where one value is needed; toscalar(...) takes the first value of its first row",
                ))
            }
            ExprKind::Function(_) => Err(Refusal::at(
                expr.span,
                "a function is defined by let, not within an expression",
            )),
        }
    }

    fn name(&self, name: &Name, row: &Row<'_>, scope: &Rc<Scope>) -> Bind<Bound> {
        let text = name.text.as_str();
        if let Some(ty) = row.type_of(text) {
            return Ok(Bound::column(text, ty));
        }
        match scope.find(text) {
            Some(Binding::Scalar(bound)) => return Ok(bound),
            Some(Binding::Function(function, home))
                if function.parameters.iter().all(|one| one.default.is_some()) =>
            {
                return self.call_scalar(&function, &home, Vec::new(), name.span);
            }
            Some(Binding::Tabular(_)) => return Err(is_a_table(name)),
            _ => {}
        }
        if let Some(bound) = custom_column(text, row, REST) {
            return Ok(bound);
        }
        if self.is_known_table(text) {
            return Err(is_a_table(name));
        }
        let unknown = unknown_name(text, row, scope);
        let more = if unknown.contains("; did you mean") {
            String::new()
        } else {
            self.about_name(text, row)
        };
        let message = format!("{unknown}{more}");
        Err(Refusal::Unknown(text.to_owned(), name.span, message))
    }

    /// What an unknown name was probably meant for.
    fn about_name(&self, text: &str, row: &Row<'_>) -> String {
        if text.eq_ignore_ascii_case("null") {
            return "; isnull(...) and isempty(...) tell what is missing, and int(null) is such a value".to_owned();
        }
        if self.environment.language.function_names().contains(&text) {
            return format!("; a function is called: {text}()");
        }
        if row.columns.is_empty() {
            return String::new();
        }
        let mut tables = self.environment.catalog.tables_with(text);
        tables.sort();
        tables.truncate(TABLES_TOLD);
        match tables.as_slice() {
            [] => format!("; a text stands in quotes: '{text}'"),
            tables => format!("; there is one in {}", tables.join(", ")),
        }
    }

    fn member(&self, base: &Expr, member: &Name, row: &Row<'_>, scope: &Rc<Scope>) -> Bind<Bound> {
        if let ExprKind::Name(side) = &base.kind
            && let Some(found) = of_side(side, member, row, scope)?
        {
            return Ok(found);
        }
        let base_bound = self.scalar(base, row, scope)?;
        step(base_bound, Bound::string(member.text.clone()), member.span)
    }

    /// `a and b and c` is one call: chains may be long.
    fn junction(&self, expr: &Expr, row: &Row<'_>, scope: &Rc<Scope>) -> Bind<Bound> {
        let ExprKind::Binary { operator, .. } = &expr.kind else {
            return self.scalar(expr, row, scope);
        };
        let name = if *operator == BinaryOperator::And {
            "and"
        } else {
            "or"
        };
        let mut operands = Vec::new();
        let mut here = expr;
        while let ExprKind::Binary {
            operator: next,
            left,
            right,
        } = &here.kind
            && next == operator
        {
            operands.push(right.as_ref());
            here = left;
        }
        operands.push(here);
        let mut arguments = Vec::with_capacity(operands.len());
        for operand in operands.into_iter().rev() {
            arguments.push(self.condition(operand, row, scope)?);
        }
        self.fold(Bound::call(name, arguments, Type::Bool), expr.span)
    }

    /// Binds a condition: a `bool`, or what can be taken for one.
    pub(crate) fn condition(&self, expr: &Expr, row: &Row<'_>, scope: &Rc<Scope>) -> Bind<Bound> {
        let bound = self.scalar(expr, row, scope)?;
        match bound.ty {
            Type::Bool => Ok(bound),
            Type::Dynamic | Type::Int | Type::Long => Ok(bound.convert(Type::Bool)),
            other => {
                let each = match other {
                    Type::String => {
                        "; each side of `and` and `or` is a condition: a == 'x' or a == 'y'"
                    }
                    _ => "",
                };
                let text = format!(
                    "a condition is needed here, and this is a {}{each}",
                    other.name()
                );
                Err(Refusal::at(expr.span, text))
            }
        }
    }

    /// Binds an expression whose value is known before any row is read.
    pub(crate) fn constant(&self, expr: &Expr, scope: &Rc<Scope>) -> Bind<Bound> {
        let bound = self.scalar(expr, &Row::default(), scope)?;
        if bound.constant().is_none() {
            return Err(Refusal::at(
                expr.span,
                "a value that is known before any row is read is needed here",
            ));
        }
        Ok(bound)
    }

    /// A whole number that is known before any row is read.
    pub(crate) fn count(&self, expr: &Expr, scope: &Rc<Scope>) -> Bind<usize> {
        let bound = self.constant(expr, scope)?.convert(Type::Long);
        match bound.constant() {
            Some(Value::Long(number)) if *number >= 0 => {
                Ok(usize::try_from(*number).unwrap_or(usize::MAX))
            }
            _ => Err(Refusal::at(
                expr.span,
                "a whole number that is not negative is needed here",
            )),
        }
    }
}

/// A column that a table has not, out of its bag of other properties.
pub(crate) fn custom_of(input: &Relation, name: &str) -> Option<Bound> {
    let is_there = input.has(name);
    (!is_there).then(|| custom_column(name, &Row::of(&input.columns), REST))?
}

fn unknown_name(text: &str, row: &Row<'_>, scope: &Rc<Scope>) -> String {
    let lets = scope.names();
    let known = row
        .columns
        .iter()
        .map(|(name, _)| name.as_str())
        .chain(lets.iter().map(String::as_str));
    let hint = did_you_mean(text, known.filter(|name| !name.starts_with('\u{1}')));
    let kind = if row.columns.is_empty() {
        "variable"
    } else {
        "column or variable"
    };
    format!("there is no {kind} '{text}'{hint}")
}

/// `$left.x` and `$right.x` in a join, and the state of a step of `scan`.
fn of_side(side: &Name, member: &Name, row: &Row<'_>, scope: &Rc<Scope>) -> Bind<Option<Bound>> {
    let name = format!("{}.{}", side.text, member.text);
    let columns = match (side.text.as_str(), row.sides) {
        ("$left", Some((left, _))) => Some(left),
        ("$right", Some((_, right))) => Some(right),
        _ => None,
    };
    let unknown = |name: &str, row: &Row<'_>| {
        let message = unknown_name(name, row, scope);
        Refusal::Unknown(name.to_owned(), member.span, message)
    };
    let found = if let Some(columns) = columns {
        let row = Row::of(columns);
        let rest = format!("{}.{REST}", side.text);
        match (
            row.type_of(&member.text),
            custom_column(&member.text, &row, &rest),
        ) {
            (Some(ty), _) => ty,
            (None, Some(custom)) => return Ok(Some(custom)),
            (None, None) => return Err(unknown(&member.text, &row)),
        }
    } else if row.steps.contains(&side.text) {
        let found = row.type_of(&name);
        found.ok_or_else(|| unknown(&name, row))?
    } else {
        return Ok(None);
    };
    Ok(Some(Bound::column(name, found)))
}

/// A step into a dynamic value.
pub(crate) fn step(base: Bound, key: Bound, span: Span) -> Bind<Bound> {
    if let (Some(value), Some(key)) = (base.constant(), key.constant()) {
        let found = match value {
            Value::Dynamic(json) => Step::of(key).and_then(|step| walk(json, &[step]).cloned()),
            _ => None,
        };
        return Ok(Bound::literal(
            found.map_or(Value::Null, Value::dynamic),
            Type::Dynamic,
        ));
    }
    let base = match base.ty {
        Type::Dynamic => base,
        // Columns of text that hold JSON are stepped into by rules as if they were dynamic.
        Type::String => base.convert(Type::Dynamic),
        other => {
            let text = format!(
                "a {} has no members; only dynamic values have",
                other.name()
            );
            return Err(Refusal::at(span, text));
        }
    };
    let (base, mut steps) = match base.kind {
        Kind::Path(base, steps) => (base, steps),
        _ => (Box::new(base), Vec::new()),
    };
    steps.push(key);
    Ok(Bound {
        kind: Kind::Path(base, steps),
        ty: Type::Dynamic,
    })
}

fn is_a_table(name: &Name) -> Refusal {
    let text = &name.text;
    let message = format!(
        "'{text}' is a table, and one value is needed here; toscalar({text}) takes the first value of its first row"
    );
    Refusal::at(name.span, message)
}

/// A test of `*`: true where the text of any column passes it.
fn any_column(row: &Row<'_>, span: Span, test: impl Fn(Bound) -> Bind<Bound>) -> Bind<Bound> {
    let visible = row.columns.iter();
    let visible = visible.filter(|(name, _)| !name.starts_with('\u{1}'));
    let texts = visible.map(|(name, ty)| Bound::column(name.clone(), *ty).convert(Type::String));
    let tests = texts.map(test).collect::<Bind<Vec<_>>>()?;
    if tests.is_empty() {
        return Err(Refusal::at(span, "there is no column that * could mean"));
    }
    Ok(Bound::call("or", tests, Type::Bool))
}

/// Whether an expression is `*`, every column.
fn is_star(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Wildcard(name) if name.text == "*")
}

/// The type of a literal, of a null one too.
fn literal_type(literal: &Literal) -> Type {
    match literal {
        Literal::Bool(_) => Type::Bool,
        Literal::Int(_) => Type::Int,
        Literal::Long(_) => Type::Long,
        Literal::Real(_) => Type::Real,
        Literal::Decimal(_) => Type::Decimal,
        Literal::String(_) | Literal::Type(_) => Type::String,
        Literal::DateTime(_) => Type::DateTime,
        Literal::TimeSpan(_) => Type::TimeSpan,
        Literal::Guid(_) => Type::Guid,
        Literal::Dynamic(_) => Type::Dynamic,
    }
}

/// Most tables that are named as those that have a column.
const TABLES_TOLD: usize = 3;

/// The column that holds what no column of its table does.
const REST: &str = "AdditionalFields";

/// Columns with a type as a suffix (`clientIp_s`) are what older tables make of properties that they don't know; ours
/// keep such properties in one bag.
fn custom_column(name: &str, row: &Row<'_>, rest: &str) -> Option<Bound> {
    let suffixes = [
        ("_s", Type::String),
        ("_d", Type::Real),
        ("_b", Type::Bool),
        ("_g", Type::String),
        ("_t", Type::DateTime),
    ];
    if row.type_of(REST) != Some(Type::Dynamic) {
        return None;
    }
    let (stem, ty) = suffixes
        .iter()
        .find_map(|(suffix, ty)| Some((name.strip_suffix(suffix)?, *ty)))?;
    let member = |key: &str| Bound {
        kind: Kind::Path(
            Box::new(Bound::column(rest, Type::Dynamic)),
            vec![Bound::string(key)],
        ),
        ty: Type::Dynamic,
    };
    let either = Bound::call("coalesce", vec![member(name), member(stem)], Type::Dynamic);
    Some(either.convert(ty))
}
