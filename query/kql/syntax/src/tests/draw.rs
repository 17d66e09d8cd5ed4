//! Trees that are drawn: expressions and statements.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::draw_operators::operator;
use crate::{
    Span,
    ast::{
        Argument, BinaryOperator, Call, Column, Expr, ExprKind, Function, Json, ListOperator,
        Literal, Name, NamedExpr, Operator, OperatorKind as K, Parameter, ParameterType, Property,
        Query, Statement, Type, UnaryOperator,
    },
    chain,
};

pub(super) const NAMES: &[&str] = &[
    "a",
    "T",
    "_x1",
    "$left",
    "a b",
    "where",
    "count",
    "kind",
    "by",
    "on",
    "true",
    "h",
    "let",
    "set",
    "view",
    "3D",
    "é",
    "it's \"so\"",
    "with",
    "typeof",
    "dynamic",
    "hint",
    "in~",
    "mv-expand",
    "a*",
];
const CALLED: &[&str] = &[
    "f", "count", "tolower", "bin", "my f", "let", "view", "range", "int", "where",
];
const LOGICAL: [BinaryOperator; 2] = [BinaryOperator::And, BinaryOperator::Or];
const BINARY: &[BinaryOperator] = &[
    BinaryOperator::Equal,
    BinaryOperator::NotEqual,
    BinaryOperator::Less,
    BinaryOperator::GreaterOrEqual,
    BinaryOperator::EqualNoCase,
    BinaryOperator::Add,
    BinaryOperator::Subtract,
    BinaryOperator::Multiply,
    BinaryOperator::Divide,
    BinaryOperator::Modulo,
    BinaryOperator::Has,
    BinaryOperator::NotHasPrefixCs,
    BinaryOperator::MatchesRegex,
    BinaryOperator::NotLikeCs,
];
const LISTS: &[ListOperator] = &[
    ListOperator::In,
    ListOperator::NotInNoCase,
    ListOperator::HasAny,
];

pub(super) type Drawn<T> = BoxedStrategy<T>;

pub(super) fn named(text: impl Into<String>) -> Name {
    Name {
        text: text.into(),
        span: Span::default(),
    }
}

pub(super) fn of(kind: ExprKind) -> Expr {
    Expr {
        kind,
        span: Span::default(),
    }
}

pub(super) fn name() -> Drawn<Name> {
    select(NAMES).prop_map(named).boxed()
}

pub(super) fn word() -> Drawn<Name> {
    select(&["inner", "all", "last", "none"][..])
        .prop_map(named)
        .boxed()
}

pub(super) fn ty() -> Drawn<Type> {
    select(&Type::ALL[..]).boxed()
}

pub(super) fn column() -> Drawn<Column> {
    (name(), ty())
        .prop_map(|(name, ty)| Column { name, ty: Some(ty) })
        .boxed()
}

pub(super) fn columns() -> Drawn<Vec<Column>> {
    vec(column(), 1..3).boxed()
}

pub(super) fn real() -> Drawn<f64> {
    prop_oneof![any::<f64>(), Just(1.0), Just(-0.0), Just(f64::INFINITY)]
        .prop_filter("no number", |real| !real.is_nan())
        .boxed()
}

pub(super) fn literal() -> Drawn<Literal> {
    let text = |texts: &'static [&'static str]| option::of(select(texts).prop_map(str::to_owned));
    prop_oneof![
        option::of(any::<bool>()).prop_map(Literal::Bool),
        option::of(any::<i32>()).prop_map(Literal::Int),
        option::of(any::<i64>()).prop_map(Literal::Long),
        option::of(real()).prop_map(Literal::Real),
        text(&["1.5", "-2"]).prop_map(Literal::Decimal),
        any::<String>().prop_map(Literal::String),
        text(&["2026-01-01", "2026-01-01 10:00", ""]).prop_map(Literal::DateTime),
        text(&["1d", "1.02:03:04", "5microseconds", "x"]).prop_map(Literal::TimeSpan),
        text(&["74be27de-1e4e-49d9-b579-fe0b331d3642"]).prop_map(Literal::Guid),
        json().prop_map(Literal::Dynamic),
        ty().prop_map(|ty| Literal::Type(vec![Column {
            name: named(""),
            ty: Some(ty)
        }])),
        vec(column(), 2..4).prop_map(Literal::Type),
    ]
    .boxed()
}

pub(super) fn json() -> Drawn<Json> {
    let typed = prop_oneof![
        Just(Literal::TimeSpan(Some("1d".to_owned()))),
        Just(Literal::DateTime(None)),
        any::<i32>().prop_map(|value| Literal::Int(Some(value))),
        real().prop_map(|value| Literal::Real(Some(value))),
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::Long),
        real().prop_map(Json::Real),
        any::<String>().prop_map(Json::String),
        typed.prop_map(|literal| Json::Typed(Box::new(literal))),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Json::Array),
            vec((any::<String>(), inner), 0..3).prop_map(Json::Object),
        ]
    })
    .boxed()
}

pub(super) fn property() -> Drawn<Property> {
    let value = prop_oneof![
        name().prop_map(ExprKind::Name),
        literal().prop_map(ExprKind::Literal),
    ];
    let hint = select(&["hint.strategy", "hint.shufflekey"][..]).prop_map(named);
    (hint, value.prop_map(of))
        .prop_map(|(name, value)| Property { name, value })
        .boxed()
}

pub(super) fn properties() -> Drawn<Vec<Property>> {
    vec(property(), 0..2).boxed()
}

pub(super) fn named_expr(expr: &Drawn<Expr>) -> Drawn<NamedExpr> {
    (vec(name(), 0..3), expr.clone())
        .prop_map(|(names, value)| NamedExpr { names, value })
        .boxed()
}

