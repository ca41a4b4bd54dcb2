//! Names within contents: as text, and as labels.

use std::{borrow::Cow, fmt::Write as _};

use super::{Flaw, tokens::escape};

/// What may stand in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Letters, digits, and hyphens inside of labels; a bare root only if it is allowed.
    Host { root: bool },
    /// The same with `_`, `*` and `/`, and hyphens anywhere.
    Alias,
    /// Anything.
    Any,
}

impl Rule {
    /// Checks the text form of a name.
    pub(super) fn check(self, part: &'static str, name: &str) -> Result<(), Flaw> {
        let allowed = |extra: &'static [u8]| {
            name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b) || extra.contains(&b))
        };
        let hyphens_inside = || name.split('.').all(|label| !label.starts_with('-') && !label.ends_with('-'));
        let fine = match self {
            Self::Host { root } if name == "." => root,
            Self::Host { .. } => allowed(b"") && hyphens_inside(),
            Self::Alias => allowed(b"_*/"),
            Self::Any => true,
        };
        if fine { Ok(()) } else { Err(Flaw::BadName(part, name.to_owned())) }
    }
}

/// Adds the labels of the absolute name `text` to `wire`.
///
/// Labels of other scripts become their ASCII form; all others keep their letter case.
pub(crate) fn read(text: &str, wire: &mut Vec<u8>) -> Result<(), Flaw> {
    let text = if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(ascii(text)?) };
    let start = wire.len();
    let mut rest = if text == "." { &[] } else { text.as_bytes() };
    let mut absolute = !rest.is_empty() || text == ".";
    while !rest.is_empty() {
        (rest, absolute) = label(rest, wire)?;
    }
    if !absolute || text == "@" {
        return Err(Flaw::Relative);
    }
    wire.push(0);
    if wire.len() - start > 255 { Err(Flaw::LongName) } else { Ok(()) }
}

/// Adds the text form of `labels` to `text`.
pub(crate) fn print(labels: &[&[u8]], text: &mut String) {
    for label in labels {
        for &byte in *label {
            match byte {
                b'"' | b'(' | b')' | b'.' | b';' | b'\\' | b'@' | b'$' => text.extend(['\\', byte.into()]),
                0x21..0x7f => text.push(byte.into()),
                _ => write!(text, "\\{byte:03}").expect("a String takes everything"),
            }
        }
        text.push('.');
    }
    if labels.is_empty() {
        text.push('.');
    }
}

// Reads a label and the dot behind it; returns what follows, and whether there was a dot.
fn label<'a>(mut rest: &'a [u8], wire: &mut Vec<u8>) -> Result<(&'a [u8], bool), Flaw> {
    let start = wire.len();
    wire.push(0);
    let mut dot = false;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'.' => {
                dot = true;
                break;
            }
            b'\\' => {
                let (byte, tail) = escape(tail)?;
                wire.push(byte);
                rest = tail;
            }
            _ => wire.push(first),
        }
    }
    wire[start] = match wire.len() - start - 1 {
        0 => return Err(Flaw::new("A DNS label is empty.")),
        length @ 1..=63 => u8::try_from(length).expect("at most 63"),
        _ => return Err(Flaw::new("A DNS label is > 63 octets long.")),
    };
    Ok((rest, dot))
}

// The server follows the older of two standards, which turns these four into other letters. A domain of the
// newer one would be missed, so they must be written in the form that is meant.
fn ascii(text: &str) -> Result<String, Flaw> {
    if text.contains(['\u{df}', '\u{1e9e}', '\u{3c2}', '\u{200c}', '\u{200d}']) {
        return Err(Flaw::new("this name has two readings; write its ASCII form (xn--..)"));
    }
    let ascii = |label: &str| match url::Host::parse(label) {
        _ if label.is_ascii() => Some(label.to_owned()),
        Ok(url::Host::Domain(name)) if !label.contains(['%', '\\']) && !name.contains('.') => Some(name),
        _ => None,
    };
    let labels: Option<Vec<_>> = text.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']).map(ascii).collect();
    Ok(labels.ok_or_else(|| Flaw::new("this name has no ASCII form"))?.join("."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::wire::Wire, *};

    fn turned(text: &str) -> Result<String, Flaw> {
        let (mut wire, mut printed) = (Vec::new(), String::new());
        read(text, &mut wire)?;
        print(&Wire(&wire).name()?, &mut printed);
        Ok(printed)
    }

    #[test]
    fn names_keep_their_letters() {
        let same = ["WWW.Example.", ".", "_a.*.b.", r"a\.b.c.", r"a\032b."];
        for name in same {
            assert_eq!(turned(name).unwrap(), name);
        }
        assert_eq!(turned(r"a\046\b.c.").unwrap(), r"a\.b.c.");
        assert_eq!(turned("B\u{fc}cher\u{3002}Example.").unwrap(), "xn--bcher-kva.Example.");
        let long = "a".repeat(63);
        assert!(turned(&format!("{long}.{long}.{long}.{}.", "a".repeat(61))).is_ok());
        assert_eq!(turned(&format!("{long}.{long}.{long}.{}.", "a".repeat(62))), Err(Flaw::LongName));
        for bad in [
            "",
            "@",
            "a",
            "a..b.",
            ".a.",
            "..",
            &format!("{long}a."),
            r"a\25.",
            "stra\u{df}e.de.",
            "\u{fc}/.",
        ] {
            assert!(turned(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn hosts_are_not_aliases() {
        let host = Rule::Host { root: true };
        assert!(host.check("x", "a-1.b.").is_ok() && host.check("x", ".").is_ok());
        assert!(Rule::Host { root: false }.check("x", ".").is_err());
        for name in ["a_b.", "-a.", "a-.b.", "*.a.", "a/b."] {
            assert!(host.check("x", name).is_err(), "{name}");
            assert!(Rule::Alias.check("x", name).is_ok(), "{name}");
        }
        assert!(Rule::Alias.check("x", r"a\.b.").is_err());
    }

    proptest! {
        #[test]
        fn every_label_can_be_written(labels in proptest::collection::vec(any::<[u8; 3]>(), 0..60)) {
            let labels: Vec<&[u8]> = labels.iter().map(<[u8; 3]>::as_slice).collect();
            let (mut text, mut wire) = (String::new(), Vec::new());
            print(&labels, &mut text);
            read(&text, &mut wire).unwrap();
            prop_assert_eq!(Wire(&wire).name().unwrap(), labels);
        }
    }
}
