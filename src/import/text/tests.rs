use std::io::Write as _;
use std::path::PathBuf;

use super::*;

const LIMITS: PartLimits = PartLimits {
    bytes_usual: 40,
    record_bytes_max: 1 << 20,
    records_max: 100,
};

fn text(path: &Path) -> Text {
    Text::open(path, Ending::MayGrow, Arc::default()).unwrap()
}

/// All that can be read from `position` on, and where that ends.
fn rest(path: &Path, position: Option<&str>) -> Option<(String, String)> {
    let mut text = text(path);
    if let Some(position) = position
        && !text.resume(position).unwrap()
    {
        return None;
    }
    let (mut read, mut last) = (String::new(), position.map(str::to_owned));
    while let Some(batch) = text.next_batch(&LIMITS).unwrap() {
        assert_eq!(batch.from, last);
        // A body begins with what stood behind the record before, as spaces.
        for line in std::str::from_utf8(&batch.body).unwrap().split_whitespace() {
            read.push_str(line);
            read.push('\n');
        }
        last = Some(batch.to);
    }
    Some((read, last.unwrap_or_default()))
}

fn lines(range: std::ops::Range<usize>) -> String {
    let lines: Vec<String> = range.map(|n| format!("{{\"n\":{n}}}\n")).collect();
    lines.concat()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_file_that_grew_is_taken_up_where_it_was_left_also_compressed_and_renamed() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let path = folder.write("a.json", lines(0..1000));
    let head = text(&path).head().unwrap();
    let (read, position) = rest(&path, None).unwrap();
    assert_eq!(read.trim(), lines(0..1000).trim());
    folder.write("a.json", lines(0..1500));
    let (read, _) = rest(&path, Some(&position)).unwrap();
    assert_eq!(read.trim(), lines(1000..1500).trim());
    let zipped = folder.write("a.json.1.gz", gzip(&lines(0..1500)));
    assert_eq!(text(&zipped).head().unwrap(), head);
    let (read, _) = rest(&zipped, Some(&position)).unwrap();
    assert_eq!(read.trim(), lines(1000..1500).trim());
}

#[test]
fn a_file_that_only_begins_alike_is_another() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let path = folder.write("a.json", lines(0..10));
    let (_, position) = rest(&path, None).unwrap();
    let other = folder.write("b.json", lines(0..5) + &lines(20..40));
    assert_eq!(text(&path).head(), text(&other).head());
    assert!(rest(&other, Some(&position)).is_none());
    let shorter = folder.write("c.json", lines(0..3));
    assert!(rest(&shorter, Some(&position)).is_none());
    assert!(rest(&path, Some("nonsense")).is_none());
}

#[test]
fn a_file_without_a_whole_first_record_has_no_name_yet() {
    let folder = Folder(tempfile::tempdir().unwrap());
    assert_eq!(text(&folder.write("a", "")).head(), None);
    assert_eq!(text(&folder.write("a", "{\"a\":")).head(), None);
    let finished = Text::open(
        &folder.write("a", "{\"a\":"),
        Ending::Finished,
        Arc::default(),
    );
    assert!(finished.unwrap().head().is_some());
    // A long first record: its first bytes are enough.
    let long = "x".repeat(10_000);
    assert!(
        text(&folder.write("a", format!("{{\"a\":\"{long}")))
            .head()
            .is_some()
    );
    let binary = Text::open(
        &folder.write("a", b"PAR1\0\0"),
        Ending::MayGrow,
        Arc::default(),
    );
    assert!(matches!(binary, Err(TextError::Binary)));
}
