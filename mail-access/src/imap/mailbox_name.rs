use super::select::INBOX;
use crate::FolderName;

/// Writes a name in modified UTF-7 (RFC 3501 section 5.1.3).
pub(super) fn encode(name: &FolderName) -> String {
    let mut written = String::new();
    let mut rest = name.as_str();
    while let Some(first) = rest.chars().next() {
        let plain = is_plain(first);
        let end = rest.find(|c| is_plain(c) != plain).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end);
        rest = behind;
        if plain {
            written.push_str(&run.replace('&', "&-"));
        } else {
            shift(run, &mut written);
        }
    }
    written
}

/// Writes a name as it stands in a command.
pub(super) fn quoted(name: &FolderName) -> String {
    if name.is_inbox() {
        return INBOX.to_owned();
    }
    format!("\"{}\"", encode(name).replace('\\', "\\\\").replace('"', "\\\""))
}

/// Writes a name as it stands in a command, where UTF-8 was agreed on (RFC 6855 section 3).
pub(super) fn quoted_utf8(name: &FolderName) -> String {
    if name.is_inbox() {
        return INBOX.to_owned();
    }
    format!("\"{}\"", name.as_str().replace('\\', "\\\\").replace('"', "\\\""))
}

/// Reads a name where UTF-8 was agreed on.
pub(super) fn decode_utf8(written: &[u8]) -> Option<FolderName> {
    str::from_utf8(written).ok()?.parse().ok()
}

/// Reads a name in modified UTF-7; `None` if it can't be one that [`encode`] wrote.
pub(super) fn decode(written: &[u8]) -> Option<FolderName> {
    let text = str::from_utf8(written).ok().filter(|text| text.chars().all(is_plain))?;
    let mut name = String::new();
    let mut rest = text;
    while let Some((plain, behind)) = rest.split_once('&') {
        name.push_str(plain);
        let (shifted, behind) = behind.split_once('-')?;
        match shifted {
            "" => name.push('&'),
            _ => name.push_str(&unshift(shifted)?),
        }
        rest = behind;
    }
    name.push_str(rest);
    let name: FolderName = name.parse().ok()?;
    // Two ways to write one name would be two folders of which one can't be reached.
    (name.is_inbox() || encode(&name).as_bytes() == written).then_some(name)
}

fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~')
}

/// Writes `&`, the UTF-16 in base64, and `-`.
fn shift(run: &str, written: &mut String) {
    let bytes: Vec<u8> = run.encode_utf16().flat_map(u16::to_be_bytes).collect();
    written.push('&');
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..=group.len() {
            let value = bits >> (18 - 6 * digit) & 63;
            written.push(char::from(DIGITS[value as usize]));
        }
    }
    written.push('-');
}

fn unshift(shifted: &str) -> Option<String> {
    let (mut bits, mut count) = (0_u32, 0);
    let mut units = Vec::new();
    for digit in shifted.bytes() {
        let value = DIGITS.iter().position(|known| *known == digit)?;
        bits = (bits << 6 | u32::try_from(value).ok()?) & 0x003f_ffff;
        count += 6;
        if count >= 16 {
            count -= 16;
            units.push(u16::try_from(bits >> count & 0xffff).ok()?);
        }
    }
    String::from_utf16(&units).ok()
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_written_as_the_rfc_does() {
        for (name, written) in [
            ("INBOX", "INBOX"),
            ("~peter/mail/\u{53f0}\u{5317}/\u{65e5}\u{672c}\u{8a9e}", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Entw\u{fc}rfe", "Entw&APw-rfe"),
            ("A & B", "A &- B"),
            ("&\u{fc}&", "&-&APw-&-"),
            ("\u{1f600}", "&2D3eAA-"),
            ("\u{fc}\u{fc}\u{fc}", "&APwA,AD8-"),
        ] {
            assert_eq!(encode(&name.parse().unwrap()), written, "{name}");
            assert_eq!(decode(written.as_bytes()).unwrap().as_str(), name, "{written}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for written in [
            "",
            "&",
            "&AP",
            "&APw",
            "&AP*-",
            "&AGE-",
            "&APw-&APw-",
            "&2D3-",
            "&2D0-",
            "&3gDYPQ-",
            "&APx-",
            "&APwA-",
            "&A-",
            "&AAo-",
            "a\r\nb",
            "\u{fc}",
        ] {
            assert_eq!(decode(written.as_bytes()), None, "{written:?}");
        }
        assert_eq!(decode(b"inbox"), Some(FolderName::inbox()));
        assert_eq!(decode(b"\xff"), None);
    }

    proptest! {
        #[test]
        fn names_come_back(text in "\\PC{1,60}|[&a-]{1,20}|[\u{0}-\u{10ffff}]{1,10}") {
            if let Ok(name) = text.parse::<FolderName>() {
                let written = encode(&name);
                prop_assert!(written.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{written:?}");
                prop_assert_eq!(decode(written.as_bytes()), Some(name));
            }
        }

        #[test]
        fn what_is_read_is_written_alike(text in "(&[A-Za-z0-9+,]{0,8}-|[ -~]){0,12}") {
            if let Some(name) = decode(text.as_bytes()) {
                prop_assert!(name.is_inbox() || encode(&name) == text);
            }
        }
    }
}
