//! Programs that spoil a good body.

/// A body does not grow beyond this.
const BODY_BYTES_MAX: usize = 64 << 10;

/// Most changes to one body; more of them leave nothing to decode.
pub(super) const CHANGES_MAX: usize = 16;

/// What is put in between.
const TOKENS: &[&[u8]] = &[
    b"\"",
    b"'",
    b"\\",
    b"\n",
    b"\r\n",
    b"\t",
    b"\0",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xc3\xa9",
    b"\\u0000",
    b"\\ud800",
    b"\\n",
    b"\\x",
    b"null",
    b"True",
    b"NaN",
    b"-0.000000",
    b"1e999",
    b"99999999999999999999",
    b"\"\"",
    b"\"-\"",
    b"{}",
    b"[]",
    b"{\"records\":[",
    b"]}",
    b"{\"time\":\"",
    b"\"properties\":",
    b"\"category\":\"",
    b"\"{'a':1}\"",
    b"\"{\\\"a\\\":1}\"",
    b",\"Type\":\"AzureActivity\"",
    b",\"TimeGenerated [UTC]\":1",
    b"}{\"isEnd\":true}}",
    b"[[[[[[[[[[[[[[[[[[[[",
    b"\"\"\"",
    b"1/2/2026, 3:04:05 PM",
    b" +01:00",
];

/// The body that a program makes of one of these seeds.
pub(super) fn body(seeds: &[&str], program: &[u8]) -> Vec<u8> {
    let [how, which, changes @ ..] = program else {
        return program.to_vec();
    };
    if how.is_multiple_of(8) {
        return changes.to_vec();
    }
    let seed = seeds[usize::from(*which) % seeds.len()];
    let mut body = seed.as_bytes().to_vec();
    let count = usize::from(*how) / 8 % (CHANGES_MAX + 1);
    let (changes, _) = changes.as_chunks::<4>();
    for [what, high, low, extent] in changes.iter().take(count) {
        let place = usize::from(*high) << 8 | usize::from(*low);
        let other = seeds[place % seeds.len()].as_bytes();
        change(&mut body, *what, place, usize::from(*extent), other);
        body.truncate(BODY_BYTES_MAX);
    }
    body
}

fn change(body: &mut Vec<u8>, what: u8, place: usize, extent: usize, other: &[u8]) {
    let at = place % (body.len() + 1);
    let end = (at + extent).min(body.len());
    match what % 8 {
        0 if at < body.len() => body[at] = u8::try_from(extent).unwrap(),
        0 | 1 => {
            let token = TOKENS[extent % TOKENS.len()];
            body.splice(at..at, token.iter().copied());
        }
        2 => {
            body.drain(at..end);
        }
        3 => {
            let piece = body[at..end].to_vec();
            body.splice(at..at, piece);
        }
        4 if extent < 64 => body.truncate(at),
        5 => {
            body.splice(at..at, other.iter().copied());
        }
        6 => {
            let piece = [body.as_slice(), b"\n"].concat();
            *body = piece.repeat(extent % 16 + 1);
        }
        _ => {
            let token = TOKENS[extent % TOKENS.len()];
            let end = (at + token.len()).min(body.len());
            body.splice(at..end, token.iter().copied());
        }
    }
}

/// Bytes that are no text, spoiled.
pub(super) fn bytes(seed: &[u8], program: &[u8]) -> Vec<u8> {
    let mut body = seed.to_vec();
    let (changes, _) = program.as_chunks::<4>();
    for [what, high, low, extent] in changes.iter().take(CHANGES_MAX) {
        let place = usize::from(*high) << 8 | usize::from(*low);
        change(&mut body, *what, place, usize::from(*extent), seed);
        body.truncate(BODY_BYTES_MAX);
    }
    body
}
