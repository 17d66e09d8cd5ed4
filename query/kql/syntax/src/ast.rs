//! The syntax tree: what a query says, before anybody asks what it means.
//!
//! Parentheses leave no trace; printing puts them where they are needed. A tabular expression is an expression like
//! any other ([`ExprKind::Pipe`]), because `let` and arguments take either.

use crate::span::Span;

/// A query: statements, of which the last expression statements give the results.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// In the order of the text.
    pub statements: Vec<Statement>,
}

/// One statement, ended by `;` or the end of the text.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `let name = value`; the value may be a function.
    Let { name: Name, value: Expr },
    /// `set name` or `set name = value`: an option of the request.
    Set { name: Name, value: Option<Expr> },
    /// `declare query_parameters(name: type = default, ...)`.
    DeclareParameters(Vec<Parameter>),
    /// An expression, mostly tabular, whose rows are a result.
    Expr(Expr),
}

/// A name as it is meant: `['a b']` is `a b`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Without brackets and quotes.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// The ten scalar types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// `bool`, `boolean`.
    Bool,
    /// `int`, 32 bits.
    Int,
    /// `long`, 64 bits.
    Long,
    /// `real`, `double`.
    Real,
    /// `decimal`.
    Decimal,
    /// `string`.
    String,
    /// `datetime`, `date`.
    DateTime,
    /// `timespan`, `time`.
    TimeSpan,
    /// `guid`, `uuid`, `uniqueid`.
    Guid,
    /// `dynamic`, `object`.
    Dynamic,
}

/// A literal. `None` is the type's null.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `true`, `bool(null)`.
    Bool(Option<bool>),
    /// `int(5)`.
    Int(Option<i32>),
    /// `5`, `0xff`, `long(5)`.
    Long(Option<i64>),
    /// `5.0`, `1e3`, `real(nan)`.
    Real(Option<f64>),
    /// `decimal(1.5)`: the text between the parentheses.
    Decimal(Option<String>),
    /// `"a"`, `'a'`, `@"a"`, `` ```a``` ``, `h"a"`; neighbours are joined.
    String(String),
    /// `datetime(2024-01-01)`: the text between the parentheses.
    DateTime(Option<String>),
    /// `1d`, `timespan(1.00:00:00)`: the text, between the parentheses if there are any.
    TimeSpan(Option<String>),
    /// `guid(...)`: the text between the parentheses.
    Guid(Option<String>),
    /// `dynamic(...)`.
    Dynamic(Json),
    /// `typeof(long)`: a type as an argument; more than one column makes a row's type.
    Type(Vec<Column>),
}

/// What stands in `dynamic(...)`: JSON, with Kusto's quotes and typed literals within.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number without fraction.
    Long(i64),
    /// A number with fraction or exponent, or too large for 64 bits.
    Real(f64),
    /// Text in either quote.
    String(String),
    /// `[...]`.
    Array(Vec<Self>),
    /// `{...}`, in the order of the text; of equal keys the last counts.
    Object(Vec<(String, Self)>),
    /// `datetime(...)`, `1d`, `guid(...)`, `decimal(...)` and the like within.
    Typed(Box<Literal>),
}

/// A column of `datatable`, `externaldata`, `parse-kv`, a tabular parameter, `typeof` and the like. Without a type it
/// is a `string` where Kusto gives it one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Empty in `typeof(long)`; `*` for "all others".
    pub name: Name,
    /// As written.
    pub ty: Option<Type>,
}

/// An expression and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// From its first to its last character.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A value.
    Literal(Literal),
    /// A column, a variable, a table, or a function that is called without parentheses. Also `$left`, `$right`.
    Name(Name),
    /// `*`, `Security*`: names with a wildcard, where a list of names or tables is asked for. `count(*)`, `arg_max(t, *)`.
    Wildcard(Name),
    /// `f(a, name = b)`.
    Call(Call),
    /// `a.b`, also `a["b"]` is [`ExprKind::Index`].
    Path { base: Box<Expr>, member: Name },
    /// `cluster("c").database("d")`: a call on what stands before the dot.
    CallOn { base: Box<Expr>, call: Call },
    /// `a[b]`, `a.[b]`.
    Index { base: Box<Expr>, index: Box<Expr> },
    /// `-a`, `+a`.
    Unary {
        operator: UnaryOperator,
        operand: Box<Expr>,
    },
    /// `a + b`, `a has b`.
    Binary {
        operator: BinaryOperator,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `a in (b, c)`, `a has_any (b, c)`; one element may be tabular or an array.
    List {
        operator: ListOperator,
        operand: Box<Expr>,
        list: Vec<Expr>,
    },
    /// `a between (low .. high)`.
    Between {
        negated: bool,
        operand: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
    },
    /// `(a: long, t: (*)) { ... }`: a function, the value of a `let`.
    Function(Box<Function>),
    /// `source | operator | operator`. Without a source the first operator makes rows by itself (`print`, `range`,
    /// `union`, `search`, `find`, `evaluate`).
    Pipe {
        source: Option<Box<Expr>>,
        operators: Vec<Operator>,
    },
    /// `datatable(a: long) [1, 2]`.
    Datatable {
        columns: Vec<Column>,
        values: Vec<Expr>,
    },
    /// `externaldata(a: long) [h@"https://..."] with (format = "csv")`.
    ExternalData {
        columns: Vec<Column>,
        uris: Vec<Expr>,
        properties: Vec<Property>,
    },
}

