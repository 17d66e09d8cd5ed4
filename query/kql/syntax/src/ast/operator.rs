//! The syntax tree of tabular operators.

use super::{Call, Column, Expr, Name, NamedExpr, Parameter, Property, Type};
use crate::span::Span;

/// A sort key.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// What is sorted by.
    pub value: Expr,
    /// As written; descending if nothing is.
    pub order: Option<SortOrder>,
    /// As written; nulls are first when ascending and last when descending if nothing is.
    pub nulls: Option<Nulls>,
}

/// Direction of a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortOrder {
    Ascending,
    Descending,
}

/// Place of nulls in a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    First,
    Last,
}

/// A tabular operator and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// What it does.
    pub kind: OperatorKind,
    /// From its keyword to its last character.
    pub span: Span,
}

/// What a tabular operator does.
#[derive(Clone, Debug, PartialEq)]
pub enum OperatorKind {
    /// `where p`, `filter p`.
    Where(Expr),
    Extend(Vec<NamedExpr>),
    Project(Vec<NamedExpr>),
    /// Names, some with wildcards.
    ProjectAway(Vec<Expr>),
    ProjectKeep(Vec<Expr>),
    /// `project-rename new = old`: the value is the old name.
    ProjectRename(Vec<NamedExpr>),
    ProjectReorder(Vec<ReorderKey>),
    ProjectByNames(Vec<Expr>),
    Summarize {
        properties: Vec<Property>,
        aggregates: Vec<NamedExpr>,
        by: Vec<NamedExpr>,
    },
    /// `sort by`, `order by`.
    Sort {
        properties: Vec<Property>,
        keys: Vec<SortKey>,
    },
    Top {
        properties: Vec<Property>,
        count: Expr,
        by: SortKey,
    },
    /// `take`, `limit`.
    Take(Expr),
    Sample(Expr),
    SampleDistinct {
        count: Expr,
        of: Expr,
    },
    /// `distinct a, b`; `distinct *` is one [`super::ExprKind::Wildcard`].
    Distinct(Vec<NamedExpr>),
    /// `count as Name`: the name of its column, `Count` without one.
    Count(Option<Name>),
    Join(Join),
    Lookup(Join),
    Union(Union),
    MvExpand(MvExpand),
    MvApply {
        expand: MvExpand,
        body: Vec<Operator>,
    },
    Parse(Parse),
    ParseKv {
        value: Expr,
        columns: Vec<Column>,
        properties: Vec<Property>,
    },
    MakeSeries(MakeSeries),
    Print(Vec<NamedExpr>),
    Range {
        name: Name,
        from: Expr,
        to: Expr,
        step: Expr,
    },
    As {
        name: Name,
        properties: Vec<Property>,
    },
    Serialize(Vec<NamedExpr>),
    /// `partition by Column ( operators )`.
    Partition {
        properties: Vec<Property>,
        by: Expr,
        body: PartitionBody,
    },
    /// `search p`, `search in (tables) p`; in `* and p` the wildcard is one of the operands.
    Search {
        properties: Vec<Property>,
        tables: Vec<Expr>,
        predicate: Expr,
    },
    Find(Find),
    GetSchema,
    /// `evaluate plugin(...)`, with the schema that `: (...)` states.
    Evaluate {
        properties: Vec<Property>,
        call: Call,
        schema: Option<Vec<Column>>,
    },
    Scan(Scan),
    TopNested(Vec<TopNested>),
    TopHitters {
        count: Expr,
        of: Expr,
        by: Option<Expr>,
    },
    Reduce {
        properties: Vec<Property>,
        by: Expr,
        with: Vec<Property>,
    },
    Invoke(Call),
    Render {
        chart: Name,
        properties: Vec<Property>,
    },
    /// `facet by a, b with (operators)`.
    Facet {
        by: Vec<Expr>,
        with: Vec<Operator>,
    },
    /// `fork name = (operators) (operators)`.
    Fork(Vec<ForkBranch>),
    Consume(Vec<Property>),
    /// `assert-schema (a: long)`.
    AssertSchema(Vec<Column>),
    /// An operator that is known and not read further (`make-graph`, `graph-match`, ...): its whole text.
    Opaque {
        keyword: Name,
        text: String,
    },
}

/// A key of `project-reorder`.
#[derive(Clone, Debug, PartialEq)]
pub struct ReorderKey {
    /// A name or a wildcard.
    pub column: Expr,
    /// How the columns of a wildcard are ordered by name.
    pub order: Option<ReorderOrder>,
}

/// Order of the columns of a wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReorderOrder {
    Ascending,
    Descending,
    /// Numbers within names count as numbers.
    GrannyAscending,
    GrannyDescending,
}

/// `join`, `lookup`.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// `kind = leftouter`, `hint.*`.
    pub properties: Vec<Property>,
    /// The right side.
    pub right: Box<Expr>,
    /// Names, or `$left.a == $right.b`; `and` between conditions is split into several.
    pub on: Vec<Expr>,
}

