//! Datetimes from text: ISO 8601, RFC 822, RFC 850, and the American order of month and day.

use chrono::{Datelike as _, NaiveDate};

use crate::convert::timespan::fraction_ticks;
use crate::convert::{DATETIME_MAX, DATETIME_MIN, DAY, SECOND};

/// Days from 1970-01-01 to a date, if there is such a date.
pub(crate) fn days_of_date(year: i32, month: u32, day: u32) -> Option<i64> {
    if !(1..=9999).contains(&year) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    Some(i64::from(date.num_days_from_ce()) - 719_163)
}

/// Year, month and day that are so many days after 1970-01-01.
pub(crate) fn date_of_days(days: i64) -> (i32, u32, u32) {
    i32::try_from(days + 719_163)
        .ok()
        .and_then(NaiveDate::from_num_days_from_ce_opt)
        .map_or((1970, 1, 1), |date| (date.year(), date.month(), date.day()))
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// A month by its English name, whole or of three letters.
pub(crate) fn parse_month(word: &str) -> Option<u32> {
    named(&MONTHS, word).and_then(|place| u32::try_from(place + 1).ok())
}

fn named(names: &[&str], word: &str) -> Option<usize> {
    let is_name = |name: &&str| {
        let short = name.get(..3).unwrap_or(name);
        name.eq_ignore_ascii_case(word) || short.eq_ignore_ascii_case(word)
    };
    names.iter().position(is_name)
}

/// A part of the text: digits, letters, or one sign. Spaces are a sign, which is dropped beside hyphens, slashes, commas.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Number(&'a str),
    Word(&'a str),
    Sign(char),
}

/// Most parts that a datetime has; the longest form has 22.
const TOKENS_MAX: usize = 32;

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let same = |c: char| match first {
            '0'..='9' => c.is_ascii_digit(),
            'a'..='z' | 'A'..='Z' => c.is_ascii_alphabetic(),
            _ => first == ' ' && c == ' ',
        };
        let end = rest
            .char_indices()
            .skip(1)
            .find(|(_, c)| !same(*c))
            .map_or(rest.len(), |(place, _)| place);
        let (part, after) = rest.split_at_checked(end)?;
        tokens.push(match first {
            '0'..='9' => Token::Number(part),
            'a'..='z' | 'A'..='Z' => Token::Word(part),
            sign => Token::Sign(sign),
        });
        if tokens.len() > TOKENS_MAX {
            return None;
        }
        rest = after;
    }
    Some(without_idle_spaces(&tokens))
}

fn without_idle_spaces<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let is_separator = |place: Option<usize>| {
        let token = place.and_then(|place| tokens.get(place));
        matches!(token, Some(Token::Sign('-' | '/' | ',')))
    };
    let is_idle =
        |place: usize| is_separator(place.checked_sub(1)) || is_separator(Some(place + 1));
    let kept = tokens.iter().enumerate();
    kept.filter(|(place, token)| **token != Token::Sign(' ') || !is_idle(*place))
        .map(|(_, token)| *token)
        .collect()
}

/// Ticks since 1970 of a datetime in any of the forms that Kusto reads; without a zone it is UTC.
pub fn parse_datetime(text: &str) -> Option<i64> {
    let tokens = tokens(text.trim())?;
    let mut rest = tokens.as_slice();
    skip_weekday(&mut rest);
    let days = date(&mut rest)?;
    if let [Token::Word("T" | "t") | Token::Sign(' ' | ','), after @ ..] = rest {
        rest = after;
    }
    let clock = match rest {
        [Token::Number(_), ..] => clock(&mut rest)?,
        _ => 0,
    };
    if let [Token::Sign(' '), after @ ..] = rest {
        rest = after;
    }
    let offset = zone(rest)?;
    let ticks = days.checked_mul(DAY)?.checked_add(clock - offset)?;
    (DATETIME_MIN..=DATETIME_MAX)
        .contains(&ticks)
        .then_some(ticks)
}

