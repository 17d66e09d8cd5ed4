//! Reads a mail as far as the demo shows it: subject, sender, recipients and the text part.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A mail as it arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReceivedMail {
    /// Its `Subject`, decoded.
    pub(crate) subject: String,
    /// The envelope's sender.
    pub(crate) from: String,
    /// The envelope's recipients.
    pub(crate) to: Vec<String>,
    /// Its first `text/plain` part, decoded; the whole body if there is none.
    pub(crate) text: String,
}

impl ReceivedMail {
    /// Reads `message`, which came with that envelope.
    pub(super) fn read(from: String, to: Vec<String>, message: &str) -> Self {
        let (headers, _) = split(message);
        let subject = decode_words(&header(&headers, "subject"));
        let text = plain_text(message, 0).unwrap_or_else(|| message.to_owned());
        Self {
            subject,
            from,
            to,
            text,
        }
    }
}

/// Nesting of parts that is followed.
const DEPTH_MAX: u32 = 4;

/// The first `text/plain` part of `entity`.
fn plain_text(entity: &str, depth: u32) -> Option<String> {
    let (headers, body) = split(entity);
    let kind = header(&headers, "content-type");
    let lower = kind.to_ascii_lowercase();
    if lower.starts_with("multipart/") && depth < DEPTH_MAX {
        let boundary = ["--", parameter(&kind, "boundary")?].concat();
        let mut parts = body.split(boundary.as_str()).skip(1);
        return parts.find_map(|part| plain_text(part.trim_start_matches(['\r', '\n']), depth + 1));
    }
    if !lower.is_empty() && !lower.starts_with("text/plain") {
        return None;
    }
    let encoding = header(&headers, "content-transfer-encoding").to_ascii_lowercase();
    let bytes = match encoding.as_str() {
        "base64" => {
            let packed: String = body.split_whitespace().collect();
            STANDARD.decode(packed).ok()?
        }
        "quoted-printable" => quoted_printable(body, false),
        _ => body.as_bytes().to_vec(),
    };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Unfolded header lines, and what follows the empty line.
fn split(entity: &str) -> (Vec<String>, &str) {
    let (head, body) = entity.split_once("\r\n\r\n").unwrap_or((entity, ""));
    let mut headers: Vec<String> = Vec::new();
    for line in head.lines() {
        match headers.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => {
                last.push(' ');
                last.push_str(line.trim_start());
            }
            _ => headers.push(line.to_owned()),
        }
    }
    (headers, body)
}

fn header(headers: &[String], name: &str) -> String {
    let pairs = headers.iter().filter_map(|line| line.split_once(':'));
    let mut found = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    found
        .next()
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

/// A parameter's value of a header such as `multipart/alternative; boundary="x"`.
fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let pairs = value.split(';').filter_map(|part| part.split_once('='));
    let mut found = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    found
        .next()
        .map(|(_, value)| value.trim().trim_matches('"'))
}

/// Decodes the encoded words of a header; what is not one stays.
fn decode_words(value: &str) -> String {
    let mut out = String::new();
    let mut after_word = false;
    for word in value.split(' ') {
        let decoded = decode_word(word);
        let is_word = decoded.is_some();
        if !(out.is_empty() || after_word && is_word) {
            out.push(' ');
        }
        out.push_str(&decoded.unwrap_or_else(|| word.to_owned()));
        after_word = is_word;
    }
    out
}

/// One `=?charset?encoding?text?=` in UTF-8.
fn decode_word(word: &str) -> Option<String> {
    let inner = word.strip_prefix("=?")?.strip_suffix("?=")?;
    let mut parts = inner.splitn(3, '?').skip(1);
    let (encoding, text) = (parts.next()?, parts.next()?);
    let bytes = match encoding {
        "b" | "B" => STANDARD.decode(text).ok()?,
        _ => quoted_printable(text, true),
    };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Decodes `=XX`; soft line ends vanish; in a header an underscore is a space.
fn quoted_printable(text: &str, in_header: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'=', [b'\r', b'\n', after @ ..] | [b'\n', after @ ..]) => rest = after,
            (b'=', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high * 16 + low);
                    rest = after;
                }
                _ => out.push(first),
            },
            (b'_', _) if in_header => out.push(b' '),
            _ => out.push(first),
        }
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, subject: &str, text: &str) {
        let message = message.replace('\n', "\r\n");
        let mail = ReceivedMail::read(String::new(), Vec::new(), &message);
        assert_eq!((mail.subject.as_str(), mail.text.as_str()), (subject, text));
    }

    #[test]
    fn a_plain_mail_is_its_body() {
        check(
            "Subject: Key guessing\n\nfrom 203.0.113.66",
            "Key guessing",
            "from 203.0.113.66",
        );
    }

    #[test]
    fn folded_and_encoded_subjects_are_read() {
        check(
            "Subject: =?utf-8?b?S2V5cyA=?=\n =?utf-8?Q?gr=C3=BCn_here?= x\n\n",
            "Keys grün here x",
            "",
        );
    }

    #[test]
    fn the_text_part_of_nested_alternatives_is_found_and_decoded() {
        check(
            "Content-Type: multipart/mixed;\n boundary=\"a\"\n\n--a\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nna=C3=AFve =\nend\n--b\nContent-Type: text/html\n\n<p>\n--b--\n--a--\n",
            "",
            "naïve end\r\n",
        );
        check(
            "Content-Transfer-Encoding: base64\n\naGVs\nbG8=\n",
            "",
            "hello",
        );
    }

    #[test]
    fn what_cannot_be_decoded_stays_as_it_came() {
        check("Subject: =?utf-8?b?***?= =4\n\n", "=?utf-8?b?***?= =4", "");
        check(
            "Content-Type: multipart/mixed\n\nx",
            "",
            "Content-Type: multipart/mixed\r\n\r\nx",
        );
    }
}
