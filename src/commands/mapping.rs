//! `bartizan mapping`: what somebody needs who writes a mapping, without a running service.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use ingest::mapping::{Mapping, PRESETS, TABLE, misses};
use ingest::{Context, Decoded, Limits, Mappings};
use store::{Clock as _, SystemClock, Timestamp, Workspace};

use crate::cli::{MappingCommand, MappingTestArguments};
use crate::config::{Config, mapping};
use crate::terminal;

/// Longest file that is tried.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Records whose reason is printed, at most.
const MISSES_SHOWN: usize = 5;

pub(crate) fn run(command: MappingCommand) -> anyhow::Result<ExitCode> {
    match command {
        MappingCommand::List { service } => Ok(list(&Config::load(&service.into())?)),
        MappingCommand::Show { name } => show(&name),
        MappingCommand::Test(arguments) => test(&arguments),
    }
}

fn list(config: &Config) -> ExitCode {
    for name in config.mappings.names() {
        let is_own = config.mappings_own.iter().any(|own| own.name == name);
        let origin = if is_own { "configuration" } else { "preset" };
        terminal::line(terminal::visible(&format!("{name:24}{origin}")));
    }
    let is_used = |preset: &str| config.mappings.names().any(|name| name == preset);
    for (name, _) in PRESETS.iter().filter(|(name, _)| !is_used(name)) {
        terminal::line(format!(
            "{name:24}preset, not used: disabled, or another mapping takes its records"
        ));
    }
    ExitCode::SUCCESS
}

fn show(name: &str) -> anyhow::Result<ExitCode> {
    let text = mapping::preset_text(name).ok_or_else(|| anyhow!(mapping::unknown_preset(name)))?;
    terminal::line(text.trim_end());
    Ok(ExitCode::SUCCESS)
}

fn test(arguments: &MappingTestArguments) -> anyhow::Result<ExitCode> {
    let config = Config::load(&arguments.service.clone().into())?;
    let mappings = chosen(&config, &arguments.name)?;
    let body = read(arguments)?;
    let workspace = Workspace::default();
    let context = Context {
        workspace: &workspace,
        batch: "test",
        source: "bartizan mapping test",
        received: SystemClock.now(),
        mappings: &mappings,
    };
    let limits = Limits {
        records_max: usize::MAX,
        ..config.ingest
    };
    let decoded = ingest::decode(&context, &limits, &body)?;
    let mapped = decoded.mapped.iter().map(|(_, rows)| rows).sum::<u64>();
    let rows = mapped_rows(&decoded, usize::try_from(mapped).unwrap_or(usize::MAX));
    for (place, row) in rows.iter().take(arguments.rows).enumerate() {
        terminal::line(format!("row {}", place + 1));
        for (column, value) in row {
            terminal::line(
                terminal::visible(&format!("  {column:24}{value}")).replace('\n', "\\n"),
            );
        }
    }
    let others = decoded.accepted + decoded.quarantined - mapped;
    terminal::line(format!(
        "{mapped} rows of {TABLE} by {}, {others} records not taken",
        arguments.name
    ));
    summary(&rows);
    let shown = if others > 0 { MISSES_SHOWN } else { 0 };
    for miss in misses(&mappings, &body, shown) {
        let text = format!(
            "record {} at byte {}: {}",
            miss.record, miss.at, miss.reason
        );
        terminal::line(terminal::visible(&text));
    }
    Ok(if mapped > 0 && others == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The mapping alone, so that no other takes its records.
fn chosen(config: &Config, name: &str) -> anyhow::Result<Mappings> {
    if let Some(found) = config.mappings.only(name) {
        return Ok(found);
    }
    let found: Mapping = mapping::preset(name).map_err(|_unknown| {
        let names: Vec<_> = config.mappings.names().collect();
        anyhow!(
            "there is no mapping '{name}'; there are {}",
            names.join(", ")
        )
    })?;
    Ok(Mappings::new(vec![found], Vec::new())?)
}

fn read(arguments: &MappingTestArguments) -> anyhow::Result<Vec<u8>> {
    let named = || format!("read {}", arguments.file.display());
    let mut body = Vec::new();
    let mut bounded: Box<dyn std::io::Read> = if arguments.file.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(&arguments.file).with_context(named)?)
    };
    let mut bounded = bounded.by_ref().take(FILE_BYTES_MAX + 1);
    std::io::copy(&mut bounded, &mut body).with_context(named)?;
    if body.len() as u64 > FILE_BYTES_MAX {
        bail!(
            "{} is longer than {FILE_BYTES_MAX} bytes: a part of it will do",
            arguments.file.display()
        );
    }
    Ok(body)
}

