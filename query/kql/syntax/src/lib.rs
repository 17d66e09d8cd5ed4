//! KQL text to a syntax tree and back.
//!
//! The language is Microsoft's Kusto Query Language as its documentation and its published grammar (`Kql.g4` of
//! microsoft/Kusto-Query-Language) have it. This crate knows no tables, functions or types of values.

pub mod ast;
mod error;
#[cfg(test)]
pub mod fuzz;
#[cfg(all(feature = "fuzz", not(test)))]
pub mod fuzz;
mod hints;
mod lexer;
mod literal;
mod logic;
mod parser;
mod print;
mod span;
mod strip;
mod symbols;
#[cfg(test)]
mod tests;
mod token;
mod words;

pub use error::{SyntaxError, SyntaxErrors};
pub use lexer::tokens;
pub use logic::chain;
pub use parser::operator::operator_names;
pub use parser::parse;
pub use print::print;
pub use span::{Position, Span};
pub use token::{Token, TokenKind};
