//! A series as a season, a trend and a rest; forecasts and anomalies from them.
//!
//! The season is the median of the elements of the same phase. The trend is what remains: its average, or the line
//! through it. Both together are the baseline. Points to test, at the end, are not learned from.

use super::fit::Line;
use super::outliers::{Method, learned};
use super::periods::best_period;
use super::{Row, array, float, real, series, several, text, whole};
use crate::function::{Context, Failure, Outcome, function};
use crate::value::{Dynamic, Value};

/// Least score of a period that is found by itself.
const SCORE: f64 = 0.6;

/// The same for `series_seasonal`.
const SEASONAL_SCORE: f64 = 0.7;

pub(super) fn table() -> Vec<Row> {
    vec![
        function(
            "series_decompose(series: dynamic, period?: long, trend?: string, test_points?: long, \
             seasonality_threshold?: real): (baseline: dynamic, seasonal: dynamic, trend: dynamic, \
             residual: dynamic)",
            decompose,
        ),
        function(
            "series_decompose_anomalies(series: dynamic, threshold?: real, period?: long, \
             trend?: string, test_points?: long, method?: string, seasonality_threshold?: real): \
             (ad_flag: dynamic, ad_score: dynamic, baseline: dynamic)",
            anomalies,
        ),
        function(
            "series_decompose_forecast(series: dynamic, points: long, period?: long, \
             trend?: string, seasonality_threshold?: real): dynamic",
            forecast,
        ),
        function(
            "series_seasonal(series: dynamic, period?: long, test_points?: long): dynamic",
            seasonal,
        ),
    ]
}

#[derive(Clone, Copy)]
enum Trend {
    Average,
    Line,
    None,
}

impl Trend {
    fn named(name: Option<&str>, otherwise: Self) -> Result<Self, Failure> {
        match name {
            None => Ok(otherwise),
            Some("avg") => Ok(Self::Average),
            Some("linefit") => Ok(Self::Line),
            Some("none") => Ok(Self::None),
            Some(other) => Err(Failure(format!(
                "'{other}' is no trend: use 'avg', 'linefit' or 'none'"
            ))),
        }
    }
}

/// How a series is to be taken apart.
struct Plan {
    /// -1: to be found; 0: none.
    period: i64,
    score: f64,
    trend: Trend,
    learned: usize,
}

/// Parts of a series; each is as long as the series.
struct Parts {
    baseline: Vec<f64>,
    seasonal: Vec<f64>,
    trend: Vec<f64>,
    /// None where the series has a gap.
    residual: Vec<Option<f64>>,
}

impl Plan {
    fn apply(&self, elements: &[Option<f64>]) -> Parts {
        let known = elements.get(..self.learned).unwrap_or(elements);
        let period = match self.period {
            ..=-1 => best_period(known, self.score),
            period => usize::try_from(period).ok(),
        };
        let seasonal = season(elements.len(), known, period.unwrap_or(0));
        let rest = known.iter().zip(&seasonal);
        let rest: Vec<Option<f64>> = rest
            .map(|(element, season)| Some((*element)? - season))
            .collect();
        let trend = self.trend_of(&rest, elements.len());
        let baseline: Vec<f64> = seasonal
            .iter()
            .zip(&trend)
            .map(|(season, trend)| season + trend)
            .collect();
        let largest = known
            .iter()
            .flatten()
            .fold(0.0, |most: f64, one| most.max(one.abs()));
        let residual = |(element, baseline): (&Option<f64>, &f64)| {
            let rest = (*element)? - baseline;
            // What is left by rounding is nothing.
            Some(if rest.abs() <= largest * 1e-12 {
                0.0
            } else {
                rest
            })
        };
        Parts {
            residual: elements.iter().zip(&baseline).map(residual).collect(),
            baseline,
            seasonal,
            trend,
        }
    }

