//! The shell: queries of several lines, history, completion.
//!
//! The terminal is set by `stty`, which every Unix has; where it is not there, lines are read as the terminal gives them.

use std::io::{BufRead as _, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde_json::Value;
use tokio::runtime::Handle;

use super::complete::Names;
use super::line::{Key, Line, key};
use super::{Asking, Said, print};
use crate::cli::FormatArgument;
use crate::config::ClientConfig;
use crate::terminal;

/// Queries of history that are kept.
const HISTORY_MAX: usize = 1_000;

/// Longest history that is read, in bytes.
const HISTORY_BYTES_MAX: u64 = 4 << 20;

const HELP: &str = "A query ends with a semicolon or an empty line; Tab completes tables, columns, operators and functions.
  .tables               what tables there are
  .explain QUERY;       how a query would be run
  .show ...             a management command, such as .show table AuditLogs
  .sql, .kql            the language of queries
  .format FORMAT        table, json, ndjson or csv
  .exit                 ends (so does Ctrl-D)";

/// Lets the terminal send keys instead of lines, as long as it is there.
struct RawTerminal {
    before: String,
}

impl RawTerminal {
    fn set() -> Option<Self> {
        let before = stty(&["-g"])?;
        stty(&["-icanon", "-echo", "-isig", "min", "1"])?;
        Some(Self { before })
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        if stty(&[self.before.trim()]).is_none() {
            tracing::debug!("the terminal stays as it is");
        }
    }
}

fn stty(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("stty");
    command.args(arguments).stdin(Stdio::inherit());
    let output = command.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}

/// What reads queries.
struct Reader {
    names: Names,
    history: Vec<String>,
    columns: usize,
}

/// How reading a line ended.
enum Read {
    Line(String),
    Interrupted,
    Closed,
}

impl Reader {
    /// Reads a query: lines until its end.
    fn query(&self, prompt: &str) -> anyhow::Result<Option<String>> {
        let mut text = String::new();
        loop {
            let shown = if text.is_empty() { prompt } else { "...> " };
            match self.line(shown, &text)? {
                Read::Line(line) => {
                    let is_end = line.trim().is_empty();
                    text.push_str(&line);
                    if is_end || is_whole(&text) {
                        return Ok(Some(text.trim().to_owned()));
                    }
                    text.push('\n');
                }
                Read::Interrupted => text.clear(),
                Read::Closed => return Ok(None),
            }
        }
    }

    fn line(&self, prompt: &str, before: &str) -> anyhow::Result<Read> {
        let Some(_raw) = RawTerminal::set() else {
            terminal::prompt(prompt);
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line);
            let is_closed = read.context("read a line")? == 0;
            return Ok(if is_closed {
                Read::Closed
            } else {
                Read::Line(line)
            });
        };
        let mut line = Line::default();
        let mut place = self.history.len();
        let stdin = std::io::stdin();
        let mut input = stdin.lock().bytes().map_while(Result::ok);
        loop {
            self.draw(prompt, &line);
            let pressed = key(&mut input);
            match pressed {
                Key::Enter => {
                    terminal::line("");
                    return Ok(Read::Line(line.text().to_owned()));
                }
                Key::Interrupt => {
                    terminal::line("^C");
                    return Ok(Read::Interrupted);
                }
                Key::Close if line.text().is_empty() => {
                    terminal::line("");
                    return Ok(Read::Closed);
                }
                Key::Up | Key::Down => {
                    let next = if pressed == Key::Up {
                        place.saturating_sub(1)
                    } else {
                        place + 1
                    };
                    place = next.min(self.history.len());
                    let found = self.history.get(place).map_or("", String::as_str);
                    line = Line::new(found);
                }
                Key::Tab => self.complete(before, &mut line),
                key => line.press(key),
            }
        }
    }

    /// Completes the word before the cursor as far as its candidates agree, or shows them.
    fn complete(&self, before: &str, line: &mut Line) {
        let text = format!("{before}{}", line.text());
        let (start, found) = self.names.candidates(&text, before.len() + line.cursor());
        let Some(common) = common_start(&found) else {
            return;
        };
        let start = start.saturating_sub(before.len());
        let typed = line.before().get(start..).unwrap_or_default().len();
        if found.len() == 1 || common.len() > typed {
            line.replace(start, &common);
        } else {
            terminal::line("");
            terminal::line(terminal::visible(&found.join("  ")));
        }
    }

    /// Draws the line, as much of it around the cursor as there is room for.
    fn draw(&self, prompt: &str, line: &Line) {
        let room = self.columns.saturating_sub(prompt.len() + 1).max(10);
        let visible = |text: &str| terminal::visible(text).replace('\n', " ");
        let before: Vec<char> = visible(line.before()).chars().collect();
        let skipped = before.len().saturating_sub(room);
        let before: String = before.into_iter().skip(skipped).collect();
        let width = before.chars().count();
        let behind: String = visible(line.behind())
            .chars()
            .take(room - width.min(room))
            .collect();
        let back = behind.chars().count();
        let back = if back == 0 {
            String::new()
        } else {
            format!("\u{1b}[{back}D")
        };
        terminal::prompt(&format!("\r{prompt}{before}{behind}\u{1b}[K{back}"));
    }
}

/// What all of them begin with, letter case aside; in the case of the first.
fn common_start(found: &[String]) -> Option<String> {
    let (first, others) = found.split_first()?;
    let mut common: String = first.clone();
    for other in others {
        let same = common.chars().zip(other.chars());
        let same = same.take_while(|(left, right)| left.eq_ignore_ascii_case(right));
        common = same.map(|(left, _)| left).collect();
    }
    Some(common)
}

