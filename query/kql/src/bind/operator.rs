//! Operators between values: what types they take and give.

use std::rc::Rc;

use kql_syntax::Span;
use kql_syntax::ast::{BinaryOperator, Expr, ListOperator, Type};
use kql_values::Value;
use kql_values::convert::common_type;
use kql_values::operators::{binary_type, negated_type};

use super::{Binder, Row, Scope};
use crate::bound::Bound;
use crate::error::{Bind, Refusal, failed_at};

/// Most values that a table gives to the right side of `in`.
const LIST_ROWS_MAX: usize = 100_000;

impl Binder<'_> {
    /// Calls an operator's kernel; constants at once.
    fn operator(&self, name: &str, arguments: Vec<Bound>, ty: Type, span: Span) -> Bind<Bound> {
        self.fold(Bound::call(name, arguments, ty), span)
    }

    /// The value of a call whose arguments are all known.
    pub(crate) fn fold(&self, bound: Bound, span: Span) -> Bind<Bound> {
        let crate::bound::Kind::Call(name, arguments) = &bound.kind else {
            return Ok(bound);
        };
        if arguments.iter().any(|one| one.constant().is_none()) {
            return Ok(bound);
        }
        let function = self.environment.language.functions.scalar(name);
        let is_several = function.is_some_and(|function| {
            function.is_volatile
                || matches!(function.signature.returns, kql_values::Returns::Several(_))
        });
        if is_several || (function.is_none() && name != "and" && name != "or") {
            return Ok(bound);
        }
        let mut context = kql_values::function::Context::new(self.environment.now);
        let language = self.environment.language;
        let value = crate::interpret::value_of(&bound, language, &mut context, &|_| Value::Null)
            .map_err(failed_at(span))?;
        Ok(Bound::literal(value, Type::Dynamic).retyped(bound.ty))
    }

    pub(super) fn negate(&self, operand: Bound, span: Span) -> Bind<Bound> {
        let Some(ty) = negated_type(operand.ty) else {
            let text = format!("a {} has no negative", operand.ty.name());
            return Err(Refusal::at(span, text));
        };
        self.operator("negate", vec![operand], ty, span)
    }

    pub(super) fn binary(
        &self,
        operator: BinaryOperator,
        left: Bound,
        right: Bound,
        span: Span,
    ) -> Bind<Bound> {
        use BinaryOperator as O;
        let name = operator.sign();
        match operator {
            O::Add | O::Subtract | O::Multiply | O::Divide | O::Modulo => {
                self.arithmetic(operator, left, right, span)
            }
            O::Equal | O::NotEqual | O::Less | O::LessOrEqual | O::Greater | O::GreaterOrEqual => {
                let (left, right) = alike(left, right);
                self.operator(name, vec![left, right], Type::Bool, span)
            }
            O::And | O::Or => self.operator(name, vec![left, right], Type::Bool, span),
            _ => {
                let (left, right) = (left.convert(Type::String), right.convert(Type::String));
                self.operator(name, vec![left, right], Type::Bool, span)
            }
        }
    }

    fn arithmetic(
        &self,
        operator: BinaryOperator,
        left: Bound,
        right: Bound,
        span: Span,
    ) -> Bind<Bound> {
        let name = operator.sign();
        let Some(ty) = binary_type(operator, left.ty, right.ty) else {
            let hint = match (operator, left.ty, right.ty) {
                (BinaryOperator::Add, Type::String, _) | (BinaryOperator::Add, _, Type::String) => {
                    "; strcat(a, b) joins texts"
                }
                _ => "",
            };
            let (left, right) = (left.ty.name(), right.ty.name());
            return Err(Refusal::at(
                span,
                format!("there is no {left} {name} {right}{hint}"),
            ));
        };
        let is_number = |ty| matches!(ty, Type::Int | Type::Long | Type::Real | Type::Decimal);
        let (left, right) = if is_number(ty) && is_number(left.ty) && is_number(right.ty) {
            (left.convert(ty), right.convert(ty))
        } else {
            (left, right)
        };
        self.operator(name, vec![left, right], ty, span)
    }

    pub(super) fn between(
        &self,
        negated: bool,
        operand: Bound,
        (low, high): (Bound, Bound),
        span: Span,
    ) -> Bind<Bound> {
        // `between (start .. 1d)` ends a day after its start.
        let high = if low.ty == Type::DateTime && high.ty == Type::TimeSpan {
            self.arithmetic(BinaryOperator::Add, low.clone(), high, span)?
        } else {
            high
        };
        let (from, low) = alike(operand.clone(), low);
        let (until, high) = alike(operand, high);
        let inside = vec![
            self.operator(">=", vec![from, low], Type::Bool, span)?,
            self.operator("<=", vec![until, high], Type::Bool, span)?,
        ];
        let inside = self.operator("and", inside, Type::Bool, span)?;
        if negated {
            return self.operator("not", vec![inside], Type::Bool, span);
        }
        Ok(inside)
    }

    pub(super) fn list_operator(
        &self,
        operator: ListOperator,
        operand: Bound,
        list: Vec<Bound>,
        span: Span,
    ) -> Bind<Bound> {
        let name = operator.sign();
        let is_has = matches!(operator, ListOperator::HasAny | ListOperator::HasAll);
        let operand = if is_has || operator != ListOperator::In && operator != ListOperator::NotIn {
            operand.convert(Type::String)
        } else {
            operand
        };
        let mut arguments = vec![operand];
        arguments.extend(list);
        let ty = arguments.first().map_or(Type::String, |first| first.ty);
        for argument in arguments.iter_mut().skip(1) {
            if argument.ty != ty && argument.constant().is_some() && ty != Type::Dynamic {
                *argument = argument.clone().convert(ty);
            }
        }
        if arguments.len() == 1 {
            return Ok(Bound::bool(
                name.starts_with('!') || operator == ListOperator::HasAll,
            ));
        }
        self.operator(name, arguments, Type::Bool, span)
    }

    /// What stands on the right side of `in`: values, arrays, and columns of tables.
    pub(super) fn list(&self, list: &[Expr], row: &Row<'_>, scope: &Rc<Scope>) -> Bind<Vec<Bound>> {
        let mut values = Vec::with_capacity(list.len());
        for expr in list {
            if self.is_tabular(expr, row, scope) {
                values.extend(self.column_values(expr, scope)?);
            } else {
                values.extend(elements(self.scalar(expr, row, scope)?));
            }
        }
        Ok(values)
    }

    /// The values of the first column of a table.
    fn column_values(&self, expr: &Expr, scope: &Rc<Scope>) -> Bind<Vec<Bound>> {
        let known = self.lists.borrow();
        let is_here = |home: &Rc<Scope>| Rc::ptr_eq(home, scope);
        let mut here = known.iter().filter(|(span, ..)| *span == expr.span);
        if let Some((.., values)) = here.find(|(_, home, _)| is_here(home)) {
            return Ok(values.clone());
        }
        drop(known);
        let values = self.read_values(expr, scope)?;
        let place = (expr.span, Rc::clone(scope), values.clone());
        self.lists.borrow_mut().push(place);
        Ok(values)
    }

    fn read_values(&self, expr: &Expr, scope: &Rc<Scope>) -> Bind<Vec<Bound>> {
        let relation = self.tabular(expr, scope)?;
        let Some((name, ty)) = relation.columns.first().cloned() else {
            return Ok(Vec::new());
        };
        let rows = self.values(relation.select(&[name])?, LIST_ROWS_MAX + 1)?;
        let values = rows.into_iter().flatten();
        let mut values: Vec<_> = values.map(|value| Bound::literal(value, ty)).collect();
        if values.len() > LIST_ROWS_MAX {
            let text = format!("a list of more than {LIST_ROWS_MAX} values; a join takes more");
            return Err(Refusal::at(expr.span, text));
        }
        if ty == Type::Dynamic {
            values = values.into_iter().flat_map(elements).collect();
        }
        Ok(values)
    }
}

