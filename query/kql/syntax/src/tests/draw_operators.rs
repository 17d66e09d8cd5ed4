//! Trees that are drawn: operators.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::draw::{
    Drawn, call, column, columns, name, named, named_expr, named_exprs, of, options, parameters,
    properties, ty, word,
};
use crate::{
    Span,
    ast::{
        BinaryOperator, Expr, ExprKind, Find, ForkBranch, Join, MakeSeries, MvColumn, MvExpand,
        NamedExpr, Nulls, Operator, OperatorKind as K, Parse, ParsePart, PartitionBody, ReorderKey,
        ReorderOrder, Scan, ScanStep, SeriesAggregate, SortKey, SortOrder, TopNested, Union,
    },
    logic,
};

pub(super) fn operator(expr: &Drawn<Expr>) -> Drawn<Operator> {
    prop_oneof![
        columns_operators(expr),
        rows_operators(expr),
        table_operators(expr),
        nesting_operators(expr)
    ]
    .prop_map(|kind| Operator {
        kind,
        span: Span::default(),
    })
    .boxed()
}

fn name_or_wildcard() -> Drawn<Expr> {
    let wildcard =
        select(&["*", "a*", "*b", "a*b*1"][..]).prop_map(|text| ExprKind::Wildcard(named(text)));
    prop_oneof![name().prop_map(ExprKind::Name), wildcard]
        .prop_map(of)
        .boxed()
}

fn sort_key(expr: &Drawn<Expr>) -> Drawn<SortKey> {
    let nulls = option::of(select(&[Nulls::First, Nulls::Last][..]));
    (expr.clone(), order(), nulls)
        .prop_map(|(value, order, nulls)| SortKey {
            value,
            order,
            nulls,
        })
        .boxed()
}

fn order() -> Drawn<Option<SortOrder>> {
    option::of(select(&[SortOrder::Ascending, SortOrder::Descending][..])).boxed()
}

fn columns_operators(expr: &Drawn<Expr>) -> Drawn<K> {
    let one_name = (name(), expr.clone()).prop_map(|(name, value)| NamedExpr {
        names: vec![name],
        value,
    });
    let reorder = (
        name_or_wildcard(),
        option::of(Just(ReorderOrder::GrannyAscending)),
    )
        .prop_map(|(column, order)| ReorderKey { column, order });
    prop_oneof![
        expr.clone().prop_map(K::Where),
        named_exprs(expr).prop_map(K::Extend),
        named_exprs(expr).prop_map(K::Project),
        named_exprs(expr).prop_map(K::Distinct),
        vec(named_expr(expr), 0..3).prop_map(K::Serialize),
        vec(name_or_wildcard(), 1..3).prop_map(K::ProjectAway),
        vec(name_or_wildcard(), 1..3).prop_map(K::ProjectKeep),
        vec(one_name, 1..3).prop_map(K::ProjectRename),
        vec(reorder, 1..3).prop_map(K::ProjectReorder),
        vec(expr.clone(), 1..3).prop_map(K::ProjectByNames),
        Just(K::GetSchema),
        columns().prop_map(K::AssertSchema),
        (call(expr), properties(), option::of(columns())).prop_map(|(call, properties, schema)| {
            K::Evaluate {
                properties,
                call,
                schema,
            }
        }),
        call(expr).prop_map(K::Invoke),
        options().prop_map(|properties| K::Render {
            chart: named("timechart"),
            properties
        }),
    ]
    .boxed()
}

fn rows_operators(expr: &Drawn<Expr>) -> Drawn<K> {
    let e = || expr.clone();
    let level = (
        option::of(e()),
        named_expr(expr),
        option::of(e()),
        named_expr(expr),
        order(),
    )
        .prop_map(|(count, of, others, by, order)| TopNested {
            count,
            of,
            others,
            by,
            order,
        });
    prop_oneof![
        option::of(name()).prop_map(K::Count),
        e().prop_map(K::Take),
        e().prop_map(K::Sample),
        (e(), e()).prop_map(|(count, of)| K::SampleDistinct { count, of }),
        (properties(), vec(named_expr(expr), 0..3), named_exprs(expr)).prop_map(
            |(properties, aggregates, by)| K::Summarize {
                properties,
                aggregates,
                by
            }
        ),
        (properties(), vec(sort_key(expr), 1..3))
            .prop_map(|(properties, keys)| K::Sort { properties, keys }),
        (properties(), e(), sort_key(expr)).prop_map(|(properties, count, by)| K::Top {
            properties,
            count,
            by
        }),
        (e(), e(), option::of(e())).prop_map(|(count, of, by)| K::TopHitters { count, of, by }),
        vec(level, 1..3).prop_map(K::TopNested),
        (name(), e(), e(), e()).prop_map(|(name, from, to, step)| K::Range {
            name,
            from,
            to,
            step
        }),
        (properties(), e()).prop_map(|(properties, by)| K::Reduce {
            properties,
            by,
            with: Vec::new()
        }),
        series(expr).prop_map(K::MakeSeries),
        scan(expr).prop_map(K::Scan),
    ]
    .boxed()
}

