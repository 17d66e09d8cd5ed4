//! The only place that decompresses, and it never produces more than it was told.
//!
//! A compressed body may claim to be small and expand a thousandfold, so the bound is on the output
//! and is checked while reading, not after it.

use std::io::{self, BufRead, Read};

use bytes::Bytes;
use flate2::bufread::GzDecoder;

/// How a body is compressed (RFC 9110, section 8.4.1; RFC 8878 for `zstd`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// RFC 1952, of one or several members.
    Gzip,
    /// RFC 8878, of one or several frames.
    Zstd,
}

impl Encoding {
    /// The encoding that a `Content-Encoding` header names; `None` if it is not supported, which
    /// includes lists of several encodings.
    pub fn from_header(header: Option<&str>) -> Option<Self> {
        let name = header.unwrap_or("").trim();
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match () {
            () if name.is_empty() || is("identity") => Some(Self::Identity),
            () if is("gzip") || is("x-gzip") => Some(Self::Gzip),
            () if is("zstd") => Some(Self::Zstd),
            () => None,
        }
    }
}

impl Encoding {
    /// The encoding of a file that begins with these bytes.
    pub fn of(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Identity,
        }
    }
}

/// Decompresses while reading: what bounds a file is that it is never held as a whole.
pub fn reader(
    encoding: Encoding,
    file: impl Read + Send + 'static,
) -> io::Result<Box<dyn Read + Send>> {
    Ok(match encoding {
        Encoding::Identity => Box::new(file),
        Encoding::Gzip => {
            let file = io::BufReader::new(file);
            Box::new(Members::new(file))
        }
        Encoding::Zstd => Box::new(zstd::stream::read::Decoder::new(file)?),
    })
}

/// The members of a gzip file, one behind the other. Zeros behind the last one are no error: what copies files in
/// blocks fills them up so, and `gzip` reads such files too.
struct Members<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Members<R> {
    fn new(reader: R) -> Self {
        Self(Some(GzDecoder::new(reader)))
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.0 {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(ended) = self.0.take() else { break };
            let mut rest = ended.into_inner();
            if !passes_zeros(&mut rest)? {
                self.0 = Some(GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}

/// Passes zeros; whether nothing is behind them.
fn passes_zeros(reader: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(true);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let is_all = zeros == bytes.len();
        reader.consume(zeros);
        if !is_all {
            return Ok(false);
        }
    }
}

/// Why a body was not decompressed.
#[derive(Debug, thiserror::Error)]
pub enum BoundError {
    /// There is more than was allowed; how much more is not known, since nobody counted.
    #[error("body is larger than {bytes_max} bytes")]
    TooLarge {
        /// The bound that was passed, in bytes.
        bytes_max: usize,
    },
    /// It is not what its encoding says, or ends early.
    #[error("body is not valid {encoding:?}")]
    Corrupt {
        /// The encoding that was announced.
        encoding: Encoding,
        /// What the decompressor says.
        #[source]
        source: io::Error,
    },
}

/// Decompresses `body`, which may become at most `bytes_max` bytes long. Blocks: a body of some
/// megabytes takes tens of milliseconds, so call it outside of async code.
pub fn decompress(encoding: Encoding, body: Bytes, bytes_max: usize) -> Result<Bytes, BoundError> {
    let corrupt = |source| BoundError::Corrupt { encoding, source };
    let plain = match encoding {
        Encoding::Identity => body,
        Encoding::Gzip => {
            let reader = Members::new(&body[..]);
            read_bounded(reader, body.len(), bytes_max).map_err(corrupt)?
        }
        Encoding::Zstd => {
            let reader = zstd::stream::read::Decoder::with_buffer(&body[..]).map_err(corrupt)?;
            read_bounded(reader, body.len(), bytes_max).map_err(corrupt)?
        }
    };
    if plain.len() > bytes_max {
        return Err(BoundError::TooLarge { bytes_max });
    }
    Ok(plain)
}

/// Reads up to one byte more than `bytes_max`, by which the caller sees that there is more.
fn read_bounded(reader: impl Read, compressed: usize, bytes_max: usize) -> io::Result<Bytes> {
    let limit = bytes_max.saturating_add(1);
    let guess = compressed.saturating_mul(4).min(limit);
    let mut plain = Vec::with_capacity(guess);
    let mut bounded = reader.take(u64::try_from(limit).unwrap_or(u64::MAX));
    io::copy(&mut bounded, &mut plain)?;
    Ok(plain.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[track_caller]
    fn check(encoding: Encoding, body: Vec<u8>, expected: Result<&[u8], &str>) {
        let got = decompress(encoding, body.into(), 1000).map_err(|error| error.to_string());
        assert_eq!(
            got.as_deref(),
            expected.map_err(str::to_owned).as_ref().copied()
        );
    }

    #[test]
    fn every_encoding_gives_the_plain_body() {
        check(Encoding::Identity, b"plain".to_vec(), Ok(b"plain"));
        check(Encoding::Gzip, gzip(b"plain"), Ok(b"plain"));
        check(
            Encoding::Gzip,
            [gzip(b"two "), gzip(b"members")].concat(),
            Ok(b"two members"),
        );
        check(
            Encoding::Gzip,
            [gzip(b"two "), gzip(b"members"), vec![0; 512]].concat(),
            Ok(b"two members"),
        );
        check(
            Encoding::Zstd,
            zstd::encode_all(&b"plain"[..], 1).unwrap(),
            Ok(b"plain"),
        );
    }

    #[test]
    fn a_bomb_stops_at_the_bound() {
        let bomb = vec![b' '; 10_000_000];
        let expected = Err("body is larger than 1000 bytes");
        check(Encoding::Gzip, gzip(&bomb), expected);
        check(
            Encoding::Zstd,
            zstd::encode_all(&bomb[..], 3).unwrap(),
            expected,
        );
        check(Encoding::Identity, bomb, expected);
        check(Encoding::Identity, vec![b'x'; 1000], Ok(&[b'x'; 1000]));
    }

    #[test]
    fn cut_or_foreign_bytes_are_corrupt() {
        let mut cut = gzip(b"a body that is cut");
        cut.truncate(cut.len() - 9);
        check(Encoding::Gzip, cut, Err("body is not valid Gzip"));
        check(
            Encoding::Gzip,
            [gzip(b"plain"), b"\0\0behind".to_vec()].concat(),
            Err("body is not valid Gzip"),
        );
        check(Encoding::Gzip, Vec::new(), Err("body is not valid Gzip"));
        check(
            Encoding::Gzip,
            b"plain".to_vec(),
            Err("body is not valid Gzip"),
        );
        check(
            Encoding::Zstd,
            b"plain".to_vec(),
            Err("body is not valid Zstd"),
        );
    }

    #[test]
    fn headers_name_encodings() {
        assert_eq!(Encoding::from_header(None), Some(Encoding::Identity));
        assert_eq!(Encoding::from_header(Some(" GZIP ")), Some(Encoding::Gzip));
        assert_eq!(Encoding::from_header(Some("zstd")), Some(Encoding::Zstd));
        assert_eq!(Encoding::from_header(Some("br")), None);
        assert_eq!(Encoding::from_header(Some("gzip, gzip")), None);
    }
}
