//! What the text of a literal stands for.

use crate::ast::{Literal, Type};

/// Text of a string token: without prefix and quotes, escapes resolved. The error is the offset of an escape that
/// there is not.
pub(crate) fn unquote(token: &str) -> Result<String, usize> {
    let without_h = token.strip_prefix(['h', 'H']).unwrap_or(token);
    for fence in ["```", "~~~"] {
        if let Some(inside) = without_h.strip_prefix(fence) {
            return Ok(inside.strip_suffix(fence).unwrap_or(inside).to_owned());
        }
    }
    let verbatim = without_h.strip_prefix('@');
    let quoted = verbatim.unwrap_or(without_h);
    let mut characters = quoted.chars();
    let quote = characters.next().unwrap_or('"');
    characters.next_back();
    let inside = characters.as_str();
    if verbatim.is_some() {
        let mut doubled = [0; 8];
        let single = quote.encode_utf8(&mut doubled[..4]).to_owned();
        return Ok(inside.replace(&single.repeat(2), &single));
    }
    unescape(inside).map_err(|at| token.len() - quoted.len() + 1 + at)
}

fn unescape(inside: &str) -> Result<String, usize> {
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find('\\') {
        text.push_str(rest.get(..at).unwrap_or_default());
        let escape = rest.get(at + 1..).unwrap_or_default();
        let (character, length) = resolve(escape).ok_or(inside.len() - rest.len() + at)?;
        text.push(character);
        rest = escape.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    Ok(text)
}

/// The character of what follows a backslash, and how long that is.
fn resolve(escape: &str) -> Option<(char, usize)> {
    let simple = |character| Some((character, 1));
    match escape.chars().next()? {
        '\\' => simple('\\'),
        '\'' => simple('\''),
        '"' => simple('"'),
        'a' => simple('\u{7}'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\u{b}'),
        'u' => code_unit(escape),
        'U' => hex(escape, 8),
        'x' => hex(escape, 2),
        '0'..='7' => octal(escape),
        _ => None,
    }
}

fn hex(escape: &str, digits: usize) -> Option<(char, usize)> {
    Some((char::from_u32(hex_value(escape, digits)?)?, digits + 1))
}

fn hex_value(escape: &str, digits: usize) -> Option<u32> {
    let text = escape.get(1..=digits)?;
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u32::from_str_radix(text, 16).ok()).flatten()
}

/// `\u` names a unit of UTF-16: two of them may be one character.
fn code_unit(escape: &str) -> Option<(char, usize)> {
    let first = hex_value(escape, 4)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 5));
    }
    let second = escape
        .get(5..)?
        .strip_prefix('\\')
        .filter(|next| next.starts_with('u'));
    if let Some(low) = second.and_then(|next| hex_value(next, 4))
        && let (0xd800..0xdc00, 0xdc00..0xe000) = (first, low)
    {
        let character = char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00))?;
        return Some((character, 11));
    }
    // Half a character: what text made of UTF-16 becomes in UTF-8.
    Some((char::REPLACEMENT_CHARACTER, 5))
}

fn octal(escape: &str) -> Option<(char, usize)> {
    let longest = if escape.starts_with(['0', '1', '2', '3']) {
        3
    } else {
        2
    };
    let length = escape
        .bytes()
        .take(longest)
        .take_while(|byte| matches!(byte, b'0'..=b'7'))
        .count();
    let value = u32::from_str_radix(escape.get(..length)?, 8).ok()?;
    Some((char::from_u32(value)?, length))
}

/// A whole number, in tens or `0x`; hexadecimal ones are the bits of the number.
pub(crate) fn long(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok().map(u64::cast_signed),
        None => text.parse().ok(),
    }
}

/// A number with fraction; `None` if it is none.
pub(crate) fn real(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        "nan" => Some(f64::NAN),
        "inf" | "+inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        other if other.contains("inf") || other.contains("nan") => None,
        other => other.parse().ok(),
    }
}

/// The literal `type(inside)`; `None` if the type cannot be written so.
pub(crate) fn typed(ty: Type, inside: &str) -> Option<Literal> {
    let inside = inside.trim();
    if inside.eq_ignore_ascii_case("null") {
        return null(ty);
    }
    let text = unquoted(inside);
    Some(match ty {
        Type::Bool => Literal::Bool(Some(boolean(text)?)),
        Type::Int => Literal::Int(Some(i32::try_from(signed_long(text)?).ok()?)),
        Type::Long => Literal::Long(Some(signed_long(text)?)),
        Type::Real => Literal::Real(Some(real(text)?)),
        Type::Decimal => Literal::Decimal(Some(text.to_owned())),
        Type::DateTime => Literal::DateTime(Some(text.to_owned())),
        Type::TimeSpan => Literal::TimeSpan(Some(text.to_owned())),
        Type::Guid => Literal::Guid(Some(text.to_owned())),
        Type::String | Type::Dynamic => return None,
    })
}

fn null(ty: Type) -> Option<Literal> {
    Some(match ty {
        Type::Bool => Literal::Bool(None),
        Type::Int => Literal::Int(None),
        Type::Long => Literal::Long(None),
        Type::Real => Literal::Real(None),
        Type::Decimal => Literal::Decimal(None),
        Type::DateTime => Literal::DateTime(None),
        Type::TimeSpan => Literal::TimeSpan(None),
        Type::Guid => Literal::Guid(None),
        Type::String | Type::Dynamic => return None,
    })
}

/// `datetime("2024-01-01")` is the same as without the quotes.
fn unquoted(inside: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| inside.strip_prefix(quote)?.strip_suffix(quote))
        .map_or(inside, str::trim)
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        other => signed_long(other).map(|number| number != 0),
    }
}

fn signed_long(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(digits) if digits.starts_with("0x") || digits.starts_with("0X") => {
            long(digits).map(i64::wrapping_neg)
        }
        _ => long(text),
    }
}
