//! JSON Pointers (RFC 6901).

use std::fmt;
use std::str::FromStr;

/// The way to a value in a record, such as `/request/headers/host` or `/tries/0/ip`. A `/` in a name
/// is written `~1`, a `~` is written `~0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pointer {
    text: String,
    tokens: Vec<String>,
}

/// Names in a pointer, at most: each is a level that is read on its own.
const TOKENS_MAX: usize = 8;

/// Why a text is no pointer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// It begins otherwise.
    #[error("'{0}' is no JSON Pointer: it begins with '/', so write '/{0}'")]
    Start(String),
    /// A `~` that escapes nothing.
    #[error("'{0}' is no JSON Pointer: in a name '~' is written '~0', and '/' is written '~1'")]
    Escape(String),
    /// A name is missing.
    #[error("'{0}' has an empty name: write a path such as '/request/method'")]
    Empty(String),
    /// It goes too deep.
    #[error("'{0}' has more than {TOKENS_MAX} names")]
    Deep(String),
}

impl Pointer {
    /// Names from the outside in.
    pub(crate) fn tokens(&self) -> &[String] {
        &self.tokens
    }
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, PointerError> {
        let path = text
            .strip_prefix('/')
            .ok_or_else(|| PointerError::Start(text.to_owned()))?;
        let mut tokens = Vec::new();
        for token in path.split('/') {
            if token.is_empty() {
                return Err(PointerError::Empty(text.to_owned()));
            }
            let name = unescaped(token).ok_or_else(|| PointerError::Escape(text.to_owned()))?;
            tokens.push(name);
        }
        if tokens.len() > TOKENS_MAX {
            return Err(PointerError::Deep(text.to_owned()));
        }
        let text = text.to_owned();
        Ok(Self { text, tokens })
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn unescaped(token: &str) -> Option<String> {
    let mut name = String::with_capacity(token.len());
    let mut characters = token.chars();
    while let Some(character) = characters.next() {
        name.push(match character {
            '~' => match characters.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let pointer: Pointer = text.parse().unwrap();
        assert_eq!(pointer.tokens(), expected);
        assert_eq!(pointer.to_string(), text);
    }

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        let error = text.parse::<Pointer>().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn names_are_unescaped() {
        check("/a", &["a"]);
        check("/a~1b/0/~0c~01", &["a/b", "0", "~c~1"]);
        check("/:authority", &[":authority"]);
    }

    #[test]
    fn what_is_no_pointer_says_what_to_write() {
        check_error("status", "write '/status'");
        check_error("", "begins with '/'");
        check_error("/", "empty name");
        check_error("/a//b", "empty name");
        check_error("/a~2", "'~0'");
        check_error("/a~", "'~0'");
        check_error("/1/2/3/4/5/6/7/8/9", "more than 8");
    }
}
