//! The Message-ID by a glance at the header, where that tells as much as decoding all of it.

use memchr::memchr;

use crate::MessageId;

/// Finds the Message-ID of a header that can be read in one way only; `None` where it takes a closer look, or has none.
///
/// Each line has to be a field or the rest of one. In those that are decoded nothing may stand in quotes, comments or
/// encoded words, which readers close at different places.
pub(super) fn message_id(raw: &[u8]) -> Option<MessageId> {
    let mut rest = raw.get(..MAX_HEADER.min(raw.len()))?;
    let mut found = None;
    // What the field means to which the line belongs; none before the first one.
    let mut field = None;
    for _ in 0..MAX_LINES {
        let end = memchr(b'\n', rest)?;
        let (line, behind) = rest.split_at(end + 1);
        let line = line.strip_suffix(b"\r\n")?;
        rest = behind;
        let Some(first) = line.first() else { return found };
        if matches!(first, b' ' | b'\t') {
            let is_blank = line.trim_ascii().is_empty();
            if is_blank || !field.is_some_and(|field: Field| field.may_go_on(line)) {
                return None;
            }
            continue;
        }
        let (name, value) = line.split_at(memchr(b':', line)?);
        let now = Field::of(name)?;
        match now {
            Field::MessageId => {
                let id = value.strip_prefix(b": <")?.strip_suffix(b">")?;
                if found.is_some() || !all_are(id, IN_IDS) {
                    return None;
                }
                found = Some(std::str::from_utf8(id).ok()?.parse().ok()?);
            }
            _ if now.may_go_on(line) => {}
            _ => return None,
        }
        field = Some(now);
    }
    None
}

#[derive(Clone, Copy)]
enum Field {
    MessageId,
    /// It is decoded.
    Decoded,
    /// Nobody reads it who decodes the message.
    PassedOver,
}

impl Field {
    fn of(name: &[u8]) -> Option<Self> {
        if name.is_empty() || !all_are(name, IN_NAMES) {
            return None;
        }
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        Some(match name[0] | 0x20 {
            b'm' if is("message-id") => Self::MessageId,
            b'a' if is("authentication-results") => Self::PassedOver,
            b'd' if is("dkim-signature") || is("delivered-to") => Self::PassedOver,
            b'r' if is("received") || is("return-path") || is("received-spf") => Self::PassedOver,
            b'x' if name.get(1) == Some(&b'-') => Self::PassedOver,
            _ => Self::Decoded,
        })
    }

    /// Tells whether a line of it leaves no doubt.
    fn may_go_on(self, line: &[u8]) -> bool {
        let class = match self {
            // What follows on it would be a part of it.
            Self::MessageId => return false,
            Self::Decoded => IN_DECODED,
            Self::PassedOver => IN_ALL,
        };
        line.len() <= MAX_LINE && all_are(line, class)
    }
}

fn all_are(bytes: &[u8], class: u8) -> bool {
    // Without a way out on the way: most are, and so it goes many bytes at a time.
    bytes.iter().fold(class, |classes, byte| classes & CLASSES[usize::from(*byte)]) != 0
}

/// Where a byte may stand: in lines that nobody decodes, in those that are, in names of fields, in a Message-ID.
const IN_ALL: u8 = 1;
const IN_DECODED: u8 = 2;
const IN_NAMES: u8 = 4;
const IN_IDS: u8 = 8;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        let is_word = byte.is_ascii_alphanumeric();
        let mut class = 0;
        if matches!(byte, b'\t' | b' '..=b'~') {
            class |= IN_ALL;
            if !matches!(byte, b'"' | b'(' | b')' | b'[' | b']' | b'\\' | b'?') {
                class |= IN_DECODED;
            }
        }
        if is_word || byte == b'-' {
            class |= IN_NAMES;
        }
        if is_word || matches!(byte, b'@' | b'.' | b'-' | b'_' | b'+' | b'$') {
            class |= IN_IDS;
        }
        classes[byte as usize] = class;
        byte += 1;
    }
    classes
};

