//! What a person at a terminal reads. Log content is somebody else's text: what would steer the terminal is
//! shown, not sent.

use std::fmt::Display;
use std::io::Write as _;

/// Prints a line on standard output.
pub(crate) fn line(text: impl Display) {
    let mut out = std::io::stdout().lock();
    // A reader that went away (`| head`) wants no more.
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        tracing::debug!("standard output is closed");
    }
}

/// Prints on standard output without an end of line.
pub(crate) fn prompt(text: &str) {
    let mut out = std::io::stdout().lock();
    if write!(out, "{text}").and_then(|()| out.flush()).is_err() {
        tracing::debug!("standard output is closed");
    }
}

/// Prints an error with its causes in one line on standard error.
pub(crate) fn error(error: &anyhow::Error) {
    let text = format!("{error:#}").replace('\n', " ");
    let mut out = std::io::stderr().lock();
    if writeln!(out, "error: {text}").is_err() {
        tracing::debug!("standard error is closed");
    }
}

/// Prints a line beside the results, on standard error.
pub(crate) fn note(text: &str) {
    let text = visible(text).replace('\n', " ");
    let mut out = std::io::stderr().lock();
    if writeln!(out, "{text}").is_err() {
        tracing::debug!("standard error is closed");
    }
}

/// Prints a complaint of several lines on standard error.
pub(crate) fn complaint(text: &str) {
    let mut out = std::io::stderr().lock();
    if writeln!(out, "error: {text}").is_err() {
        tracing::debug!("standard error is closed");
    }
}

/// Text with every control character but the line feed made visible.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_shown() {
        assert_eq!(
            visible("a\u{1b}[2Jb\r\nc\u{9b}"),
            "a\\u{1b}[2Jb\\r\nc\\u{9b}"
        );
    }
}
