//! Comparison by the engine's own operators, with KQL's rules on what is missing: `==` and `!=` between a value and
//! null are false and true, other comparisons are null, and missing text is the empty text.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions::string::expr_fn::lower;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, lit, not, when};
use datafusion::scalar::ScalarValue;
use kql_syntax::ast::Type;
use kql_values::Value;

use super::Lowering;
use crate::bound::Bound;
use crate::error::Bind;

fn binary(left: Expr, operator: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), operator, Box::new(right)))
}

/// Whether it is a literal that something missing never equals.
fn is_solid(bound: &Bound) -> bool {
    match bound.constant() {
        Some(Value::String(text)) => !text.is_empty(),
        Some(value) => !value.is_null(),
        None => false,
    }
}

impl Lowering<'_> {
    /// A comparison for which null may stand for false.
    pub(super) fn loose(&self, name: &str, arguments: &[Bound]) -> Bind<Option<Expr>> {
        let [left, rest @ ..] = arguments else {
            return Ok(None);
        };
        match (name, rest) {
            ("==", [right]) if comparable(left, right) => {
                if left.ty == Type::String && !is_solid(left) && !is_solid(right) {
                    return Ok(None);
                }
                let (left, right) = self.sides(left, right)?;
                Ok(Some(left.eq(right)))
            }
            ("!=", [right]) if comparable(left, right) && left.ty != Type::String => {
                let (left, right) = self.sides(left, right)?;
                Ok(Some(binary(left, Operator::IsDistinctFrom, right)))
            }
            ("in", list)
                if !list.is_empty()
                    && list.iter().all(|one| is_solid(one) && one.ty == left.ty)
                    && left.ty != Type::Dynamic =>
            {
                let list = list.iter().map(|one| self.expr(one)).collect::<Bind<_>>()?;
                let expr = Box::new(self.expr(left)?);
                Ok(Some(Expr::InList(InList::new(expr, list, false))))
            }
            ("isnotempty" | "notempty", []) if left.ty == Type::String => {
                Ok(Some(self.expr(left)?.not_eq(lit(""))))
            }
            (name, [right]) if is_solid(right) && left.ty == Type::String => {
                match super::text::pattern(name, right) {
                    Some(pattern) => Ok(Some(pattern.on(self.expr(left)?))),
                    None => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    /// A comparison with its exact value.
    pub(super) fn compare(&self, name: &str, left: &Bound, right: &Bound) -> Bind<Option<Expr>> {
        if !comparable(left, right) {
            return Ok(None);
        }
        let ordering = match name {
            "<" => Some(Operator::Lt),
            "<=" => Some(Operator::LtEq),
            ">" => Some(Operator::Gt),
            ">=" => Some(Operator::GtEq),
            _ => None,
        };
        if left.ty == Type::String {
            return self.compare_text(name, ordering, left, right);
        }
        let has_solid = is_solid(left) || is_solid(right);
        let (left, right) = self.sides(left, right)?;
        if let Some(operator) = ordering {
            return Ok(Some(binary(left, operator, right)));
        }
        let operator = match name {
            "==" => Operator::IsNotDistinctFrom,
            "!=" => Operator::IsDistinctFrom,
            _ => return Ok(None),
        };
        let exact = binary(left.clone(), operator, right.clone());
        if has_solid {
            return Ok(Some(exact));
        }
        let both_null = left.is_null().and(right.is_null());
        Ok(Some(
            when(both_null, lit(ScalarValue::Boolean(None))).otherwise(exact)?,
        ))
    }

    /// Both sides of a comparison. A literal of a year that nanoseconds don't reach is their first or last one where the
    /// other side has nanoseconds.
    fn sides(&self, left: &Bound, right: &Bound) -> Bind<(Expr, Expr)> {
        let (left, right) = (self.expr(left)?, self.expr(right)?);
        let within = |expr: Expr, other: &Expr| -> Bind<Expr> {
            let Expr::Literal(ScalarValue::TimestampMicrosecond(Some(micros), zone), _) = &expr
            else {
                return Ok(expr);
            };
            let is_fine = matches!(
                self.data_type(other)?,
                DataType::Timestamp(TimeUnit::Nanosecond, _)
            );
            if !is_fine || micros.checked_mul(1_000).is_some() {
                return Ok(expr);
            }
            let end = if *micros < 0 { i64::MIN } else { i64::MAX };
            Ok(lit(ScalarValue::TimestampNanosecond(
                Some(end),
                zone.clone(),
            )))
        };
        Ok((within(left.clone(), &right)?, within(right, &left)?))
    }

    fn compare_text(
        &self,
        name: &str,
        ordering: Option<Operator>,
        left: &Bound,
        right: &Bound,
    ) -> Bind<Option<Expr>> {
        if let Some(operator) = ordering {
            return Ok(Some(binary(self.text(left)?, operator, self.text(right)?)));
        }
        Ok(match name {
            "==" => Some(self.text(left)?.eq(self.text(right)?)),
            "!=" if is_solid(left) || is_solid(right) => {
                let (left, right) = (self.expr(left)?, self.expr(right)?);
                Some(binary(left, Operator::IsDistinctFrom, right))
            }
            "!=" => Some(self.text(left)?.not_eq(self.text(right)?)),
            _ => None,
        })
    }

    /// `in` and its kin over literals.
    pub(super) fn in_list(
        &self,
        name: &str,
        operand: &Bound,
        list: &[Bound],
    ) -> Bind<Option<Expr>> {
        let is_plain = list
            .iter()
            .all(|one| one.constant().is_some() && one.ty == operand.ty);
        if !is_plain || operand.ty == Type::Dynamic || list.is_empty() {
            return Ok(None);
        }
        let negated = name.starts_with('!');
        if name.ends_with('~') {
            if operand.ty != Type::String {
                return Ok(None);
            }
            let Some(list) = list
                .iter()
                .map(|one| match one.constant() {
                    Some(Value::String(text)) => Some(lit(text.to_lowercase())),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>()
            else {
                return Ok(None);
            };
            let operand = Box::new(lower(self.text(operand)?));
            return Ok(Some(Expr::InList(InList::new(operand, list, negated))));
        }
        let solid: Vec<_> = list
            .iter()
            .filter(|one| operand.ty == Type::String || is_solid(one))
            .collect();
        let lowered = solid
            .into_iter()
            .map(|one| self.expr(one))
            .collect::<Bind<Vec<_>>>()?;
        if operand.ty == Type::String {
            let operand = Box::new(self.text(operand)?);
            return Ok(Some(Expr::InList(InList::new(operand, lowered, negated))));
        }
        let operand = Box::new(self.expr(operand)?);
        let found = coalesce(vec![
            Expr::InList(InList::new(operand, lowered, false)),
            lit(false),
        ]);
        Ok(Some(if negated { not(found) } else { found }))
    }
}

/// Whether the engine compares two values as KQL does.
fn comparable(left: &Bound, right: &Bound) -> bool {
    left.ty == right.ty && !matches!(left.ty, Type::Dynamic)
}
