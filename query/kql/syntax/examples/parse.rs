//! Reads queries from standard input, one JSON text per line, and answers each with a line: `null` if it is read, or
//! the mistakes as a JSON text. Other parsers are compared with this.

use std::io::{BufRead as _, Write as _};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let query: String = serde_json::from_str(&line?)?;
        let mistakes = kql_syntax::parse(&query)
            .err()
            .map(|errors| errors.to_string());
        writeln!(output, "{}", serde_json::to_string(&mistakes)?)?;
    }
    Ok(())
}
