//! Trees without places, to compare what two texts say.

use crate::{
    ast::{
        Argument, Call, Column, Expr, ExprKind, Find, ForkBranch, Function, Join, Json, Literal,
        MakeSeries, MvColumn, MvExpand, Name, NamedExpr, Operator, OperatorKind, Parameter,
        ParameterType, Parse, ParsePart, PartitionBody, Property, Query, ReorderKey, Scan,
        ScanStep, SeriesAggregate, SortKey, Statement, TopNested, Union,
    },
    span::Span,
};

impl Query {
    /// The same query with all spans empty: two texts that say the same have equal trees.
    #[must_use]
    pub fn without_spans(mut self) -> Self {
        self.statements.strip();
        self
    }
}

/// Forgets where things stand.
trait Strip {
    fn strip(&mut self);
}

impl Strip for Span {
    fn strip(&mut self) {
        *self = Self::default();
    }
}

impl<T: Strip> Strip for Vec<T> {
    fn strip(&mut self) {
        self.iter_mut().for_each(T::strip);
    }
}

impl<T: Strip> Strip for Option<T> {
    fn strip(&mut self) {
        self.iter_mut().for_each(T::strip);
    }
}

impl<T: Strip> Strip for Box<T> {
    fn strip(&mut self) {
        (**self).strip();
    }
}

/// Strips each of some things.
macro_rules! strip_each {
    ($($part:expr),+) => {{ $( Strip::strip($part); )+ }};
}

/// Strips these fields of structs.
macro_rules! strip_fields {
    ($($name:ident: $($field:ident),+;)+) => {
        $(impl Strip for $name {
            fn strip(&mut self) {
                $( self.$field.strip(); )+
            }
        })+
    };
}

strip_fields! {
    Name: span;
    Column: name;
    Expr: kind, span;
    Call: name, arguments;
    Argument: name, value;
    Function: parameters, body;
    Parameter: name, ty, default;
    NamedExpr: names, value;
    Property: name, value;
    SortKey: value;
    Operator: kind, span;
    ReorderKey: column;
    Join: properties, right, on;
    Union: properties, inputs;
    MvExpand: properties, columns, limit;
    MvColumn: value;
    Parse: properties, value, pattern;
    MakeSeries: properties, aggregates, axis, from, to, step, by;
    SeriesAggregate: value, default;
    Find: properties, tables, predicate, project, project_away;
    Scan: properties, partition_by, order_by, declare, steps;
    ScanStep: name, output, condition, assignments;
    TopNested: count, of, others, by;
    ForkBranch: name, operators;
}

impl Strip for Statement {
    fn strip(&mut self) {
        match self {
            Self::Let { name, value } => strip_each!(name, value),
            Self::Set { name, value } => strip_each!(name, value),
            Self::DeclareParameters(parameters) => parameters.strip(),
            Self::Expr(expr) => expr.strip(),
        }
    }
}

impl Strip for Literal {
    fn strip(&mut self) {
        match self {
            Self::Type(columns) => columns.strip(),
            Self::Dynamic(json) => json.strip(),
            _ => {}
        }
    }
}

impl Strip for Json {
    fn strip(&mut self) {
        match self {
            Self::Array(items) => items.strip(),
            Self::Object(pairs) => pairs.iter_mut().for_each(|(_, value)| value.strip()),
            Self::Typed(literal) => literal.strip(),
            _ => {}
        }
    }
}

impl Strip for ParameterType {
    fn strip(&mut self) {
        if let Self::Tabular(columns) = self {
            columns.strip();
        }
    }
}

impl Strip for ParsePart {
    fn strip(&mut self) {
        if let Self::Column(column) = self {
            column.strip();
        }
    }
}

impl Strip for PartitionBody {
    fn strip(&mut self) {
        match self {
            Self::Operators(operators) => operators.strip(),
            Self::Expr(expr) => expr.strip(),
        }
    }
}

