//! The syntax tree: what a query says, before anybody asks what it means.
//!
//! Parentheses leave no trace; printing puts them where they are needed. A tabular expression is an expression like
//! any other ([`ExprKind::Pipe`]), because `let` and arguments take either.
//!
//! What [`crate::parse`] gives has at most 250 levels, so that walking it may recurse: `a or b or c ...` is as low a tree
//! as can be ([`crate::chain`]), other operators in a row lean to the left.

mod operator;

pub use operator::{
    Find, ForkBranch, Join, MakeSeries, MvColumn, MvExpand, Nulls, Operator, OperatorKind, Parse,
    ParsePart, PartitionBody, ReorderKey, ReorderOrder, Scan, ScanStep, SeriesAggregate, SortKey,
    SortOrder, TopNested, Union,
};

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

impl Expr {
    /// A name that stands where it is said to.
    pub fn name(text: impl Into<String>, span: Span) -> Self {
        let text = text.into();
        Self {
            kind: ExprKind::Name(Name { text, span }),
            span,
        }
    }
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
    /// `a.b`, also `a["b"]` is [`ExprKind::Index`]. Where tables are listed, the member may have a wildcard:
    /// `database("d").T*`.
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

impl From<Expr> for NamedExpr {
    /// A value without a name of its own.
    fn from(value: Expr) -> Self {
        Self {
            names: Vec::new(),
            value,
        }
    }
}

/// `name = value` among an operator's options: hints, `kind`, `with (...)`. Several values, as in `ycolumns = a, b`,
/// are several properties of the same name.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// `hint.strategy`, `kind`, `title`.
    pub name: Name,
    /// A literal, or a bare word as [`ExprKind::Name`].
    pub value: Expr,
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

    /// The name that Kusto's answers give it in .NET.
    pub fn dotnet_name(self) -> &'static str {
        match self {
            Self::Bool => "System.SByte",
            Self::Int => "System.Int32",
            Self::Long => "System.Int64",
            Self::Real => "System.Double",
            Self::Decimal => "System.Data.SqlTypes.SqlDecimal",
            Self::String => "System.String",
            Self::DateTime => "System.DateTime",
            Self::TimeSpan => "System.TimeSpan",
            Self::Guid => "System.Guid",
            Self::Dynamic => "System.Object",
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
