//! Messages that are not finished, as they lie in a folder (RFC 9051 section 2.3.2, `\Draft`).

use std::time::SystemTime;

use super::seal::check_name;
use super::{AutoSubmitted, InlineImage, NewMessage, calendar};
use crate::message::{Contact, Limits, Received, field_values, fields, parse};
use crate::{Error, MessageId};

impl NewMessage {
    /// Writes the message down as it is so far, to be filed in a folder for drafts and taken up again by
    /// [`resume`](Self::resume).
    ///
    /// It needs no recipient yet, and names those of Bcc in its header: it is not for sending. All revisions of a draft
    /// have one Message-ID; `revision` counts them.
    ///
    /// # Errors
    /// As [`seal_as`](Self::seal_as), but for the recipients.
    pub fn draft(
        self,
        from: &Contact,
        message_id: &MessageId,
        date: SystemTime,
        revision: u32,
    ) -> Result<Vec<u8>, Error> {
        let mut header = self.header(from, message_id, date)?;
        header.contacts("bcc", "Bcc", &self.bcc)?;
        header.token(REVISION, &revision.to_string())?;
        let header = header.finish();
        self.below(&header, message_id)
    }

    /// Takes up a draft again, one of [`draft`](Self::draft) or of a person's mail program: recipients, subject, texts,
    /// files, thread and header fields of the writer's own.
    ///
    /// What a quote repeats is part of the text then. One line end at the end of a text may be lost.
    ///
    /// ```
    /// use std::time::SystemTime;
    ///
    /// use mail_access::{Address, MessageId, NewMessage, Received, Uid};
    ///
    /// let bob: Address = "bob@agents.example".parse()?;
    /// let ada: Address = "ada@agents.example".parse()?;
    /// let id: MessageId = "1@agents.example".parse()?;
    /// let message = NewMessage::to(&bob).with_bcc(&ada).with_subject("Engines").with_text("Do they dream?");
    ///
    /// let bytes = message.clone().draft(&ada.into(), &id, SystemTime::now(), 1)?;
    /// let filed = Received::parse(Uid::new(1).expect("not 0"), SystemTime::now(), false, bytes);
    /// assert_eq!((NewMessage::resume(&filed)?, filed.draft_revision()), (message, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if only the header of the message was fetched or decoded: it can't be sent from that.
    pub fn resume(received: &Received) -> Result<Self, Error> {
        if received.is_truncated() || received.opaque().is_some() || received.raw().is_empty() {
            let problem = "only the header of the draft is here".into();
            return Err(Error::Invalid { what: "draft", problem });
        }
        let without_end = |text: &str| text.strip_suffix('\n').unwrap_or(text).to_owned();
        let mut message = Self {
            to: received.to().to_vec(),
            cc: received.cc().to_vec(),
            bcc: hidden(received.raw()),
            reply_to: received.reply_to().to_vec(),
            subject: received.subject().to_owned(),
            text: received.text().map(without_end).filter(|text| !text.is_empty()),
            html: received.html().map(without_end),
            in_reply_to: received.in_reply_to().cloned(),
            references: received.references().to_vec(),
            auto_submitted: received.header("Auto-Submitted").and_then(|value| AutoSubmitted::read(&value)),
            unsubscribe: received
                .header("List-Unsubscribe")
                .and_then(|value| Some(value.strip_prefix('<')?.strip_suffix('>')?.to_owned())),
            ..Self::default()
        };
        for file in received.attachments() {
            let text = std::str::from_utf8(&file.content).ok();
            let is_calendar = file.content_type == "text/calendar" && file.name.is_none();
            match (text, &file.content_id) {
                (Some(text), _) if is_calendar && calendar::method(text).is_ok() => {
                    message.calendar = Some(text.to_owned());
                }
                (_, Some(id)) if file.is_inline && message.html.is_some() => {
                    message.images.push(InlineImage { content_id: id.clone(), image: file.clone() });
                }
                _ => message.attachments.push(file.clone()),
            }
        }
        for field in fields(received.raw()) {
            let Some(colon) = memchr::memchr(b':', field) else { continue };
            let Ok(name) = std::str::from_utf8(field[..colon].trim_ascii()) else { continue };
            let is_own = check_name(name).is_ok() && !name.eq_ignore_ascii_case(REVISION);
            if is_own && !message.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                let values = field_values(received.raw(), name);
                message
                    .headers
                    .extend(values.into_iter().map(|value| (name.to_owned(), value.trim().into())));
            }
        }
        Ok(message)
    }
}

impl Received {
    /// Returns which revision of a draft it is, by the field that [`NewMessage::draft`] writes; 0 without one.
    pub fn draft_revision(&self) -> u32 {
        self.header(REVISION).and_then(|revision| revision.trim().parse().ok()).unwrap_or(0)
    }
}

