//! `bartizan query`.

use std::process::ExitCode;

use anyhow::Context as _;
use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::util::pretty::pretty_format_batches;

use crate::cli::QueryArguments;
use crate::client::Client;
use crate::config::ClientConfig;
use crate::terminal;

pub(crate) async fn run(arguments: QueryArguments) -> anyhow::Result<ExitCode> {
    let client = Client::new(ClientConfig::load(arguments.url, arguments.key))?;
    let request = serde_json::json!({"query": arguments.query, "format": "arrow"});
    let answer = client.post("/api/v1/query", request.to_string()).await?;
    let reader = StreamReader::try_new(answer.as_ref(), None).context("read the answer")?;
    let batches: Vec<RecordBatch> = reader
        .collect::<Result<_, _>>()
        .context("read the answer")?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let table = pretty_format_batches(&batches).context("draw the answer")?;
    terminal::line(terminal::visible(&table.to_string()));
    terminal::line(format!("{rows} rows"));
    Ok(ExitCode::SUCCESS)
}