impl Strip for ExprKind {
    fn strip(&mut self) {
        match self {
            Self::Literal(literal) => literal.strip(),
            Self::Name(name) | Self::Wildcard(name) => name.strip(),
            Self::Call(call) => call.strip(),
            Self::Path { base, member } => strip_each!(base, member),
            Self::CallOn { base, call } => strip_each!(base, call),
            Self::Index { base, index } => strip_each!(base, index),
            Self::Unary { operand, .. } => operand.strip(),
            Self::Binary { left, right, .. } => strip_each!(left, right),
            Self::List { operand, list, .. } => strip_each!(operand, list),
            Self::Between {
                operand, low, high, ..
            } => strip_each!(operand, low, high),
            Self::Function(function) => function.strip(),
            Self::Pipe { source, operators } => strip_each!(source, operators),
            Self::Datatable { columns, values } => strip_each!(columns, values),
            Self::ExternalData {
                columns,
                uris,
                properties,
            } => strip_each!(columns, uris, properties),
        }
    }
}

impl Strip for OperatorKind {
    fn strip(&mut self) {
        match self {
            Self::Where(expr) | Self::Take(expr) | Self::Sample(expr) => expr.strip(),
            Self::Extend(columns)
            | Self::Project(columns)
            | Self::ProjectRename(columns)
            | Self::Distinct(columns)
            | Self::Print(columns)
            | Self::Serialize(columns) => columns.strip(),
            Self::ProjectAway(columns)
            | Self::ProjectKeep(columns)
            | Self::ProjectByNames(columns) => columns.strip(),
            Self::ProjectReorder(keys) => keys.strip(),
            Self::Count(name) => name.strip(),
            Self::GetSchema => {}
            Self::Join(join) | Self::Lookup(join) => join.strip(),
            Self::Union(union) => union.strip(),
            Self::MvExpand(expand) => expand.strip(),
            Self::MvApply { expand, body } => strip_each!(expand, body),
            Self::Parse(parse) => parse.strip(),
            Self::MakeSeries(series) => series.strip(),
            Self::Find(find) => find.strip(),
            Self::Scan(scan) => scan.strip(),
            Self::TopNested(levels) => levels.strip(),
            Self::Invoke(call) => call.strip(),
            Self::Fork(branches) => branches.strip(),
            Self::Consume(properties) => properties.strip(),
            Self::AssertSchema(columns) => columns.strip(),
            Self::Opaque { keyword, .. } => keyword.strip(),
            other => strip_several(other),
        }
    }
}

/// Operators of several parts.
fn strip_several(kind: &mut OperatorKind) {
    use OperatorKind as K;
    match kind {
        K::Summarize {
            properties,
            aggregates,
            by,
        } => strip_each!(properties, aggregates, by),
        K::Sort { properties, keys } => strip_each!(properties, keys),
        K::Top {
            properties,
            count,
            by,
        } => strip_each!(properties, count, by),
        K::SampleDistinct { count, of } => strip_each!(count, of),
        K::ParseKv {
            value,
            columns,
            properties,
        } => strip_each!(value, columns, properties),
        K::Range {
            name,
            from,
            to,
            step,
        } => strip_each!(name, from, to, step),
        K::As { name, properties } => strip_each!(name, properties),
        K::Partition {
            properties,
            by,
            body,
        } => strip_each!(properties, by, body),
        K::Search {
            properties,
            tables,
            predicate,
        } => strip_each!(properties, tables, predicate),
        K::Evaluate {
            properties,
            call,
            schema,
        } => strip_each!(properties, call, schema),
        K::TopHitters { count, of, by } => strip_each!(count, of, by),
        K::Reduce {
            properties,
            by,
            with,
        } => strip_each!(properties, by, with),
        K::Render { chart, properties } => strip_each!(chart, properties),
        K::Facet { by, with } => strip_each!(by, with),
        _ => {}
    }
}
