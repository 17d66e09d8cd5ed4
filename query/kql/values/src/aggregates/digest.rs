//! Which values a group has, in order, with how often: exact while there are few distinct ones, a t-digest beyond.
//!
//! Up to [`EXACT_MAX`] distinct values every rank is exact. Beyond, neighbours are put together so that a rank is off
//! by less than 0.4 % in the middle and by less towards both ends; the smallest and largest values stay exact.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks are estimates beyond 2^53 rows"
)]

use std::cmp::Ordering;

use kql_syntax::ast::Type;

use super::{from_bits, to_bits};
use crate::function::Failure;
use crate::value::{Dynamic, Value};

/// Most distinct values that are kept as they are.
const EXACT_MAX: usize = 8_192;

/// How finely neighbours are put together: at most about this many groups remain.
const GROUPS: f64 = 1_000.0;

/// Values that wait before they are put in order.
const WAITING_MAX: usize = 4 * EXACT_MAX;

/// Values of one type with their weights.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digest {
    ty: Option<Type>,
    centroids: Vec<Centroid>,
    /// How many at the front are in order and distinct.
    ordered: usize,
}

#[derive(Clone, Copy, Debug)]
struct Centroid {
    key: Key,
    weight: u64,
}

/// A value as a number: reals as they are, all others in their smallest unit.
#[derive(Clone, Copy, Debug)]
enum Key {
    Whole(i128),
    Real(f64),
}

/// How a digest is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// As a query sees it.
    Public,
    /// As it is merged: no digit is lost.
    State,
}

impl Digest {
    /// Takes a value as often as `weight` says; nulls and what is no number are passed over.
    pub(crate) fn add(&mut self, value: &Value, weight: u64) -> Result<(), Failure> {
        if let Value::Dynamic(_) = value {
            // Numbers in dynamic values may be whole in one row and not in the next: all are taken as reals.
            return match value.as_real() {
                Some(number) => self.add(&Value::Real(number), weight),
                None => Ok(()),
            };
        }
        if let (Some(ty), Some(key)) = (value.ty(), key(value))
            && weight > 0
        {
            self.agree(ty)?;
            self.centroids.push(Centroid { key, weight });
            if self.centroids.len() >= WAITING_MAX {
                self.settle();
            }
        }
        Ok(())
    }

    /// Takes all that another one has.
    pub(crate) fn join(&mut self, other: &Self) -> Result<(), Failure> {
        let Some(ty) = other.ty else {
            return Ok(());
        };
        self.agree(ty)?;
        self.centroids.extend_from_slice(&other.centroids);
        self.settle();
        Ok(())
    }

    /// Values at these percentiles, by nearest rank; null of an empty one.
    pub(crate) fn percentiles(&self, percentiles: &[f64]) -> Vec<Value> {
        let centroids = self.ordered();
        let total = total(&centroids);
        let at = |percentile: &f64| {
            let rank = ((percentile * total as f64 / 100.0).ceil() as u64).max(1);
            let mut sum = 0;
            let reached = centroids.iter().find(|centroid| {
                sum = u64::saturating_add(sum, centroid.weight);
                sum >= rank
            });
            let centroid = reached.or(centroids.last());
            centroid.map_or(Value::Null, |centroid| self.value(centroid.key))
        };
        percentiles.iter().map(at).collect()
    }

    /// How many values are not greater, and how many there are; none if the value is of another type.
    pub(crate) fn rank(&self, value: &Value) -> Option<(u64, u64)> {
        let ty = self.ty?;
        let key = key(&value.convert(ty))?;
        let not_greater = |centroid: &&Centroid| compare(centroid.key, key).is_le();
        let below: Vec<Centroid> = self.centroids.iter().filter(not_greater).copied().collect();
        Some((total(&below), total(&self.centroids)))
    }

    /// `[[code of the type], [values], [weights]]`; null of an empty one.
    pub(crate) fn to_json(&self, form: Form) -> Dynamic {
        let Some(ty) = self.ty else {
            return Dynamic::Null;
        };
        let centroids = self.ordered();
        let written = |centroid: &Centroid| match (form, centroid.key) {
            (Form::Public, key) => self.value(key).to_json(),
            (Form::State, Key::Real(number)) => to_bits(number),
            (Form::State, Key::Whole(number)) => Dynamic::String(number.to_string()),
        };
        let values: Vec<Dynamic> = centroids.iter().map(written).collect();
        let weights: Vec<Dynamic> = centroids.iter().map(|one| one.weight.into()).collect();
        Dynamic::Array(vec![
            Dynamic::Array(vec![code(ty).into()]),
            Dynamic::Array(values),
            Dynamic::Array(weights),
        ])
    }

    /// Reads what [`Digest::to_json`] wrote; none if it is something else.
    pub(crate) fn from_json(json: &Dynamic, form: Form) -> Option<Self> {
        let ty = type_of(json.get(0)?.get(0)?.as_u64()?)?;
        let values = json.get(1)?.as_array()?;
        let weights = json.get(2)?.as_array()?;
        let read = |json: &Dynamic| match form {
            Form::Public => key(&Value::dynamic(json.clone()).convert(ty)),
            Form::State if ty == Type::Real => from_bits(Some(json)).map(Key::Real),
            Form::State => json.as_str()?.parse().ok().map(Key::Whole),
        };
        let centroids = values.iter().zip(weights).map(|(value, weight)| {
            Some(Centroid {
                key: read(value)?,
                weight: weight.as_u64()?,
            })
        });
        let mut digest = Self {
            ty: Some(ty),
            centroids: centroids.collect::<Option<Vec<_>>>()?,
            ordered: 0,
        };
        digest.settle();
        Some(digest)
    }

