//! A segment's file while it is being written: aside, digested on its way, and there at once when it is finished.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use uuid::Uuid;

use super::{Level, NAME_PREFIX, Received, SegmentError, WrittenSegment, form};
use crate::batch::time_range;
use crate::disk::{self, Disk, DiskError, DiskFile};
use crate::point::{self, Point};
use crate::schema::Table;
use crate::time::Timestamp;

/// Writes one segment, of rows that come in order of time.
pub(crate) struct SegmentWriter {
    table: Table,
    name: String,
    path: PathBuf,
    temporary: PathBuf,
    parquet: ArrowWriter<Digested>,
    rows: u64,
    ends: Option<(Timestamp, Timestamp)>,
}

impl SegmentWriter {
    /// Begins a file; batches are to have the schema.
    pub(crate) fn create(
        disk: &dyn Disk,
        folder: &Path,
        (table, schema): (Table, &SchemaRef),
        zstd_level: i32,
    ) -> Result<Self, SegmentError> {
        disk::create_folder(disk, folder)?;
        let name = format!("{NAME_PREFIX}{}.parquet", Uuid::now_v7());
        let path = folder.join(&name);
        let temporary = folder.join(format!("{name}.tmp"));
        let failed = |source| DiskError::new("write", &path, source);
        point::reach(disk, Point::SegmentCreate).map_err(failed)?;
        let file = disk
            .create(&temporary)
            .map_err(|source| DiskError::new("create", &temporary, source))?;
        let file = Digested {
            file: Some(file),
            digest: blake3::Hasher::new(),
        };
        Ok(Self {
            table,
            name,
            path,
            temporary,
            parquet: form::writer(file, schema, zstd_level)?,
            rows: 0,
            ends: None,
        })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), SegmentError> {
        self.parquet.write(batch)?;
        self.rows += batch.num_rows() as u64;
        if let Some((first, last)) = time_range(batch) {
            let begin = self.ends.map_or(first, |(begin, _)| begin.min(first));
            let end = self.ends.map_or(last, |(_, end)| end.max(last));
            self.ends = Some((begin, end));
        }
        Ok(())
    }

    /// The file's temporary and its final name, for who has to give it up.
    pub(crate) fn names(&self) -> [PathBuf; 2] {
        [self.temporary.clone(), self.path.clone()]
    }

    /// Rows so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes that are in the file already; what is still being encoded is not among them.
    pub(crate) fn bytes(&self) -> u64 {
        self.parquet.bytes_written() as u64
    }

    /// Makes the file durable under its name.
    pub(crate) fn finish(
        mut self,
        disk: &dyn Disk,
        level: Level,
        received: Received,
    ) -> Result<WrittenSegment, SegmentError> {
        let metadata = self.parquet.finish()?;
        let failed = |source| DiskError::new("write", &self.path, source);
        point::reach(disk, Point::SegmentWritten).map_err(failed)?;
        let written = self.parquet.inner_mut();
        let digest = written.digest.finalize();
        let file = written.file.take().ok_or_else(|| {
            let finished = io::Error::other("it was finished before");
            DiskError::new("finish", &self.temporary, finished)
        })?;
        let (time_min, time_max) = self.ends.ok_or(SegmentError::NoTime)?;
        let bytes = disk::finish_file(disk, file, &self.temporary, &self.path)?;
        Ok(WrittenSegment {
            table: self.table,
            name: self.name,
            path: self.path,
            rows: self.rows,
            bytes,
            time_min,
            time_max,
            level,
            received,
            digest: digest.into(),
            metadata,
        })
    }
}

/// A file whose digest is known when it is written.
struct Digested {
    /// Taken when the file is finished.
    file: Option<Box<dyn DiskFile>>,
    digest: blake3::Hasher,
}

impl Write for Digested {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = self.file.as_mut().ok_or(io::ErrorKind::WriteZero)?;
        let written = file.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}
