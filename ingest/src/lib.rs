//! Bytes from outside to typed rows: bounded, decoded, normalized, never failing as a whole.