    /// Memory that it holds.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.centroids.capacity() * size_of::<Centroid>()
    }

    fn agree(&mut self, ty: Type) -> Result<(), Failure> {
        let known = *self.ty.get_or_insert(ty);
        if code(known) == code(ty) {
            return Ok(());
        }
        Err(Failure(format!(
            "digests of {} and of {} cannot be merged: merge only digests of one type",
            known.name(),
            ty.name()
        )))
    }

    fn ordered(&self) -> Vec<Centroid> {
        let mut whole = self.clone();
        whole.settle();
        whole.centroids
    }

    /// Puts all in order, equal ones together, and neighbours too when there are many.
    fn settle(&mut self) {
        if self.ordered < self.centroids.len() {
            self.centroids
                .sort_by(|left, right| compare(left.key, right.key));
            self.centroids.dedup_by(|next, kept| {
                let is_same = compare(next.key, kept.key).is_eq();
                if is_same {
                    kept.weight = kept.weight.saturating_add(next.weight);
                }
                is_same
            });
        }
        if self.centroids.len() > EXACT_MAX {
            self.condense();
        }
        self.ordered = self.centroids.len();
    }

    /// Puts neighbours together by the scale function k1 of Dunning's t-digest.
    fn condense(&mut self) {
        let total = total(&self.centroids);
        let scale = |sum: u64| {
            let share = (sum as f64 / total as f64).clamp(0.0, 1.0);
            (2.0 * share - 1.0).asin() * GROUPS / std::f64::consts::TAU
        };
        let count = self.centroids.len();
        let mut kept: Vec<Centroid> = Vec::new();
        let (mut before, mut sum) = (0, 0);
        for (place, centroid) in std::mem::take(&mut self.centroids).into_iter().enumerate() {
            let after = u64::saturating_add(sum, centroid.weight);
            let is_end = place <= 1 || place + 1 == count;
            match kept.last_mut() {
                Some(last) if !is_end && scale(after) - scale(before) <= 1.0 => last.take(centroid),
                _ => {
                    before = sum;
                    kept.push(centroid);
                }
            }
            sum = after;
        }
        self.centroids = kept;
    }

    fn value(&self, key: Key) -> Value {
        let number = match key {
            Key::Real(number) => return Value::Real(number),
            Key::Whole(number) => number,
        };
        let long = i64::try_from(number).unwrap_or(i64::MAX);
        match self.ty {
            Some(Type::Int) => i32::try_from(number).map_or(Value::Null, Value::Int),
            Some(Type::Decimal) => Value::Decimal(number),
            Some(Type::DateTime) => Value::DateTime(long),
            Some(Type::TimeSpan) => Value::TimeSpan(long),
            Some(Type::Bool) => Value::Bool(number != 0),
            _ => Value::Long(long),
        }
    }
}

impl Centroid {
    /// Moves to the mean of both.
    fn take(&mut self, other: Self) {
        let weight = self.weight.saturating_add(other.weight);
        self.key = match (self.key, other.key) {
            (Key::Real(left), Key::Real(right)) => {
                Key::Real(left + (right - left) * (other.weight as f64 / weight as f64))
            }
            (Key::Whole(left), Key::Whole(right)) => {
                let distance = right.saturating_sub(left);
                let part = distance.checked_mul(i128::from(other.weight));
                let step = part.map_or(0, |part| part / i128::from(weight));
                Key::Whole(left.saturating_add(step))
            }
            (left, _) => left,
        };
        self.weight = weight;
    }
}

/// Weights may be given by a query: their sum stops at the largest number.
fn total(centroids: &[Centroid]) -> u64 {
    let weights = centroids.iter().map(|centroid| centroid.weight);
    weights.fold(0, u64::saturating_add)
}

fn compare(left: Key, right: Key) -> Ordering {
    match (left, right) {
        (Key::Whole(left), Key::Whole(right)) => left.cmp(&right),
        (Key::Real(left), Key::Real(right)) => left.total_cmp(&right),
        (Key::Whole(_), Key::Real(_)) => Ordering::Less,
        (Key::Real(_), Key::Whole(_)) => Ordering::Greater,
    }
}

fn key(value: &Value) -> Option<Key> {
    Some(match value {
        Value::Bool(truth) => Key::Whole(i128::from(*truth)),
        Value::Int(number) => Key::Whole(i128::from(*number)),
        Value::Long(number) | Value::DateTime(number) | Value::TimeSpan(number) => {
            Key::Whole(i128::from(*number))
        }
        Value::Decimal(number) => Key::Whole(*number),
        // Minus zero is the same value as zero.
        Value::Real(number) => Key::Real(number + 0.0),
        _ => return None,
    })
}

/// The number that stands for a type; `int` and `long` mix.
fn code(ty: Type) -> u64 {
    match ty {
        Type::Bool => 1,
        Type::DateTime => 5,
        Type::Real => 8,
        Type::TimeSpan => 9,
        Type::Decimal => 10,
        _ => 7,
    }
}

fn type_of(code: u64) -> Option<Type> {
    Some(match code {
        1 => Type::Bool,
        5 => Type::DateTime,
        7 => Type::Long,
        8 => Type::Real,
        9 => Type::TimeSpan,
        10 => Type::Decimal,
        _ => return None,
    })
}
