//! One record of comma-separated values.

use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [function("parse_csv(csv_text: string): dynamic", parse_csv)];
    table.into_iter().flatten().collect()
}

fn parse_csv(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [Value::String(text)] = arguments else {
        return Ok(Value::Null);
    };
    Ok(Value::list(record(text).into_iter().map(Dynamic::String)))
}

/// The fields of the first record; a quote within quotes is doubled.
fn record(text: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut is_quoted = false;
    let mut rest = text.chars().peekable();
    while let Some(char) = rest.next() {
        match char {
            '"' if is_quoted && rest.peek() == Some(&'"') => {
                rest.next();
                field.push('"');
            }
            '"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(std::mem::take(&mut field)),
            '\r' | '\n' if !is_quoted => break,
            _ => field.push(char),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::calls::check;

    #[test]
    fn fields_of_the_first_record() {
        check(
            "parse_csv",
            &json!(["a,b c,,7"]),
            &json!(["a", "b c", "", "7"]),
        );
        check("parse_csv", &json!(["a,b\r\nc,d"]), &json!(["a", "b"]));
        check("parse_csv", &json!([""]), &json!([""]));
    }

    #[test]
    fn quotes_hold_commas_and_lines() {
        let text = "\"x, y\",\"he said \"\"no\"\"\",\"two\nlines\",5\" pipe";
        let fields = ["x, y", "he said \"no\"", "two\nlines", "5\" pipe"];
        check("parse_csv", &json!([text]), &json!(fields));
    }
}
