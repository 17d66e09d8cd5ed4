//! One number, or a few, out of a series.

use serde_json::json;

use super::{Row, element, mean, real, series, several, variance, whole_series};
use crate::function::{Context, Failure, Outcome, function};
use crate::value::{Dynamic, Value};

pub(super) fn table() -> Vec<Row> {
    vec![
        function(
            "series_stats(series: dynamic, ignore_nonfinite?: bool): (min: real, min_idx: long, \
             max: real, max_idx: long, avg: real, stdev: real, variance: real)",
            stats,
        ),
        function(
            "series_stats_dynamic(series: dynamic, ignore_nonfinite?: bool): dynamic",
            stats_dynamic,
        ),
        function("series_sum(series: dynamic): real", sum),
        function("series_product(series: dynamic): real", product),
        function("series_magnitude(series: dynamic): real", magnitude),
        function(
            "series_dot_product(series1: any, series2: any): real",
            dot_product,
        ),
        function(
            "series_cosine_similarity(series1: dynamic, series2: dynamic, magnitude1?: real, \
             magnitude2?: real): real",
            cosine_similarity,
        ),
        function(
            "series_pearson_correlation(series1: dynamic, series2: dynamic): real",
            pearson_correlation,
        ),
    ]
}

struct Statistics {
    min: (usize, f64),
    max: (usize, f64),
    /// Elements that count.
    numbers: Vec<f64>,
}

fn statistics(arguments: &[Value]) -> Result<Option<Statistics>, Failure> {
    let Some(elements) = series(arguments.first())? else {
        return Ok(None);
    };
    let length = elements.len();
    let finite: Vec<(usize, f64)> = elements
        .into_iter()
        .enumerate()
        .filter_map(|(place, element)| Some((place, element.filter(|one| one.is_finite())?)))
        .collect();
    if finite.len() < length && arguments.get(1) != Some(&Value::Bool(true)) {
        return Ok(None);
    }
    let Some(first) = finite.first() else {
        return Ok(None);
    };
    let (mut min, mut max) = (*first, *first);
    for one in &finite {
        if one.1 < min.1 {
            min = *one;
        }
        if one.1 > max.1 {
            max = *one;
        }
    }
    let numbers = finite.into_iter().map(|(_, number)| number).collect();
    Ok(Some(Statistics { min, max, numbers }))
}

fn stats(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some(Statistics { min, max, numbers }) = statistics(arguments)? else {
        return several(vec![Dynamic::Null; 7]);
    };
    let variance = variance(&numbers);
    several([
        element(min.1),
        min.0.into(),
        element(max.1),
        max.0.into(),
        element(mean(&numbers)),
        element(variance.sqrt()),
        element(variance),
    ])
}

fn stats_dynamic(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some(Statistics { min, max, numbers }) = statistics(arguments)? else {
        return Ok(Value::Null);
    };
    let variance = variance(&numbers);
    Ok(Value::Dynamic(json!({
        "min": element(min.1), "min_idx": min.0, "max": element(max.1), "max_idx": max.0,
        "avg": element(mean(&numbers)), "stdev": element(variance.sqrt()),
        "variance": element(variance), "sum": element(numbers.iter().sum()), "len": numbers.len(),
    })))
}

fn sum(_: &mut Context, arguments: &[Value]) -> Outcome {
    let numbers = whole_series(arguments.first())?;
    Ok(numbers.map_or(Value::Null, |numbers| {
        Value::Real(0.0 + numbers.iter().sum::<f64>())
    }))
}

fn product(_: &mut Context, arguments: &[Value]) -> Outcome {
    let numbers = whole_series(arguments.first())?;
    Ok(numbers.map_or(Value::Null, |numbers| Value::Real(numbers.iter().product())))
}

fn magnitude(_: &mut Context, arguments: &[Value]) -> Outcome {
    let numbers = series(arguments.first())?;
    Ok(numbers.map_or(Value::Null, |numbers| Value::Real(length(&numbers))))
}

fn length(numbers: &[Option<f64>]) -> f64 {
    let squares = numbers.iter().flatten().map(|one| one * one);
    squares.sum::<f64>().sqrt()
}

/// Over the places that both have.
fn dot(left: &[Option<f64>], right: &[Option<f64>]) -> f64 {
    let products = left.iter().zip(right);
    let products = products.filter_map(|(left, right)| Some((*left)? * (*right)?));
    // The sum of nothing would be minus zero.
    0.0 + products.sum::<f64>()
}

fn dot_product(_: &mut Context, arguments: &[Value]) -> Outcome {
    let (left, right) = (series(arguments.first())?, series(arguments.get(1))?);
    let spread = |number: Option<&Value>, length| real(number).map(|one| vec![Some(one); length]);
    let (left, right) = match (left, right) {
        (Some(left), Some(right)) => (Some(left), Some(right)),
        (Some(left), None) => {
            let length = left.len();
            (Some(left), spread(arguments.get(1), length))
        }
        (None, Some(right)) => (spread(arguments.first(), right.len()), Some(right)),
        (None, None) => (None, None),
    };
    Ok(match (left, right) {
        (Some(left), Some(right)) if !left.is_empty() && !right.is_empty() => {
            Value::Real(dot(&left, &right))
        }
        _ => Value::Null,
    })
}

fn cosine_similarity(_: &mut Context, arguments: &[Value]) -> Outcome {
    let (Some(mut left), Some(mut right)) = (series(arguments.first())?, series(arguments.get(1))?)
    else {
        return Ok(Value::Null);
    };
    let shorter = left.len().min(right.len());
    left.truncate(shorter);
    right.truncate(shorter);
    if shorter == 0 {
        return Ok(Value::Null);
    }
    let left_length = real(arguments.get(2)).unwrap_or_else(|| length(&left));
    let right_length = real(arguments.get(3)).unwrap_or_else(|| length(&right));
    let similarity = dot(&left, &right) / (left_length * right_length);
    Ok(Value::Real(similarity))
}

fn pearson_correlation(_: &mut Context, arguments: &[Value]) -> Outcome {
    let (left, right) = (
        whole_series(arguments.first())?,
        whole_series(arguments.get(1))?,
    );
    let (Some(left), Some(right)) = (left, right) else {
        return Ok(Value::Null);
    };
    if left.len() != right.len() || left.is_empty() {
        return Ok(Value::Null);
    }
    let (left_mean, right_mean) = (mean(&left), mean(&right));
    let (mut both, mut lefts, mut rights) = (0.0, 0.0, 0.0);
    for (left, right) in left.iter().zip(&right) {
        both += (left - left_mean) * (right - right_mean);
        lefts += (left - left_mean).powi(2);
        rights += (right - right_mean).powi(2);
    }
    let correlation = both / (lefts.sqrt() * rights.sqrt());
    Ok(Value::Real(correlation))
}
