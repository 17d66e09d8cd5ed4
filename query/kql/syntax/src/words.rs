//! Words of the language, and the nearest of them to what somebody wrote.

/// Words with a hyphen: one token, where a name followed by it would be a subtraction.
pub(crate) const HYPHENATED: &[&str] = &[
    "assert-schema",
    "granny-asc",
    "granny-desc",
    "graph-mark-components",
    "graph-match",
    "graph-shortest-paths",
    "graph-to-table",
    "graph-where-edges",
    "graph-where-nodes",
    "macro-expand",
    "make-graph",
    "make-series",
    "materialized-view-combine",
    "mv-apply",
    "mv-expand",
    "parse-kv",
    "parse-where",
    "partitioned-by",
    "project-away",
    "project-by-names",
    "project-keep",
    "project-rename",
    "project-reorder",
    "project-smart",
    "sample-distinct",
    "top-hitters",
    "top-nested",
];

/// Words that are no names unless they stand in brackets and quotes.
const RESERVED: &[&str] = &[
    "accumulate",
    "and",
    "anomalychart",
    "areachart",
    "as",
    "asc",
    "bagexpansion",
    "barchart",
    "between",
    "bin_legacy",
    "boolean",
    "by",
    "byte",
    "cachingpolicy",
    "callout",
    "cancel",
    "card",
    "char",
    "columnchart",
    "contains",
    "contains_cs",
    "containscs",
    "cycles",
    "dataexport",
    "datascope",
    "datatable",
    "date",
    "datetime",
    "decimal",
    "decodeblocks",
    "desc",
    "double",
    "dynamic",
    "earliest",
    "encodingpolicy",
    "endswith",
    "endswith_cs",
    "expandoutput",
    "extent_tags_retention",
    "external_data",
    "externaldata",
    "find",
    "first",
    "flags",
    "float",
    "force_remote",
    "harddelete",
    "hardretention",
    "has",
    "has_all",
    "has_any",
    "has_cs",
    "hasprefix",
    "hasprefix_cs",
    "hassuffix",
    "hassuffix_cs",
    "hotcache",
    "in",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "invoke",
    "isfuzzy",
    "journal",
    "ladderchart",
    "last",
    "latest",
    "like",
    "likecs",
    "linechart",
    "long",
    "materialize",
    "mdm",
    "missing",
    "nooptimization",
    "notcontains",
    "notcontainscs",
    "notlike",
    "notlikecs",
    "of",
    "or",
    "others",
    "pathformat",
    "piechart",
    "pivotchart",
    "print",
    "project",
    "queries",
    "query_results",
    "real",
    "relaxed",
    "restricted_view_access",
    "row_level_security",
    "rowstore",
    "rowstore_references",
    "rowstore_sealinfo",
    "rowstorepolicy",
    "rowstores",
    "sample",
    "scatterchart",
    "seal",
    "seals",
    "search",
    "set",
    "shards",
    "simple",
    "softdelete",
    "softretention",
    "sql",
    "stackedareachart",
    "startswith",
    "startswith_cs",
    "statistics",
    "storedqueryresultcontainers",
    "string",
    "tablepurge",
    "time",
    "timechart",
    "timeline",
    "timepivot",
    "timespan",
    "title",
    "to",
    "toscalar",
    "totable",
    "treemap",
    "uint",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "ulong",
    "union",
    "uniqueid",
    "unrestrictedviewers",
    "verbose",
    "viewers",
    "views",
    "where",
    "with_itemindex",
    "with_match_id",
    "with_step_name",
    "writeaheadlog",
];

/// Reserved words that are names all the same where a name is declared: `extend count = 1`.
const DECLARABLE: &[&str] = &[
    "accumulate",
    "as",
    "by",
    "contains",
    "datatable",
    "earliest",
    "externaldata",
    "find",
    "has",
    "in",
    "invoke",
    "latest",
    "materialize",
    "mdm",
    "of",
    "print",
    "sample",
    "search",
    "set",
    "sql",
    "title",
    "to",
    "toscalar",
    "totable",
    "verbose",
    "viewers",
    "where",
];

/// Reserved words that are functions as well.
const CALLABLE: &[&str] = &["materialize", "toscalar", "totable"];

/// Charts whose names are reserved.
pub(crate) const CHARTS: &[&str] = &[
    "3Dchart",
    "anomalychart",
    "areachart",
    "barchart",
    "card",
    "columnchart",
    "ladderchart",
    "linechart",
    "piechart",
    "pivotchart",
    "scatterchart",
    "stackedareachart",
    "timechart",
    "timeline",
    "timepivot",
    "treemap",
];

/// Words that are names where one is read, and options where one could be declared.
const OPTION: &[&str] = &["kind", "with_source", "withsource"];

