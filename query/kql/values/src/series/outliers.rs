//! How far elements stand out, by Tukey's fences.
//!
//! With the quartiles the score is Tukey's: the distance from the nearer quartile in units of their range, so that 1.5
//! is the fence. With other percentiles the unit is taken such that normally distributed elements have their fence of
//! score 1.5 at the same place (Microsoft's pages print no scores; their charts of uniform noise with known outliers
//! agree with this unit, not with the bare range).

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the place of a percentile lies within the series"
)]

use super::{LENGTH_MAX, Row, element, float, number, real, series, text, whole};
use crate::function::{Context, Failure, Outcome, function};
use crate::value::{Dynamic, Value};

/// The score at Tukey's fence.
const FENCE: f64 = 1.5;

pub(super) fn table() -> Vec<Row> {
    vec![function(
        "series_outliers(series: dynamic, kind?: string, ignore_val?: any, min_percentile?: real, \
         max_percentile?: real, test_points?: long): dynamic",
        outliers,
    )]
}

/// What range of elements is normal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Method {
    low: f64,
    high: f64,
}

impl Method {
    /// `tukey` or `ctukey`, with the percentiles of the latter.
    pub(super) fn named(name: Option<&str>, low: f64, high: f64) -> Result<Self, Failure> {
        let is_within = (2.0..=98.0).contains(&low) && (2.0..=98.0).contains(&high) && low < high;
        match name {
            Some("tukey") => Ok(Self {
                low: 25.0,
                high: 75.0,
            }),
            None | Some("ctukey") if is_within => Ok(Self { low, high }),
            None | Some("ctukey") => Err(Failure::new(
                "percentiles of outliers must be from 2 to 98, the smaller one first",
            )),
            Some(other) => Err(Failure(format!(
                "'{other}' is no method of finding outliers: use 'ctukey' or 'tukey'"
            ))),
        }
    }

    /// Scores of all elements, by the range of those that are learned from. Gaps score 0.
    pub(super) fn scores(self, elements: &[Option<f64>], learned: usize) -> Vec<f64> {
        let is_finite = |element: &f64| element.is_finite();
        let known = elements.iter().take(learned).flatten().copied();
        let mut sorted: Vec<f64> = known.filter(is_finite).collect();
        sorted.sort_by(f64::total_cmp);
        let (Some(low), Some(high)) = (
            percentile(&sorted, self.low),
            percentile(&sorted, self.high),
        ) else {
            return vec![0.0; elements.len()];
        };
        let most = elements.iter().flatten().filter(|one| one.is_finite());
        let most = most.fold(0.0_f64, |most, one| most.max(one.abs()));
        // Where most elements are equal there is no range; a thousandth of the largest one stands for it.
        let range = if high > low { high - low } else { most * 1e-3 };
        let (z_low, z_high) = (normal_quantile(self.low), normal_quantile(self.high));
        let fence = normal_quantile(75.0) * (1.0 + 2.0 * FENCE);
        let unit = |z: f64| range * (fence - z) / (FENCE * (z_high - z_low));
        let score = |element: &Option<f64>| match element {
            Some(one) if *one > high => (one - high) / unit(z_high),
            Some(one) if *one < low => (one - low) / unit(-z_low),
            _ => 0.0,
        };
        elements.iter().map(score).collect()
    }
}

/// By linear interpolation between sorted numbers.
fn percentile(sorted: &[f64], percentile: f64) -> Option<f64> {
    let place = percentile / 100.0 * float(sorted.len().checked_sub(1)?);
    let below = *sorted.get(place.floor() as usize)?;
    let above = *sorted.get(place.ceil() as usize)?;
    Some(below + (above - below) * place.fract())
}

/// Where a percentile of the normal distribution lies, by Abramowitz and Stegun's 26.2.23; good to three digits.
fn normal_quantile(percentile: f64) -> f64 {
    let tail = (percentile / 100.0).min(1.0 - percentile / 100.0);
    let root = (-2.0 * tail.ln()).sqrt();
    let above = 2.515_517 + root * (0.802_853 + root * 0.010_328);
    let below = 1.0 + root * (1.432_788 + root * (0.189_269 + root * 0.001_308));
    let quantile = root - above / below;
    if percentile < 50.0 {
        -quantile
    } else {
        quantile
    }
}

fn outliers(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some(mut elements) = series(arguments.first())? else {
        return Ok(Value::Null);
    };
    let ignored = arguments.get(2).map(Value::to_json);
    let ignored = ignored.as_ref().and_then(number);
    for element in &mut elements {
        if *element == ignored {
            *element = None;
        }
    }
    let low = real(arguments.get(3)).unwrap_or(10.0);
    let high = real(arguments.get(4)).unwrap_or(90.0);
    let method = Method::named(text(arguments.get(1)), low, high)?;
    let learned = learned(&elements, whole(arguments.get(5)));
    let scores = method.scores(&elements, learned);
    let scores: Dynamic = scores.into_iter().map(element).collect();
    Ok(Value::Dynamic(scores))
}

/// How many elements are learned from: all but the points to test at the end.
pub(super) fn learned(elements: &[Option<f64>], test_points: Option<i64>) -> usize {
    let points = test_points.unwrap_or(0).clamp(0, i64::MAX);
    let points = usize::try_from(points).unwrap_or(LENGTH_MAX);
    elements.len().saturating_sub(points)
}
