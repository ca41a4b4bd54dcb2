//! Header fields as they go over the wire (RFC 5322 section 2.2, RFC 2047, RFC 6532).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::message::Contact;
use crate::{Error, MessageId};

/// The fields of a header, each checked and encoded as it is added.
pub(super) struct Fields {
    header: String,
    /// Where the present line begins, and the value of the present field.
    line: usize,
    value: usize,
}

impl Fields {
    /// Adds a field that is one line of text, encoded where it has to be.
    pub(super) fn text(&mut self, what: &'static str, name: &str, value: &str) -> Result<(), Error> {
        without_controls(what, value)?;
        self.field(what, name, |fields| {
            if is_plain(value) {
                value.split(' ').for_each(|word| fields.word(word));
            } else {
                fields.encoded_words(value);
            }
        })
    }

    /// Adds a list of contacts, or nothing if there are none.
    pub(super) fn contacts(&mut self, what: &'static str, name: &str, list: &[Contact]) -> Result<(), Error> {
        let Some((closing, before)) = list.split_last() else { return Ok(()) };
        for name in list.iter().filter_map(|contact| contact.name.as_deref()) {
            without_controls(what, name)?;
        }
        self.field(what, name, |fields| {
            for contact in before {
                fields.contact(contact);
                fields.header.push(',');
            }
            fields.contact(closing);
        })
    }

    /// Adds a list of Message-IDs, or nothing if there are none.
    pub(super) fn ids<'a>(
        &mut self,
        name: &'static str,
        ids: impl IntoIterator<Item = &'a MessageId>,
    ) -> Result<(), Error> {
        let mut ids = ids.into_iter().peekable();
        if ids.peek().is_none() {
            return Ok(());
        }
        self.field(name, name, |fields| ids.for_each(|id| fields.word_of(&["<", id.as_str(), ">"])))
    }

    /// Adds a field whose value is ASCII that needs no encoding.
    pub(super) fn token(&mut self, name: &'static str, value: &str) -> Result<(), Error> {
        self.field(name, name, |fields| fields.word(value))
    }

    /// Returns the header, without the empty line that ends it.
    pub(super) fn finish(self) -> String {
        self.header
    }

    fn field(&mut self, what: &'static str, name: &str, value: impl FnOnce(&mut Self)) -> Result<(), Error> {
        let begin = self.header.len();
        self.line = begin;
        self.header.push_str(name);
        self.header.push(':');
        self.value = self.header.len();
        value(self);
        self.header.push_str("\r\n");
        let length = self.header.len() - begin;
        if length > MAX_FIELD {
            return Err(Error::Invalid {
                what,
                problem: format!(
                    "its header field would be {length} bytes long; servers cut it at {MAX_FIELD}"
                ),
            });
        }
        Ok(())
    }

    fn contact(&mut self, contact: &Contact) {
        let (local, domain) = (contact.address.local_part(), contact.address.domain().as_str());
        match contact.name.as_deref().filter(|name| !name.trim().is_empty()) {
            None => self.word_of(&[local, "@", domain]),
            Some(name) => {
                self.phrase(name);
                self.word_of(&["<", local, "@", domain, ">"]);
            }
        }
    }

    /// Writes a name: bare, quoted or encoded (RFC 5322 section 3.2.5, RFC 2047 section 5).
    fn phrase(&mut self, name: &str) {
        if name.len() > MAX_QUOTED || !is_plain(name) {
            self.encoded_words(name);
        } else if name.bytes().all(|b| b.is_ascii_alphanumeric() || b" -_".contains(&b)) {
            name.split(' ').for_each(|word| self.word(word));
        } else {
            self.word(&format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")));
        }
    }

    /// Adds a word behind a blank, on a new line if this one would grow too long. A first word stays behind the name:
    /// some programs take a field that begins with an empty line for an empty one.
    fn word(&mut self, word: &str) {
        self.word_of(&[word]);
    }

    fn word_of(&mut self, pieces: &[&str]) {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        if self.column() + 1 + length > LINE && self.value < self.header.len() {
            self.fold();
        }
        self.header.push(' ');
        self.header.extend(pieces.iter().copied());
    }

    fn encoded_words(&mut self, mut text: &str) {
        while !text.is_empty() {
            let room = |fields: &Self| LINE.saturating_sub(fields.column() + 1 + ENCODED.len() + 2) / 4 * 3;
            if room(self) < char::MAX.len_utf8() {
                self.fold();
            }
            let chunk = &text[..text.floor_char_boundary(room(self).min(MAX_CHUNK))];
            self.header.push(' ');
            self.header.push_str(ENCODED);
            STANDARD.encode_string(chunk, &mut self.header);
            self.header.push_str("?=");
            text = &text[chunk.len()..];
        }
    }

    fn fold(&mut self) {
        self.header.push_str("\r\n");
        self.line = self.header.len();
    }

    fn column(&self) -> usize {
        self.header.len() - self.line
    }
}

