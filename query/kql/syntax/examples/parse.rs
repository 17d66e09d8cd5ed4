//! Reads queries from standard input, one JSON text per line, and answers each with a line: `{"printed": "..."}`, the
//! query as we write it, or `{"mistakes": "..."}`. Other parsers are compared with this.

use std::io::{BufRead as _, Write as _};

use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let query: String = serde_json::from_str(&line?)?;
        let answer = match kql_syntax::parse(&query) {
            Ok(tree) => json!({ "printed": kql_syntax::print(&tree) }),
            Err(errors) => json!({ "mistakes": errors.to_string() }),
        };
        writeln!(output, "{answer}")?;
    }
    Ok(())
}
