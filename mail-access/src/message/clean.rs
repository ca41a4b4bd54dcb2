//! Takes out of a stranger's text what would deceive a reader or break a line.

use std::borrow::Cow;

use memchr::memchr;

/// Makes a subject, a name or a file name one line: control characters become blanks, what turns the direction of
/// the text goes.
pub(super) fn one_line(text: &str) -> String {
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return text.trim().to_owned();
    }
    let shown = text.chars().map(|c| if c.is_control() || LINE_ENDS.contains(&c) { ' ' } else { c });
    shown.filter(|c| !turns(*c)).collect::<String>().trim().to_owned()
}

/// Cleans a text of many lines: they end with `\n`, and of the control characters only `\n` and `\t` stay.
pub(super) fn lines(text: Cow<'_, str>) -> String {
    let is_clean = !has_special(&text);
    let mut rest = &*text;
    let Some(mut end) = memchr(b'\r', rest.as_bytes()) else {
        return if is_clean { text.into_owned() } else { clean(&text) };
    };
    let mut lines = String::with_capacity(rest.len());
    loop {
        let line = &rest[..end];
        if is_clean || !has_special(line) {
            lines.push_str(line);
        } else {
            lines.push_str(&clean(line));
        }
        if end == rest.len() {
            return lines;
        }
        rest = &rest[end + 1..];
        if !rest.starts_with('\n') {
            lines.push('\n');
        }
        end = memchr(b'\r', rest.as_bytes()).unwrap_or(rest.len());
    }
}

/// Gives what stays of a text.
fn clean(mut text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    while let Some(plain) = text.bytes().position(is_special) {
        clean.push_str(&text[..plain]);
        text = &text[plain..];
        let (length, stays) = judge(text.as_bytes());
        if stays {
            clean.push_str(&text[..length]);
        }
        text = &text[length..];
    }
    clean.push_str(text);
    clean
}

/// Judges the character at the beginning: its length, and whether it stays.
fn judge(rest: &[u8]) -> (usize, bool) {
    match rest {
        [first, ..] if first.is_ascii() => (1, false),
        // U+0080 to U+009F, the other control characters.
        [0xc2, 0x80..=0x9f, ..] | [0xd8, 0x9c, ..] => (2, false),
        [0xe2, 0x80, 0x8e | 0x8f | 0xaa..=0xae, ..] | [0xe2, 0x81, 0xa6..=0xa9, ..] => (3, false),
        [0xe2, ..] => (3, true),
        _ => (2, true),
    }
}

/// The compiler makes a test of many bytes at once of it.
fn has_special(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | is_special(byte))
}

/// Tells whether a byte may begin what is taken out.
#[expect(clippy::needless_bitwise_bool, reason = "without branches it is ten times as fast")]
fn is_special(byte: u8) -> bool {
    (byte < b' ') & (byte != b'\n') & (byte != b'\t') & (byte != b'\r')
        | (byte == 0x7f)
        | (byte == 0xc2)
        | (byte == 0xd8)
        | (byte == 0xe2)
}

/// Tells whether a character turns the direction of the text around it (UAX 9 section 2).
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const LINE_ENDS: [char; 2] = ['\u{2028}', '\u{2029}'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_stays_of_a_subject() {
        for (before, after) in [
            (" plain ", "plain"),
            ("a\r\nBcc: b", "a  Bcc: b"),
            ("a\0\u{7f}\u{85}b", "a   b"),
            ("a\u{2028}b", "a b"),
            ("good\u{202e}evil\u{2066}\u{200f}", "goodevil"),
            ("\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{1f600}", "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{1f600}"),
        ] {
            assert_eq!(one_line(before), after, "{before:?}");
        }
    }

    #[test]
    fn a_text_keeps_its_lines_and_tabs() {
        for (before, after) in [
            ("a\r\n\tb\rc\nd", "a\n\tb\nc\nd"),
            ("\u{1b}[31mred\u{7}\0", "[31mred"),
            ("a\u{9b}b\u{a0}\u{202e}c\u{20ac}\u{2069}d\u{628}\u{61c}", "ab\u{a0}c\u{20ac}d\u{628}"),
            ("", ""),
        ] {
            assert_eq!(lines(before.into()), after, "{before:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_else_is_lost(text in proptest::string::string_regex("(?s).{0,60}").unwrap()) {
            let expected: String = text
                .replace("\r\n", "\n")
                .replace('\r', "\n")
                .chars()
                .filter(|c| (!c.is_control() || matches!(c, '\n' | '\t')) && !turns(*c))
                .collect();
            proptest::prop_assert_eq!(lines(text.into()), expected);
        }
    }
}
