//! The files that paths name, in order of their paths.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// Folders in folders.
const DEPTH_MAX: usize = 64;

/// Files, and what could not be looked into.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    pub(crate) files: BTreeSet<PathBuf>,
    pub(crate) failures: Vec<(PathBuf, io::Error)>,
}

/// Finds files: those that are named, and those below named folders. There, names that begin with a dot are passed
/// over, because tools that copy files keep unfinished ones under such names, and links to folders are not followed.
pub(crate) fn walk(paths: &[PathBuf]) -> Walk {
    let mut walk = Walk::default();
    for path in paths {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => walk.folder(path, 0),
            Ok(_) => {
                walk.files.insert(path.clone());
            }
            Err(error) if path.as_os_str() == "-" => {
                let text = format!(
                    "{error}; standard input can't be read again after a crash, so write it to a file first"
                );
                walk.failures.push((path.clone(), io::Error::other(text)));
            }
            Err(error) => walk.failures.push((path.clone(), error)),
        }
    }
    walk
}

impl Walk {
    fn folder(&mut self, folder: &Path, depth: usize) {
        if let Err(error) = self.entries(folder, depth) {
            self.failures.push((folder.to_owned(), error));
        }
    }

    fn entries(&mut self, folder: &Path, depth: usize) -> io::Result<()> {
        if depth >= DEPTH_MAX {
            let deep = format!("more than {DEPTH_MAX} folders in each other");
            return Err(io::Error::other(deep));
        }
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                self.folder(&path, depth.saturating_add(1));
                continue;
            }
            // Through a link to a file; one that is gone meanwhile is no failure.
            match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => {
                    self.files.insert(path);
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.failures.push((path, error)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_in_order_and_what_is_hidden_or_linked_folders_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["b/y=2026/PT1H.json", "a.json", ".hidden", "b/.part/x"] {
            std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            std::fs::write(at(name), "x").unwrap();
        }
        std::os::unix::fs::symlink(folder.path(), at("b/loop")).unwrap();
        std::os::unix::fs::symlink(at("a.json"), at("z.json")).unwrap();
        let found = walk(&[folder.path().to_owned(), at("gone")]);
        let expected = ["a.json", "b/y=2026/PT1H.json", "z.json"].map(at);
        assert_eq!(found.files.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(found.failures.len(), 1);
    }
}
