//! Names of columns that the query does not name.
//!
//! The rules are those of the published language service: some functions take the name of their first argument,
//! aggregates put a prefix before it, everything else is `Column1`, `Column2` (`print_0` in `print`).

use kql_syntax::ast::{Call, Expr, ExprKind, Literal};

/// Functions whose result has the name of the first argument.
const FIRST_ARGUMENT: &[&str] = &[
    "split",
    "tohex",
    "todynamic",
    "toobject",
    "tostring",
    "tolong",
    "toint",
    "toreal",
    "todouble",
    "todatetime",
    "totimespan",
    "totime",
    "tobool",
    "toboolean",
    "todecimal",
    "toguid",
    "parse_csv",
    "parsejson",
    "parse_json",
    "parse_xml",
    "format_datetime",
    "format_timespan",
    "startofday",
    "bin",
    "floor",
    "bin_at",
    "bin_auto",
    "binary_and",
    "binary_or",
    "binary_xor",
    "binary_not",
    "binary_shift_right",
    "binary_shift_left",
    "bitset_count_ones",
    "series_fir",
    "series_outliers",
    "series_iir",
    "series_fill_backward",
    "series_fill_forward",
    "series_fill_const",
    "series_fill_linear",
    "round",
    "ceiling",
    "pow",
    "sqrt",
    "log",
    "log2",
    "log10",
    "exp",
    "exp2",
    "exp10",
    "cos",
    "sin",
    "tan",
    "acos",
    "asin",
    "atan",
    "atan2",
    "abs",
    "gamma",
    "loggamma",
    "erf",
    "erfc",
    "format_bytes",
    "binary_all_or",
    "binary_all_and",
    "binary_all_xor",
    "take_any",
    "take_anyif",
    "make_datetime",
    "make_timespan",
    "column_ifexists",
    "columnifexists",
];

/// Functions whose result has a prefix and the name of the first argument.
const PREFIXED: &[(&str, &str)] = &[
    ("strlen", "strlen"),
    ("string_size", "string_size"),
    ("percentile_tdigest", "percentile_tdigest"),
    ("percentiles_array_tdigest", "percentile_tdigest"),
    ("dcount_hll", "dcount_hll"),
    ("treepath", "tree"),
    ("repeat", "repeat"),
    ("sum", "sum"),
    ("sumif", "sumif"),
    ("cnt", "cnt"),
    ("count", "count"),
    ("countif", "countif"),
    ("dcount", "dcount"),
    ("dcountif", "dcountif"),
    ("tdigest", "tdigest"),
    ("tdigest_merge", "merge_tdigests"),
    ("merge_tdigest", "merge_tdigests"),
    ("hll", "hll"),
    ("hll_if", "hll_if"),
    ("hll_merge", "hll_merge"),
    ("min", "min"),
    ("minif", "minif"),
    ("max", "max"),
    ("maxif", "maxif"),
    ("avg", "avg"),
    ("avgif", "avgif"),
    ("makelist", "list"),
    ("make_list", "list"),
    ("make_list_if", "list"),
    ("make_list_with_nulls", "list"),
    ("makeset", "set"),
    ("make_set", "set"),
    ("make_set_if", "set"),
    ("make_dictionary", "dictionary"),
    ("make_bag", "bag"),
    ("make_bag_if", "bag"),
    ("buildschema", "schema"),
    ("count_distinct", "count_distinct"),
    ("count_distinctif", "count_distinctif"),
    ("stdev", "stdev"),
    ("stdevif", "stdevif"),
    ("stdevp", "stdevp"),
    ("stdevpif", "stdevpif"),
    ("variance", "variance"),
    ("varianceif", "varianceif"),
    ("variancep", "variancep"),
    ("variancepif", "variancepif"),
    ("covariance", "covariance"),
    ("covarianceif", "covarianceif"),
    ("covariancep", "covariancep"),
    ("covariancepif", "covariancepif"),
    ("any", "any"),
    ("anyif", "any"),
];

/// The name that follows from an expression, if one does.
#[recursive::recursive]
pub(crate) fn implied(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.text.clone()),
        ExprKind::Path { base, member } => Some(joined(implied(base), &member.text)),
        ExprKind::Index { base, index } => {
            let right = match &index.kind {
                ExprKind::Literal(Literal::String(text)) => text.clone(),
                ExprKind::Literal(Literal::Long(Some(number))) => number.to_string(),
                ExprKind::Literal(Literal::Int(Some(number))) => number.to_string(),
                _ => return None,
            };
            Some(joined(implied(base), &right))
        }
        ExprKind::Call(call) => of_call(call),
        _ => None,
    }
}

fn joined(left: Option<String>, right: &str) -> String {
    match left {
        Some(left) if !left.is_empty() => format!("{left}_{right}"),
        _ => right.to_owned(),
    }
}

fn of_call(call: &Call) -> Option<String> {
    let name = call.name.text.as_str();
    let first = call.arguments.first();
    if let Some((_, prefix)) = PREFIXED.iter().find(|(function, _)| *function == name) {
        let first = first
            .and_then(|first| implied(&first.value))
            .unwrap_or_default();
        // The documentation names covariances by both arguments.
        let second = call
            .arguments
            .get(1)
            .filter(|_| name.starts_with("covariance"));
        return Some(match second.and_then(|second| implied(&second.value)) {
            Some(second) => format!("{prefix}_{first}_{second}"),
            None => format!("{prefix}_{first}"),
        });
    }
    if name == "column_ifexists" || name == "columnifexists" {
        return match &first?.value.kind {
            ExprKind::Literal(Literal::String(text)) => Some(text.clone()),
            _ => None,
        };
    }
    if FIRST_ARGUMENT.contains(&name) {
        return implied(&first?.value);
    }
    None
}

/// A name that is not taken: the name itself, or with the first free number after it.
pub(crate) fn unique(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(name) {
        return name.to_owned();
    }
    let mut number = 1_usize;
    loop {
        let candidate = format!("{name}{number}");
        if !is_taken(&candidate) {
            return candidate;
        }
        number += 1;
    }
}
