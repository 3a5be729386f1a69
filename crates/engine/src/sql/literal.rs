//! String literals and quoted names: from SQL to plain text and back.

/// Returns `text` as an SQL string. Control characters are escaped.
pub(crate) fn quote(text: &str) -> String {
    use std::fmt::Write as _;
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\\' | '\'' => quoted.extend(['\\', c]),
            c if c.is_ascii_control() => {
                let _ = write!(quoted, "\\x{:02x}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// Returns `text` as an SQL name.
pub(crate) fn quote_name(text: &str) -> String {
    format!("`{}`", text.replace('\\', "\\\\").replace('`', "\\`"))
}

/// Returns the text between quotes or heredoc tags, as the engine reads it.
pub(crate) fn unquoted(text: &str) -> String {
    if let Some(rest) = text.strip_prefix('$') {
        let tag = rest.find('$').map_or(0, |end| end + 2);
        return text
            .get(tag..text.len().saturating_sub(tag))
            .unwrap_or_default()
            .to_owned();
    }
    let inner = text.strip_prefix('\'').unwrap_or(text);
    let inner = inner.strip_suffix('\'').unwrap_or(inner);
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('x') => {
                    let hex: String = chars.by_ref().take(2).collect();
                    plain.push(u8::from_str_radix(&hex, 16).map_or('?', char::from));
                }
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                Some('r') => plain.push('\r'),
                Some(c @ ('\\' | '\'' | '"' | '`' | '/' | '=')) => plain.push(c),
                Some('b' | 'f' | '0' | 'a' | 'v' | 'e') => plain.push(' '),
                // ClickHouse keeps the backslash of an unknown escape.
                Some(c) => plain.extend(['\\', c]),
                None => {}
            },
            '\'' if chars.peek() == Some(&'\'') => {
                chars.next();
                plain.push('\'');
            }
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(unquoted(r"'it''s \\x66 \x66 \n'"), "it's \\x66 f \n");
        assert_eq!(unquoted("$x$a'b$x$"), "a'b");
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(quote("a\u{b}'\\"), r"'a\x0b\'\\'");
    }

    proptest! {
        #[test]
        fn a_quoted_text_reads_as_itself(text in any::<String>()) {
            prop_assert_eq!(unquoted(&quote(&text)), text);
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = unquoted(&text);
        }
    }
}
