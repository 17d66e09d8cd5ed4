//! The signs of operators.

use crate::ast::{BinaryOperator, ListOperator};

impl BinaryOperator {
    /// Its sign, which also names the function that computes it.
    pub fn sign(self) -> &'static str {
        use BinaryOperator as B;
        match self {
            B::Or => "or",
            B::And => "and",
            B::Equal => "==",
            B::NotEqual => "!=",
            B::Less => "<",
            B::LessOrEqual => "<=",
            B::Greater => ">",
            B::GreaterOrEqual => ">=",
            B::EqualNoCase => "=~",
            B::NotEqualNoCase => "!~",
            B::Add => "+",
            B::Subtract => "-",
            B::Multiply => "*",
            B::Divide => "/",
            B::Modulo => "%",
            B::Has => "has",
            B::NotHas => "!has",
            B::HasCs => "has_cs",
            B::NotHasCs => "!has_cs",
            B::HasPrefix => "hasprefix",
            B::NotHasPrefix => "!hasprefix",
            B::HasPrefixCs => "hasprefix_cs",
            B::NotHasPrefixCs => "!hasprefix_cs",
            B::HasSuffix => "hassuffix",
            B::NotHasSuffix => "!hassuffix",
            B::HasSuffixCs => "hassuffix_cs",
            B::NotHasSuffixCs => "!hassuffix_cs",
            B::Contains => "contains",
            B::NotContains => "!contains",
            B::ContainsCs => "contains_cs",
            B::NotContainsCs => "!contains_cs",
            B::StartsWith => "startswith",
            B::NotStartsWith => "!startswith",
            B::StartsWithCs => "startswith_cs",
            B::NotStartsWithCs => "!startswith_cs",
            B::EndsWith => "endswith",
            B::NotEndsWith => "!endswith",
            B::EndsWithCs => "endswith_cs",
            B::NotEndsWithCs => "!endswith_cs",
            B::Like => "like",
            B::NotLike => "notlike",
            B::LikeCs => "likecs",
            B::NotLikeCs => "notlikecs",
            B::MatchesRegex => "matches regex",
        }
    }
}

impl ListOperator {
    /// Its sign, which also names the function that computes it.
    pub fn sign(self) -> &'static str {
        match self {
            ListOperator::In => "in",
            ListOperator::NotIn => "!in",
            ListOperator::InNoCase => "in~",
            ListOperator::NotInNoCase => "!in~",
            ListOperator::HasAny => "has_any",
            ListOperator::HasAll => "has_all",
        }
    }
}
