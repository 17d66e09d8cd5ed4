//! The form of a WAL file, version 1: the magic, then frames.
//!
//! A frame is: payload length (u32), CRC-32C of payload and sequence (u32), sequence (u64), payload; numbers
//! are little endian. Sequences rise by one from frame to frame and across files.

/// First bytes of a file; the last one is the version.
pub(super) const MAGIC: [u8; 8] = *b"BZNWAL\0\x01";

/// Bytes before a frame's payload.
pub(super) const HEADER_BYTES: usize = 16;

/// Longest payload; a longer length in a file is damage.
pub(super) const PAYLOAD_BYTES_MAX: usize = 1 << 30;

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) payload_bytes: u32,
    pub(super) checksum: u32,
    pub(super) sequence: u64,
}

impl Header {
    pub(super) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let (length, rest) = bytes.split_at_mut(4);
        let (checksum, sequence) = rest.split_at_mut(4);
        length.copy_from_slice(&self.payload_bytes.to_le_bytes());
        checksum.copy_from_slice(&self.checksum.to_le_bytes());
        sequence.copy_from_slice(&self.sequence.to_le_bytes());
        bytes
    }

    /// The header at the start of `bytes` and what follows it.
    pub(super) fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (checksum, rest) = rest.split_first_chunk::<4>()?;
        let (sequence, rest) = rest.split_first_chunk::<8>()?;
        let header = Self {
            payload_bytes: u32::from_le_bytes(*length),
            checksum: u32::from_le_bytes(*checksum),
            sequence: u64::from_le_bytes(*sequence),
        };
        Some((header, rest))
    }
}

/// The part of a frame's checksum that is known before its sequence is.
pub(super) fn payload_checksum(payload: &[u8]) -> u32 {
    crc32c::crc32c(payload)
}

/// Completes a checksum with the sequence.
pub(super) fn frame_checksum(payload_checksum: u32, sequence: u64) -> u32 {
    crc32c::crc32c_append(payload_checksum, &sequence.to_le_bytes())
}