pub(super) fn named_exprs(expr: &Drawn<Expr>) -> Drawn<Vec<NamedExpr>> {
    vec(named_expr(expr), 1..3).boxed()
}

pub(super) fn call(expr: &Drawn<Expr>) -> Drawn<Call> {
    let argument = prop_oneof![
        4 => (option::of(name()), expr.clone()).prop_map(|(name, value)| Argument { name, value }),
        1 => Just(Argument { name: None, value: of(ExprKind::Wildcard(named("*"))) }),
    ];
    let plain = (select(CALLED), vec(argument, 0..3));
    let rows = (
        Just("toscalar"),
        expr.clone()
            .prop_map(|value| vec![Argument { name: None, value }]),
    );
    prop_oneof![5 => plain, 1 => rows]
        .prop_map(|(name, arguments)| Call {
            name: named(name),
            arguments,
        })
        .boxed()
}

fn external(inner: &Drawn<Expr>) -> Drawn<ExprKind> {
    (columns(), vec(inner.clone(), 0..3), options())
        .prop_map(|(columns, uris, properties)| ExprKind::ExternalData {
            columns,
            uris,
            properties,
        })
        .boxed()
}

/// Expressions and tables over smaller ones.
fn larger(inner: &Drawn<Expr>) -> Drawn<Expr> {
    let one = || inner.clone().prop_map(Box::new);
    let many = |range| vec(inner.clone(), range);
    let member = select(&["a", "kind", "count", "b1"][..]).prop_map(named);
    prop_oneof![
        call(inner).prop_map(ExprKind::Call),
        (one(), member).prop_map(|(base, member)| ExprKind::Path { base, member }),
        (one(), call(inner)).prop_map(|(base, call)| ExprKind::CallOn { base, call }),
        (one(), one()).prop_map(|(base, index)| ExprKind::Index { base, index }),
        (any::<bool>(), one()).prop_map(|(minus, operand)| ExprKind::Unary {
            operator: if minus {
                UnaryOperator::Minus
            } else {
                UnaryOperator::Plus
            },
            operand,
        }),
        (select(BINARY), one(), one()).prop_map(|(operator, left, right)| ExprKind::Binary {
            operator,
            left,
            right
        }),
        (select(&LOGICAL[..]), many(2..5)).prop_map(|(operator, operands)| chain(
            operator, operands
        )
        .unwrap()
        .kind),
        (select(LISTS), one(), many(1..3)).prop_map(|(operator, operand, list)| ExprKind::List {
            operator,
            operand,
            list
        }),
        (any::<bool>(), one(), one(), one()).prop_map(|(negated, operand, low, high)| {
            ExprKind::Between {
                negated,
                operand,
                low,
                high,
            }
        }),
        (one(), vec(operator(inner), 1..4)).prop_map(|(source, operators)| {
            ExprKind::Pipe {
                source: Some(source),
                operators,
            }
        }),
        (named_exprs(inner), vec(operator(inner), 0..2)).prop_map(|(columns, mut operators)| {
            let kind = K::Print(columns);
            operators.insert(
                0,
                Operator {
                    kind,
                    span: Span::default(),
                },
            );
            ExprKind::Pipe {
                source: None,
                operators,
            }
        }),
        external(inner),
    ]
    .prop_map(of)
    .boxed()
}

pub(super) fn expr() -> Drawn<Expr> {
    let data = (
        columns(),
        vec(
            literal().prop_map(|literal| of(ExprKind::Literal(literal))),
            0..3,
        ),
    )
        .prop_map(|(columns, values)| ExprKind::Datatable { columns, values });
    let leaf = prop_oneof![
        4 => name().prop_map(ExprKind::Name),
        3 => literal().prop_map(ExprKind::Literal),
        1 => data,
    ];
    leaf.prop_map(of)
        .prop_recursive(4, 24, 3, |inner| larger(&inner))
        .boxed()
}

pub(super) fn query() -> Drawn<Query> {
    let plain = || {
        prop_oneof![
            (name(), expr()).prop_map(|(name, value)| Statement::Let { name, value }),
            (name(), option::of(literal())).prop_map(|(name, value)| Statement::Set {
                name,
                value: value.map(|value| of(ExprKind::Literal(value)))
            }),
            parameters().prop_map(Statement::DeclareParameters),
            expr().prop_map(Statement::Expr),
        ]
    };
    let function = (any::<bool>(), parameters(), vec(plain(), 0..3)).prop_map(
        |(is_view, parameters, body)| {
            of(ExprKind::Function(Box::new(Function {
                is_view,
                parameters,
                body,
            })))
        },
    );
    let function = (name(), function).prop_map(|(name, value)| Statement::Let { name, value });
    vec(prop_oneof![4 => plain(), 1 => function], 1..4)
        .prop_map(|statements| Query { statements })
        .boxed()
}

pub(super) fn parameters() -> Drawn<Vec<Parameter>> {
    let ty = prop_oneof![
        ty().prop_map(ParameterType::Scalar),
        vec(column(), 0..2).prop_map(ParameterType::Tabular),
    ];
    let default = option::of(literal().prop_map(|literal| of(ExprKind::Literal(literal))));
    vec(
        (name(), ty, default).prop_map(|(name, ty, default)| Parameter { name, ty, default }),
        0..3,
    )
    .boxed()
}

/// Properties between parentheses.
pub(super) fn options() -> Drawn<Vec<Property>> {
    let titled = |property| Property {
        name: named("title"),
        ..property
    };
    vec(property().prop_map(titled), 0..3).boxed()
}
