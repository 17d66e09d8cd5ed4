//! `join` in all kinds, and `lookup`.

use std::rc::Rc;

use datafusion::common::JoinType;
use datafusion::functions_aggregate::expr_fn::first_value;
use datafusion::logical_expr::LogicalPlanBuilder;
use kql_syntax::Span;
use kql_syntax::ast::{BinaryOperator, Expr, ExprKind, Join, Name, Type};

use super::project::name_of;
use super::summarize::{Summary, visit};
use super::word;
use crate::bind::{Binder, Row, Scope, alike};
use crate::bound::{Bound, Kind};
use crate::error::{Bind, Refusal};
use crate::lower::column;
use crate::names;
use crate::relation::Relation;

/// What has to be equal on both sides.
#[derive(Clone, Debug, Default)]
pub(super) struct JoinKeys {
    /// Expressions over the left and over the right side.
    pub(super) pairs: Vec<(Bound, Bound)>,
}

impl JoinKeys {
    /// Columns that have the same name on both sides.
    pub(super) fn by_name(left: &Relation, names: &[String]) -> Self {
        let pair = |name: &String| {
            let bound = Bound::column(name.clone(), left.type_of(name).unwrap_or(Type::String));
            (bound.clone(), bound)
        };
        Self {
            pairs: names.iter().map(pair).collect(),
        }
    }
}

