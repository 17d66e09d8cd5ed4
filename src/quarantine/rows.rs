//! Rows of `_Quarantine` as they are looked at.

use std::fmt;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use query::{Engine, QueryError, Question, Span};
use store::{Source, Store, StoreError, Timestamp, Workspace};
use thiserror::Error;
use uuid::Uuid;

/// The end of the year 9999.
const TIME_MAX: Timestamp = Timestamp::from_micros(253_402_300_799_999_999);

/// What the names of sources begin with that stand for quarantined records. Nobody else may move them: where one
/// stands says whether its record was read after all.
pub(crate) const SOURCES: &str = "quarantine:";

/// Names a quarantined record: its batch, and its number among those of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) batch: Uuid,
    pub(crate) number: u32,
}

impl Id {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (batch, number) = text.rsplit_once('-')?;
        Some(Self {
            batch: Uuid::parse_str(batch).ok()?,
            number: number.parse().ok()?,
        })
    }

    /// The source whose position says that the record was read after all.
    pub(crate) fn source(self) -> Option<Source> {
        Source::new(&format!("{SOURCES}{self}"))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.batch, self.number)
    }
}

/// Which records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) class: Option<ingest::ReasonClass>,
    pub(crate) source: Option<String>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    /// Only those older than this one.
    pub(crate) before: Option<Id>,
    /// Only this one.
    pub(crate) id: Option<Id>,
}

/// A record that could not be read.
#[derive(Clone, Debug)]
pub(crate) struct Quarantined {
    pub(crate) id: Id,
    pub(crate) time: Timestamp,
    pub(crate) source: String,
    pub(crate) reason: String,
    pub(crate) class: String,
    pub(crate) offset: i64,
    pub(crate) length: i64,
    pub(crate) digest: String,
    /// `None` if there was no room for them, or if they were not asked for.
    pub(crate) bytes: Option<Vec<u8>>,
    /// Whether there are bytes.
    pub(crate) has_bytes: bool,
}

impl Quarantined {
    /// All of its bytes; `None` if some of them were not kept.
    pub(crate) fn whole(&self) -> Option<&[u8]> {
        let bytes = self.bytes.as_deref()?;
        (i64::try_from(bytes.len()) == Ok(self.length)).then_some(bytes)
    }
}

/// Records that can't be looked at.
#[derive(Debug, Error)]
pub(crate) enum RowsError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("column {0} of _Quarantine is missing")]
    Column(&'static str),
}

/// Whether rows come with the bytes of their records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bytes {
    With,
    Without,
}

/// The newest records that a filter lets through; batches are named in the order of time.
pub(crate) async fn list(
    engine: &Engine,
    workspace: &Workspace,
    filter: &Filter,
    (bytes, count): (Bytes, usize),
) -> Result<Vec<Quarantined>, RowsError> {
    let question = question(filter, bytes, count);
    let mut found = Vec::new();
    for batch in engine.rows(workspace, question).await? {
        read(&batch, &mut found)?;
    }
    Ok(found)
}

/// One record with its bytes.
pub(crate) async fn one(
    engine: &Engine,
    workspace: &Workspace,
    id: Id,
) -> Result<Option<Quarantined>, RowsError> {
    let filter = Filter {
        id: Some(id),
        ..Filter::default()
    };
    let found = list(engine, workspace, &filter, (Bytes::With, 1)).await?;
    Ok(found.into_iter().next())
}

/// Whether a record was read after all.
pub(crate) async fn was_replayed(
    store: &Store,
    workspace: &Workspace,
    id: Id,
) -> Result<bool, RowsError> {
    match id.source() {
        Some(source) => Ok(store.standing(workspace, &source).await?.is_some()),
        None => Ok(false),
    }
}

fn question(filter: &Filter, bytes: Bytes, count: usize) -> Question {
    let mut parameters = Vec::new();
    let mut conditions = vec!["\"Number\" is not null".to_owned()];
    let mut parameter = |name: &str, value: String| {
        parameters.push((name.to_owned(), value));
        format!("${name}")
    };
    if let Some(class) = filter.class {
        let name = parameter("class", class.name().to_owned());
        conditions.push(format!("\"ReasonClass\" = {name}"));
    }
    if let Some(source) = &filter.source {
        let name = parameter("source", source.clone());
        conditions.push(format!("\"Source\" = {name}"));
    }
    if let Some(Id { batch, number }) = filter.before {
        let name = parameter("before", batch.to_string());
        conditions.push(format!(
            "(\"Batch\" < {name} or (\"Batch\" = {name} and \"Number\" < {number}))"
        ));
    }
    if let Some(Id { batch, number }) = filter.id {
        let name = parameter("batch", batch.to_string());
        conditions.push(format!("\"Batch\" = {name} and \"Number\" = {number}"));
    }
    let bytes = match bytes {
        Bytes::With => ", \"Bytes\"",
        Bytes::Without => "",
    };
    let mut question = Question::sql(format!(
        "select \"Batch\", \"Number\", \"TimeGenerated\", \"Source\", \"Reason\", \"ReasonClass\", \"Offset\", \"Length\",
             \"Digest\", \"Bytes\" is not null as \"BytesKept\"{bytes}
         from \"_Quarantine\" where {}
         order by \"Batch\" desc, \"Number\" desc limit {count}",
        conditions.join(" and ")
    ));
    question.parameters = parameters;
    if filter.since.or(filter.until).is_some() {
        question.span = Some(Span {
            start: filter.since.unwrap_or_default(),
            end: filter.until.unwrap_or(TIME_MAX),
        });
    }
    question
}

fn read(batch: &RecordBatch, found: &mut Vec<Quarantined>) -> Result<(), RowsError> {
    let text = |name| {
        let column = batch.column_by_name(name);
        let column = column.and_then(|column| column.as_string_opt::<i32>());
        column.ok_or(RowsError::Column(name))
    };
    let number = |name| {
        let column = batch.column_by_name(name);
        let column = column.and_then(|column| column.as_primitive_opt::<Int64Type>());
        column.ok_or(RowsError::Column(name))
    };
    let times = batch.column_by_name("TimeGenerated");
    let times = times.and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
    let times = times.ok_or(RowsError::Column("TimeGenerated"))?;
    let bytes = batch.column_by_name("Bytes");
    let bytes = bytes.and_then(|bytes| bytes.as_binary_opt::<i32>());
    let (batches, numbers) = (text("Batch")?, number("Number")?);
    let (sources, reasons, classes) = (text("Source")?, text("Reason")?, text("ReasonClass")?);
    let (offsets, lengths) = (number("Offset")?, number("Length")?);
    let digests = text("Digest")?;
    let kept = batch.column_by_name("BytesKept");
    let kept = kept.and_then(|kept| kept.as_boolean_opt());
    let kept = kept.ok_or(RowsError::Column("BytesKept"))?;
    for row in 0..batch.num_rows() {
        let Ok(batch) = Uuid::parse_str(batches.value(row)) else {
            continue;
        };
        let bytes = bytes.filter(|bytes| bytes.is_valid(row));
        found.push(Quarantined {
            id: Id {
                batch,
                number: u32::try_from(numbers.value(row)).unwrap_or(u32::MAX),
            },
            time: Timestamp::from_micros(times.value(row)),
            source: sources.value(row).to_owned(),
            reason: reasons.value(row).to_owned(),
            class: classes.value(row).to_owned(),
            offset: offsets.value(row),
            length: lengths.value(row),
            digest: digests.value(row).to_owned(),
            bytes: bytes.map(|bytes| bytes.value(row).to_vec()),
            has_bytes: kept.value(row),
        });
    }
    Ok(())
}