/// `union`.
#[derive(Clone, Debug, PartialEq)]
pub struct Union {
    /// `kind`, `withsource`, `isfuzzy`, `hint.*`.
    pub properties: Vec<Property>,
    /// Tabular expressions, names, wildcards.
    pub inputs: Vec<Expr>,
}

/// `mv-expand`, and what `mv-apply` expands.
#[derive(Clone, Debug, PartialEq)]
pub struct MvExpand {
    /// `bagexpansion`, `kind`, `with_itemindex`, `hint.*`.
    pub properties: Vec<Property>,
    /// What is expanded, side by side.
    pub columns: Vec<MvColumn>,
    /// `limit n`.
    pub limit: Option<Expr>,
}

/// One array or bag that is expanded.
#[derive(Clone, Debug, PartialEq)]
pub struct MvColumn {
    /// `name = value` or `value`.
    pub value: NamedExpr,
    /// `to typeof(type)`.
    pub to: Option<Type>,
}

/// `parse`, `parse-where`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parse {
    /// `parse-where`: rows that don't match go.
    pub filters: bool,
    /// `kind = regex`, `flags = Ui`.
    pub properties: Vec<Property>,
    /// The text that is parsed.
    pub value: Expr,
    /// What it is parsed by.
    pub pattern: Vec<ParsePart>,
}

/// A part of the pattern of `parse`.
#[derive(Clone, Debug, PartialEq)]
pub enum ParsePart {
    /// `*`.
    Skip,
    /// `"text"`, a regular expression with `kind = regex`.
    Text(String),
    /// `name` or `name: type`.
    Column(Column),
}

/// `make-series`.
#[derive(Clone, Debug, PartialEq)]
pub struct MakeSeries {
    /// `kind = nonempty`, `hint.*`.
    pub properties: Vec<Property>,
    /// Each with its `default = value`.
    pub aggregates: Vec<SeriesAggregate>,
    /// `on axis`.
    pub axis: NamedExpr,
    /// `from start`.
    pub from: Option<Expr>,
    /// `to end`, not included.
    pub to: Option<Expr>,
    /// `step width`. `in range(start, stop, step)` is read as from, to (included: [`MakeSeries::includes_end`]) and step.
    pub step: Expr,
    /// The old form `in range(...)`, whose end is included.
    pub includes_end: bool,
    /// `by` groups.
    pub by: Vec<NamedExpr>,
}

/// An aggregate of `make-series`.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesAggregate {
    /// `name = aggregate(...)`.
    pub value: NamedExpr,
    /// What stands where there are no rows.
    pub default: Option<Expr>,
}

/// What `partition` does to each part.
#[derive(Clone, Debug, PartialEq)]
pub enum PartitionBody {
    /// `( operators )`.
    Operators(Vec<Operator>),
    /// `{ expression }`, the old form with `toscalar`-like access to the key.
    Expr(Box<Expr>),
}

/// `find`.
#[derive(Clone, Debug, PartialEq)]
pub struct Find {
    /// `withsource`, `datascope`.
    pub properties: Vec<Property>,
    /// `in (tables)`.
    pub tables: Vec<Expr>,
    /// `where p`.
    pub predicate: Expr,
    /// `project a, b: type`, or `project-smart` if empty; `pack(*)` is a wildcard column.
    pub project: Vec<Column>,
    /// `project-away`.
    pub project_away: Vec<Expr>,
}

/// `scan`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// `with_match_id`.
    pub properties: Vec<Property>,
    /// `partition by`.
    pub partition_by: Vec<Expr>,
    /// `order by`.
    pub order_by: Vec<SortKey>,
    /// `declare (a: long = 0)`.
    pub declare: Vec<Parameter>,
    /// `step name: condition => a = b, c = d;`.
    pub steps: Vec<ScanStep>,
}

/// A step of `scan`.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanStep {
    /// Its name.
    pub name: Name,
    /// `optional`.
    pub is_optional: bool,
    /// `output = all | last | none`.
    pub output: Option<Name>,
    /// When a row belongs to it.
    pub condition: Expr,
    /// `name = value`.
    pub assignments: Vec<NamedExpr>,
}

/// A level of `top-nested`.
#[derive(Clone, Debug, PartialEq)]
pub struct TopNested {
    /// `top-nested 3 of`; none means all.
    pub count: Option<Expr>,
    /// `of name = value`.
    pub of: NamedExpr,
    /// `with others = "..."`.
    pub others: Option<Expr>,
    /// `by name = aggregate`.
    pub by: NamedExpr,
    /// `asc` or `desc`.
    pub order: Option<SortOrder>,
}

/// A branch of `fork`.
#[derive(Clone, Debug, PartialEq)]
pub struct ForkBranch {
    /// Its name.
    pub name: Option<Name>,
    /// What it does.
    pub operators: Vec<Operator>,
}