    fn trend_of(&self, rest: &[Option<f64>], length: usize) -> Vec<f64> {
        let known: Vec<f64> = rest.iter().flatten().copied().collect();
        match self.trend {
            _ if known.is_empty() => vec![0.0; length],
            Trend::None => vec![0.0; length],
            Trend::Average => vec![known.iter().sum::<f64>() / float(known.len()); length],
            Trend::Line => {
                let line = Line::through(rest, 1.0);
                (0..length).map(|place| line.at(place)).collect()
            }
        }
    }
}

/// Medians by phase; zeros if there is no period or it is longer than the series.
fn season(length: usize, known: &[Option<f64>], period: usize) -> Vec<f64> {
    if period == 0 || period > known.len() {
        return vec![0.0; length];
    }
    let median = |phase: usize| {
        let mut same: Vec<f64> = known
            .iter()
            .skip(phase)
            .step_by(period)
            .flatten()
            .copied()
            .collect();
        same.sort_by(f64::total_cmp);
        let half = same.len() / 2;
        match (
            same.get(half),
            half.checked_sub(1).and_then(|at| same.get(at)),
        ) {
            (Some(upper), Some(lower)) if same.len().is_multiple_of(2) => {
                f64::midpoint(*lower, *upper)
            }
            (Some(middle), _) => *middle,
            (None, _) => 0.0,
        }
    };
    let medians: Vec<f64> = (0..period).map(median).collect();
    medians.iter().copied().cycle().take(length).collect()
}

fn gaps(numbers: &[Option<f64>]) -> Dynamic {
    let shown = |number: &Option<f64>| number.map_or(Dynamic::Null, super::element);
    numbers.iter().map(shown).collect()
}

fn decompose(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some(elements) = series(arguments.first())? else {
        return several(vec![Dynamic::Null; 4]);
    };
    let plan = Plan {
        period: whole(arguments.get(1)).unwrap_or(-1),
        score: real(arguments.get(4)).unwrap_or(SCORE),
        trend: Trend::named(text(arguments.get(2)), Trend::Average)?,
        learned: learned(&elements, whole(arguments.get(3))),
    };
    let parts = plan.apply(&elements);
    several([
        array(&parts.baseline),
        array(&parts.seasonal),
        array(&parts.trend),
        gaps(&parts.residual),
    ])
}

fn anomalies(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some(elements) = series(arguments.first())? else {
        return several(vec![Dynamic::Null; 3]);
    };
    let threshold = real(arguments.get(1)).unwrap_or(1.5);
    let learned = learned(&elements, whole(arguments.get(4)));
    let plan = Plan {
        period: whole(arguments.get(2)).unwrap_or(-1),
        score: real(arguments.get(6)).unwrap_or(SCORE),
        trend: Trend::named(text(arguments.get(3)), Trend::Average)?,
        learned,
    };
    let method = Method::named(text(arguments.get(5)), 10.0, 90.0)?;
    let parts = plan.apply(&elements);
    let scores = method.scores(&parts.residual, learned);
    let flag = |score: &f64| i64::from(*score > threshold) - i64::from(*score < -threshold);
    several([
        scores.iter().map(flag).collect(),
        array(&scores),
        array(&parts.baseline),
    ])
}

fn forecast(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some(elements) = series(arguments.first())? else {
        return Ok(Value::Null);
    };
    let plan = Plan {
        period: whole(arguments.get(2)).unwrap_or(-1),
        score: real(arguments.get(4)).unwrap_or(SCORE),
        // The documented example, which names no trend, follows the line.
        trend: Trend::named(text(arguments.get(3)), Trend::Line)?,
        learned: learned(&elements, whole(arguments.get(1))),
    };
    Ok(Value::Dynamic(array(&plan.apply(&elements).baseline)))
}

fn seasonal(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some(elements) = series(arguments.first())? else {
        return Ok(Value::Null);
    };
    let learned = learned(&elements, whole(arguments.get(2)));
    let known = elements.get(..learned).unwrap_or(&elements);
    let period = match whole(arguments.get(1)).unwrap_or(-1) {
        -1 => best_period(known, SEASONAL_SCORE),
        period => usize::try_from(period).ok(),
    };
    let season = season(elements.len(), known, period.unwrap_or(0));
    Ok(Value::Dynamic(array(&season)))
}