/// The elements of a literal array; anything else is itself.
fn elements(bound: Bound) -> Vec<Bound> {
    match bound.constant() {
        Some(Value::Dynamic(json)) => match json.as_array() {
            Some(items) => items.iter().map(|item| element(item.clone())).collect(),
            None => vec![element(json.clone())],
        },
        _ => vec![bound],
    }
}

fn element(json: kql_values::Dynamic) -> Bound {
    match json {
        kql_values::Dynamic::String(text) => Bound::string(text),
        kql_values::Dynamic::Bool(value) => Bound::bool(value),
        kql_values::Dynamic::Number(ref number) if number.is_i64() => {
            Bound::long(number.as_i64().unwrap_or_default())
        }
        other => Bound::literal(Value::dynamic(other), Type::Dynamic),
    }
}

/// Two sides of a comparison, brought to one type: a literal to that of the other side, a dynamic to that of what it
/// is compared with, numbers to the wider one.
pub(crate) fn alike(left: Bound, right: Bound) -> (Bound, Bound) {
    if left.ty == right.ty {
        return (left, right);
    }
    let ty = match (left.ty, right.ty) {
        (Type::Dynamic, other) | (other, Type::Dynamic) => other,
        // `ResultType == 0`, where the column is text: rules do that.
        (Type::String, other) if right.constant().is_some() && is_number(other) => Type::String,
        (other, Type::String) if left.constant().is_some() && is_number(other) => Type::String,
        (Type::String, other) | (other, Type::String) => other,
        (one, other) => match common_type(one, other) {
            Some(ty) => ty,
            None => return (left, right),
        },
    };
    (left.convert(ty), right.convert(ty))
}

fn is_number(ty: Type) -> bool {
    matches!(ty, Type::Int | Type::Long | Type::Real | Type::Decimal)
}
