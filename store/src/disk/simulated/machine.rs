//! What a power loss leaves.
//!
//! A file is its durable bytes and the changes since; a folder its durable entries and the changes since. At a
//! power loss chance keeps none, all, some first ones or any of the changes; the last write that is kept may be
//! torn at any byte, and sectors may be left out of the middle. What was there before the disk was made is durable
//! and is never touched.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A sequence of numbers that follows from its seed (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below `end`, 0 if that is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap();
        usize::try_from(self.next() % end).unwrap()
    }

    /// Which of so many changes in a row survive.
    fn survivors(&mut self, count: usize) -> Vec<bool> {
        match self.below(4) {
            0 => vec![false; count],
            1 => vec![true; count],
            2 => {
                let first = self.below(count + 1);
                (0..count).map(|place| place < first).collect()
            }
            _ => (0..count).map(|_| self.below(2) == 1).collect(),
        }
    }
}

const SECTOR_BYTES: usize = 512;

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Cut(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, written) => {
                let end = offset + written.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*offset..end].copy_from_slice(written);
            }
            Self::Cut(length) => bytes.truncate(*length),
        }
    }
}

#[derive(Debug, Default)]
struct Inode {
    durable: Vec<u8>,
    pending: Vec<Change>,
    length: u64,
}

impl Inode {
    fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// What is left of it without power.
    fn survive(&mut self, chance: &mut Chance) {
        let before = self.durable.clone();
        let pending = std::mem::take(&mut self.pending);
        let kept = chance.survivors(pending.len());
        let last = kept.iter().rposition(|kept| *kept);
        for (place, change) in pending.iter().enumerate() {
            match change {
                Change::Write(offset, bytes) if Some(place) == last && chance.below(2) == 1 => {
                    let torn = chance.below(bytes.len() + 1);
                    Change::Write(*offset, bytes[..torn].to_vec()).apply(&mut self.durable);
                }
                change if kept[place] => change.apply(&mut self.durable),
                _ => {}
            }
        }
        if chance.below(4) == 0 {
            for sector in 0..self.durable.len().div_ceil(SECTOR_BYTES) {
                if chance.below(3) == 0 {
                    self.forget_sector(sector * SECTOR_BYTES, &before);
                }
            }
        }
        self.length = self.durable.len() as u64;
    }