fn skip_weekday(rest: &mut &[Token<'_>]) {
    if let [Token::Word(word), after @ ..] = *rest
        && named(&WEEKDAYS, word).is_some()
    {
        *rest = after;
        if let [Token::Sign(',' | ' '), after @ ..] = *rest {
            *rest = after;
        }
    }
}

fn date(rest: &mut &[Token<'_>]) -> Option<i64> {
    use Token::{Number, Sign, Word};
    let (year, month, day, after) = match *rest {
        [
            Number(a),
            Sign('-' | '/' | '.' | ','),
            Number(b),
            Sign('-' | '/' | '.' | ','),
            Number(c),
            after @ ..,
        ] => {
            if a.len() == 4 {
                (full_year(a)?, b.parse().ok()?, c.parse().ok()?, after)
            } else {
                (full_year(c)?, a.parse().ok()?, b.parse().ok()?, after)
            }
        }
        [
            Number(day),
            Sign('-' | ' '),
            Word(month),
            Sign('-' | ' '),
            Number(year),
            after @ ..,
        ] => (
            full_year(year)?,
            parse_month(month)?,
            day.parse().ok()?,
            after,
        ),
        [
            Word(month),
            Sign(' '),
            Number(day),
            Sign(' ' | ','),
            Number(year),
            after @ ..,
        ] => (
            full_year(year)?,
            parse_month(month)?,
            day.parse().ok()?,
            after,
        ),
        [Number(year), Sign('-' | '/'), Number(month), after @ ..] if year.len() == 4 => {
            (full_year(year)?, month.parse().ok()?, 1, after)
        }
        [Number(packed), after @ ..] if packed.len() == 8 => (
            packed.get(..4)?.parse().ok()?,
            packed.get(4..6)?.parse().ok()?,
            packed.get(6..)?.parse().ok()?,
            after,
        ),
        [Number(year)] if year.len() == 4 => (full_year(year)?, 1, 1, &[] as &[Token<'_>]),
        _ => return None,
    };
    *rest = after;
    days_of_date(year, month, day)
}

/// Two digits are a year from 1950 to 2049.
fn full_year(text: &str) -> Option<i32> {
    let year: i32 = text.parse().ok()?;
    match (text.len(), year) {
        (4, _) => Some(year),
        (2, 0..=49) => Some(year + 2000),
        (2, _) => Some(year + 1900),
        _ => None,
    }
}

/// Ticks within the day.
fn clock(rest: &mut &[Token<'_>]) -> Option<i64> {
    use Token::{Number, Sign, Word};
    let part = |text: &str, limit: i64| {
        let value: i64 = text.parse().ok()?;
        (text.len() <= 2 && value <= limit).then_some(value)
    };
    let [Number(hours), Sign(':'), Number(minutes), after @ ..] = *rest else {
        return None;
    };
    let (mut hours, minutes) = (part(hours, 23)?, part(minutes, 59)?);
    *rest = after;
    let mut ticks = 0;
    if let [Sign(':'), Number(seconds), after @ ..] = *rest {
        ticks = part(seconds, 59)? * SECOND;
        *rest = after;
        if let [Sign('.' | ','), Number(fraction), after @ ..] = *rest {
            ticks += fraction_ticks(fraction)?;
            *rest = after;
        }
    }
    let half = match *rest {
        [Sign(' '), Word(half), after @ ..] | [Word(half), after @ ..] => Some((half, after)),
        _ => None,
    };
    if let Some((half, after)) = half {
        let afternoon = half.eq_ignore_ascii_case("PM");
        if afternoon || half.eq_ignore_ascii_case("AM") {
            if !(1..=12).contains(&hours) {
                return None;
            }
            hours = hours % 12 + if afternoon { 12 } else { 0 };
            *rest = after;
        }
    }
    Some(ticks + (hours * 3_600 + minutes * 60) * SECOND)
}

/// Ticks by which the zone is ahead of UTC.
fn zone(rest: &[Token<'_>]) -> Option<i64> {
    use Token::{Number, Sign, Word};
    let hour = 3_600 * SECOND;
    Some(match rest {
        [] => 0,
        [Word(name)] => named_zone(name)? * hour,
        [Word(name), sign @ Sign('+' | '-'), after @ ..] if named_zone(name) == Some(0) => {
            let mut offset = vec![*sign];
            offset.extend_from_slice(after);
            return zone_offset(&offset);
        }
        [Sign('+' | '-'), Number(_), ..] => return zone_offset(rest),
        _ => return None,
    })
}

fn zone_offset(rest: &[Token<'_>]) -> Option<i64> {
    use Token::{Number, Sign};
    let (sign, hours, minutes) = match rest {
        [Sign(sign), Number(packed)] if packed.len() == 4 => {
            (sign, packed.get(..2)?, packed.get(2..)?)
        }
        [Sign(sign), Number(hours)] if hours.len() <= 2 => (sign, *hours, "0"),
        [Sign(sign), Number(hours), Sign(':'), Number(minutes)] => (sign, *hours, *minutes),
        _ => return None,
    };
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let ticks = (hours * 3_600 + minutes * 60) * SECOND;
    Some(if *sign == '-' { -ticks } else { ticks })
}

/// Hours ahead of UTC of the zones that RFC 822 names.
fn named_zone(name: &str) -> Option<i64> {
    Some(match name.to_ascii_uppercase().as_str() {
        "Z" | "GMT" | "UTC" | "UT" => 0,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => return None,
    })
}
