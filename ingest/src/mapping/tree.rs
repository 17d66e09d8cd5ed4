//! The values that a mapping wants of a record, found in one walk over it; and what is left.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::json::{self, Field, Fields, ObjectWriter};

/// Names that are looked for on one level.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// Where the value itself is wanted.
    slot: Option<usize>,
    /// Sorted by length, then bytes.
    children: Vec<(String, Node)>,
}

fn order(name: &str) -> (usize, &[u8]) {
    (name.len(), name.as_bytes())
}

impl Node {
    /// Wants the value at `tokens` in a slot; the same place gives the same slot.
    pub(super) fn insert(&mut self, tokens: &[String], next_slot: &mut usize) -> usize {
        let Some((name, rest)) = tokens.split_first() else {
            return *self.slot.get_or_insert_with(|| {
                let slot = *next_slot;
                *next_slot = slot.saturating_add(1);
                slot
            });
        };
        let found = self
            .children
            .binary_search_by(|(known, _)| order(known).cmp(&order(name)));
        let at = match found {
            Ok(at) => at,
            Err(at) => {
                self.children.insert(at, (name.clone(), Self::default()));
                at
            }
        };
        match self.children.get_mut(at) {
            Some((_, child)) => child.insert(rest, next_slot),
            None => 0,
        }
    }

    fn child(&self, name: &str) -> Option<&Self> {
        let found = self
            .children
            .binary_search_by(|(known, _)| order(known).cmp(&order(name)));
        self.children.get(found.ok()?).map(|(_, child)| child)
    }
}

/// A value is taken when all of these bits are set.
pub(super) const WHOLE: u8 = 0b111;

/// A value that a mapping wants.
#[derive(Clone, Copy, Debug, Default)]
struct Slot<'a> {
    value: Option<&'a str>,
    /// What columns have taken of it.
    taken: u8,
}

#[derive(Debug)]
struct Member<'a> {
    name: Cow<'a, str>,
    value: &'a str,
    slot: Option<usize>,
    /// Its own members, if some of them are wanted.
    level: Option<usize>,
}

/// A record's wanted values and all of its members, without those of values that are taken whole.
#[derive(Debug)]
pub(super) struct Found<'a> {
    slots: Vec<Slot<'a>>,
    levels: Vec<Vec<Member<'a>>>,
}

impl<'a> Found<'a> {
    pub(super) fn new(record: &Fields<'a>, tree: &Node, slots: usize) -> Self {
        let mut found = Self {
            slots: vec![Slot::default(); slots],
            levels: vec![Vec::new()],
        };
        let copies = record.0.iter().map(|field| Field {
            name: field.name.clone(),
            value: field.value,
        });
        let members: Vec<_> = copies.map(|field| found.member(field, tree)).collect();
        if let Some(top) = found.levels.first_mut() {
            *top = members;
        }
        found
    }

    fn member(&mut self, field: Field<'a>, tree: &Node) -> Member<'a> {
        let mut member = Member {
            name: field.name,
            value: field.value,
            slot: None,
            level: None,
        };
        let Some(node) = tree.child(&member.name) else {
            return member;
        };
        member.slot = self.fill(node, member.value);
        if node.children.is_empty() {
            return member;
        }
        if let Some(fields) = Fields::parse(member.value) {
            let inner = fields.0.into_iter();
            let members = inner.map(|field| self.member(field, node)).collect();
            member.level = Some(self.levels.len());
            self.levels.push(members);
        } else {
            self.items(member.value, node);
        }
        member
    }

    /// Fills the slot of a node; the first value of a name wins.
    fn fill(&mut self, node: &Node, value: &'a str) -> Option<usize> {
        let slot = node.slot?;
        let place = self.slots.get_mut(slot)?;
        if place.value.is_some() {
            return None;
        }
        place.value = Some(value);
        Some(slot)
    }

    /// Values of a list; the list itself is kept whatever becomes of them.
    fn items(&mut self, list: &'a str, tree: &Node) {
        let Ok(items) = serde_json::from_str::<Vec<&'a RawValue>>(list) else {
            return;
        };
        for (name, node) in &tree.children {
            let index = name.parse::<usize>().ok();
            let Some(item) = index.and_then(|index| items.get(index)) else {
                continue;
            };
            let _slot = self.fill(node, item.get());
            if let Some(fields) = Fields::parse(item.get()) {
                for field in fields.0 {
                    let _member = self.member(field, node);
                }
            }
        }
    }

    /// A wanted value's JSON text, if the record has it.
    pub(super) fn value(&self, slot: usize) -> Option<&'a str> {
        self.slots.get(slot)?.value
    }

    /// Notes what a column took of a value.
    pub(super) fn take(&mut self, slot: usize, part: u8) {
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.taken |= part;
        }
    }

    /// Writes what no column took, but for values that mean none.
    pub(super) fn write_rest(&self, absent: &[String], out: &mut ObjectWriter) {
        self.write_level(0, absent, out);
    }

    fn write_level(&self, level: usize, absent: &[String], out: &mut ObjectWriter) {
        for member in self.levels.get(level).into_iter().flatten() {
            let taken = member.slot.and_then(|slot| self.slots.get(slot));
            if taken.is_some_and(|slot| slot.taken == WHOLE) {
                continue;
            }
            match member.level {
                Some(level) => {
                    let mut inner = ObjectWriter::default();
                    self.write_level(level, absent, &mut inner);
                    out.push_object(&member.name, &mut inner);
                }
                None if is_absent(member.value, absent) => {}
                None => out.push(&member.name, member.value),
            }
        }
    }
}

/// Whether a JSON text means that there is no value.
pub(super) fn is_absent(value: &str, absent: &[String]) -> bool {
    value == "null"
        || json::string(value).is_some_and(|text| absent.iter().any(|known| *known == text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Pointer;

    #[track_caller]
    fn check(record: &str, paths: &[&str], taken: &[usize], rest: &str) {
        let (mut tree, mut slots) = (Node::default(), 0);
        for path in paths {
            let path: Pointer = path.parse().unwrap();
            tree.insert(path.tokens(), &mut slots);
        }
        let record = Fields::parse(record).unwrap();
        let mut found = Found::new(&record, &tree, slots);
        for slot in taken {
            assert!(found.value(*slot).is_some(), "slot {slot}");
            found.take(*slot, WHOLE);
        }
        let mut out = ObjectWriter::default();
        found.write_rest(&["-".to_owned()], &mut out);
        assert_eq!(out.finish().unwrap_or_default(), rest);
    }

    #[test]
    fn what_is_not_taken_stays_where_it_was() {
        check(
            r#"{"a":1,"b":{"c":2,"d":{"e":3}},"f":4}"#,
            &["/b/c", "/f"],
            &[0, 1],
            r#"{"a":1,"b":{"d":{"e":3}}}"#,
        );
        check(r#"{"b":{"c":2}}"#, &["/b/c", "/b"], &[0], "");
        check(r#"{"b":{"c":2,"d":3}}"#, &["/b/c", "/b"], &[1], "");
        check(r#"{"a":1,"a":2}"#, &["/a"], &[0], r#"{"a":2}"#);
        check(
            r#"{"a":null,"b":"-","c":{"d":"-"},"e":""}"#,
            &["/c/f"],
            &[],
            r#"{"e":""}"#,
        );
    }

    #[test]
    fn items_of_lists_are_found_and_the_list_stays() {
        let record = r#"{"tries":[{"ip":"a","code":1},{"ip":"b"}],"x":[5]}"#;
        check(record, &["/tries/1/ip", "/x/0"], &[0, 1], record);
    }
}