/// Columns with a value of a row, with that value as text.
pub(crate) type ShownRow = Vec<(String, String)>;

/// The rows that mappings gave: they stand behind those of Azure's gateway logs.
pub(crate) fn mapped_rows(decoded: &Decoded, count: usize) -> Vec<ShownRow> {
    let mut parts = decoded.parts.iter();
    let Some((_, batch)) = parts.find(|(table, _)| *table == TABLE) else {
        return Vec::new();
    };
    let first = batch.num_rows().saturating_sub(count);
    (first..batch.num_rows())
        .map(|row| shown_row(batch, row))
        .collect()
}

fn shown_row(batch: &RecordBatch, row: usize) -> ShownRow {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    let shown =
        columns.filter_map(|(field, column)| Some((field.name().clone(), shown(column, row)?)));
    shown
        .filter(|(name, _)| !matches!(name.as_str(), "TenantId" | "Type" | "_TimeReceived"))
        .collect()
}

fn shown(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Dictionary(..) => {
            let symbols = column.as_dictionary_opt::<Int32Type>()?;
            return shown(symbols.values(), symbols.key(row)?);
        }
        DataType::Utf8 => column.as_string_opt::<i32>()?.value(row).to_owned(),
        DataType::Int32 => column
            .as_primitive_opt::<Int32Type>()?
            .value(row)
            .to_string(),
        DataType::Int64 => column
            .as_primitive_opt::<Int64Type>()?
            .value(row)
            .to_string(),
        DataType::Float64 => column
            .as_primitive_opt::<Float64Type>()?
            .value(row)
            .to_string(),
        DataType::Boolean => column.as_boolean_opt()?.value(row).to_string(),
        DataType::Timestamp(..) => {
            let micros = column
                .as_primitive_opt::<TimestampMicrosecondType>()?
                .value(row);
            Timestamp::from_micros(micros).to_rfc3339()
        }
        _ => return None,
    })
}

/// What no column took, and which columns that rules ask for are empty.
fn summary(rows: &[ShownRow]) {
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    for (_, extras) in rows
        .iter()
        .flatten()
        .filter(|(column, _)| column == "AdditionalFields")
    {
        let members: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(extras).unwrap_or_default();
        for name in members.into_keys() {
            *left.entry(name).or_default() += 1;
        }
    }
    for (name, count) in left {
        let text = format!("in AdditionalFields: {name} ({count} rows)");
        terminal::line(terminal::visible(&text).replace('\n', "\\n"));
    }
    let is_filled = |column: &&str| rows.iter().flatten().any(|(name, _)| name == column);
    let empty: Vec<_> = WANTED
        .iter()
        .filter(|column| !is_filled(column))
        .copied()
        .collect();
    if !rows.is_empty() && !empty.is_empty() {
        terminal::line(format!(
            "empty, and rules ask for them: {}",
            empty.join(", ")
        ));
    }
}

/// Columns that the shipped rules for gateways read.
const WANTED: [&str; 9] = [
    "TimeGenerated",
    "CallerIpAddress",
    "ApimSubscriptionId",
    "ApiId",
    "OperationId",
    "Url",
    "Method",
    "ResponseCode",
    "_ResourceId",
];