    /// Brings a sector back to what it was: the length was written, the bytes were not.
    fn forget_sector(&mut self, start: usize, before: &[u8]) {
        let end = (start + SECTOR_BYTES).min(self.durable.len());
        for place in start..end {
            self.durable[place] = before.get(place).copied().unwrap_or(0);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Folder,
    File(u64),
}

type Names = BTreeMap<PathBuf, Node>;

#[derive(Clone, Debug)]
enum Entry {
    Put(PathBuf, Node),
    Gone(PathBuf),
    Moved(PathBuf, PathBuf, Node),
}

impl Entry {
    fn is_in(&self, folder: &Path) -> bool {
        let (Self::Put(path, _) | Self::Gone(path) | Self::Moved(_, path, _)) = self;
        path.parent() == Some(folder)
    }

    fn apply(&self, names: &mut Names) {
        match self {
            Self::Put(path, node) => drop(names.insert(path.clone(), *node)),
            Self::Gone(path) => drop(names.remove(path)),
            Self::Moved(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

/// Files and folders as they are, and as they would be without power.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) chance: Chance,
    pub(super) capacity: Option<u64>,
    inodes: BTreeMap<u64, Inode>,
    names: Names,
    durable: Names,
    pending: Vec<Entry>,
}

impl Machine {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
            capacity: None,
            inodes: BTreeMap::new(),
            names: Names::new(),
            durable: Names::new(),
            pending: Vec::new(),
        }
    }

    pub(super) fn free_bytes(&self) -> u64 {
        let Some(capacity) = self.capacity else {
            return u64::MAX;
        };
        let files = self.names.values().filter_map(|node| match node {
            Node::File(inode) => self.inodes.get(inode).map(|inode| inode.length),
            Node::Folder => None,
        });
        capacity.saturating_sub(files.sum())
    }

    pub(super) fn create(&mut self, path: &Path) -> u64 {
        let inode = self.inodes.len() as u64;
        self.inodes.insert(inode, Inode::default());
        self.change(Entry::Put(path.to_owned(), Node::File(inode)));
        inode
    }

    pub(super) fn create_folder(&mut self, path: &Path) {
        self.change(Entry::Put(path.to_owned(), Node::Folder));
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) {
        if let Some(node) = self.names.get(from).copied() {
            self.change(Entry::Moved(from.to_owned(), to.to_owned(), node));
        }
    }

    pub(super) fn remove(&mut self, path: &Path) {
        if self.names.contains_key(path) {
            self.change(Entry::Gone(path.to_owned()));
        }
    }

    pub(super) fn sync_folder(&mut self, folder: &Path) {
        let (synced, pending) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|entry| entry.is_in(folder));
        self.pending = pending;
        let synced: Vec<Entry> = synced;
        for entry in synced {
            entry.apply(&mut self.durable);
        }
    }

    pub(super) fn write(&mut self, inode: u64, offset: u64, bytes: &[u8]) {
        let offset = usize::try_from(offset).unwrap();
        let inode = self.inodes.get_mut(&inode).unwrap();
        inode.pending.push(Change::Write(offset, bytes.to_vec()));
        inode.length = inode.length.max((offset + bytes.len()) as u64);
    }

    pub(super) fn cut(&mut self, inode: u64, length: u64) {
        let inode = self.inodes.get_mut(&inode).unwrap();
        let cut = Change::Cut(usize::try_from(length).unwrap());
        inode.pending.push(cut);
        inode.length = inode.length.min(length);
    }

    pub(super) fn sync(&mut self, inode: u64) {
        self.inodes.get_mut(&inode).unwrap().sync();
    }

    /// A sync failed: its pages count as written, and whether they were is chance.
    pub(super) fn lose_pages(&mut self, inode: u64) {
        self.inodes
            .get_mut(&inode)
            .unwrap()
            .survive(&mut self.chance);
    }

    pub(super) fn power_loss(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let kept = self.chance.survivors(pending.len());
        for (entry, _) in pending.iter().zip(kept).filter(|(_, kept)| *kept) {
            entry.apply(&mut self.durable);
        }
        for inode in self.inodes.values_mut() {
            inode.survive(&mut self.chance);
        }
        let seen = std::mem::take(&mut self.names);
        self.names = self.reachable(&seen);
        self.durable = self.names.clone();
        self.restore(&seen);
    }

    /// Durable names whose folders are durable too, or were there before this disk.
    fn reachable(&self, seen: &Names) -> Names {
        let is_there = |path: &Path| {
            let mut above = path.ancestors().skip(1);
            above.all(|folder| {
                let is_tracked = seen.contains_key(folder) || self.durable.contains_key(folder);
                !is_tracked || self.durable.contains_key(folder)
            })
        };
        let names = self.durable.iter();
        names
            .filter(|(path, _)| is_there(path))
            .map(|(path, node)| (path.clone(), *node))
            .collect()
    }

    /// Brings the real folder to what is left.
    fn restore(&self, seen: &Names) {
        for (path, node) in seen.iter().rev() {
            match node {
                Node::File(_) => fs::remove_file(path).unwrap(),
                Node::Folder if !self.names.contains_key(path) => fs::remove_dir_all(path).unwrap(),
                Node::Folder => {}
            }
        }
        for (path, node) in &self.names {
            match node {
                Node::Folder => fs::create_dir_all(path).unwrap(),
                Node::File(inode) => fs::write(path, &self.inodes[inode].durable).unwrap(),
            }
        }
    }

    fn change(&mut self, entry: Entry) {
        entry.apply(&mut self.names);
        self.pending.push(entry);
    }
}
