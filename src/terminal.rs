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

/// Text with every control character but the line feed made visible, and every other one that is not seen itself
/// but changes what is: what turns the direction of writing, has no width, or ends a line.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if (character.is_control() && character != '\n') || is_hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
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
        assert_eq!(
            visible("\u{202e}gnp.exe\u{2066} \u{200b}\u{2028}\u{2029}\u{feff}\u{e0041}"),
            "\\u{202e}gnp.exe\\u{2066} \\u{200b}\\u{2028}\\u{2029}\\u{feff}\\u{e0041}"
        );
        assert_eq!(visible("größe \u{4f60}\u{597d}"), "größe \u{4f60}\u{597d}");
    }
}
