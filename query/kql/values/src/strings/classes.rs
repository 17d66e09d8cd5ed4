//! Classes of characters in regular expressions, as RE2 reads them.

use std::borrow::Cow;

/// A pattern in which `[` and `&` within a class of characters stand for themselves, as in RE2: the crate `regex` would
/// read another class and an intersection.
pub fn plain_classes(pattern: &str) -> Cow<'_, str> {
    if !pattern.contains('[') {
        return Cow::Borrowed(pattern);
    }
    let mut plain = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern.chars().peekable();
    let mut is_inside = false;
    while let Some(sign) = rest.next() {
        match sign {
            '\\' => {
                plain.push(sign);
                plain.extend(rest.next());
                continue;
            }
            '[' if is_inside && rest.peek() == Some(&':') => {
                // `[:alpha:]` ends in a bracket of its own.
                plain.push(sign);
                for inner in rest.by_ref() {
                    plain.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
                continue;
            }
            '[' | '&' if is_inside => plain.push('\\'),
            ']' => is_inside = false,
            _ => {}
        }
        plain.push(sign);
        if sign == '[' && !is_inside {
            is_inside = true;
            plain.extend(rest.next_if_eq(&'^'));
            if rest.next_if_eq(&']').is_some() {
                plain.push_str("\\]");
            }
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_a_class_stand_for_themselves() {
        #[track_caller]
        fn check(pattern: &str, text: &str, expected: &str) {
            let compiled = regex::Regex::new(&plain_classes(pattern)).unwrap();
            assert_eq!(compiled.replace_all(text, "_"), expected, "{pattern}");
        }
        check(r#"[[",\]]"#, r#"["a","b"]"#, "__a___b__");
        check("[^[]", "a[b", "_[_");
        check("[a&&b]", "a&bc", "___c");
        check("[]x]", "]x[", "__[");
        check("[^]x]", "]x[", "]x_");
        check("[[:digit:]_]+", "a12_", "a_");
        check(r"\[[a]", "[a[b", "_[b");
        check(r"[\[\]]", "[]", "__");
        check("a.b", "a[b", "_");
    }
}
