//! Builds a text column whose values repeat: each value is kept once.
//!
//! Logs say the same over and over, mostly what the row before said, so that value is compared first.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, NullBufferBuilder, StringArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use hashbrown::{DefaultHashBuilder, HashTable};

/// Keys of rows, and the values that they stand for.
#[derive(Debug)]
pub(super) struct Symbols {
    keys: Vec<i32>,
    nulls: NullBufferBuilder,
    values: Values,
    known: HashTable<i32>,
    hasher: DefaultHashBuilder,
    /// Key of the value that was appended last.
    last: Option<i32>,
}

/// Distinct values, one behind the other.
#[derive(Debug)]
struct Values {
    ends: Vec<i32>,
    text: String,
}

impl Values {
    fn get(&self, key: i32) -> Option<&str> {
        let place = usize::try_from(key).ok()?;
        let range = self.range(place)?;
        self.text.get(range)
    }

    fn range(&self, place: usize) -> Option<std::ops::Range<usize>> {
        let start = self.ends.get(place)?;
        let end = self.ends.get(place.checked_add(1)?)?;
        Some(usize::try_from(*start).ok()?..usize::try_from(*end).ok()?)
    }

    /// Compares octets: a slice of text would be checked for its borders each time.
    fn is(&self, key: i32, value: &[u8]) -> bool {
        let range = usize::try_from(key)
            .ok()
            .and_then(|place| self.range(place));
        let known = range.and_then(|range| self.text.as_bytes().get(range));
        known == Some(value)
    }

    /// Keeps another value; `None` if there are more than 2 GiB of them.
    fn add(&mut self, value: &str) -> Option<i32> {
        let key = i32::try_from(self.ends.len().checked_sub(1)?).ok()?;
        let end = self.text.len().checked_add(value.len())?;
        let end = i32::try_from(end).ok()?;
        self.text.push_str(value);
        self.ends.push(end);
        Some(key)
    }
}

impl Symbols {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self {
            keys: Vec::with_capacity(rows),
            nulls: NullBufferBuilder::new(rows),
            values: Values {
                ends: vec![0],
                text: String::new(),
            },
            known: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            last: None,
        }
    }

    /// Appends a value to `rows` rows.
    pub(super) fn append_n(&mut self, value: &str, rows: usize) {
        let key = self.key(value);
        self.last = key;
        match key {
            Some(key) => {
                self.keys.extend(std::iter::repeat_n(key, rows));
                self.nulls.append_n_non_nulls(rows);
            }
            // No body is so long that its values do not fit.
            None => self.append_nulls(rows),
        }
    }

    pub(super) fn append_nulls(&mut self, rows: usize) {
        self.keys.extend(std::iter::repeat_n(0, rows));
        self.nulls.append_n_nulls(rows);
    }

    /// The value that was appended last.
    pub(super) fn last(&self) -> Option<&str> {
        self.values.get(self.last?)
    }

    fn key(&mut self, value: &str) -> Option<i32> {
        let text = value.as_bytes();
        if let Some(last) = self.last
            && self.values.is(last, text)
        {
            return Some(last);
        }
        let hash = self.hasher.hash_one(text);
        let values = &self.values;
        if let Some(key) = self.known.find(hash, |key| values.is(*key, text)) {
            return Some(*key);
        }
        let key = self.values.add(value)?;
        let (values, hasher) = (&self.values, &self.hasher);
        self.known.insert_unique(hash, key, |key| {
            hasher.hash_one(values.get(*key).unwrap_or_default().as_bytes())
        });
        Some(key)
    }

    pub(super) fn finish(self) -> Result<ArrayRef, ArrowError> {
        let Self {
            keys,
            mut nulls,
            values,
            ..
        } = self;
        let keys = Int32Array::try_new(ScalarBuffer::from(keys), nulls.finish())?;
        let ends = OffsetBuffer::new(ScalarBuffer::from(values.ends));
        let values = StringArray::try_new(ends, values.text.into_bytes().into(), None)?;
        let array = DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values))?;
        Ok(Arc::new(array))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array as _, AsArray as _};
    use arrow::compute;
    use arrow::datatypes::DataType;

    use super::*;

    #[test]
    fn values_are_kept_once() {
        let mut symbols = Symbols::with_capacity(4);
        assert_eq!(symbols.last(), None);
        symbols.append_n("a", 2);
        symbols.append_nulls(1);
        symbols.append_n("", 1);
        symbols.append_n("b", 1);
        symbols.append_n("a", 1);
        assert_eq!(symbols.last(), Some("a"));
        let array = symbols.finish().unwrap();
        assert_eq!(array.as_dictionary::<Int32Type>().values().len(), 3);
        let plain = compute::cast(&array, &DataType::Utf8).unwrap();
        let values: Vec<_> = plain.as_string::<i32>().iter().collect();
        let expected = [Some("a"), Some("a"), None, Some(""), Some("b"), Some("a")];
        assert_eq!(values, expected);
    }

    #[test]
    fn many_values_are_told_apart() {
        let mut symbols = Symbols::with_capacity(0);
        let texts: Vec<String> = (0..5_000).map(|number| number.to_string()).collect();
        for text in texts.iter().chain(&texts) {
            symbols.append_n(text, 1);
        }
        let array = symbols.finish().unwrap();
        assert_eq!(array.as_dictionary::<Int32Type>().values().len(), 5_000);
        let plain = compute::cast(&array, &DataType::Utf8).unwrap();
        let values = plain.as_string::<i32>();
        assert!(values.iter().flatten().eq(texts.iter().chain(&texts)));
    }
}
