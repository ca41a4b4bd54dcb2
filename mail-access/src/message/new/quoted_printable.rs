//! Quoted-printable (RFC 2045 section 6.7), written in one go.

use memchr::memchr;

/// Writes a text whose lines end in CR LF.
pub(super) fn write(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(end) = memchr(b'\n', rest) {
        let (line, behind) = (&rest[..end], &rest[end + 1..]);
        write_line(line.strip_suffix(b"\r").unwrap_or(line), out);
        out.extend_from_slice(b"\r\n");
        rest = behind;
    }
    write_line(rest, out);
}

/// Estimates the size from the bytes of a text and those among them that are not visible ASCII or blanks.
pub(super) fn size(length: usize, unusual: usize) -> usize {
    let written = length + 2 * unusual;
    written + written / (LINE / 3)
}

fn write_line(line: &[u8], out: &mut Vec<u8>) {
    // A blank at the end would be taken for what a server added.
    let (line, blank) = match line.split_last() {
        Some((blank @ (b' ' | b'\t'), before)) => (before, Some(escaped(*blank))),
        _ => (line, None),
    };
    let mut written = [0; LINE + 3];
    let mut column = 0;
    for code in line.iter().map(|byte| &CODES[usize::from(*byte)]).chain(&blank) {
        if column + code.length > LINE {
            written[column..column + 3].copy_from_slice(b"=\r\n");
            out.extend_from_slice(&written[..column + 3]);
            column = 0;
        }
        written[column..column + 3].copy_from_slice(&code.bytes);
        column += code.length;
    }
    out.extend_from_slice(&written[..column]);
}

/// What stands for a byte: itself, or `=` and two digits.
struct Code {
    bytes: [u8; 3],
    length: usize,
}

const fn escaped(byte: u8) -> Code {
    Code { bytes: [b'=', HEX[(byte >> 4) as usize], HEX[(byte & 15) as usize]], length: 3 }
}

static CODES: [Code; 256] = {
    let mut codes = [const { escaped(0) }; 256];
    let mut byte = 0;
    loop {
        let is_plain = matches!(byte, b'\t' | b' '..=b'~') && byte != b'=';
        codes[byte as usize] = if is_plain { Code { bytes: [byte, 0, 0], length: 1 } } else { escaped(byte) };
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    codes
};
const HEX: &[u8; 16] = b"0123456789ABCDEF";
/// Characters of a line before the `=` that says that it goes on.
const LINE: usize = 75;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_a_line_can_not_hold_is_escaped() {
        for (text, expected) in [
            ("", ""),
            ("gr\u{fc}n\r\n", "gr=C3=BCn\r\n"),
            ("a=b~\t!", "a=3Db~\t!"),
            ("a \r\nb\t", "a=20\r\nb=09"),
            (" \r\n\r\n  ", "=20\r\n\r\n =20"),
            ("\u{7f}\u{1b}", "=7F=1B"),
        ] {
            assert_eq!(written(text), expected, "{text:?}");
        }
        assert_eq!(written(&"x".repeat(160)), format!("{0}=\r\n{0}=\r\n{1}", "x".repeat(75), "x".repeat(10)));
        assert_eq!(written(&format!("{}\u{fc}", "x".repeat(73))), format!("{}=\r\n=C3=BC", "x".repeat(73)));
    }

    proptest! {
        #[test]
        fn it_can_be_read_again(lines in prop::collection::vec("[ -~\t\u{e4}\u{20ac}\u{1f680}=]{0,200}", 0..6)) {
            let text = lines.join("\r\n");
            let written = written(&text);
            prop_assert!(written.split("\r\n").all(|line| line.len() <= LINE + 1 && !line.ends_with([' ', '\t'])));
            prop_assert!(written.is_ascii());
            let read = mail_parser::decoders::quoted_printable::quoted_printable_decode(written.as_bytes());
            prop_assert_eq!(String::from_utf8(read.unwrap()).unwrap(), text);
        }
    }
}
