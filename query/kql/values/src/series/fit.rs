//! Straight lines through a series: one, or two with the break where they fit best.

use serde_json::json;

use super::{Row, array, element, float, mean, several, variance, whole_series};
use crate::function::{Context, Outcome, function};
use crate::value::{Dynamic, Value};

pub(super) fn table() -> Vec<Row> {
    vec![
        function(
            "series_fit_line(series: dynamic): (rsquare: real, slope: real, variance: real, \
             rvariance: real, interception: real, line_fit: dynamic)",
            fit_line,
        ),
        function(
            "series_fit_line_dynamic(series: dynamic): dynamic",
            fit_line_dynamic,
        ),
        function(
            "series_fit_2lines(series: dynamic): (rsquare: real, split_idx: long, variance: real, \
             rvariance: real, line_fit: dynamic, right_rsquare: real, right_slope: real, \
             right_interception: real, right_variance: real, right_rvariance: real, \
             left_rsquare: real, left_slope: real, left_interception: real, left_variance: real, \
             left_rvariance: real)",
            fit_2lines,
        ),
        function(
            "series_fit_2lines_dynamic(series: dynamic): dynamic",
            fit_2lines_dynamic,
        ),
    ]
}

/// A line `y = slope * x + interception`; the first element stands at x = 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    slope: f64,
    interception: f64,
}

impl Line {
    /// The best one through elements of which the first stands at `x`; gaps are passed over.
    pub(super) fn through(elements: &[Option<f64>], x: f64) -> Self {
        let mut sums = Sums::default();
        for (place, element) in elements.iter().enumerate() {
            if let Some(y) = element {
                sums.take(x + float(place), *y, 1.0);
            }
        }
        sums.line()
    }

    /// Where the line is at the place of an element, counted from 0.
    pub(super) fn at(self, place: usize) -> f64 {
        self.slope * float(place + 1) + self.interception
    }
}

/// What a line is computed from.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    count: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Sums {
    fn take(&mut self, x: f64, y: f64, sign: f64) {
        self.count += sign;
        self.x += sign * x;
        self.y += sign * y;
        self.xx += sign * x * x;
        self.xy += sign * x * y;
        self.yy += sign * y * y;
    }

    fn line(&self) -> Line {
        let spread = self.xx - self.x * self.x / self.count;
        let slope = if self.count < 2.0 || spread <= 0.0 {
            0.0
        } else {
            (self.xy - self.x * self.y / self.count) / spread
        };
        Line {
            slope,
            interception: (self.y - slope * self.x) / self.count,
        }
    }

    /// Sum of the squares that the line leaves.
    fn rest(&self) -> f64 {
        let slope = self.line().slope;
        let total = self.yy - self.y * self.y / self.count;
        total - slope * (self.xy - self.x * self.y / self.count)
    }
}

/// How well a line fits.
struct Quality {
    line: Line,
    rsquare: f64,
    variance: f64,
    rvariance: f64,
}

fn quality(elements: &[f64], start: usize) -> Quality {
    let known: Vec<Option<f64>> = elements.iter().copied().map(Some).collect();
    let line = Line::through(&known, float(start + 1));
    let fit: Vec<f64> = (0..elements.len()).map(|at| line.at(start + at)).collect();
    let variance = variance(elements);
    let rvariance = rest_variance(elements, &fit);
    Quality {
        line,
        rsquare: rsquare(variance, rvariance),
        variance,
        rvariance,
    }
}

/// Variance of what a fit leaves.
pub(super) fn rest_variance(elements: &[f64], fit: &[f64]) -> f64 {
    let rest: Vec<f64> = elements.iter().zip(fit).map(|(y, fit)| y - fit).collect();
    variance(&rest)
}

/// Share of the variance that a fit explains; a constant is explained in full.
pub(super) fn rsquare(variance: f64, rvariance: f64) -> f64 {
    if variance <= 0.0 {
        return 1.0;
    }
    (1.0 - rvariance / variance).clamp(0.0, 1.0)
}

