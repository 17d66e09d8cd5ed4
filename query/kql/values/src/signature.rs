//! What a function takes and gives, as one line of text that people read too.
//!
//! `substring(source: string, startingIndex: long, length?: long): string`. A type is one of the ten, or `any` (taken
//! as it is), `T` (all arguments of this type are brought to the type that they have in common), `N` (the same for
//! numbers; text and dynamic are brought to `real`). `?` after a name: may be left out. `...` after the last name:
//! once or more often; `...?`: any number of times. Several results: `(flag: dynamic, score: real)`.

use kql_syntax::ast::Type;

/// What a function takes and gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Of the function.
    pub name: &'static str,
    /// In order.
    pub parameters: Vec<Parameter>,
    /// What comes out.
    pub returns: Returns,
}

/// A parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// As documented.
    pub name: &'static str,
    /// What an argument is brought to.
    pub ty: ParameterType,
    /// Whether it may be left out.
    pub is_optional: bool,
    /// Whether it may stand any number of times; only the last one.
    pub repeats: bool,
}

/// Type of a parameter or result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterType {
    /// One type.
    Exactly(Type),
    /// Whatever comes.
    Any,
    /// `T`.
    Common,
    /// `N`.
    Number,
}

/// What comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returns {
    /// One value.
    One(ParameterType),
    /// Several named ones; the function gives them as an array in [`crate::Value::Dynamic`] only if all are dynamic,
    /// see [`crate::function::Outcome`].
    Several(Vec<(&'static str, Type)>),
}

impl Signature {
    /// Reads a signature; none if it is written wrongly, which a test over all functions rules out.
    pub fn parse(text: &'static str) -> Option<Self> {
        let (name, rest) = text.split_once('(')?;
        let (inside, returns) = rest.split_once("):")?;
        let parameters = inside
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(parameter)
            .collect::<Option<Vec<_>>>()?;
        let returns = returns.trim();
        let returns = match returns.strip_prefix('(') {
            None => Returns::One(parameter_type(returns)?),
            Some(several) => Returns::Several(
                several
                    .strip_suffix(')')?
                    .split(',')
                    .map(|part| {
                        let (name, ty) = part.split_once(':')?;
                        Some((name.trim(), Type::from_name(ty.trim())?))
                    })
                    .collect::<Option<Vec<_>>>()?,
            ),
        };
        Some(Self {
            name: name.trim(),
            parameters,
            returns,
        })
    }

    /// Fewest arguments.
    pub fn arity_min(&self) -> usize {
        let needed = |parameter: &&Parameter| !parameter.is_optional;
        self.parameters.iter().filter(needed).count()
    }

    /// Most arguments; none if there is no such number.
    pub fn arity_max(&self) -> Option<usize> {
        let repeats = self.parameters.last().is_some_and(|last| last.repeats);
        (!repeats).then_some(self.parameters.len())
    }

    /// The parameter that the argument at a place is for.
    pub fn parameter(&self, place: usize) -> Option<&Parameter> {
        let last = || self.parameters.last().filter(|last| last.repeats);
        self.parameters.get(place).or_else(last)
    }
}

fn parameter(text: &'static str) -> Option<Parameter> {
    let (name, ty) = text.split_once(':')?;
    let name = name.trim();
    let (name, is_optional) = match name.strip_suffix('?') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let (name, repeats) = match name.strip_suffix("...") {
        Some(name) => (name, true),
        None => (name, false),
    };
    Some(Parameter {
        name,
        ty: parameter_type(ty.trim())?,
        is_optional,
        repeats,
    })
}

fn parameter_type(text: &str) -> Option<ParameterType> {
    Some(match text {
        "any" => ParameterType::Any,
        "T" => ParameterType::Common,
        "N" => ParameterType::Number,
        name => ParameterType::Exactly(Type::from_name(name)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_says_what_is_needed() {
        let text = "substring(source: string, start: long, length?: long): string";
        let signature = Signature::parse(text).unwrap();
        assert_eq!(signature.name, "substring");
        assert_eq!((signature.arity_min(), signature.arity_max()), (2, Some(3)));
        let string = ParameterType::Exactly(Type::String);
        assert_eq!(signature.returns, Returns::One(string));
    }

    #[test]
    fn the_last_parameter_may_repeat() {
        let signature = Signature::parse("strcat(argument...: any): string").unwrap();
        assert_eq!((signature.arity_min(), signature.arity_max()), (1, None));
        assert_eq!(signature.parameter(7).unwrap().name, "argument");
    }
}
