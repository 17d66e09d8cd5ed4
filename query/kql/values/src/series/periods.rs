//! Periods of a series: candidates are the frequencies that carry more than noise does, and the score of one is how
//! much the series resembles itself after one period and after two. A line that explains much of the series is taken
//! out before, since with it every series resembles itself.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a period lies within the series"
)]

use super::fit::{Line, rsquare};
use super::{Row, array, float, fourier, mean, real, series, several, variance};
use crate::function::{Context, Failure, Outcome, function};
use crate::value::{Dynamic, Value};

/// Shortest period, in elements.
const PERIOD_MIN: usize = 4;

/// The part of the variance that a line must explain to be taken out.
const TREND: f64 = 0.2;

/// Most periods that are looked for or checked.
const PERIODS_MAX: usize = 16;

pub(super) fn table() -> Vec<Row> {
    vec![
        function(
            "series_periods_detect(series: dynamic, min_period: real, max_period: real, \
             num_periods: long): (periods: dynamic, scores: dynamic)",
            detect,
        ),
        function(
            "series_periods_validate(series: dynamic, period...: real): (periods: dynamic, scores: dynamic)",
            validate,
        ),
    ]
}

/// What is known of a series to find periods in it.
struct Rhythm {
    likeness: Vec<f64>,
    spectrum: Vec<f64>,
    length: usize,
}

impl Rhythm {
    /// Of a series whose gaps are filled with the mean; none if all elements are the same.
    fn of(elements: &[Option<f64>]) -> Option<Self> {
        let centered = centered(elements);
        let largest = elements.iter().flatten();
        let largest = largest.fold(0.0_f64, |most, one| most.max(one.abs()));
        let is_flat = centered
            .iter()
            .all(|one| one.abs() <= 1e-9 * largest || !one.is_finite());
        if is_flat || elements.len() < 2 * PERIOD_MIN {
            return None;
        }
        Some(Self {
            likeness: fourier::autocorrelation(&centered),
            spectrum: fourier::spectrum(&centered),
            length: elements.len(),
        })
    }

    /// From 0 to 1; likeness that noise has as well scores 0.
    fn score(&self, period: usize) -> f64 {
        if period < PERIOD_MIN || period > self.length / 2 {
            return 0.0;
        }
        let at = |lag: usize| self.likeness.get(lag).copied().unwrap_or(0.0);
        let twice = if 2 * period <= self.length / 2 {
            at(2 * period)
        } else {
            1.0
        };
        let score = at(period).min(twice).clamp(0.0, 1.0);
        if score < 2.0 / float(self.length).sqrt() {
            return 0.0;
        }
        score
    }

    /// Periods with their scores, best first.
    fn detect(&self, least: f64, most: f64) -> Vec<(usize, f64)> {
        let mut found: Vec<(usize, f64)> = Vec::new();
        let count = float(self.spectrum.len());
        // Of that many frequencies of noise, one exceeds this share in one series of twenty.
        let noise = (count.ln() + 3.0) / count;
        for (place, share) in self.spectrum.iter().enumerate() {
            if *share < noise {
                continue;
            }
            let period = self.hill(place + 1);
            let score = self.score(period);
            let is_wanted = (least..=most).contains(&float(period));
            if score > 0.0 && is_wanted && found.iter().all(|(known, _)| *known != period) {
                found.push((period, score));
            }
        }
        found.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
        let mut periods: Vec<(usize, f64)> = Vec::new();
        for (period, score) in found {
            // Whatever has a period has its multiples as well.
            if !periods.iter().any(|(known, _)| period % known == 0) {
                periods.push((period, score));
            }
        }
        periods
    }

    /// The most alike lag among those that a number of cycles in the whole series may stand for.
    fn hill(&self, cycles: usize) -> usize {
        let length = float(self.length);
        let shortest = (length / (float(cycles) + 0.5)).ceil() as usize;
        let longest = (length / (float(cycles) - 0.5)).floor() as usize;
        let longest = longest.min(self.length / 2);
        let likeness = |lag: usize| self.likeness.get(lag).copied().unwrap_or(f64::NEG_INFINITY);
        let best = (shortest..=longest).max_by(|left, right| {
            let order = likeness(*left).total_cmp(&likeness(*right));
            // Of two that are alike the shorter one.
            order.then(right.cmp(left))
        });
        best.unwrap_or(0)
    }
}

/// A series around zero, without its trend; gaps are zero.
fn centered(elements: &[Option<f64>]) -> Vec<f64> {
    let known: Vec<f64> = elements.iter().flatten().copied().collect();
    let mean = mean(&known);
    let line = Line::through(elements, 1.0);
    let around = |level: &dyn Fn(usize) -> f64| {
        let places = elements.iter().enumerate();
        let rest = places.map(|(place, one)| one.map_or(0.0, |one| one - level(place)));
        rest.collect::<Vec<f64>>()
    };
    let rest = around(&|place| line.at(place));
    let level = around(&|_| mean);
    if rsquare(variance(&level), variance(&rest)) >= TREND {
        rest
    } else {
        level
    }
}

/// The period that fits best, if it scores as high as the threshold.
pub(super) fn best_period(elements: &[Option<f64>], threshold: f64) -> Option<usize> {
    let found = Rhythm::of(elements)?.detect(0.0, f64::INFINITY);
    let (period, score) = *found.first()?;
    (score >= threshold).then_some(period)
}

fn detect(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some(elements) = series(arguments.first())? else {
        return several(vec![Dynamic::Null; 2]);
    };
    let least = real(arguments.get(1)).unwrap_or(0.0);
    let most = real(arguments.get(2)).unwrap_or(f64::INFINITY);
    let wanted = real(arguments.get(3)).map(|count| count as usize);
    let Some(wanted @ 1..=PERIODS_MAX) = wanted else {
        let text = format!("the number of periods must be a constant from 1 to {PERIODS_MAX}");
        return Err(Failure(text));
    };
    let found = Rhythm::of(&elements).map_or(Vec::new(), |rhythm| rhythm.detect(least, most));
    let mut periods: Vec<f64> = found.iter().map(|(period, _)| float(*period)).collect();
    let mut scores: Vec<f64> = found.iter().map(|(_, score)| *score).collect();
    periods.resize(wanted, 0.0);
    scores.resize(wanted, 0.0);
    several([array(&periods), array(&scores)])
}

fn validate(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some(elements) = series(arguments.first())? else {
        return several(vec![Dynamic::Null; 2]);
    };
    let periods = arguments.get(1..).unwrap_or_default();
    if periods.len() > PERIODS_MAX {
        let text = format!("at most {PERIODS_MAX} periods can be validated at once");
        return Err(Failure(text));
    }
    let periods: Vec<f64> = periods
        .iter()
        .map(|period| real(Some(period)).unwrap_or(0.0))
        .collect();
    let rhythm = Rhythm::of(&elements);
    let score = |period: &f64| match &rhythm {
        Some(rhythm) => rhythm.score(period.round() as usize),
        None => 0.0,
    };
    let scores: Vec<f64> = periods.iter().map(score).collect();
    several([array(&periods), array(&scores)])
}
