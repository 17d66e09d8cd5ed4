//! The polynomial that fits a series best, by Householder's QR.

use super::fit::{rest_variance, rsquare};
use super::{LENGTH_MAX, Row, array, element, float, several, variance, whole, whole_series};
use crate::function::{Context, Failure, Outcome, function};
use crate::value::{Dynamic, Value};

/// Highest degree.
const DEGREE_MAX: usize = 30;

pub(super) fn table() -> Vec<Row> {
    vec![function(
        "series_fit_poly(y_series: dynamic, x_series?: dynamic, degree?: long): (rsquare: real, \
         coefficients: dynamic, variance: real, rvariance: real, poly_fit: dynamic)",
        fit_poly,
    )]
}

fn fit_poly(_: &mut Context, arguments: &[Value]) -> Outcome {
    let nothing = || several(vec![Dynamic::Null; 5]);
    let Some(y) = whole_series(arguments.first())? else {
        return nothing();
    };
    let x = match arguments.get(1) {
        None | Some(Value::Null) => (1..=y.len().min(LENGTH_MAX)).map(float).collect(),
        given => match whole_series(given)? {
            Some(x) => x,
            None => return nothing(),
        },
    };
    let degree = usize::try_from(whole(arguments.get(2)).unwrap_or(1)).unwrap_or(usize::MAX);
    if degree > DEGREE_MAX {
        let text = format!("the degree of series_fit_poly() must be from 0 to {DEGREE_MAX}");
        return Err(Failure(text));
    }
    let is_enough = x.len() == y.len() && y.len() > degree;
    let is_finite = x.iter().chain(&y).all(|one| one.is_finite());
    if !is_enough || !is_finite {
        return nothing();
    }
    let Some(coefficients) = solved(&x, &y, degree) else {
        return nothing();
    };
    let at = |x: &f64| coefficients.iter().fold(0.0, |sum, one| sum * x + one);
    let fit: Vec<f64> = x.iter().map(at).collect();
    let (variance, rvariance) = (variance(&y), rest_variance(&y, &fit));
    several([
        element(rsquare(variance, rvariance)),
        array(&coefficients),
        element(variance),
        element(rvariance),
        array(&fit),
    ])
}

/// Coefficients from the highest power to the lowest; none if they are not determined.
fn solved(x: &[f64], y: &[f64], degree: usize) -> Option<Vec<f64>> {
    // Powers of numbers up to 1 keep their digits; the scale is taken out at the end.
    let scale = x.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    let scale = if scale > 0.0 { scale } else { 1.0 };
    let power = |exponent: usize| i32::try_from(exponent).unwrap_or(i32::MAX);
    let column = |exponent: usize| {
        let powers = x.iter().map(|x| (x / scale).powi(power(exponent)));
        powers.collect::<Vec<f64>>()
    };
    let mut columns: Vec<Vec<f64>> = (0..=degree).rev().map(column).collect();
    let mut target = y.to_vec();
    for step in 0..=degree {
        let (done, rest) = columns.split_at_mut(step + 1);
        let mirror = mirror_of(done.last()?, step)?;
        for other in done.last_mut().into_iter().chain(rest) {
            reflect(other, &mirror, step);
        }
        reflect(&mut target, &mirror, step);
    }
    let mut coefficients = vec![0.0; degree + 1];
    for step in (0..=degree).rev() {
        let mut sum = *target.get(step)?;
        for (column, coefficient) in columns.iter().zip(&coefficients).skip(step + 1) {
            sum -= column.get(step)? * coefficient;
        }
        let pivot = *columns.get(step)?.get(step)?;
        *coefficients.get_mut(step)? = sum / pivot;
    }
    for (place, coefficient) in coefficients.iter_mut().enumerate() {
        *coefficient /= scale.powi(power(degree - place));
    }
    let is_finite = coefficients.iter().all(|one| one.is_finite());
    is_finite.then_some(coefficients)
}

/// The vector of a reflection that clears a column below a place; none if the column depends on those before.
fn mirror_of(column: &[f64], step: usize) -> Option<Vec<f64>> {
    let mut mirror = column.get(step..)?.to_vec();
    let length = mirror.iter().map(|one| one * one).sum::<f64>().sqrt();
    if length < 1e-14 {
        return None;
    }
    let first = mirror.first_mut()?;
    *first += length.copysign(*first);
    let length = mirror.iter().map(|one| one * one).sum::<f64>().sqrt();
    for one in &mut mirror {
        *one /= length;
    }
    Some(mirror)
}

fn reflect(vector: &mut [f64], mirror: &[f64], step: usize) {
    let part = vector.iter().skip(step).zip(mirror);
    let product: f64 = part.map(|(one, other)| one * other).sum();
    for (one, other) in vector.iter_mut().skip(step).zip(mirror) {
        *one -= 2.0 * product * other;
    }
}
