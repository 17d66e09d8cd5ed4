//! GUIDs as 16 octets instead of 36 characters.
//!
//! Only text that comes back letter for letter is taken: lower case, with hyphens (RFC 9562, section 4). Octets
//! compare as that text does.

use arrow::array::{Array as _, FixedSizeBinaryArray, StringArray, StringBuilder};
use arrow::buffer::Buffer;
use arrow::error::ArrowError;

/// Length of a GUID's text.
const TEXT_BYTES: usize = 36;

/// Length of a GUID.
pub(crate) const OCTETS: usize = 16;

/// As [`OCTETS`], as Arrow and Parquet count it.
pub(crate) const WIDTH: i32 = 16;

/// The octets of values that are GUIDs; `None` if one isn't.
pub(crate) fn to_octets(values: &StringArray) -> Option<FixedSizeBinaryArray> {
    let mut all = Vec::with_capacity(values.len().saturating_mul(OCTETS));
    for value in values {
        all.extend_from_slice(&value.map_or(Some([0; OCTETS]), octets)?);
    }
    FixedSizeBinaryArray::try_new(WIDTH, Buffer::from(all), values.nulls().cloned()).ok()
}

/// The text of GUIDs of 16 octets each, as segments keep them.
pub fn to_text(values: &FixedSizeBinaryArray) -> Result<StringArray, ArrowError> {
    if values.value_length() != WIDTH {
        let length = values.value_length();
        let reason = format!("a GUID has 16 octets, not {length}");
        return Err(ArrowError::SchemaError(reason));
    }
    let length = values.len().saturating_mul(TEXT_BYTES);
    let mut builder = StringBuilder::with_capacity(values.len(), length);
    let mut text = [0; TEXT_BYTES];
    for value in values {
        let guid = value.and_then(|octets| uuid::Uuid::from_slice(octets).ok());
        builder.append_option(guid.map(|guid| &*guid.hyphenated().encode_lower(&mut text)));
    }
    Ok(builder.finish())
}

fn octets(text: &str) -> Option<[u8; OCTETS]> {
    let text: &[u8; TEXT_BYTES] = text.as_bytes().try_into().ok()?;
    if HYPHENS.iter().any(|place| text.get(*place) != Some(&b'-')) {
        return None;
    }
    let mut octets = [0; OCTETS];
    for (octet, place) in octets.iter_mut().zip(PAIRS) {
        let pair = text.get(place..place + 2)?;
        let [high, low] = pair.try_into().ok()?;
        *octet = (digit(high)? << 4) | digit(low)?;
    }
    Some(octets)
}

/// Where hyphens stand in a GUID's text.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// Where the digits of each octet stand.
const PAIRS: [usize; OCTETS] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_come_back_letter_for_letter() {
        let guids = StringArray::from(vec![
            Some("99789635-18d0-480f-8182-a3a3c4770001"),
            None,
            Some("ffffffff-ffff-ffff-ffff-ffffffffffff"),
        ]);
        assert_eq!(to_text(&to_octets(&guids).unwrap()).unwrap(), guids);
    }

    #[test]
    fn other_text_is_left_alone() {
        for text in [
            "",
            "99789635-18D0-480F-8182-A3A3C4770001",
            "9978963518d0480f8182a3a3c4770001",
            "{99789635-18d0-480f-8182-a3a3c477000}",
            "99789635-18d0-480f-8182-a3a3c477000g",
            "99789635-18d0-480f-8182-a3a3c47700012",
            "99789635x18d0-480f-8182-a3a3c4770001",
        ] {
            let values = StringArray::from(vec![text]);
            assert!(to_octets(&values).is_none(), "{text}");
        }
    }
}
