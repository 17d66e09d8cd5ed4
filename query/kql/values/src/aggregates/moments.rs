//! Variance, standard deviation and covariance, by updates that do not lose digits (Welford; merged as Chan does).

#![expect(
    clippy::cast_precision_loss,
    reason = "a count of rows is far below 2^53"
)]

use super::filtered::filtered;
use super::{Row, from_bits, to_bits};
use crate::aggregate::{Accumulator, aggregate};
use crate::function::{Context, Failure};
use crate::value::{Dynamic, Value};

pub(super) fn table() -> Vec<Row> {
    let mut rows = spreads();
    rows.extend(covariances());
    rows
}

fn spreads() -> Vec<Row> {
    vec![
        aggregate("variance(expr: real): real", variance),
        aggregate("variancep(expr: real): real", variancep),
        aggregate("stdev(expr: real): real", stdev),
        aggregate("stdevp(expr: real): real", stdevp),
        aggregate("varianceif(expr: real, predicate: bool): real", |given| {
            filtered(given, 1, variance)
        }),
        aggregate("variancepif(expr: real, predicate: bool): real", |given| {
            filtered(given, 1, variancep)
        }),
        aggregate("stdevif(expr: real, predicate: bool): real", |given| {
            filtered(given, 1, stdev)
        }),
        aggregate("stdevpif(expr: real, predicate: bool): real", |given| {
            filtered(given, 1, stdevp)
        }),
    ]
}

fn covariances() -> Vec<Row> {
    vec![
        aggregate("covariance(expr1: real, expr2: real): real", covariance),
        aggregate("covariancep(expr1: real, expr2: real): real", covariancep),
        aggregate(
            "covarianceif(expr1: real, expr2: real, predicate: bool): real",
            |given| filtered(given, 2, covariance),
        ),
        aggregate(
            "covariancepif(expr1: real, expr2: real, predicate: bool): real",
            |given| filtered(given, 2, covariancep),
        ),
    ]
}

fn variance(_: &[Value]) -> Result<Box<dyn Accumulator>, Failure> {
    start(Measure::Variance, Of::Sample)
}

fn variancep(_: &[Value]) -> Result<Box<dyn Accumulator>, Failure> {
    start(Measure::Variance, Of::Population)
}

fn stdev(_: &[Value]) -> Result<Box<dyn Accumulator>, Failure> {
    start(Measure::Deviation, Of::Sample)
}

fn stdevp(_: &[Value]) -> Result<Box<dyn Accumulator>, Failure> {
    start(Measure::Deviation, Of::Population)
}

fn covariance(_: &[Value]) -> Result<Box<dyn Accumulator>, Failure> {
    start(Measure::Covariance, Of::Sample)
}

fn covariancep(_: &[Value]) -> Result<Box<dyn Accumulator>, Failure> {
    start(Measure::Covariance, Of::Population)
}

fn start(measure: Measure, of: Of) -> Result<Box<dyn Accumulator>, Failure> {
    Ok(Box::new(Moments {
        measure,
        of,
        count: 0,
        means: [0.0; 2],
        product: 0.0,
    }))
}

#[derive(Clone, Copy, Debug)]
enum Measure {
    Variance,
    Deviation,
    Covariance,
}

#[derive(Clone, Copy, Debug)]
enum Of {
    Sample,
    Population,
}

/// Of pairs of numbers; a variance is a covariance of a number with itself.
#[derive(Debug)]
struct Moments {
    measure: Measure,
    of: Of,
    count: u64,
    means: [f64; 2],
    /// Sum of the products of the distances from the means.
    product: f64,
}

impl Moments {
    fn join(&mut self, count: u64, means: [f64; 2], product: f64) {
        let total = self.count + count;
        if total == 0 {
            return;
        }
        let share = count as f64 / total as f64;
        let [x, y] = self.means;
        let [other_x, other_y] = means;
        let distances = (other_x - x) * (other_y - y);
        self.product += product + distances * share * self.count as f64;
        self.means = [x + (other_x - x) * share, y + (other_y - y) * share];
        self.count = total;
    }
}

impl Accumulator for Moments {
    fn update(&mut self, _: &mut Context, arguments: &[Value]) -> Result<(), Failure> {
        match (self.measure, arguments) {
            (Measure::Covariance, [Value::Real(x), Value::Real(y), ..]) => {
                self.join(1, [*x, *y], 0.0);
            }
            (Measure::Variance | Measure::Deviation, [Value::Real(x), ..]) => {
                self.join(1, [*x, *x], 0.0);
            }
            _ => {}
        }
        Ok(())
    }

    fn state(&self) -> Dynamic {
        let [x, y] = self.means;
        Dynamic::Array(vec![
            self.count.into(),
            to_bits(x),
            to_bits(y),
            to_bits(self.product),
        ])
    }

    fn merge(&mut self, state: Dynamic) -> Result<(), Failure> {
        let count = state.get(0).and_then(Dynamic::as_u64);
        let number = |place: usize| from_bits(state.get(place));
        if let (Some(count), Some(x), Some(y), Some(product)) =
            (count, number(1), number(2), number(3))
        {
            self.join(count, [x, y], product);
        }
        Ok(())
    }

    fn finish(&self) -> Value {
        let divisor = match self.of {
            Of::Sample => self.count.saturating_sub(1),
            Of::Population => self.count,
        };
        let spread = self.product / divisor as f64;
        match self.measure {
            Measure::Covariance if divisor == 0 => Value::Null,
            _ if divisor == 0 => Value::Real(0.0),
            Measure::Deviation => Value::Real(spread.sqrt()),
            Measure::Variance | Measure::Covariance => Value::Real(spread),
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}
