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
    if let Some(position) = position {
        if text.liken(position).unwrap() != Likeness::Same {
            return None;
        }
        text.take_up(position).unwrap();
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

#[track_caller]
fn check_likeness(name: &str, bytes: impl AsRef<[u8]>, position: &str, expected: Likeness) {
    let folder = Folder(tempfile::tempdir().unwrap());
    let path = folder.write(name, bytes);
    assert_eq!(text(&path).liken(position).unwrap(), expected);
}

#[test]
fn a_shorter_text_is_a_beginning_or_another_by_what_stands_before_powers_of_two() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let whole = folder.write("whole", lines(0..60_000));
    let (_, position) = rest(&whole, None).unwrap();
    for count in [1, 30, 30_000] {
        let beginning = lines(0..count);
        check_likeness("a", &beginning, &position, Likeness::Beginning);
        check_likeness("a.gz", gzip(&beginning), &position, Likeness::Beginning);
    }
    for (same, other) in [(1, 60), (100, 300), (25_000, 25_000)] {
        let forked = lines(0..same) + &lines(70_000..70_000 + other);
        check_likeness("b", &forked, &position, Likeness::Another);
        check_likeness("b.gz", gzip(&forked), &position, Likeness::Another);
    }
    check_likeness("c", lines(0..70_000), &position, Likeness::Same);
    check_likeness("c.gz", gzip(&lines(0..70_000)), &position, Likeness::Same);
}

#[test]
fn a_position_depends_on_nothing_but_the_text() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let path = folder.write("a", lines(0..40_000));
    let (_, at_once) = rest(&path, None).unwrap();
    folder.write("a", lines(0..100));
    let (_, first) = rest(&path, None).unwrap();
    folder.write("a", lines(0..40_000));
    assert_eq!(rest(&path, Some(&first)).unwrap().1, at_once);
    let zipped = folder.write("a.gz", gzip(&lines(0..40_000)));
    assert_eq!(rest(&zipped, Some(&first)).unwrap().1, at_once);
}

#[test]
fn a_position_of_a_version_before_is_taken_up_and_stays_as_it_is_until_something_is_sent() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let path = folder.write("a", lines(0..1000));
    let (_, position) = rest(&path, None).unwrap();
    let old: Vec<&str> = position.split(':').take(2).collect();
    let old = old.join(":");
    assert_eq!(
        rest(&path, Some(&old)).unwrap(),
        (String::new(), old.clone())
    );
    folder.write("a", lines(0..1010));
    let (read, new) = rest(&path, Some(&old)).unwrap();
    assert_eq!(read.trim(), lines(1000..1010).trim());
    assert_eq!(new, rest(&path, None).unwrap().1);
}

#[test]
fn a_compressed_text_that_is_cut_gives_what_is_there_and_no_half_record() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let zipped = gzip(&lines(0..10_000));
    let path = folder.write("a.gz", &zipped[..zipped.len() / 2]);
    let (read, _) = rest(&path, None).unwrap();
    assert!(read.len() > 1_000 && lines(0..10_000).starts_with(&read));
    let mut cut = text(&path);
    while cut.next_batch(&LIMITS).unwrap().is_some() {}
    assert!(cut.is_cut());
    assert_eq!(text(&folder.write("b.gz", &zipped[..8])).head(), None);
}

#[test]
fn each_part_of_comma_separated_values_begins_with_the_names() {
    let names = "TimeGenerated,a\r\n";
    let row = |n: usize| format!("{n},\"line\n{n}\"\r\n");
    let rows = |range: std::ops::Range<usize>| range.map(row).collect::<String>();
    let folder = Folder(tempfile::tempdir().unwrap());
    let path = folder.write("a.csv", names.to_owned() + &rows(0..50) + "50,\"li");
    let (mut position, mut read) = (None, String::new());
    let mut bodies = |path: &Path, position: &mut Option<String>| {
        let mut text = text(path);
        if let Some(position) = position.as_deref() {
            assert_eq!(text.liken(position).unwrap(), Likeness::Same);
            text.take_up(position).unwrap();
        }
        while let Some(batch) = text.next_batch(&LIMITS).unwrap() {
            let body = String::from_utf8(batch.body).unwrap();
            read.push_str(body.strip_prefix(names).unwrap().trim());
            read.push_str("\r\n");
            *position = Some(batch.to);
        }
        text.unfinished()
    };
    assert_eq!(bodies(&path, &mut position), "50,\"li".len());
    folder.write("a.csv", names.to_owned() + &rows(0..60));
    assert_eq!(bodies(&path, &mut position), 0);
    assert_eq!(read, rows(0..60));
    // The names alone are nothing to send.
    let empty = folder.write("b.csv", names);
    assert!(text(&empty).next_batch(&LIMITS).unwrap().is_none());
}

#[test]
fn a_line_that_is_changed_long_before_makes_no_other_text() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let path = folder.write("a", lines(0..10_000));
    let (_, position) = rest(&path, None).unwrap();
    let changed = lines(0..10_100).replace("{\"n\":100}", "{\"n\":XXX}");
    check_likeness("a", &changed, &position, Likeness::Same);
    check_likeness("a.gz", gzip(&changed), &position, Likeness::Same);
    let shorter = changed.get(..50_000).unwrap();
    check_likeness("b", shorter, &position, Likeness::Another);
}