/// Elements to fit; at least two.
fn elements(arguments: &[Value]) -> Result<Option<Vec<f64>>, crate::function::Failure> {
    Ok(whole_series(arguments.first())?.filter(|elements| elements.len() > 1))
}

fn fit_line(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some(elements) = elements(arguments)? else {
        return several(vec![Dynamic::Null; 6]);
    };
    let quality = quality(&elements, 0);
    let fit: Vec<f64> = (0..elements.len()).map(|at| quality.line.at(at)).collect();
    several([
        element(quality.rsquare),
        element(quality.line.slope),
        element(quality.variance),
        element(quality.rvariance),
        element(quality.line.interception),
        array(&fit),
    ])
}

fn fit_line_dynamic(context: &mut Context, arguments: &[Value]) -> Outcome {
    let Value::Dynamic(Dynamic::Array(results)) = fit_line(context, arguments)? else {
        return Ok(Value::Null);
    };
    Ok(match results.as_slice() {
        [
            rsquare,
            slope,
            variance,
            rvariance,
            interception,
            line @ Dynamic::Array(_),
        ] => Value::Dynamic(json!({
            "rsquare": rsquare, "slope": slope, "variance": variance, "rvariance": rvariance,
            "interception": interception, "line_fit": line,
        })),
        _ => Value::Null,
    })
}

/// The place where the right line begins, such that both together leave least; each side has two elements if possible.
fn best_split(elements: &[f64]) -> usize {
    let mean = mean(elements);
    let mut right = Sums::default();
    for (place, y) in elements.iter().enumerate() {
        right.take(float(place), y - mean, 1.0);
    }
    let least = if elements.len() < 4 { 1 } else { 2 };
    let mut left = Sums::default();
    let (mut best, mut best_rest) = (least, f64::INFINITY);
    for (place, y) in elements.iter().enumerate() {
        let is_allowed = place >= least && place + least <= elements.len();
        if is_allowed && left.rest() + right.rest() < best_rest {
            (best, best_rest) = (place, left.rest() + right.rest());
        }
        left.take(float(place), y - mean, 1.0);
        right.take(float(place), y - mean, -1.0);
    }
    best
}

fn fit_2lines(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some(elements) = elements(arguments)? else {
        return several(vec![Dynamic::Null; 15]);
    };
    let split = best_split(&elements);
    let (left, right) = elements.split_at(split.min(elements.len()));
    let (left, right) = (quality(left, 0), quality(right, split));
    let fit: Vec<f64> = (0..elements.len())
        .map(|at| {
            if at < split {
                left.line.at(at)
            } else {
                right.line.at(at)
            }
        })
        .collect();
    let variance = variance(&elements);
    let rvariance = rest_variance(&elements, &fit);
    let mut results = vec![
        element(rsquare(variance, rvariance)),
        split.into(),
        element(variance),
        element(rvariance),
        array(&fit),
    ];
    for side in [right, left] {
        results.extend([
            element(side.rsquare),
            element(side.line.slope),
            element(side.line.interception),
            element(side.variance),
            element(side.rvariance),
        ]);
    }
    several(results)
}

fn fit_2lines_dynamic(context: &mut Context, arguments: &[Value]) -> Outcome {
    let Value::Dynamic(Dynamic::Array(results)) = fit_2lines(context, arguments)? else {
        return Ok(Value::Null);
    };
    let [rsquare, split, variance, rvariance, line, sides @ ..] = results.as_slice() else {
        return Ok(Value::Null);
    };
    if line.is_null() {
        return Ok(Value::Null);
    }
    let side = |side: Option<&[Dynamic]>| match side {
        Some([rsquare, slope, interception, variance, rvariance]) => json!({
            "rsquare": rsquare, "slope": slope, "interception": interception,
            "variance": variance, "rvariance": rvariance,
        }),
        _ => Dynamic::Null,
    };
    Ok(Value::Dynamic(json!({
        "rsquare": rsquare, "split_idx": split, "variance": variance, "rvariance": rvariance,
        "line_fit": line, "right": side(sides.get(..5)), "left": side(sides.get(5..)),
    })))
}
