//! One file against what the catalog says of it.

use std::io::{self, BufReader, Read as _};
use std::path::Path;

use parquet::file::reader::{FileReader as _, SerializedFileReader};

use crate::catalog::{ColumnRecord, FileRecord, statistics_of};
use crate::disk::{Disk, OpenFile};

/// What is wrong with a file; nothing, if it is what the catalog says.
pub(super) fn check(
    disk: &dyn Disk,
    path: &Path,
    record: &FileRecord,
    columns: &[ColumnRecord],
) -> Vec<String> {
    match disk.open(path) {
        Ok(file) => match checked(file, record, columns) {
            Ok(found) => found,
            Err(error) => vec![format!("cannot be read: {error}")],
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => vec!["is missing".to_owned()],
        Err(error) => vec![format!("cannot be opened: {error}")],
    }
}

fn checked(
    file: OpenFile,
    record: &FileRecord,
    columns: &[ColumnRecord],
) -> Result<Vec<String>, io::Error> {
    let mut found = Vec::new();
    let (bytes, digest) = digest(&file)?;
    if bytes != record.bytes {
        found.push(format!(
            "is {bytes} bytes long, {} in the catalog",
            record.bytes
        ));
    }
    if let Some(expected) = &record.digest
        && expected.as_slice() != digest.as_bytes()
    {
        found.push("has other content than was written".to_owned());
    }
    let reader = match SerializedFileReader::new(file) {
        Ok(reader) => reader,
        Err(error) => {
            found.push(format!("is no Parquet file: {error}"));
            return Ok(found);
        }
    };
    let rows = reader.metadata().file_metadata().num_rows();
    if rows != record.rows.cast_signed() {
        found.push(format!("has {rows} rows, {} in the catalog", record.rows));
    }
    for (expected, actual) in columns
        .iter()
        .zip(statistics_of(reader.metadata(), columns))
    {
        if !agrees(expected, &actual) {
            found.push(format!(
                "column {}: {}, in the catalog {}",
                expected.name,
                shown(&actual),
                shown(expected)
            ));
        }
    }
    Ok(found)
}

/// Whether the catalog is right; it may say less than the footer.
fn agrees(expected: &ColumnRecord, actual: &ColumnRecord) -> bool {
    let has_no_range = expected.min.is_none() && expected.max.is_none();
    let same_range = has_no_range || (&expected.min, &expected.max) == (&actual.min, &actual.max);
    (expected.values, expected.nulls) == (actual.values, actual.nulls) && same_range
}

fn shown(column: &ColumnRecord) -> String {
    let range = match (&column.min, &column.max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        _ => "no range".to_owned(),
    };
    format!("{} values, {} null, {range}", column.values, column.nulls)
}

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 20;

fn digest(file: &OpenFile) -> Result<(u64, blake3::Hash), io::Error> {
    let mut digest = blake3::Hasher::new();
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut bytes = 0;
    loop {
        let length = reader.read(&mut buffer)?;
        if length == 0 {
            return Ok((bytes, digest.finalize()));
        }
        bytes += length as u64;
        digest.update(buffer.get(..length).unwrap_or_default());
    }
}