/// A function call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Of the function.
    pub name: Name,
    /// In the order of the text.
    pub arguments: Vec<Argument>,
}

/// An argument, by place or by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// `name = value`.
    pub name: Option<Name>,
    /// Its value.
    pub value: Expr,
}

/// A function that a query defines.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// `view` stands before the parameters: wildcards of `union` find it.
    pub is_view: bool,
    /// In order.
    pub parameters: Vec<Parameter>,
    /// Statements, the last of which is an expression.
    pub body: Vec<Statement>,
}

/// A parameter of a function or of the query.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: ParameterType,
    /// `= literal`.
    pub default: Option<Expr>,
}

/// Type of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterType {
    /// `x: long`.
    Scalar(Type),
    /// `T: (a: long, b: string)`; no columns for `(*)`.
    Tabular(Vec<Column>),
}

/// Operators before one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `-`.
    Minus,
    /// `+`.
    Plus,
}

/// Operators between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOperator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `=~`.
    EqualNoCase,
    /// `!~`.
    NotEqualNoCase,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    /// `has`, `:` in `search`.
    Has,
    NotHas,
    HasCs,
    NotHasCs,
    HasPrefix,
    NotHasPrefix,
    HasPrefixCs,
    NotHasPrefixCs,
    HasSuffix,
    NotHasSuffix,
    HasSuffixCs,
    NotHasSuffixCs,
    Contains,
    NotContains,
    ContainsCs,
    NotContainsCs,
    StartsWith,
    NotStartsWith,
    StartsWithCs,
    NotStartsWithCs,
    EndsWith,
    NotEndsWith,
    EndsWithCs,
    NotEndsWithCs,
    /// `like`, `notlike`, `likecs`, `notlikecs`: old forms with `*`.
    Like,
    NotLike,
    LikeCs,
    NotLikeCs,
    MatchesRegex,
}

/// Operators between an operand and a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListOperator {
    In,
    NotIn,
    /// `in~`.
    InNoCase,
    /// `!in~`.
    NotInNoCase,
    HasAny,
    HasAll,
}

/// `value`, `name = value` or `(a, b) = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedExpr {
    /// Empty: the name follows from the value.
    pub names: Vec<Name>,
    /// Its value.
    pub value: Expr,
}

/// `name = value` among an operator's options: hints, `kind`, `with (...)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// `hint.strategy`, `kind`, `title`.
    pub name: Name,
    /// A literal, or a bare word as [`ExprKind::Name`].
    pub value: Expr,
}

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
    /// `distinct a, b`; `distinct *` is one [`ExprKind::Wildcard`].
    Distinct(Vec<NamedExpr>),
    Count,
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

impl Type {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Bool,
        Self::Int,
        Self::Long,
        Self::Real,
        Self::Decimal,
        Self::String,
        Self::DateTime,
        Self::TimeSpan,
        Self::Guid,
        Self::Dynamic,
    ];

    /// The name that Kusto prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Long => "long",
            Self::Real => "real",
            Self::Decimal => "decimal",
            Self::String => "string",
            Self::DateTime => "datetime",
            Self::TimeSpan => "timespan",
            Self::Guid => "guid",
            Self::Dynamic => "dynamic",
        }
    }

    /// By any name that Kusto reads.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "bool" | "boolean" => Self::Bool,
            "int" | "int32" | "int16" | "uint16" | "int8" | "uint8" | "uint32" => Self::Int,
            "long" | "int64" | "uint64" | "ulong" | "uint" => Self::Long,
            "real" | "double" | "float" => Self::Real,
            "decimal" => Self::Decimal,
            "string" => Self::String,
            "datetime" | "date" => Self::DateTime,
            "timespan" | "time" => Self::TimeSpan,
            "guid" | "uuid" | "uniqueid" => Self::Guid,
            "dynamic" | "object" => Self::Dynamic,
            _ => return None,
        })
    }
}