/// Whether a text is to be sent: a command, or a query with its end.
fn is_whole(text: &str) -> bool {
    let trimmed = text.trim();
    let is_command = trimmed.starts_with('.') && !trimmed.starts_with(".explain")
        || matches!(trimmed, "" | "exit" | "quit" | "help");
    is_command || trimmed.ends_with(';')
}

/// Asks for queries until there are no more.
pub(super) fn run(runtime: &Handle, asking: &mut Asking) -> anyhow::Result<()> {
    let path = ClientConfig::history();
    let columns = stty(&["size"]).and_then(|size| size.split_whitespace().nth(1)?.parse().ok());
    let mut reader = Reader {
        names: runtime.block_on(learn(asking)),
        history: path.as_deref().map(load).unwrap_or_default(),
        columns: columns.filter(|columns| *columns > 20).unwrap_or(80),
    };
    terminal::line("KQL; .help says what else there is");
    loop {
        let prompt = if asking.is_sql { "sql> " } else { "kql> " };
        let Some(text) = reader.query(prompt)? else {
            break;
        };
        let shown = text.replace('\n', " ");
        if !shown.is_empty() && reader.history.last() != Some(&shown) {
            reader.history.push(shown);
        }
        if !one(runtime, asking, &text)? {
            break;
        }
    }
    if let Some(path) = &path {
        save(&reader.history, path);
    }
    Ok(())
}

fn load(path: &Path) -> Vec<String> {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| {
        let mut file = file.take(HISTORY_BYTES_MAX);
        file.read_to_string(&mut text)
    });
    if let Err(error) = read {
        tracing::debug!(%error, "there is no history yet");
    }
    text.lines().map(str::to_owned).collect()
}

fn save(history: &[String], path: &Path) {
    let kept = history.len().saturating_sub(HISTORY_MAX);
    let lines = history.get(kept..).unwrap_or_default().join("\n");
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let saved = folder.and_then(|()| {
        let mut file = std::fs::File::create(path)?;
        writeln!(file, "{lines}")
    });
    if let Err(error) = saved {
        tracing::warn!(%error, "the history was not kept in {}", path.display());
    }
}

/// Does what one text says; false if it is the end.
fn one(runtime: &Handle, asking: &mut Asking, text: &str) -> anyhow::Result<bool> {
    let mut words = text.trim_end_matches(';').split_whitespace();
    match (words.next().unwrap_or_default(), words.next()) {
        ("", _) => {}
        (".exit" | "exit" | ".quit" | "quit", None) => return Ok(false),
        (".help" | "help", None) => terminal::line(HELP),
        (".sql", None) => asking.is_sql = true,
        (".kql", None) => asking.is_sql = false,
        (".format", Some(name)) => match format(name) {
            Some(format) => asking.format = format,
            None => terminal::line("the format is table, json, ndjson or csv"),
        },
        (".tables", None) => {
            let tables = asking.command(".show tables | project TableName");
            said(runtime.block_on(tables), text, print::command)?;
        }
        (".explain", Some(_)) => {
            let query = text.trim_start().trim_start_matches(".explain");
            said(
                runtime.block_on(asking.ask(query, true)),
                text,
                print::plans,
            )?;
        }
        (word, _) if word.starts_with('.') => {
            said(runtime.block_on(asking.command(text)), text, print::command)?;
        }
        _ => {
            let answer = runtime.block_on(asking.ask(text, false));
            said(answer, text, |body| print::answer(asking.format, body))?;
        }
    }
    Ok(true)
}

/// Prints what the service said. One that can't be reached now may be later.
fn said(
    said: anyhow::Result<Said>,
    text: &str,
    answer: impl FnOnce(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    match said {
        Ok(Said::Answer(body)) => answer(&body)?,
        Ok(Said::Refusal(refusal)) => print::refusal(text, &refusal),
        Err(error) => terminal::error(&error),
    }
    Ok(())
}

fn format(name: &str) -> Option<FormatArgument> {
    use clap::ValueEnum as _;
    FormatArgument::from_str(name, true).ok()
}

/// What the service knows; without it nothing is completed.
async fn learn(asking: &Asking) -> Names {
    let mut names = Names::default();
    if let Ok(body) = asking.client.get("/api/v1/query/words").await {
        names.vocabulary = serde_json::from_slice(&body).unwrap_or_default();
    }
    if let Ok(Said::Answer(body)) = asking.command(".show databases schema as json").await {
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = answer.pointer("/Tables/0/Rows/0/0").and_then(Value::as_str);
        let schema = text.and_then(|text| serde_json::from_str(text).ok());
        names.learn_tables(&schema.unwrap_or_default());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_goes_on_until_its_end() {
        for whole in [
            "",
            "exit",
            ".tables",
            "AuditLogs;",
            "AuditLogs\n| take 1 ;",
            " .show version",
        ] {
            assert!(is_whole(whole), "{whole}");
        }
        for part in ["AuditLogs", "AuditLogs\n| take 1", "let x = 1;\nprint x"] {
            assert!(!is_whole(part), "{part}");
        }
    }

    #[test]
    fn candidates_agree_on_a_beginning() {
        let found = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            common_start(&names)
        };
        assert_eq!(
            found(&["project", "project-away"]).as_deref(),
            Some("project")
        );
        assert_eq!(found(&["AuditLogs", "azureActivity"]).as_deref(), Some("A"));
        assert_eq!(found(&[]), None);
    }
}
