//! Functions and operators that the engine has itself.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions::datetime::expr_fn::date_bin;
use datafusion::functions::string::expr_fn::{concat, lower, upper};
use datafusion::functions::unicode::expr_fn::character_length;
use datafusion::logical_expr::conditional_expressions::CaseBuilder;
use datafusion::logical_expr::{Expr, cast, lit, not};
use datafusion::scalar::ScalarValue;
use kql_syntax::ast::Type;
use kql_values::Value;

use super::{Lowering, balanced};
use crate::arrays::{arrow_type, microseconds};
use crate::bound::Bound;
use crate::error::Bind;

/// Ticks from 0001-01-01 to 1970-01-01: bins are counted from the former.
const EPOCH_TICKS: i64 = 621_355_968_000_000_000;

impl Lowering<'_> {
    /// The engine's own expression, if it has one that means the same.
    pub(super) fn native(&self, name: &str, arguments: &[Bound], ty: Type) -> Bind<Option<Expr>> {
        match (name, arguments) {
            ("and" | "or", parts) => {
                let parts = parts
                    .iter()
                    .map(|part| self.expr(part))
                    .collect::<Bind<_>>()?;
                Ok(Some(balanced(parts, name == "and")))
            }
            ("not", [value]) => Ok(Some(not(self.expr(value)?))),
            ("==" | "!=" | "<" | "<=" | ">" | ">=", [left, right]) => {
                self.compare(name, left, right)
            }
            ("+" | "-" | "*" | "/" | "%", [left, right]) => self.arithmetic(name, left, right, ty),
            ("in" | "!in" | "in~" | "!in~", [operand, list @ ..]) => {
                self.in_list(name, operand, list)
            }
            ("iff" | "iif" | "case", arguments) => self.case(arguments, ty).map(Some),
            ("coalesce", arguments) => self.first_present(arguments, ty).map(Some),
            ("isnull", [value]) if value.ty != Type::String => {
                Ok(Some(self.expr(value)?.is_null()))
            }
            ("isnotnull" | "notnull", [value]) if value.ty != Type::String => {
                Ok(Some(self.expr(value)?.is_not_null()))
            }
            ("isempty", [value]) if value.ty == Type::String => {
                Ok(Some(self.text(value)?.eq(lit(""))))
            }
            ("isnotempty" | "notempty", [value]) if value.ty == Type::String => {
                Ok(Some(self.text(value)?.not_eq(lit(""))))
            }
            ("tolower", [value]) => Ok(Some(lower(self.text(value)?))),
            ("toupper", [value]) => Ok(Some(upper(self.text(value)?))),
            ("strlen", [value]) if value.ty == Type::String => Ok(Some(cast(
                character_length(self.text(value)?),
                DataType::Int64,
            ))),
            ("strcat", arguments) => {
                let parts = arguments
                    .iter()
                    .map(|part| self.text(&part.clone().convert(Type::String)));
                Ok(Some(concat(parts.collect::<Bind<_>>()?)))
            }
            ("bin" | "floor", [value, size]) => self.bin(value, size),
            ("startofday", [value]) => self.bin(
                value,
                &Bound::literal(Value::TimeSpan(864_000_000_000), Type::TimeSpan),
            ),
            (name, [left, right]) if left.ty == Type::String && right.ty == Type::String => {
                self.text_match(name, left, right)
            }
            _ => Ok(None),
        }
    }

    fn arithmetic(&self, name: &str, left: &Bound, right: &Bound, ty: Type) -> Bind<Option<Expr>> {
        if (left.ty, right.ty) == (Type::DateTime, Type::DateTime) && name == "-" {
            let (left, right) = (self.expr(left)?, self.expr(right)?);
            let (left, right) = (cast(left, microseconds()), cast(right, microseconds()));
            // A difference of timestamps has their unit; a timespan has the finest.
            return Ok(Some(cast(left - right, arrow_type(Type::TimeSpan))));
        }
        if left.ty == Type::DateTime && right.ty == Type::TimeSpan {
            return self.shift(name, left, right);
        }
        let is_number =
            matches!(ty, Type::Int | Type::Long | Type::Real) && left.ty == ty && right.ty == ty;
        let divides = matches!(name, "/" | "%");
        let is_zero = || {
            !matches!(right.constant(), Some(Value::Int(by)) if *by > 0)
                && !matches!(right.constant(), Some(Value::Long(by)) if *by > 0)
        };
        if !is_number
            || (divides && ty != Type::Real && is_zero())
            || (name == "%" && ty == Type::Real)
        {
            return Ok(None);
        }
        let (left, right) = (self.expr(left)?, self.expr(right)?);
        Ok(Some(match name {
            "+" => left + right,
            "-" => left - right,
            "*" => left * right,
            "/" => left / right,
            _ => left % right,
        }))
    }

    /// A datetime moved by a literal timespan.
    fn shift(&self, name: &str, time: &Bound, by: &Bound) -> Bind<Option<Expr>> {
        let Some(Value::TimeSpan(ticks)) = by.constant() else {
            return Ok(None);
        };
        let time = self.expr(time)?;
        if self.data_type(&time)? != microseconds() || ticks % 10 != 0 {
            return Ok(None);
        }
        let by = lit(ScalarValue::DurationMicrosecond(Some(ticks / 10)));
        Ok(match name {
            "+" => Some(time + by),
            "-" => Some(time - by),
            _ => None,
        })
    }

    fn case(&self, arguments: &[Bound], ty: Type) -> Bind<Expr> {
        let mut whens = Vec::new();
        let mut thens = Vec::new();
        let mut otherwise = None;
        for pair in arguments.chunks(2) {
            match pair {
                [condition, value] => {
                    whens.push(self.predicate(condition)?);
                    thens.push(self.arm(value, ty)?);
                }
                [value] => otherwise = Some(self.arm(value, ty)?),
                _ => {}
            }
        }
        let otherwise = otherwise.map(Box::new);
        Ok(CaseBuilder::new(None, whens, thens, otherwise).end()?)
    }

    /// A value among alternatives: all have the same type of Arrow.
    fn arm(&self, value: &Bound, ty: Type) -> Bind<Expr> {
        if value.is_null() {
            return Ok(lit(ScalarValue::try_from(&arrow_type(ty))?));
        }
        let expr = self.expr(value)?;
        if ty == Type::DateTime
            && matches!(
                self.data_type(&expr)?,
                DataType::Timestamp(TimeUnit::Microsecond, _)
            )
        {
            return Ok(cast(expr, arrow_type(ty)));
        }
        Ok(expr)
    }

    fn first_present(&self, arguments: &[Bound], ty: Type) -> Bind<Expr> {
        if ty != Type::String {
            let parts = arguments
                .iter()
                .map(|part| self.arm(part, ty))
                .collect::<Bind<_>>()?;
            return Ok(coalesce(parts));
        }
        let (Some(last), first) = (arguments.last(), arguments.len().saturating_sub(1)) else {
            return Ok(lit(""));
        };
        let mut whens = Vec::new();
        let mut thens = Vec::new();
        for part in arguments.iter().take(first) {
            let text = self.text(part)?;
            whens.push(text.clone().not_eq(lit("")));
            thens.push(text);
        }
        let last = self.text(last)?;
        if whens.is_empty() {
            return Ok(last);
        }
        Ok(CaseBuilder::new(None, whens, thens, Some(Box::new(last))).end()?)
    }

    fn bin(&self, value: &Bound, size: &Bound) -> Bind<Option<Expr>> {
        match (value.ty, size.constant()) {
            (Type::DateTime, Some(Value::TimeSpan(size))) if *size > 0 && size % 10 == 0 => {
                let expr = self.expr(value)?;
                if self.data_type(&expr)? != microseconds() {
                    return Ok(None);
                }
                let nanos = size.checked_mul(100);
                let Some(nanos) = nanos else { return Ok(None) };
                let width = lit(ScalarValue::new_interval_mdn(0, 0, nanos));
                let origin = -(EPOCH_TICKS % size);
                let origin =
                    ScalarValue::TimestampNanosecond(origin.checked_mul(100), Some("UTC".into()));
                Ok(Some(date_bin(width, expr, lit(origin))))
            }
            (Type::Long, Some(Value::Long(size))) if *size > 0 => {
                let expr = self.expr(value)?;
                let size = lit(*size);
                let rest = (expr.clone() % size.clone() + size.clone()) % size;
                Ok(Some(expr - rest))
            }
            _ => Ok(None),
        }
    }
}
