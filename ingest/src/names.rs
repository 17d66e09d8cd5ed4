//! From a member's name to what it means, in any casing.

/// A table of names. A name is compared as it is spelled first, which is what records that come
/// straight from Azure need; only then without regard to case, and last without underscores (the
/// Python SDK writes `event_timestamp`).
#[derive(Debug)]
pub(crate) struct Names<T> {
    /// By length of the name; the last place holds all that are longer.
    by_length: Vec<Vec<(String, T)>>,
}

/// What the portal's exports append to the names of columns with times.
const ZONE: &str = " [UTC]";

/// Names longer than this share a place.
const LENGTH_MAX: usize = 31;

impl<T: Copy> Names<T> {
    pub(crate) fn new() -> Self {
        Self {
            by_length: (0..=LENGTH_MAX).map(|_| Vec::new()).collect(),
        }
    }

    /// Adds a name. The first addition of a name wins.
    pub(crate) fn add(&mut self, name: &str, meaning: T) {
        if let Some(place) = self.by_length.get_mut(name.len().min(LENGTH_MAX)) {
            place.push((name.to_owned(), meaning));
        }
    }

    /// What `name` means.
    pub(crate) fn find(&self, name: &str) -> Option<T> {
        let place = self.by_length.get(name.len().min(LENGTH_MAX))?;
        let exact = place.iter().find(|(known, _)| known == name);
        let close = || {
            place
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        if let Some((_, meaning)) = exact.or_else(close) {
            return Some(*meaning);
        }
        if let Some(column) = name
            .strip_suffix(ZONE)
            .filter(|column| !column.ends_with(']'))
        {
            return self.find(column);
        }
        if name.starts_with('_') || memchr::memchr(b'_', name.as_bytes()).is_none() {
            return None;
        }
        self.find(&name.replace('_', ""))
    }
}

/// A column's name as raw records spell it: the first letter lower-case.
pub(crate) fn camel(name: &str) -> String {
    let mut characters = name.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casing_and_underscores_do_not_matter() {
        let mut names = Names::new();
        names.add("eventTimestamp", 1);
        names.add("_ResourceId", 2);
        names.add("resourceId", 3);
        assert_eq!(names.find("eventTimestamp"), Some(1));
        assert_eq!(names.find("EVENTTIMESTAMP"), Some(1));
        assert_eq!(names.find("event_timestamp"), Some(1));
        assert_eq!(names.find("_resourceid"), Some(2));
        assert_eq!(names.find("resource_id"), Some(3));
        assert_eq!(names.find("EventTimestamp [UTC]"), Some(1));
        assert_eq!(names.find(&" [UTC]".repeat(10_000)), None);
        assert_eq!(names.find("event"), None);
        assert_eq!(names.find(&"_".repeat(10_000)), None);
    }
}
