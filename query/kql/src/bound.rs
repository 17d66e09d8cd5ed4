//! A bound expression: every name resolved, every type known.

use kql_syntax::ast::Type;
use kql_values::Value;

/// A bound expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bound {
    pub(crate) kind: Kind,
    pub(crate) ty: Type,
}

/// What a bound expression is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Literal(Value),
    /// A column of the relation that is being read.
    Column(String),
    /// A function or operator of the registry, its arguments brought to the types of its signature.
    Call(String, Vec<Bound>),
    /// One of several results of a call.
    Result(Box<Bound>, usize),
    /// Steps into a `dynamic`: member names and indexes.
    Path(Box<Bound>, Vec<Bound>),
    /// A value brought to the type of this expression.
    Convert(Box<Bound>),
}

impl Bound {
    pub(crate) fn literal(value: Value, ty: Type) -> Self {
        Self {
            kind: Kind::Literal(value),
            ty,
        }
    }

    pub(crate) fn column(name: impl Into<String>, ty: Type) -> Self {
        Self {
            kind: Kind::Column(name.into()),
            ty,
        }
    }

    pub(crate) fn call(name: impl Into<String>, arguments: Vec<Self>, ty: Type) -> Self {
        Self {
            kind: Kind::Call(name.into(), arguments),
            ty,
        }
    }

    pub(crate) fn string(text: impl Into<String>) -> Self {
        Self::literal(Value::String(text.into()), Type::String)
    }

    pub(crate) fn long(number: i64) -> Self {
        Self::literal(Value::Long(number), Type::Long)
    }

    pub(crate) fn bool(value: bool) -> Self {
        Self::literal(Value::Bool(value), Type::Bool)
    }

    /// Its value if it is a literal.
    pub(crate) fn constant(&self) -> Option<&Value> {
        match &self.kind {
            Kind::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// Whether it is the literal null (of any type).
    pub(crate) fn is_null(&self) -> bool {
        self.constant().is_some_and(Value::is_null)
    }

    /// The same brought to a type; a literal at once.
    pub(crate) fn convert(self, ty: Type) -> Self {
        if self.ty == ty {
            return self;
        }
        match self.kind {
            Kind::Literal(value) => {
                let value = match value {
                    Value::Null if ty == Type::String => Value::String(String::new()),
                    value => value.convert(ty),
                };
                Self::literal(value, ty)
            }
            _ => Self {
                kind: Kind::Convert(Box::new(self)),
                ty,
            },
        }
    }

    /// The same value under the type that it has already.
    pub(crate) fn retyped(mut self, ty: Type) -> Self {
        self.ty = ty;
        if ty == Type::String && self.is_null() {
            self.kind = Kind::Literal(Value::String(String::new()));
        }
        self
    }
}
