//! Encoded words (RFC 2047) that were cut within a character: each alone decodes to less than both together.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use memchr::{memchr, memmem};

/// Makes one word of neighbours of the same charset and encoding.
pub(super) fn joined(header: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(header.len());
    let mut rest = header;
    while let Some(at) = memmem::find(rest, b"=?") {
        whole.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let read = Word::read(rest);
        if let Some((one, behind)) = read.as_ref().and_then(|(first, behind)| first.join(behind)) {
            whole.extend_from_slice(&one);
            rest = behind;
        } else {
            let (same, behind) = rest.split_at(read.map_or(2, |(_, behind)| rest.len() - behind.len()));
            whole.extend_from_slice(same);
            rest = behind;
        }
    }
    whole.extend_from_slice(rest);
    whole
}

/// `=?charset?encoding?text?=`
struct Word<'a> {
    charset: &'a [u8],
    is_base64: bool,
    text: &'a [u8],
}

impl<'a> Word<'a> {
    /// Reads a word, and returns what is behind it too.
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let bytes = bytes.strip_prefix(b"=?")?;
        let (charset, bytes) = bytes.split_at(memchr(b'?', bytes)?);
        let (encoding, bytes) = (bytes.get(1)?, bytes.get(2..)?.strip_prefix(b"?")?);
        let (text, bytes) = bytes.split_at(memchr(b'?', bytes)?);
        let is_base64 = match encoding.to_ascii_uppercase() {
            b'B' => true,
            b'Q' => false,
            _ => return None,
        };
        Some((Self { charset, is_base64, text }, bytes.strip_prefix(b"?=")?))
    }

    /// Makes one word of this one and those that follow it, and returns what is behind them too.
    fn join(&self, behind: &'a [u8]) -> Option<(Vec<u8>, &'a [u8])> {
        let is_alike =
            |next: &Self| next.is_base64 == self.is_base64 && next.charset.eq_ignore_ascii_case(self.charset);
        let mut content = self.content()?;
        let mut rest = behind;
        while let Some((next, behind)) =
            Self::read(rest.trim_ascii_start()).filter(|(next, _)| is_alike(next))
            && let Some(more) = next.content()
        {
            content.to_mut().extend_from_slice(&more);
            rest = behind;
        }
        if rest.len() == behind.len() {
            return None;
        }
        let (encoding, text) =
            if self.is_base64 { (b"B", BASE64.encode(content).into_bytes().into()) } else { (b"Q", content) };
        Some(([b"=?", self.charset, b"?", encoding, b"?", &text, b"?="].concat(), rest))
    }

    /// Returns what can be put behind that of another word.
    fn content(&self) -> Option<Cow<'a, [u8]>> {
        if self.is_base64 {
            BASE64.decode(self.text).ok().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(self.text))
        }
    }
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Limits;
    use crate::message::parse::content;

    #[test]
    fn neighbours_become_one_word() {
        for (header, one) in [
            ("=?utf-8?Q?=D0?=\r\n =?UTF-8?q?=BE_?= x", "=?utf-8?Q?=D0=BE_?= x"),
            ("=?utf-8?B?0A==?= =?utf-8?b?vg?= =?utf-8?B?eA==?=", "=?utf-8?B?0L54?="),
            ("=?utf-8?B?0L4=?= =?koi8-r?B?0L4=?=", "=?utf-8?B?0L4=?= =?koi8-r?B?0L4=?="),
            ("=?utf-8?B?0L4=?= =?utf-8?Q?x?=", "=?utf-8?B?0L4=?= =?utf-8?Q?x?="),
            ("=?utf-8?B?!?= =?utf-8?B?0L4=?=", "=?utf-8?B?!?= =?utf-8?B?0L4=?="),
            ("=?=? =?x =?utf-8?Q?a =?", "=?=? =?x =?utf-8?Q?a =?"),
            ("=?x?q?a?= =?utf-8?b?0L4?=", "=?x?q?a?= =?utf-8?b?0L4?="),
        ] {
            assert_eq!(String::from_utf8_lossy(&joined(header.as_bytes())), one);
        }
    }

    #[test]
    fn a_character_in_two_words_is_read() {
        let content = content(
            b"Subject: =?utf-8?Q?=D0=BD=D0?= =?utf-8?Q?=B5=D1=82?=\r\nFrom: =?utf-8?B?0JA=?=\r\n =?utf-8?B?0L3Q?=\r\n \
              =?utf-8?B?vdCw?= <a@b.example>\r\n\r\n",
            &Limits::default(),
        );
        assert_eq!(content.subject, "\u{43d}\u{435}\u{442}");
        assert_eq!(content.from[0].name.as_deref(), Some("\u{410}\u{43d}\u{43d}\u{430}"));
    }

    proptest! {
        #[test]
        fn a_text_cut_anywhere_is_read_whole(text in "[\u{e4}\u{43d}\u{6f22}\u{1f600}a-z]{1,30}", cut in 0..120_usize) {
            let (first, second) = text.as_bytes().split_at(cut.min(text.len()));
            let [first, second] = [first, second].map(|part| BASE64.encode(part));
            let raw = format!("Subject: =?utf-8?B?{first}?=\r\n =?utf-8?B?{second}?=\r\n\r\n");
            prop_assert_eq!(content(raw.as_bytes(), &Limits::default()).subject, text);
        }

        #[test]
        fn any_header_is_joined(header in "(=\\?|\\?=|\\?|utf-8|B|Q|=D0| |\r\n|[a-z]|\u{e4}){0,40}") {
            let once = joined(header.as_bytes());
            prop_assert_eq!(joined(&once), once);
        }
    }
}