impl Binder<'_> {
    pub(super) fn join(
        &self,
        left: &Relation,
        join: &Join,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        self.with_right(left, (join, scope), |sides| {
            self.join_with(sides, join, span, scope)
        })
    }

    /// Does something with both sides of a join. Nobody may know the columns of either yet.
    fn with_right(
        &self,
        left: &Relation,
        (join, scope): (&Join, &Rc<Scope>),
        act: impl Fn((Relation, Relation)) -> Bind<Relation>,
    ) -> Bind<Relation> {
        let right = self.tabular(&join.right, scope)?;
        let is_open = left.is_open || right.is_open;
        let mut joined = self.opened(right, |right| act((left.clone(), right)))?;
        joined.is_open = is_open;
        Ok(joined)
    }

    fn join_with(
        &self,
        (left, right): (Relation, Relation),
        join: &Join,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let kind = word(&join.properties, "kind").unwrap_or_else(|| "innerunique".to_owned());
        let is_of_right = ["right", "full"].iter().any(|side| kind.starts_with(side));
        if is_of_right && !left.keys().is_empty() {
            let text = "within partition and mv-apply a join keeps rows of its left side: the others belong to no group";
            return Err(Refusal::at(span, text));
        }
        let (left, right) = self.with_custom_keys((left, right), &join.on)?;
        let keys = self.join_keys((&left, &right), &join.on, span, scope)?;
        match kind.to_ascii_lowercase().as_str() {
            "innerunique" => {
                let left = self.unique_by(left, &keys)?;
                self.join_on(left, right, &keys, JoinType::Inner)
            }
            "inner" => self.join_on(left, right, &keys, JoinType::Inner),
            "leftouter" => self.join_on(left, right, &keys, JoinType::Left),
            "rightouter" => self.join_on(left, right, &keys, JoinType::Right),
            "fullouter" => self.join_on(left, right, &keys, JoinType::Full),
            "leftsemi" => self.join_on(left, right, &keys, JoinType::LeftSemi),
            "leftanti" | "anti" | "leftantisemi" => {
                self.join_on(left, right, &keys, JoinType::LeftAnti)
            }
            "rightsemi" => self.join_on(right, left, &swapped(keys), JoinType::LeftSemi),
            "rightanti" | "rightantisemi" => {
                self.join_on(right, left, &swapped(keys), JoinType::LeftAnti)
            }
            other => {
                let meant = match other {
                    "left" => "; did you mean leftouter?",
                    "right" => "; did you mean rightouter?",
                    "outer" | "full" => "; did you mean fullouter?",
                    "semi" => "; did you mean leftsemi?",
                    _ => "",
                };
                let text = format!(
                    "there is no join kind '{other}': innerunique, inner, leftouter, rightouter, fullouter, leftsemi, leftanti, rightsemi, rightanti{meant}"
                );
                Err(Refusal::at(span, text))
            }
        }
    }

    pub(super) fn lookup(
        &self,
        left: &Relation,
        join: &Join,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        self.with_right(left, (join, scope), |sides| {
            self.lookup_with(sides, join, span, scope)
        })
    }

    fn lookup_with(
        &self,
        (left, right): (Relation, Relation),
        join: &Join,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let (left, right) = self.with_custom_keys((left, right), &join.on)?;
        let on = if join.on.is_empty() {
            let shared = right
                .columns
                .iter()
                .map(|(name, _)| name.clone())
                .filter(|name| left.has(name));
            JoinKeys::by_name(&left, &shared.collect::<Vec<_>>())
        } else {
            self.join_keys((&left, &right), &join.on, span, scope)?
        };
        let kind = word(&join.properties, "kind").unwrap_or_else(|| "leftouter".to_owned());
        let join_type = if kind.eq_ignore_ascii_case("inner") {
            JoinType::Inner
        } else {
            JoinType::Left
        };
        let before: Vec<_> = left.columns.iter().map(|(name, _)| name.clone()).collect();
        let renamed = right_names(&left, &right);
        let is_key = |name: &str| {
            on.pairs
                .iter()
                .any(|(_, key)| matches!(&key.kind, Kind::Column(column) if column == name))
        };
        let added = renamed
            .iter()
            .filter(|(old, _)| !is_key(old))
            .map(|(_, new)| new.clone());
        let kept: Vec<_> = before.into_iter().chain(added).collect();
        self.join_on(left, right, &on, join_type)?.select(&kept)
    }

    /// Both sides with the columns after `on` that are read from `AdditionalFields`.
    fn with_custom_keys(
        &self,
        (left, right): (Relation, Relation),
        on: &[Expr],
    ) -> Bind<(Relation, Relation)> {
        let names: Vec<&Name> = on.iter().filter_map(name_of).collect();
        let left = self.with_custom(left, &names)?;
        Ok((left, self.with_custom(right, &names)?))
    }

    /// Reads the conditions after `on`.
    fn join_keys(
        &self,
        (left, right): (&Relation, &Relation),
        on: &[Expr],
        span: Span,
        scope: &Rc<Scope>,
    ) -> Bind<JoinKeys> {
        let mut keys = JoinKeys::default();
        for condition in on {
            match &condition.kind {
                ExprKind::Name(name) => {
                    let left = key_of("left", left, name)?;
                    keys.pairs.push(alike(left, key_of("right", right, name)?));
                }
                ExprKind::Binary {
                    operator: BinaryOperator::Equal,
                    left: first,
                    right: second,
                } => {
                    let row = Row {
                        sides: Some((&left.columns, &right.columns)),
                        ..Row::default()
                    };
                    if let (Some(first), Some(second)) = (name_of(first), name_of(second)) {
                        let text = format!(
                            "the columns of a join say of which side they are: $left.{} == $right.{}",
                            first.text, second.text
                        );
                        return Err(Refusal::at(condition.span, text));
                    }
                    let first = self.scalar(first, &row, scope)?;
                    let second = self.scalar(second, &row, scope)?;
                    keys.pairs.push(sided(first, second, condition.span)?);
                }
                _ => {
                    return Err(Refusal::at(
                        condition.span,
                        "a join compares columns: `on Key` or `on $left.A == $right.B`",
                    ));
                }
            }
        }
        if keys.pairs.is_empty() {
            return Err(Refusal::at(span, "a join needs `on`"));
        }
        for (key, other) in &keys.pairs {
            if key.ty == Type::Dynamic || other.ty == Type::Dynamic {
                let text =
                    "a join compares no dynamic values: convert them, for example by tostring()";
                return Err(Refusal::at(span, text));
            }
        }
        Ok(keys)
    }

    /// One row of the left side for each key: what `innerunique` joins.
    fn unique_by(&self, left: Relation, keys: &JoinKeys) -> Bind<Relation> {
        let mut summary = Summary::default();
        let names: Vec<_> = left.columns.iter().map(|(name, _)| name.clone()).collect();
        for (key, _) in &keys.pairs {
            let name = match &key.kind {
                Kind::Column(name) => name.clone(),
                _ => self.fresh("unique"),
            };
            if !summary.keys.iter().any(|(taken, _)| *taken == name) {
                summary.keys.push((name, key.clone()));
            }
        }
        for (name, ty) in &left.columns {
            if summary.keys.iter().any(|(key, _)| key == name) {
                continue;
            }
            let raw = self.fresh("unique");
            summary
                .raw
                .push((raw.clone(), *ty, first_value(column(name), Vec::new())));
            summary
                .results
                .push((name.clone(), Bound::column(raw, *ty)));
        }
        self.apply_summary(left, summary)?.select(&names)
    }

    /// Joins two relations; columns of the right side whose names are taken get a number.
    pub(super) fn join_on(
        &self,
        left: Relation,
        right: Relation,
        keys: &JoinKeys,
        join_type: JoinType,
    ) -> Bind<Relation> {
        let renamed = right_names(&left, &right);
        let mut left_keys = Vec::with_capacity(keys.pairs.len());
        let mut right_keys = Vec::with_capacity(keys.pairs.len());
        for (left_key, _) in &keys.pairs {
            left_keys.push(left.lowering(self.frame()).key(left_key)?);
        }
        let columns = renamed
            .iter()
            .filter_map(|(old, new)| right.type_of(old).map(|ty| (new.clone(), ty, column(old))))
            .collect();
        let right = right.unordered().project_lowered(columns)?;
        for (_, right_key) in &keys.pairs {
            let right_key = rename(right_key.clone(), &renamed);
            right_keys.push(right.lowering(self.frame()).key(&right_key)?);
        }
        let plan = LogicalPlanBuilder::from(left.plan)
            .join_with_expr_keys(right.plan, join_type, (left_keys, right_keys), None)?
            .build()?;
        let mut columns = left.columns;
        if !matches!(join_type, JoinType::LeftSemi | JoinType::LeftAnti) {
            columns.extend(right.columns);
        }
        let mut joined = Relation::new(plan, columns);
        joined.hidden = left.hidden;
        joined.name = left.name;
        // The engine may add columns for keys that are expressions.
        let names: Vec<_> = joined
            .columns
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        joined.select(&names)
    }
}

