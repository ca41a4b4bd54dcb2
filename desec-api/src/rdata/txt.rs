//! TXT: texts.

use std::fmt;

use crate::canonical::{Flaw, Wire, quoted};

/// Returns `text` as the content of a TXT record: quoted, escaped, and split after each 255 bytes.
///
/// ```
/// use desec_api::txt;
///
/// assert_eq!(txt("v=spf1 -all"), r#""v=spf1 -all""#);
/// assert_eq!(txt("say \"hi\""), r#""say \"hi\"""#);
/// assert_eq!(txt(&"x".repeat(256)).len(), 256 + 5);
/// ```
pub fn txt(text: &str) -> String {
    Txt::new(text).to_string()
}

/// A text (RFC 1035, section 3.3.14), in strings of at most 255 bytes.
///
/// Where a text is parted matters to the server: the same text in other parts is another content.
///
/// ```
/// use desec_api::Txt;
///
/// let key = Txt::new(&format!("v=DKIM1; p={}", "A".repeat(300)));
/// assert_eq!(key.strings().map(<[u8]>::len).collect::<Vec<_>>(), [255, 56]);
/// assert!(key.text().is_some_and(|text| text.len() == 311));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Txt(Vec<Vec<u8>>);

impl Txt {
    /// Returns a text, parted after each 255 bytes.
    pub fn new(text: &str) -> Self {
        Self::from_strings([text])
    }

    /// Returns a text of these strings; longer ones are parted after each 255 bytes.
    pub fn from_strings(strings: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut parts = Vec::new();
        for string in strings {
            match string.as_ref() {
                [] => parts.push(Vec::new()),
                bytes => parts.extend(bytes.chunks(255).map(<[u8]>::to_vec)),
            }
        }
        if parts.is_empty() {
            parts.push(Vec::new());
        }
        Self(parts)
    }

    /// Returns the strings, one at least.
    pub fn strings(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// Returns all strings as one, as readers of SPF, DKIM and DMARC join them.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// Returns all strings as one text, if that is UTF-8.
    pub fn text(&self) -> Option<String> {
        String::from_utf8(self.bytes()).ok()
    }

    pub(super) fn read(wire: &mut Wire<'_>) -> Result<Self, Flaw> {
        let mut parts = Vec::new();
        while !wire.is_empty() {
            parts.push(wire.string()?.to_vec());
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for Txt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for part in &self.0 {
            if !text.is_empty() {
                text.push(' ');
            }
            quoted(part, &mut text);
        }
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Rdata, RecordType, canonical};

    #[test]
    fn a_text_is_one_string_at_least() {
        assert_eq!((txt(""), Txt::from_strings([""; 0]).to_string()), (r#""""#.into(), r#""""#.into()));
        assert_eq!(Txt::from_strings([[0xff_u8]]).text(), None);
    }

    proptest! {
        #[test]
        fn txt_is_canonical_and_says_the_text(text in any::<String>(), times in 1_usize..40) {
            let text = text.repeat(times);
            let content = txt(&text);
            prop_assert_eq!(canonical(&RecordType::Txt, &content).unwrap(), content.clone());
            let Rdata::Txt(read) = Rdata::parse(&RecordType::Txt, &content).unwrap() else { unreachable!() };
            prop_assert_eq!(read.text().unwrap(), text);
        }

        #[test]
        fn strings_come_back(strings in proptest::collection::vec(any::<Vec<u8>>(), 0..5)) {
            let txt = Txt::from_strings(&strings);
            let read = Rdata::parse(&RecordType::Txt, &txt.to_string()).unwrap();
            prop_assert_eq!(read, Rdata::from(txt));
        }
    }
}
