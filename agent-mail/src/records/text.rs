//! Texts as TXT records carry them, and what they say to those who send and receive mail.

use std::fmt::Write;

/// What a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Dmarc,
    MtaSts,
    Other,
    Spf,
    TlsReports,
}

/// Tells a text by its version, as RFC 7208 section 4.5, RFC 7489 section 6.4, RFC 8461 section 3.1 and RFC 8460
/// section 3 write it.
pub(super) fn kind_of(record: &str) -> Kind {
    let text = text_of(record);
    let first = |end: char| text.split(end).next().unwrap_or_default().replace([' ', '\t'], "");
    if first(' ').eq_ignore_ascii_case("v=spf1") {
        return Kind::Spf;
    }
    match first(';').to_ascii_lowercase().as_str() {
        "v=dmarc1" => Kind::Dmarc,
        "v=stsv1" => Kind::MtaSts,
        "v=tlsrptv1" => Kind::TlsReports,
        _ => Kind::Other,
    }
}

/// Writes a text as TXT content: strings of at most 255 bytes in quotes (RFC 1035 section 3.3.14).
pub(super) fn quoted(text: &str) -> String {
    let strings = text.as_bytes().chunks(255).map(|chunk| {
        let mut string = String::from('"');
        for &byte in chunk {
            match byte {
                b'"' | b'\\' => string.extend(['\\', char::from(byte)]),
                b' '..=b'~' => string.push(char::from(byte)),
                other => write!(string, "\\{other:03}").expect("a string takes all"),
            }
        }
        string + "\""
    });
    strings.collect::<Vec<_>>().join(" ")
}

/// Reads TXT content back: all its strings in one.
pub(crate) fn text_of(content: &str) -> String {
    let mut text = Vec::new();
    let mut inside = false;
    let mut bytes = content.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => inside = !inside,
            b'\\' => match bytes.next() {
                Some(first @ b'0'..=b'9') => {
                    let rest: Vec<u8> = bytes.by_ref().take(2).collect();
                    let digits: u32 = [first]
                        .iter()
                        .chain(&rest)
                        .fold(0, |sum, d| sum * 10 + u32::from(d.wrapping_sub(b'0')));
                    text.push(u8::try_from(digits).unwrap_or(b'?'));
                }
                Some(escaped) => text.push(escaped),
                None => {}
            },
            other if inside || other != b' ' => text.push(other),
            _ => {}
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_version_is_known_however_it_is_written() {
        for (record, kind) in [
            ("\"v=spf1 -all\"", Kind::Spf),
            ("\"V=SPF1\"", Kind::Spf),
            ("\"v=spf10 -all\"", Kind::Other),
            ("\"v=spf1-verification=7\"", Kind::Other),
            ("\"v = DMARC1 ;p=reject\"", Kind::Dmarc),
            ("\"v=DMA\" \"RC1; p=none\"", Kind::Dmarc),
            ("\"v=STSv1; id=1\"", Kind::MtaSts),
            ("\"v=TLSRPTv1;rua=mailto:a@b.example\"", Kind::TlsReports),
            ("\"\"", Kind::Other),
        ] {
            assert_eq!(kind_of(record), kind, "{record}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_read_back_as_it_was(text in any::<String>()) {
            let content = quoted(&text);
            prop_assert!(content.is_ascii());
            prop_assert_eq!(text_of(&content), text);
        }

        #[test]
        fn any_content_is_read(content in any::<String>()) {
            text_of(&content);
        }
    }
}
