//! Sorting of arrays, further arrays along with the first.

use crate::dynamic::element::SortKey;
use crate::dynamic::elements;
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

/// The results are as many as there are arrays: an array of them.
pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function(
            "array_sort_asc(array...: any): dynamic",
            |_: &mut Context, a| sort(a, false),
        ),
        function(
            "array_sort_desc(array...: any): dynamic",
            |_: &mut Context, a| sort(a, true),
        ),
    ];
    table
        .into_iter()
        .flatten()
        .map(crate::convert::seeing_nulls)
        .collect()
}

fn sort(arguments: &[Value], descends: bool) -> Outcome {
    let (arrays, nulls_last) = match arguments {
        [arrays @ .., Value::Bool(nulls_last)] => (arrays, *nulls_last),
        arrays => (arrays, true),
    };
    let Some(first) = arrays.first().and_then(elements) else {
        return Ok(Value::list(arrays.iter().map(|_| Dynamic::Null)));
    };
    let keys: Vec<Option<SortKey<'_>>> = first.iter().map(SortKey::of).collect();
    let mut places: Vec<usize> = (0..first.len()).collect();
    let key = |place: usize| keys.get(place).and_then(Option::as_ref);
    places.sort_by(|left, right| match (key(*left), key(*right)) {
        (Some(left), Some(right)) => left.compare(right, descends),
        (left, right) => {
            let order = left.is_none().cmp(&right.is_none());
            if nulls_last { order } else { order.reverse() }
        }
    });
    let ordered = |array: &Value| {
        let items = elements(array).filter(|items| items.len() == places.len());
        items.map_or(Dynamic::Null, |items| {
            let items = places.iter().map(|place| items.get(*place).cloned());
            Dynamic::Array(items.map(Option::unwrap_or_default).collect())
        })
    };
    Ok(Value::list(arrays.iter().map(ordered)))
}
