//! Where reading of a text stopped, as the service keeps it: `<offset>:<tail>:<samples>`.
//!
//! The tail is a digest of the last KiB that was read. The samples are digests of the KiB before each power of two of
//! bytes, so that a shorter text can be told from the beginning of this one. They depend on nothing but the text.
//! Versions before wrote no samples.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Bytes that a digest is of, at most.
pub(super) const DIGESTED_BYTES: usize = 1_024;

/// The first sample ends behind 2 to the power of this many bytes, the last behind 2 to the power of that many; so a
/// position is at most 238 characters long, of 256 that the service keeps.
const POWERS: (u32, u32) = (8, 40);

/// Bytes at the end of a shorter text that are not compared: what closes a list there is written anew when it grows.
const CLOSING_BYTES: u64 = 64;

/// 36 bits, which is enough beside the samples before and behind.
const SAMPLE_CHARACTERS: usize = 6;

/// Digests of a text from its start on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Samples(String);

impl Samples {
    /// Where the next sample ends; `None` if there are no more.
    pub(super) fn next_at(&self) -> Option<u64> {
        let power = u32::try_from(self.0.len() / SAMPLE_CHARACTERS).ok()?;
        let power = power.checked_add(POWERS.0)?;
        (power <= POWERS.1).then(|| 1_u64 << power)
    }

    /// Adds the next sample; `bytes` are those before its end.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(last(bytes)));
        let sample = digest.get(..SAMPLE_CHARACTERS).unwrap_or_default();
        self.0.push_str(sample);
    }

    /// Those that end at `offset` or before.
    pub(super) fn until(&self, offset: u64) -> Self {
        let count = (POWERS.0..=POWERS.1).take_while(|power| 1_u64 << power <= offset);
        let length = count.count().saturating_mul(SAMPLE_CHARACTERS);
        Self(self.0.get(..length).unwrap_or(&self.0).to_owned())
    }

    /// Whether all that both have are the same.
    fn agree(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }

    /// Whether the last that both have is the same.
    fn agree_last(&self, other: &Self) -> bool {
        let common = self.0.len().min(other.0.len());
        let last = common.saturating_sub(SAMPLE_CHARACTERS)..common;
        self.0.get(last.clone()) == other.0.get(last)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) offset: u64,
    tail: String,
    pub(super) samples: Samples,
}

impl Position {
    /// The position behind `bytes`, the last of those before `offset`.
    pub(super) fn new(offset: u64, bytes: &[u8], samples: Samples) -> Self {
        Self {
            offset,
            tail: digest(last(bytes), 8),
            samples,
        }
    }

    /// A position as the service gave it; `None` if it is none of ours.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (offset, rest) = text.split_once(':')?;
        let (tail, samples) = rest.split_once(':').unwrap_or((rest, ""));
        Some(Self {
            offset: offset.parse().ok()?,
            tail: tail.to_owned(),
            samples: Samples(samples.to_owned()),
        })
    }

    /// Whether a text with these samples may be the one up to here, as far as it goes: to `length`. A line that was
    /// changed long before makes no other text of one that goes up to here.
    pub(super) fn agrees(&self, samples: &Samples, length: u64) -> bool {
        if length >= self.offset {
            return self.samples.agree_last(&samples.until(self.offset));
        }
        let telling = length.saturating_sub(CLOSING_BYTES);
        self.samples.until(telling).agree(&samples.until(telling))
    }

    /// Whether `bytes` are those before it.
    pub(super) fn is_behind(&self, bytes: &[u8]) -> bool {
        self.tail == digest(last(bytes), 8)
    }

    pub(super) fn text(&self) -> String {
        let Self {
            offset,
            tail,
            samples,
        } = self;
        if samples.is_empty() {
            return format!("{offset}:{tail}");
        }
        format!("{offset}:{tail}:{}", samples.0)
    }
}

fn last(bytes: &[u8]) -> &[u8] {
    let surplus = bytes.len().saturating_sub(DIGESTED_BYTES);
    bytes.get(surplus..).unwrap_or(bytes)
}

/// The first bytes of a digest, as hexadecimal digits.
pub(super) fn digest(bytes: &[u8], length: usize) -> String {
    let digest = Sha256::digest(bytes);
    let hex = digest.iter().take(length).map(|byte| format!("{byte:02x}"));
    hex.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_position_is_short_enough_for_the_service() {
        let mut samples = Samples::default();
        while samples.next_at().is_some() {
            samples.push(b"x");
        }
        let position = Position::new(u64::MAX, b"x", samples);
        assert!(store::Position::new(&position.text()).is_some());
        assert_eq!(Position::parse(&position.text()), Some(position));
    }

    #[test]
    fn a_position_of_a_version_before_is_one_without_samples() {
        let position = Position::parse("120:0011223344556677").unwrap();
        assert_eq!((position.offset, position.samples.is_empty()), (120, true));
        assert_eq!(position.text(), "120:0011223344556677");
        assert_eq!(Position::parse("nonsense"), None);
    }

    #[test]
    fn samples_agree_as_far_as_both_go() {
        let of = |texts: &[&str]| {
            let mut samples = Samples::default();
            for text in texts {
                samples.push(text.as_bytes());
            }
            samples
        };
        let long = of(&["a", "b", "c"]);
        assert!(long.agree(&of(&["a", "b"])) && of(&["a"]).agree(&long));
        assert!(!long.agree(&of(&["a", "x"])));
        assert!(long.agree_last(&of(&["x", "b"])) && !long.agree_last(&of(&["a", "x"])));
        assert!(long.agree_last(&of(&[])));
        assert_eq!(long.until(600), of(&["a", "b"]));
        assert_eq!(long.until(255), of(&[]));
    }
}
