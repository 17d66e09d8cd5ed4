//! File paths of Windows and Unix.

use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::parse::bag;
use crate::value::Value;

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [function("parse_path(path: string): dynamic", parse_path)];
    table.into_iter().flatten().collect()
}

const SEPARATORS: [char; 2] = ['/', '\\'];

fn parse_path(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [Value::String(path)] = arguments else {
        return Ok(Value::Null);
    };
    let (scheme, path) = path.split_once("://").unwrap_or(("", path));
    let (directory, file) = path.rsplit_once(SEPARATORS).unwrap_or(("", path));
    let (file, stream) = match file.split_once(':') {
        Some((file, stream)) if !is_drive(file) => (file, stream),
        _ => (file, ""),
    };
    let is_drive_alone = directory.is_empty() && file.strip_suffix(':').is_some_and(is_drive);
    let (directory, file) = if is_drive_alone {
        (file, "")
    } else {
        (directory, file)
    };
    Ok(Value::Dynamic(bag([
        ("Scheme", scheme),
        ("RootPath", root(path)),
        ("DirectoryPath", directory),
        ("DirectoryName", directory_name(directory)),
        ("Filename", file),
        ("Extension", extension(file)),
        ("AlternateDataStreamName", stream),
    ])))
}

fn is_drive(text: &str) -> bool {
    text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// `C:`, also of a path that `\\?\` makes long.
fn root(path: &str) -> &str {
    let path = path.strip_prefix(r"\\?\").unwrap_or(path);
    match path.get(..2) {
        Some(root) if root.strip_suffix(':').is_some_and(is_drive) => root,
        _ => "",
    }
}

fn directory_name(directory: &str) -> &str {
    let name = directory.rsplit(SEPARATORS).next().unwrap_or_default();
    let is_root = name.strip_suffix(':').is_some_and(is_drive);
    if is_root { "" } else { name }
}

fn extension(file: &str) -> &str {
    file.rsplit_once('.').map_or("", |(_, extension)| extension)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::calls::call;
    use crate::value::{Dynamic, Value};

    /// Scheme, root, directory, its name, file, extension, stream.
    #[track_caller]
    fn check(path: &str, expected: [&str; 7]) {
        const KEYS: [&str; 7] = [
            "Scheme",
            "RootPath",
            "DirectoryPath",
            "DirectoryName",
            "Filename",
            "Extension",
            "AlternateDataStreamName",
        ];
        let found = call("parse_path", &json!([path])).unwrap();
        let slots = KEYS.iter().zip(expected);
        let expected = slots.map(|(key, text)| ((*key).to_owned(), Dynamic::from(text)));
        assert_eq!(found, Value::Dynamic(Dynamic::Object(expected.collect())));
    }

    #[test]
    fn paths_of_windows() {
        check(r"D:\a\b.log", ["", "D:", r"D:\a", "a", "b.log", "log", ""]);
        check(r"D:\b.log", ["", "D:", "D:", "", "b.log", "log", ""]);
        check(
            r"a\b.log:x.exe",
            ["", "", "a", "a", "b.log", "log", "x.exe"],
        );
        check(r"\\srv\a\b", ["", "", r"\\srv\a", "a", "b", "", ""]);
        check(
            r"\\?\D:\a\b.c.d",
            ["", "D:", r"\\?\D:\a", "a", "b.c.d", "d", ""],
        );
        check("D:", ["", "D:", "D:", "", "", "", ""]);
    }

    #[test]
    fn paths_of_unix() {
        check(
            "/var/log/b.log",
            ["", "", "/var/log", "log", "b.log", "log", ""],
        );
        check("/var/log/", ["", "", "/var/log", "log", "", "", ""]);
        check(
            "file:///etc/hosts",
            ["file", "", "/etc", "etc", "hosts", "", ""],
        );
        check("b.log", ["", "", "", "", "b.log", "log", ""]);
        check("", [""; 7]);
    }
}
