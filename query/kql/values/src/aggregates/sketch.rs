//! How many distinct values a group has, roughly: HyperLogLog, exact up to 1,024 of them.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "an estimate of a count"
)]

use std::collections::BTreeSet;

use crate::function::Failure;
use crate::value::{Dynamic, Value};

/// Most distinct hashes that are kept as they are.
const SPARSE_MAX: usize = 1_024;

/// Registers are written as characters from here.
const REGISTER_BASE: u8 = b'0';

/// Distinct values of a group.
#[derive(Clone, Debug)]
pub(crate) struct Sketch {
    /// There are `2^precision` registers.
    precision: u32,
    sparse: BTreeSet<u64>,
    /// Empty while the hashes themselves are kept.
    registers: Vec<u8>,
}

impl Sketch {
    /// An empty one; `accuracy` 0 to 4 as documented: errors of 1.6, 0.8, 0.4, 0.28 and 0.2 %.
    pub(crate) fn new(accuracy: i64) -> Result<Self, Failure> {
        let precision = match accuracy {
            0 => 12,
            1 => 14,
            2 => 16,
            3 => 17,
            4 => 18,
            _ => return Err(Failure::new("an accuracy must be a constant from 0 to 4")),
        };
        Ok(Self {
            precision,
            sparse: BTreeSet::new(),
            registers: Vec::new(),
        })
    }

    /// Takes a value; nulls are passed over.
    pub(crate) fn add(&mut self, value: &Value) {
        if !value.is_null() {
            self.take(hash(&value.to_json()));
        }
    }

    /// Takes all that another one has.
    pub(crate) fn join(&mut self, other: &Self) -> Result<(), Failure> {
        if self.precision != other.precision {
            return Err(Failure::new(
                "results of hll() with different accuracy cannot be merged: use one accuracy",
            ));
        }
        if !other.registers.is_empty() {
            self.spread();
        }
        for (own, theirs) in self.registers.iter_mut().zip(&other.registers) {
            *own = (*own).max(*theirs);
        }
        for hash in &other.sparse {
            self.take(*hash);
        }
        Ok(())
    }

    /// Whether nothing was taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.sparse.is_empty() && self.registers.is_empty()
    }

    /// Distinct values, by Ertl's improved estimator where the hashes are not kept.
    pub(crate) fn count(&self) -> i64 {
        if self.registers.is_empty() {
            return self.sparse.len().try_into().unwrap_or(i64::MAX);
        }
        let levels = 64 - self.precision as usize;
        let mut counts = vec![0_u32; levels + 2];
        for register in &self.registers {
            if let Some(count) = counts.get_mut(usize::from(*register)) {
                *count += 1;
            }
        }
        let size = self.registers.len() as f64;
        let share = |level: usize| counts.get(level).map_or(0.0, |count| f64::from(*count)) / size;
        let mut sum = size * tau(1.0 - share(levels + 1));
        for level in (1..=levels).rev() {
            sum = 0.5 * (sum + share(level) * size);
        }
        sum += size * sigma(share(0));
        (size * size / (2.0 * std::f64::consts::LN_2) / sum).round() as i64
    }

    /// `[[1024, precision], [hashes], [registers]]`.
    pub(crate) fn to_json(&self) -> Dynamic {
        let hash = |hash: &u64| Dynamic::String(hash.cast_signed().to_string());
        let shown = |register: &u8| char::from(REGISTER_BASE + register);
        let registers: String = self.registers.iter().map(shown).collect();
        let registers = (!registers.is_empty()).then_some(Dynamic::String(registers));
        Dynamic::Array(vec![
            Dynamic::Array(vec![SPARSE_MAX.into(), self.precision.into()]),
            self.sparse.iter().map(hash).collect(),
            registers.into_iter().collect(),
        ])
    }

    /// Reads what [`Sketch::to_json`] wrote; none if it is something else.
    pub(crate) fn from_json(json: &Dynamic) -> Option<Self> {
        let precision = json.get(0)?.get(1)?.as_u64()?;
        let accuracy = match precision {
            12 => 0,
            14 => 1,
            16 => 2,
            17 => 3,
            18 => 4,
            _ => return None,
        };
        let mut sketch = Self::new(accuracy).ok()?;
        if let Some(registers) = json.get(2)?.get(0) {
            let text = registers.as_str()?.as_bytes();
            let most = 65 - u8::try_from(precision).ok()?;
            let read = |byte: &u8| byte.checked_sub(REGISTER_BASE).filter(|one| *one <= most);
            sketch.registers = text.iter().map(read).collect::<Option<Vec<u8>>>()?;
            if sketch.registers.len() != 1 << precision {
                return None;
            }
        }
        for hash in json.get(1)?.as_array()? {
            let hash: i64 = hash.as_str()?.parse().ok()?;
            sketch.take(hash.cast_unsigned());
        }
        Some(sketch)
    }

    /// Memory that it holds.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.sparse.len() * 2 * size_of::<u64>() + self.registers.capacity()
    }

    /// Exactly the values that both have can be counted only from this on.
    fn take(&mut self, hash: u64) {
        if self.registers.is_empty() {
            self.sparse.insert(hash);
            if self.sparse.len() > SPARSE_MAX {
                self.spread();
            }
        } else {
            self.register(hash);
        }
    }

    fn register(&mut self, hash: u64) {
        let place = usize::try_from(hash >> (64 - self.precision)).unwrap_or(0);
        let rest = (hash << self.precision) | (1 << (self.precision - 1));
        let rank = (rest.leading_zeros() + 1) as u8;
        if let Some(register) = self.registers.get_mut(place) {
            *register = (*register).max(rank);
        }
    }

    /// Goes over from hashes to registers.
    fn spread(&mut self) {
        if self.registers.is_empty() {
            self.registers = vec![0; 1 << self.precision];
            for hash in std::mem::take(&mut self.sparse) {
                self.register(hash);
            }
        }
    }
}

/// FNV-1a over the text, its bits mixed as `MurmurHash3` ends. Stored sketches rest on it: it must not change.
fn hash(json: &Dynamic) -> u64 {
    let text = json.to_string();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// Steps of the two series of the estimator; each ends by itself within a few dozen.
const STEPS_MAX: usize = 2_000;

fn sigma(share: f64) -> f64 {
    if share >= 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut y, mut sum) = (share, 1.0, share);
    for _ in 0..STEPS_MAX {
        x *= x;
        let next = sum + x * y;
        y += y;
        if next <= sum {
            break;
        }
        sum = next;
    }
    sum
}

fn tau(share: f64) -> f64 {
    if share <= 0.0 || share >= 1.0 {
        return 0.0;
    }
    let (mut x, mut y, mut rest) = (share, 1.0, 1.0 - share);
    for _ in 0..STEPS_MAX {
        x = x.sqrt();
        y *= 0.5;
        let next = rest - (1.0 - x) * (1.0 - x) * y;
        if next >= rest {
            break;
        }
        rest = next;
    }
    rest / 3.0
}
