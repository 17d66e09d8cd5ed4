//! Command lines, split as Windows does (`CommandLineToArgvW`).

use crate::function::{Context, Failure, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

pub(super) fn functions() -> Vec<ScalarFunction> {
    let signature = "parse_command_line(command_line: string, parser_type: string): dynamic";
    let table = [function(signature, parse_command_line)];
    table.into_iter().flatten().collect()
}

fn parse_command_line(_: &mut Context, arguments: &[Value]) -> Outcome {
    match arguments {
        [Value::String(line), Value::String(parser)] if parser.eq_ignore_ascii_case("windows") => {
            Ok(Value::list(split(line).into_iter().map(Dynamic::String)))
        }
        [_, Value::String(parser)] => Err(Failure(format!(
            "parse_command_line has no parser '{parser}'; the one that it has is 'windows'"
        ))),
        _ => Ok(Value::Null),
    }
}

fn split(line: &str) -> Vec<String> {
    let line = line.trim_matches([' ', '\t']);
    if line.is_empty() {
        return Vec::new();
    }
    let (program, rest) = program(line);
    let mut words = vec![program.to_owned()];
    let mut rest = rest.trim_start_matches([' ', '\t']);
    while !rest.is_empty() {
        let (word, after) = word(rest);
        words.push(word);
        rest = after.trim_start_matches([' ', '\t']);
    }
    words
}

/// The first word is a path: its backslashes escape nothing.
fn program(line: &str) -> (&str, &str) {
    if let Some(quoted) = line.strip_prefix('"') {
        return quoted.split_once('"').unwrap_or((quoted, ""));
    }
    line.split_once([' ', '\t']).unwrap_or((line, ""))
}

/// A further word. Before a quote, two backslashes stand for one, and one that is left escapes the quote; a doubled
/// quote within quotes is one, and ends them.
fn word(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut quotes = 0_u8;
    let mut backslashes = 0_usize;
    let mut chars = text.char_indices().peekable();
    while let Some((place, char)) = chars.next() {
        match char {
            '\\' => {
                backslashes += 1;
                word.push('\\');
                continue;
            }
            '"' => {
                word.truncate(word.len() - backslashes.div_ceil(2));
                if backslashes % 2 == 1 {
                    word.push('"');
                } else {
                    quotes += 1;
                }
                if quotes == 3 {
                    word.push('"');
                    quotes = 0;
                }
                let closes = quotes == 2 && chars.peek().is_none_or(|next| next.1 != '"');
                quotes = if closes { 0 } else { quotes };
            }
            ' ' | '\t' if quotes == 0 => return (word, text.get(place..).unwrap_or_default()),
            _ => word.push(char),
        }
        backslashes = 0;
    }
    (word, "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::calls::{call, check};

    #[track_caller]
    fn words(line: &str, expected: &[&str]) {
        check(
            "parse_command_line",
            &json!([line, "windows"]),
            &json!(expected),
        );
    }

    #[test]
    fn blanks_part_words() {
        words("net  use\tx:", &["net", "use", "x:"]);
        words(
            r#""C:\Program Files\a.exe" -x "b c""#,
            &[r"C:\Program Files\a.exe", "-x", "b c"],
        );
        words(r#"a "b c"d e"#, &["a", "b cd", "e"]);
        words("  ", &[]);
    }

    #[test]
    fn backslashes_count_before_a_quote() {
        words(r#"a \\srv\x "c:\d\\" e"#, &["a", r"\\srv\x", r"c:\d\", "e"]);
        words(r#"a \"b \\\"c"#, &["a", "\"b", "\\\"c"]);
    }

    #[test]
    fn a_doubled_quote_is_one() {
        words(r#"a "b""c d"#, &["a", "b\"c", "d"]);
        words(r#"a "" b"#, &["a", "", "b"]);
    }

    #[test]
    fn other_shells_are_refused() {
        let failure = call("parse_command_line", &json!(["ls", "posix"])).unwrap_err();
        assert!(failure.0.contains("'windows'"));
    }
}
