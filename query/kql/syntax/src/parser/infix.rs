//! Operators between operands, and how tightly they bind.

use super::Parser;
use crate::{
    ast::{BinaryOperator, ListOperator},
    token::TokenKind,
};

/// What stands between two operands.
#[derive(Clone, Copy)]
pub(super) enum Infix {
    Binary(BinaryOperator),
    List(ListOperator),
    Between { negated: bool },
}

/// How tightly operators bind, loosest first.
pub(crate) mod level {
    pub(crate) const OR: u8 = 1;
    pub(crate) const AND: u8 = 2;
    /// `==`, `in`, `between`: one only.
    pub(crate) const EQUALITY: u8 = 3;
    /// `<`: one only.
    pub(crate) const RELATION: u8 = 4;
    pub(crate) const SUM: u8 = 5;
    pub(crate) const PRODUCT: u8 = 6;
    /// `has`, `=~`: one only.
    pub(crate) const TEXT: u8 = 7;
    /// `-a`, `a.b`.
    pub(crate) const OPERAND: u8 = 8;
}

/// How tightly an operator binds.
pub(crate) fn level_of(operator: BinaryOperator) -> u8 {
    use BinaryOperator as B;
    match operator {
        B::Or => level::OR,
        B::And => level::AND,
        B::Equal | B::NotEqual => level::EQUALITY,
        B::Less | B::LessOrEqual | B::Greater | B::GreaterOrEqual => level::RELATION,
        B::Add | B::Subtract => level::SUM,
        B::Multiply | B::Divide | B::Modulo => level::PRODUCT,
        _ => level::TEXT,
    }
}

/// Whether `a op b op c` can be written without parentheses.
pub(crate) fn is_chain(level: u8) -> bool {
    matches!(level, level::OR | level::AND | level::SUM | level::PRODUCT)
}

impl Infix {
    pub(super) fn level(self) -> u8 {
        match self {
            Self::Binary(operator) => level_of(operator),
            Self::List(_) | Self::Between { .. } => level::EQUALITY,
        }
    }
}

impl Parser<'_> {
    /// The operator that stands some tokens ahead, and how many tokens it takes.
    pub(super) fn infix(&self, offset: usize) -> Option<(Infix, usize)> {
        use BinaryOperator as B;
        let operator = match self.kind_ahead(offset) {
            TokenKind::Word => return self.infix_word(offset),
            TokenKind::Equal => B::Equal,
            TokenKind::NotEqual => B::NotEqual,
            TokenKind::Less => B::Less,
            TokenKind::LessOrEqual => B::LessOrEqual,
            TokenKind::Greater => B::Greater,
            TokenKind::GreaterOrEqual => B::GreaterOrEqual,
            TokenKind::Plus => B::Add,
            TokenKind::Minus => B::Subtract,
            TokenKind::Star => B::Multiply,
            TokenKind::Slash => B::Divide,
            TokenKind::Percent => B::Modulo,
            TokenKind::EqualNoCase => B::EqualNoCase,
            TokenKind::NotEqualNoCase => B::NotEqualNoCase,
            TokenKind::Colon => B::Has,
            _ => return None,
        };
        Some((Infix::Binary(operator), 1))
    }

    fn infix_word(&self, offset: usize) -> Option<(Infix, usize)> {
        let operator = match self.word_ahead(offset) {
            "in" if self.word_ahead(offset + 1) == "range" => return None,
            "in" => Infix::List(ListOperator::In),
            "!in" => Infix::List(ListOperator::NotIn),
            "in~" => Infix::List(ListOperator::InNoCase),
            "!in~" => Infix::List(ListOperator::NotInNoCase),
            "has_any" => Infix::List(ListOperator::HasAny),
            "has_all" => Infix::List(ListOperator::HasAll),
            "between" => Infix::Between { negated: false },
            "!between" => Infix::Between { negated: true },
            "matches" if self.word_ahead(offset + 1) == "regex" => {
                return Some((Infix::Binary(BinaryOperator::MatchesRegex), 2));
            }
            word => Infix::Binary(binary_word(word)?),
        };
        Some((operator, 1))
    }
}

/// The operator that a word is.
fn binary_word(word: &str) -> Option<BinaryOperator> {
    use BinaryOperator as B;
    Some(match word {
        "or" => B::Or,
        "and" => B::And,
        "has" => B::Has,
        "!has" => B::NotHas,
        "has_cs" => B::HasCs,
        "!has_cs" => B::NotHasCs,
        "hasprefix" => B::HasPrefix,
        "!hasprefix" => B::NotHasPrefix,
        "hasprefix_cs" => B::HasPrefixCs,
        "!hasprefix_cs" => B::NotHasPrefixCs,
        "hassuffix" => B::HasSuffix,
        "!hassuffix" => B::NotHasSuffix,
        "hassuffix_cs" => B::HasSuffixCs,
        "!hassuffix_cs" => B::NotHasSuffixCs,
        "contains" => B::Contains,
        "!contains" | "notcontains" => B::NotContains,
        "contains_cs" | "containscs" => B::ContainsCs,
        "!contains_cs" | "notcontainscs" => B::NotContainsCs,
        "startswith" => B::StartsWith,
        "!startswith" => B::NotStartsWith,
        "startswith_cs" => B::StartsWithCs,
        "!startswith_cs" => B::NotStartsWithCs,
        "endswith" => B::EndsWith,
        "!endswith" => B::NotEndsWith,
        "endswith_cs" => B::EndsWithCs,
        "!endswith_cs" => B::NotEndsWithCs,
        "like" => B::Like,
        "notlike" => B::NotLike,
        "likecs" => B::LikeCs,
        "notlikecs" => B::NotLikeCs,
        _ => return None,
    })
}