/// Larger headers are looked at closely: they may be over a limit.
const MAX_HEADER: usize = 8 << 10;
const MAX_LINES: usize = 60;
const MAX_LINE: usize = 998;

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use proptest::prelude::*;

    use super::*;
    use crate::{Contact, NewMessage, PostOffice, Received, Uid};

    fn decoded(raw: &[u8]) -> Option<MessageId> {
        let uid = Uid::new(1).expect("not 0");
        Received::parse(uid, SystemTime::UNIX_EPOCH, false, raw).message_id().cloned()
    }

    #[test]
    fn what_is_written_here_takes_no_closer_look() {
        let ada: Contact = "ada@agents.example".parse::<crate::Address>().unwrap().into();
        let message = NewMessage::to("bob@agents.example".parse::<crate::Address>().unwrap())
            .with_subject("a line: with, signs; and = more")
            .with_text("text")
            .seal(&ada)
            .unwrap();
        assert_eq!(message_id(message.bytes()).as_ref(), Some(message.message_id()));
        let bob = &message.recipients()[0];
        let host = "mail.agents.example".parse().unwrap();
        let filed = PostOffice::delivered(&message, bob, &host, 1, SystemTime::UNIX_EPOCH);
        assert_eq!(message_id(&filed).as_ref(), Some(message.message_id()));
    }

    #[test]
    fn what_others_may_read_otherwise_takes_one() {
        for header in [
            "Message-ID: <1@a.example>\nSubject: x\n\n",
            "Message-ID: <1@a.example>\r\n more\r\n\r\n",
            "Message-ID: <1@a.example>\r\nMessage-ID: <2@a.example>\r\n\r\n",
            "Message-ID: <1@a.example> <2@a.example>\r\n\r\n",
            "From: \"a\r\nMessage-ID: <1@a.example>\r\n\r\n",
            "Subject: =?utf-8?q?a\r\nMessage-ID: <1@a.example>\r\n\r\n",
            " Subject: a\r\nMessage-ID: <1@a.example>\r\n\r\n",
            "Subject: a\r\n \r\nMessage-ID: <1@a.example>\r\n\r\n",
            "Subject : a\r\nMessage-ID: <1@a.example>\r\n\r\n",
            "no field\r\nMessage-ID: <1@a.example>\r\n\r\n",
            "Received: from a (b\r\n\r\nMessage-ID: <1@a.example>\r\n\r\n",
            "Received: from a\n b\r\nMessage-ID: <1@a.example>\r\n\r\n",
            "Message-ID: <1@a.example>\r\nSubject: a\r\n",
            "Subject: a\r\n\r\nMessage-ID: <1@a.example>\r\n\r\n",
        ] {
            assert_eq!(message_id(header.as_bytes()), None, "{header:?}");
        }
    }

    /// Lines as they stand in headers, and what may come between.
    fn piece() -> impl Strategy<Value = String> {
        let names = [
            "From",
            "To",
            "Cc",
            "Reply-To",
            "Sender",
            "Subject",
            "Message-ID",
            "In-Reply-To",
            "References",
            "Date",
            "Content-Type",
            "Content-Transfer-Encoding",
            "Content-Disposition",
            "MIME-Version",
            "Received",
            "X-Other",
            "message-id",
            "",
        ];
        let values = [
            "<1@a.example>",
            "Ada <ada@a.example>",
            "ada@a.example, <b@a.example>",
            "group: a@a.example, b;",
            "<",
            "multipart/mixed; boundary=x",
            "text/plain; charset=utf-8;",
            "message/rfc822",
            "attachment; filename=a;",
            "Fri, 20 Nov 2026 10:39:50 UT",
            "Fri, 20 Nov 2026 10:39:50 +0000",
            ";",
            ",",
            ":",
            "=",
            "a=",
            "",
            " ",
            "text/plain; a*0=b;",
            "base64",
            "from a (b [1.2.3.4]) by c \"d\" with ESMTPSA id 1",
            "\"a",
            "(a",
            "a\\",
            "=?utf-8?q?a",
            "[a",
            "-",
        ];
        let ends = ["\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n ", "\r\n\t", "\n", "\r\n\r\n"];
        (
            prop::sample::select(names.to_vec()),
            prop::sample::select(values.to_vec()),
            prop::sample::select(ends.to_vec()),
        )
            .prop_map(|(name, value, end)| format!("{name}: {value}{end}"))
    }

    proptest! {
        #[test]
        fn a_glance_tells_nothing_else_than_decoding(
            above in prop::collection::vec(piece(), 0..5),
            id in "<[a-zA-Z0-9@._+$-]{0,12}>",
            below in prop::collection::vec(piece(), 0..5),
        ) {
            let raw = [&*above.concat(), "Message-ID: ", &id, "\r\n", &below.concat(), "\r\nbody\r\n"].concat();
            if let Some(told) = message_id(raw.as_bytes()) {
                prop_assert_eq!(Some(told), decoded(raw.as_bytes()));
            }
        }
    }
}
