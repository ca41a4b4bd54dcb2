//! Takes out of a stranger's text what would deceive a reader or break a line.

use std::borrow::Cow;
use std::ops::Range;

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
    let mut bytes = text.into_owned().into_bytes();
    let (mut read, mut written) = (0, 0);
    while read < bytes.len() {
        let end = memchr(b'\r', &bytes[read..]).map_or(bytes.len(), |at| read + at);
        if bytes[read..end].iter().fold(false, |found, byte| found | is_special(*byte)) {
            written = clean(&mut bytes, read..end, written);
        } else {
            bytes.copy_within(read..end, written);
            written += end - read;
        }
        read = end;
        if read < bytes.len() {
            read += if bytes[read..].starts_with(b"\r\n") { 2 } else { 1 };
            bytes[written] = b'\n';
            written += 1;
        }
    }
    bytes.truncate(written);
    String::from_utf8(bytes).unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned())
}

/// Moves what stays of a range to another place before it, and tells where that ends.
fn clean(bytes: &mut [u8], range: Range<usize>, mut written: usize) -> usize {
    let (mut read, end) = (range.start, range.end);
    while read < end {
        let rest = &bytes[read..end];
        let plain = rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len());
        bytes.copy_within(read..read + plain, written);
        (read, written) = (read + plain, written + plain);
        if read < end {
            let (length, stays) = judge(&bytes[read..end]);
            if stays {
                bytes.copy_within(read..read + length, written);
                written += length;
            }
            read += length;
        }
    }
    written
}

/// Judges the character at the beginning: its length, and whether it stays.
fn judge(rest: &[u8]) -> (usize, bool) {
    match rest {
        [first, ..] if first.is_ascii() => (1, false),
        // U+0080 to U+009F, the other control characters.
        [0xc2, 0x80..=0x9f, ..] | [0xd8, 0x9c, ..] => (2, false),
        [0xe2, 0x80, 0x8e | 0x8f | 0xaa..=0xae, ..] | [0xe2, 0x81, 0xa6..=0xa9, ..] => (3, false),
        [0xe2, ..] => (3.min(rest.len()), true),
        _ => (2.min(rest.len()), true),
    }
}

/// Tells whether a byte may begin what is taken out. The compiler makes a test of many bytes at once of it.
#[expect(clippy::needless_bitwise_bool, reason = "without branches it is ten times as fast")]
fn is_special(byte: u8) -> bool {
    (byte < b' ') & (byte != b'\n') & (byte != b'\t')
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
