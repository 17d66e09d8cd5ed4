//! Arrays as sets: each value once, in the order of first appearance.

use std::collections::HashSet;

use crate::dynamic::element::Identity;
use crate::dynamic::{elements, list_or_null};
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("set_difference(set...: dynamic): dynamic", set_difference),
        function("set_intersect(set...: dynamic): dynamic", set_intersect),
        function("set_union(set...: dynamic): dynamic", set_union),
        function(
            "set_has_element(set: dynamic, value: any): bool",
            set_has_element,
        ),
        function("set_equals(set1: dynamic, set2: dynamic): bool", set_equals),
        function(
            "jaccard_index(set1: dynamic, set2: dynamic): real",
            jaccard_index,
        ),
    ];
    table.into_iter().flatten().collect()
}

type Identities<'a> = HashSet<Identity<'a>>;

fn identities(items: &[Dynamic]) -> Identities<'_> {
    items.iter().map(Identity::of).collect()
}

/// The first array and what is in the others; none if one of them is no array.
fn sets(arguments: &[Value]) -> Option<(&[Dynamic], Vec<Identities<'_>>)> {
    let (first, others) = arguments.split_first()?;
    let others = others.iter().map(|set| elements(set).map(identities));
    Some((elements(first)?, others.collect::<Option<_>>()?))
}

/// Each element once, of those that are wanted.
fn distinct<'a>(
    items: impl IntoIterator<Item = &'a Dynamic>,
    is_wanted: impl Fn(&Identity<'a>) -> bool,
) -> Vec<Dynamic> {
    let mut seen = Identities::new();
    let items = items.into_iter().filter(|item| {
        let identity = Identity::of(item);
        is_wanted(&identity) && seen.insert(identity)
    });
    items.cloned().collect()
}

fn set_difference(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(list_or_null(sets(arguments).map(|(first, others)| {
        distinct(first, |item| {
            others.iter().all(|other| !other.contains(item))
        })
    })))
}

fn set_intersect(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(list_or_null(sets(arguments).map(|(first, others)| {
        distinct(first, |item| {
            others.iter().all(|other| other.contains(item))
        })
    })))
}

fn set_union(_: &mut Context, arguments: &[Value]) -> Outcome {
    let arrays: Option<Vec<&[Dynamic]>> = arguments.iter().map(elements).collect();
    Ok(list_or_null(arrays.map(|arrays| {
        distinct(arrays.into_iter().flatten(), |_| true)
    })))
}

fn set_has_element(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [set, value] = arguments else {
        return Ok(Value::Null);
    };
    let Some(items) = elements(set) else {
        return Ok(Value::Null);
    };
    let sought = value.to_json();
    let sought = Identity::of(&sought);
    Ok(Value::Bool(
        items.iter().any(|item| Identity::of(item) == sought),
    ))
}

fn set_equals(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [left, right] = arguments else {
        return Ok(Value::Null);
    };
    let (Some(left), Some(right)) = (elements(left), elements(right)) else {
        return Ok(Value::Null);
    };
    Ok(Value::Bool(identities(left) == identities(right)))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "arrays are far shorter than 2^52"
)]
fn jaccard_index(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [left, right] = arguments else {
        return Ok(Value::Null);
    };
    let (Some(left), Some(right)) = (elements(left), elements(right)) else {
        return Ok(Value::Null);
    };
    let (left, right) = (identities(left), identities(right));
    let shared = left.intersection(&right).count();
    let all = left.len() + right.len() - shared;
    Ok(Value::Real(shared as f64 / all as f64))
}