/// The column of one side by its name.
fn key_of(side: &str, relation: &Relation, name: &Name) -> Bind<Bound> {
    let ty = relation.type_of(&name.text).ok_or_else(|| {
        let unknown = super::project::unknown_column(relation, &name.text);
        let message = format!("on the {side} side of the join, {unknown}");
        Refusal::Unknown(name.text.clone(), name.span, message)
    })?;
    Ok(Bound::column(name.text.clone(), ty))
}

/// The columns of the right side with the names that they get.
fn right_names(left: &Relation, right: &Relation) -> Vec<(String, String)> {
    let mut renamed: Vec<(String, String)> = Vec::with_capacity(right.columns.len());
    for (name, _) in &right.columns {
        let is_taken = |candidate: &str| {
            left.is_taken(candidate)
                || renamed.iter().any(|(_, new)| new == candidate)
                || (candidate != name && right.has(candidate))
        };
        let new = names::unique(name, is_taken);
        renamed.push((name.clone(), new));
    }
    renamed
}

fn rename(bound: Bound, renamed: &[(String, String)]) -> Bound {
    let kind = match bound.kind {
        Kind::Column(name) => {
            let new = renamed.iter().find(|(old, _)| *old == name);
            Kind::Column(new.map_or(name, |(_, new)| new.clone()))
        }
        Kind::Call(name, arguments) => Kind::Call(
            name,
            arguments
                .into_iter()
                .map(|one| rename(one, renamed))
                .collect(),
        ),
        Kind::Convert(inner) => Kind::Convert(Box::new(rename(*inner, renamed))),
        Kind::Result(inner, place) => Kind::Result(Box::new(rename(*inner, renamed)), place),
        Kind::Path(base, steps) => Kind::Path(
            Box::new(rename(*base, renamed)),
            steps
                .into_iter()
                .map(|step| rename(step, renamed))
                .collect(),
        ),
        literal @ Kind::Literal(_) => literal,
    };
    Bound { kind, ..bound }
}

/// Which of two compared expressions reads which side.
fn sided(first: Bound, second: Bound, span: Span) -> Bind<(Bound, Bound)> {
    let side = |bound: &Bound| {
        let (mut left, mut right) = (false, false);
        visit(bound, &mut |name| {
            left |= name.starts_with("$left.");
            right |= name.starts_with("$right.");
        });
        (left, right)
    };
    let (first, second) = match (side(&first), side(&second)) {
        ((true, false), (false, true)) => (first, second),
        ((false, true), (true, false)) => (second, first),
        _ => {
            return Err(Refusal::at(
                span,
                "one side of this comparison is of $left, the other of $right",
            ));
        }
    };
    let (first, second) = alike(first, second);
    Ok((bare(first), bare(second)))
}

/// Without `$left.` and `$right.`.
fn bare(bound: Bound) -> Bound {
    let mut renamed = Vec::new();
    visit(&bound, &mut |name| {
        let plain = name
            .strip_prefix("$left.")
            .or_else(|| name.strip_prefix("$right."));
        renamed.push((name.to_owned(), plain.unwrap_or(name).to_owned()));
    });
    rename(bound, &renamed)
}

fn swapped(keys: JoinKeys) -> JoinKeys {
    JoinKeys {
        pairs: keys
            .pairs
            .into_iter()
            .map(|(left, right)| (right, left))
            .collect(),
    }
}