/// Whether a word names a column, table or variable as it stands.
pub(crate) fn is_reference(word: &str) -> bool {
    is_plain(word) && RESERVED.binary_search(&word).is_err()
}

/// Whether a word can be given as a name where nothing else can stand.
pub(crate) fn is_name(word: &str) -> bool {
    is_reference(word) && !OPTION.contains(&word)
}

/// Whether a word can be given as a name before `=` or `:`.
pub(crate) fn is_declarable(word: &str) -> bool {
    is_name(word) || DECLARABLE.contains(&word)
}

/// Whether a word can stand before the parentheses of a call.
pub(crate) fn is_callable(word: &str) -> bool {
    is_name(word) || CALLABLE.contains(&word)
}

/// Whether a word is a name without quotes as far as its characters go.
fn is_plain(word: &str) -> bool {
    !matches!(word, "true" | "false" | "True" | "False" | "TRUE" | "FALSE")
        && !word.starts_with('!')
        && !word.contains(['-', '~'])
}

/// Whether a text is written as a name is, whatever it means.
pub(crate) fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_' || first == '$')
        && characters.all(|other| other.is_ascii_alphanumeric() || other == '_')
}

/// Whether a word can be the value of an option without brackets.
pub(crate) fn is_option_value(word: &str) -> bool {
    is_identifier(word) && is_plain(word) && !matches!(word, "dynamic" | "typeof")
}

/// Whether a name may be printed without brackets wherever a name stands.
pub(crate) fn prints_bare(name: &str) -> bool {
    is_identifier(name) && is_name(name) && !CLAUSES.contains(&name)
}

/// Whether a function's name may be printed without brackets before its parentheses.
pub(crate) fn prints_bare_call(name: &str) -> bool {
    let is_value = matches!(name, "bool" | "guid" | "typeof");
    is_identifier(name)
        && is_callable(name)
        && !is_value
        && !matches!(name, "view" | "inline_external_table")
}

/// Whether a text can stand behind a dot; one with a wildcard can where tables are listed.
pub(crate) fn is_member(text: &str) -> bool {
    let is_part = |part: char| part.is_ascii_alphanumeric() || matches!(part, '_' | '$' | '*');
    !text.is_empty() && text.chars().all(is_part) && is_reference(text)
}

/// Functions whose argument is a tabular expression that needs no parentheses of its own.
pub(crate) fn takes_rows(function: &str) -> bool {
    matches!(function, "toscalar" | "totable" | "materialize")
}

/// Words that are names to Kusto, but begin or continue something in places; printed in brackets to be safe.
const CLAUSES: &[&str] = &[
    "count",
    "bin",
    "by",
    "declare",
    "default",
    "distinct",
    "dynamic",
    "entity_group",
    "evaluate",
    "extend",
    "facet",
    "filter",
    "fork",
    "from",
    "getschema",
    "h",
    "H",
    "hint",
    "id",
    "join",
    "let",
    "limit",
    "lookup",
    "mvapply",
    "mvexpand",
    "null",
    "nulls",
    "on",
    "optional",
    "order",
    "output",
    "pack",
    "parse",
    "partition",
    "pattern",
    "range",
    "reduce",
    "render",
    "restrict",
    "scan",
    "serialize",
    "sort",
    "step",
    "summarize",
    "take",
    "top",
    "typeof",
    "view",
    "with",
    "alias",
    "regex",
    "matches",
    "consume",
    "graph",
];

/// Options that `render` took without `with (...)`.
pub(crate) fn is_old_chart_option(word: &str) -> bool {
    matches!(word, "kind" | "title" | "accumulate")
}

/// Nearest of some words, if it is near enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_ascii_lowercase();
    let allowed = match word.len() {
        0..=2 => 0,
        3..=5 => 1,
        6..=40 => 2,
        _ => return None,
    };
    let distance = |candidate: &'a str| {
        let begins = lower.len() >= BEGINNING_MIN && candidate.starts_with(&lower);
        let distance = strsim::osa_distance(&lower, candidate);
        (distance <= allowed || begins).then_some((distance, candidate))
    };
    known
        .filter(|candidate| *candidate != word)
        .filter_map(distance)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Least beginning of a word that tells which one was meant.
const BEGINNING_MIN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_sorted() {
        assert!(RESERVED.is_sorted());
    }

    #[track_caller]
    fn check(word: &str, expected: Option<&str>) {
        assert_eq!(
            nearest(word, ["where", "extend", "in", "project-away"].into_iter()),
            expected
        );
    }

    #[test]
    fn what_is_near_is_found() {
        check("wheer", Some("where"));
        check("Extend", Some("extend"));
        check("projectaway", Some("project-away"));
        check("x", None);
        check("frobnicate", None);
    }
}