impl AutoSubmitted {
    fn read(value: &str) -> Option<Self> {
        let kinds = [Self::Generated, Self::Replied];
        kinds.into_iter().find(|kind| value.trim().eq_ignore_ascii_case(kind.keyword()))
    }
}

/// The contacts of Bcc, which no received message has: read as those of To are.
fn hidden(raw: &[u8]) -> Vec<Contact> {
    let values = fields(raw).filter_map(|field| {
        let colon = memchr::memchr(b':', field)?;
        field[..colon].trim_ascii().eq_ignore_ascii_case(b"Bcc").then(|| &field[colon..])
    });
    values
        .flat_map(|value| parse::content(&[b"To", value, b"\r\n"].concat(), &Limits::default()).to)
        .collect()
}

const REVISION: &str = "X-Draft-Revision";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Address, Attachment, Uid};

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn filed(message: NewMessage, revision: u32) -> Received {
        let (ada, id) = (address("ada@agents.example"), "1@agents.example".parse().unwrap());
        let bytes = message.draft(&ada.into(), &id, SystemTime::UNIX_EPOCH, revision).unwrap();
        Received::parse(Uid::new(1).unwrap(), SystemTime::UNIX_EPOCH, false, bytes)
    }

    #[test]
    fn a_draft_comes_back_as_it_was_however_often() {
        let bob = Contact::named("Müller, Bob", address("bob@agents.example"));
        let message = NewMessage::to(bob.clone())
            .with_cc(address("carol@agents.example"))
            .with_bcc(Contact::named("Böse, \"X\"", address("dave@agents.example")))
            .with_bcc(address("erin@agents.example"))
            .with_reply_to(address("desk@agents.example"))
            .with_subject("Grüße — 你好")
            .with_text("one\n\n.two grüße")
            .with_html("<p>grüße <img src=\"cid:sketch\"></p>")
            .with_inline("sketch", Attachment::new("sketch.png", "image/png", *b"\x89PNG"))
            .with_attachment(Attachment::new(
                "übersicht.bin",
                "application/octet-stream",
                vec![0, 13, 10, 255],
            ))
            .with_auto_submitted(AutoSubmitted::Replied)
            .with_unsubscribe("https://agents.example/off")
            .with_header("X-Agent-Hops", "1")
            .with_header("Keywords", "grün");
        let mut again = message.clone();
        for revision in 1..4 {
            let draft = filed(again, revision);
            assert_eq!(draft.draft_revision(), revision);
            again = NewMessage::resume(&draft).unwrap();
            let without = |message: &NewMessage| {
                let mut message = message.clone();
                message.images.clear();
                message
            };
            assert_eq!(without(&again).canonical(), without(&message).canonical());
            assert_eq!((again.images.len(), &*again.images[0].content_id), (1, "sketch"));
        }
    }

    #[test]
    fn a_draft_needs_no_recipient_and_keeps_its_thread() {
        let question = Received::parse(
            Uid::new(7).unwrap(),
            SystemTime::UNIX_EPOCH,
            false,
            *b"From: bob@agents.example\r\nMessage-ID: <2@x>\r\nReferences: <1@x>\r\nSubject: Engines\r\n\r\nDo they?\r\n",
        );
        let answer = NewMessage::reply_to(&question).unwrap().with_text("Yes.").with_quote(&question);
        let again = NewMessage::resume(&filed(answer, 1)).unwrap();
        assert_eq!(again.in_reply_to().unwrap().as_str(), "2@x");
        assert_eq!(again.references().len(), 2);
        assert!(again.text().unwrap().contains("> Do they?"), "{:?}", again.text());
        let empty = NewMessage::resume(&filed(NewMessage::default().with_text("so far"), 1)).unwrap();
        assert_eq!((empty.recipients().count(), empty.text()), (0, Some("so far")));
        assert!(NewMessage::resume(&question.without_raw()).is_err(), "the whole of it is needed");
    }

    #[test]
    fn what_was_stored_is_taken_up_and_what_is_broken_is_refused() {
        let message = NewMessage::to(Contact::named("Bob", address("bob@agents.example")))
            .with_text("x")
            .with_calendar("METHOD:REQUEST")
            .with_inline("a", Attachment::new("a.png", "image/png", *b"a"))
            .with_attachment(Attachment::new("b", "a/b", *b"\0\xff"))
            .with_header("X-A", "1")
            .with_auto_submitted(AutoSubmitted::Generated);
        let bytes = message.canonical();
        assert_eq!(NewMessage::from_canonical(&bytes).unwrap(), message);
        for cut in 1..bytes.len() {
            let read = NewMessage::from_canonical(&bytes[..cut]);
            assert!(read.is_err() || read.unwrap() != message, "cut after {cut} bytes");
        }
        assert!(NewMessage::from_canonical(b"junk").is_err());
    }
}