fn series(expr: &Drawn<Expr>) -> Drawn<MakeSeries> {
    let e = || expr.clone();
    let aggregate = (named_expr(expr), option::of(e()))
        .prop_map(|(value, default)| SeriesAggregate { value, default });
    let bounds = prop_oneof![
        (option::of(e()), option::of(e())).prop_map(|(from, to)| (from, to, false)),
        (e(), e()).prop_map(|(from, to)| (Some(from), Some(to), true)),
    ];
    (
        properties(),
        vec(aggregate, 1..3),
        named_expr(expr),
        bounds,
        e(),
        vec(named_expr(expr), 0..2),
    )
        .prop_map(
            |(properties, aggregates, axis, (from, to, includes_end), step, by)| MakeSeries {
                properties,
                aggregates,
                axis,
                from,
                to,
                step,
                includes_end,
                by,
            },
        )
        .boxed()
}

fn scan(expr: &Drawn<Expr>) -> Drawn<Scan> {
    let e = || expr.clone();
    let assignment = (name(), e()).prop_map(|(name, value)| NamedExpr {
        names: vec![name],
        value,
    });
    let step = (
        name(),
        any::<bool>(),
        option::of(word()),
        e(),
        vec(assignment, 0..3),
    )
        .prop_map(
            |(name, is_optional, output, condition, assignments)| ScanStep {
                name,
                is_optional,
                output: output.filter(|word| word.text != "inner"),
                condition,
                assignments,
            },
        );
    (
        properties(),
        vec(e(), 0..2),
        vec(sort_key(expr), 0..2),
        parameters(),
        vec(step, 1..3),
    )
        .prop_map(
            |(properties, partition_by, order_by, declare, steps)| Scan {
                properties,
                partition_by,
                order_by,
                declare,
                steps,
            },
        )
        .boxed()
}

fn table_operators(expr: &Drawn<Expr>) -> Drawn<K> {
    let e = || expr.clone();
    let join = || {
        (properties(), e().prop_map(Box::new), vec(e(), 1..3)).prop_map(
            |(properties, right, on)| Join {
                properties,
                right,
                on: on
                    .into_iter()
                    .flat_map(|on| logic::flattened(BinaryOperator::And, vec![on]))
                    .collect(),
            },
        )
    };
    let database = call(expr).prop_map(|call| ExprKind::Path {
        base: Box::new(of(ExprKind::Call(call))),
        member: named("T*"),
    });
    let table = || prop_oneof![name_or_wildcard(), database.clone().prop_map(of), e()];
    prop_oneof![
        join().prop_map(K::Join),
        join().prop_map(K::Lookup),
        (properties(), vec(table(), 1..3))
            .prop_map(|(properties, inputs)| K::Union(Union { properties, inputs })),
        (any::<bool>(), properties(), e(), pattern()).prop_map(
            |(filters, properties, value, pattern)| K::Parse(Parse {
                filters,
                properties,
                value,
                pattern
            })
        ),
        (e(), columns()).prop_map(|(value, columns)| K::ParseKv {
            value,
            columns,
            properties: Vec::new()
        }),
        (properties(), vec(table(), 0..2), e()).prop_map(|(properties, tables, predicate)| {
            K::Search {
                properties,
                tables,
                predicate,
            }
        }),
        (
            properties(),
            vec(table(), 0..2),
            e(),
            columns(),
            vec(name_or_wildcard(), 0..2)
        )
            .prop_map(
                |(properties, tables, predicate, project, project_away)| K::Find(Find {
                    properties,
                    tables,
                    predicate,
                    project,
                    project_away,
                })
            ),
    ]
    .boxed()
}

fn pattern() -> Drawn<Vec<ParsePart>> {
    let part = prop_oneof![
        Just(ParsePart::Skip),
        (any::<String>(), name()).prop_map(|(text, _)| ParsePart::Text(text)),
        column().prop_map(ParsePart::Column),
    ];
    vec(part, 0..4)
        .prop_filter("texts side by side are one", |parts| {
            !parts
                .windows(2)
                .any(|pair| matches!(pair, [ParsePart::Text(_), ParsePart::Text(_)]))
        })
        .boxed()
}

fn nesting_operators(expr: &Drawn<Expr>) -> Drawn<K> {
    let body = vec(
        prop_oneof![columns_operators(expr), rows_operators(expr)].prop_map(|kind| Operator {
            kind,
            span: Span::default(),
        }),
        1..3,
    );
    let column =
        (named_expr(expr), option::of(ty())).prop_map(|(value, to)| MvColumn { value, to });
    let expand = (properties(), vec(column, 1..3), option::of(expr.clone())).prop_map(
        |(properties, columns, limit)| MvExpand {
            properties,
            columns,
            limit,
        },
    );
    let branch = (option::of(name()), body.clone())
        .prop_map(|(name, operators)| ForkBranch { name, operators });
    let path = name().prop_map(|name| of(ExprKind::Name(name)));
    let part = prop_oneof![
        body.clone().prop_map(PartitionBody::Operators),
        expr.clone()
            .prop_map(|expr| PartitionBody::Expr(Box::new(expr))),
    ];
    prop_oneof![
        expand.clone().prop_map(K::MvExpand),
        (expand, body.clone()).prop_map(|(expand, body)| K::MvApply { expand, body }),
        vec(branch, 1..3).prop_map(K::Fork),
        (vec(path.clone(), 1..3), body).prop_map(|(by, with)| K::Facet { by, with }),
        (properties(), path, part).prop_map(|(properties, by, body)| K::Partition {
            properties,
            by,
            body
        }),
        (properties(), name()).prop_map(|(properties, name)| K::As { name, properties }),
    ]
    .boxed()
}
