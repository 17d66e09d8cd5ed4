//! A line that is edited: keys, and what they do to it. Knows no terminal.

/// A key, as terminals send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Letter(char),
    Enter,
    Tab,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    KillToEnd,
    KillToStart,
    KillWord,
    Redraw,
    Interrupt,
    /// Ctrl-D, or no more input.
    Close,
    /// Any other.
    Unknown,
}

/// Longest escape sequence that is read, in bytes.
const SEQUENCE_MAX: usize = 8;

/// Reads a key.
pub(super) fn key(input: &mut impl Iterator<Item = u8>) -> Key {
    let Some(first) = input.next() else {
        return Key::Close;
    };
    match first {
        b'\r' | b'\n' => Key::Enter,
        b'\t' => Key::Tab,
        0x7f | 0x08 => Key::Backspace,
        0x01 => Key::Home,
        0x02 => Key::Left,
        0x03 => Key::Interrupt,
        0x04 => Key::Close,
        0x05 => Key::End,
        0x06 => Key::Right,
        0x0b => Key::KillToEnd,
        0x0c => Key::Redraw,
        0x0e => Key::Down,
        0x10 => Key::Up,
        0x15 => Key::KillToStart,
        0x17 => Key::KillWord,
        0x1b => escape(input),
        0x00..=0x1f => Key::Unknown,
        _ => letter(first, input),
    }
}

/// What follows an escape: `[A`, `[3~`, `OH` and the like.
fn escape(input: &mut impl Iterator<Item = u8>) -> Key {
    let Some(b'[' | b'O') = input.next() else {
        return Key::Unknown;
    };
    let mut number = 0_u8;
    for _ in 0..SEQUENCE_MAX {
        match input.next() {
            Some(digit @ b'0'..=b'9') => {
                number = number.saturating_mul(10).saturating_add(digit - b'0');
            }
            Some(b';') => {}
            Some(b'A') => return Key::Up,
            Some(b'B') => return Key::Down,
            Some(b'C') => return Key::Right,
            Some(b'D') => return Key::Left,
            Some(b'H') => return Key::Home,
            Some(b'F') => return Key::End,
            Some(b'~') => {
                return match number {
                    1 | 7 => Key::Home,
                    3 => Key::Delete,
                    4 | 8 => Key::End,
                    _ => Key::Unknown,
                };
            }
            Some(_) => return Key::Unknown,
            None => return Key::Close,
        }
    }
    Key::Unknown
}

/// A letter of UTF-8.
fn letter(first: u8, input: &mut impl Iterator<Item = u8>) -> Key {
    let more = match first {
        0xc0..=0xdf => 1,
        0xe0..=0xef => 2,
        0xf0..=0xf7 => 3,
        _ => 0,
    };
    let mut bytes = vec![first];
    bytes.extend(input.take(more));
    let text = std::str::from_utf8(&bytes).ok();
    let letter = text.and_then(|text| text.chars().next());
    letter.map_or(Key::Unknown, Key::Letter)
}

/// A line and where the cursor is in it, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    text: String,
    cursor: usize,
}

impl Line {
    /// A text with the cursor behind it.
    pub(super) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            cursor: text.len(),
            text,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }

    pub(super) fn before(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    pub(super) fn behind(&self) -> &str {
        self.text.get(self.cursor..).unwrap_or_default()
    }

    /// Puts a text in the place of what stands from `start` to the cursor.
    pub(super) fn replace(&mut self, start: usize, text: &str) {
        let kept = self.text.get(..start).unwrap_or_default();
        let before = format!("{kept}{text}");
        self.text = format!("{before}{}", self.behind());
        self.cursor = before.len();
    }

    /// Does what a key says, if it is one of editing.
    pub(super) fn press(&mut self, key: Key) {
        let previous = || self.before().chars().next_back().map_or(0, char::len_utf8);
        let next = || self.behind().chars().next().map_or(0, char::len_utf8);
        match key {
            Key::Letter(letter) => self.replace(self.cursor, letter.encode_utf8(&mut [0; 4])),
            Key::Backspace => self.replace(self.cursor - previous(), ""),
            Key::Delete => {
                let start = self.cursor;
                self.cursor += next();
                self.replace(start, "");
            }
            Key::Left => self.cursor -= previous(),
            Key::Right => self.cursor += next(),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = self.text.len(),
            Key::KillToEnd => self.text.truncate(self.cursor),
            Key::KillToStart => self.replace(0, ""),
            Key::KillWord => {
                let trimmed = self.before().trim_end();
                let start = trimmed
                    .rfind(char::is_whitespace)
                    .map_or(0, |place| place + 1);
                self.replace(start, "");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &[u8], before: &str, behind: &str) {
        let mut input = typed.iter().copied();
        let mut line = Line::default();
        loop {
            match key(&mut input) {
                Key::Close => break,
                key => line.press(key),
            }
        }
        assert_eq!((line.before(), line.behind()), (before, behind));
    }

    #[test]
    fn letters_and_arrows() {
        check("aé|".as_bytes(), "aé|", "");
        check("aéb\x1b[D\x1b[D".as_bytes(), "a", "éb");
        check("aéb\x1b[D\x1b[D\x7f".as_bytes(), "", "éb");
        check(b"ab\x1b[H\x1b[3~", "", "b");
        check(b"ab\x1b[3~", "ab", "");
        check(b"ab\x01x\x05y", "xaby", "");
    }

    #[test]
    fn words_and_the_rest_of_a_line_are_taken_out() {
        check(b"where ApiId \x17", "where ", "");
        check(b"where ApiId\x1bOD\x0b", "where ApiI", "");
        check(b"where ApiId\x15", "", "");
    }

    #[test]
    fn what_is_no_key_does_nothing() {
        check(b"a\x1bxb\x1b[99~\x00\xffc", "abc", "");
        check(b"", "", "");
    }
}