impl Default for Fields {
    fn default() -> Self {
        Self { header: String::with_capacity(ROOM), line: 0, value: 0 }
    }
}

/// Finds what would end the line, and with it the field.
pub(super) fn without_controls(what: &'static str, text: &str) -> Result<(), Error> {
    match text.chars().find(|c| c.is_control()) {
        Some(control) => Err(Error::Invalid {
            what,
            problem: format!(
                "it holds the control character {control:?}; a header field is one line of text"
            ),
        }),
        None => Ok(()),
    }
}

/// Tells whether a text arrives as it is: ASCII that can be folded, that no reader takes for an encoded word, and
/// whose blanks no program takes away.
fn is_plain(text: &str) -> bool {
    text.is_ascii()
        && !text.as_bytes().windows(2).any(|pair| pair == b"=?" || pair == b"  ")
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && text.split(' ').all(|word| word.len() <= MAX_WORD)
}

/// The header of most messages fits, in bytes.
const ROOM: usize = 512;
const ENCODED: &str = "=?utf-8?B?";
/// A line with an encoded word in it holds at most 76 characters (RFC 2047 section 2).
const LINE: usize = 76;
/// The bytes that fill an encoded word of 75 characters.
const MAX_CHUNK: usize = 45;
/// Beside the longest name of a field it leaves a line within 998 characters (RFC 5322 section 2.1.1).
const MAX_WORD: usize = 900;
const MAX_QUOTED: usize = 60;
pub(super) const MAX_NAME: usize = 76;
/// Postfix keeps 102 400 bytes of a field and drops the rest.
const MAX_FIELD: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> String {
        let mut fields = Fields::default();
        fields.text("subject", "Subject", value).unwrap();
        fields.finish()
    }

    #[test]
    fn a_text_is_plain_where_it_can_be() {
        for (value, field) in [
            ("Engines", "Subject: Engines\r\n"),
            ("", "Subject: \r\n"),
            ("gr\u{fc}n", "Subject: =?utf-8?B?Z3LDvG4=?=\r\n"),
            (" a", "Subject: =?utf-8?B?IGE=?=\r\n"),
            ("a  b", "Subject: =?utf-8?B?YSAgYg==?=\r\n"),
            ("=?utf-8?Q?a?=", "Subject: =?utf-8?B?PT91dGYtOD9RP2E/PQ==?=\r\n"),
        ] {
            assert_eq!(text(value), field);
        }
    }

    #[test]
    fn long_texts_are_folded_or_encoded() {
        let folded = text(&["word"; 40].join(" "));
        assert!(folded.split("\r\n").all(|line| line.len() <= LINE), "{folded}");
        assert_eq!(folded.replace("\r\n", ""), format!("Subject: {}", ["word"; 40].join(" ")));
        for long in ["x".repeat(3000), "\u{1f680}".repeat(300)] {
            let encoded = text(&long);
            assert!(encoded.split("\r\n").all(|line| line.len() <= LINE), "{encoded}");
        }
        assert_eq!(text(&"x".repeat(900)).len(), 911, "a long word that fits into a line stays whole");
    }

    #[test]
    fn a_name_is_bare_quoted_or_encoded() {
        let contact = |name: &str| Contact::named(name, "b@x.example".parse().unwrap());
        for (name, field) in [
            ("Bob", "To: Bob <b@x.example>\r\n"),
            ("Bob B.", "To: \"Bob B.\" <b@x.example>\r\n"),
            ("a\"\\", "To: \"a\\\"\\\\\" <b@x.example>\r\n"),
            ("a, b", "To: \"a, b\" <b@x.example>\r\n"),
            ("B\u{f6}b", "To: =?utf-8?B?QsO2Yg==?= <b@x.example>\r\n"),
            (" ", "To: b@x.example\r\n"),
        ] {
            let mut fields = Fields::default();
            fields.contacts("to", "To", &[contact(name)]).unwrap();
            assert_eq!(fields.finish(), field);
        }
    }

    #[test]
    fn a_field_that_servers_would_cut_is_refused() {
        let many: Vec<Contact> = (0..5000)
            .map(|n| Contact::from(format!("agent-{n}@agents.example").parse::<crate::Address>().unwrap()))
            .collect();
        assert!(matches!(
            Fields::default().contacts("to", "To", &many),
            Err(Error::Invalid { what: "to", .. })
        ));
    }
}
