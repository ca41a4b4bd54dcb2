use super::quoting::Quote;
use super::{AutoSubmitted, InlineImage, NewMessage};
use crate::message::{Attachment, Contact};
use crate::{Error, MessageId};

impl NewMessage {
    /// Returns all that was written into it as bytes: equal for equal messages and different for different ones, in
    /// this release and in later ones, so that a digest of them can be stored.
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = Parts::default();
        for (tag, list) in [(b't', &self.to), (b'c', &self.cc), (b'b', &self.bcc)] {
            bytes.contacts(tag, list);
        }
        bytes.part(b's', &self.subject);
        for (tag, text) in [(b'p', &self.text), (b'h', &self.html)] {
            bytes.part_of(tag, text.as_deref());
        }
        for file in &self.attachments {
            bytes.file(file);
        }
        // One that is answered is the last of the references too, and no other stands there twice.
        for id in self.in_reply_to.iter().chain(&self.references) {
            bytes.part(b'r', id.as_str());
        }
        // What came with later releases: a message without it keeps its bytes.
        bytes.contacts(b'y', &self.reply_to);
        for InlineImage { content_id, image } in &self.images {
            bytes.part(b'i', content_id);
            bytes.file(image);
        }
        bytes.part_of(b'l', self.calendar.as_deref());
        for (name, value) in &self.headers {
            bytes.part(b'x', name);
            bytes.part(b'v', value);
        }
        bytes.part_of(b'u', self.unsubscribe.as_deref());
        bytes.part_of(b'A', self.auto_submitted.map(AutoSubmitted::keyword));
        if let Some(quote) = &self.quote {
            bytes.part(if quote.marked { b'q' } else { b'w' }, &quote.intro);
            bytes.part(b'Q', &quote.text);
        }
        bytes.0
    }

    /// Takes up again a message that was stored in its [canonical](Self::canonical) form.
    ///
    /// ```
    /// use mail_access::{Address, NewMessage};
    ///
    /// let bob: Address = "bob@agents.example".parse()?;
    /// let message = NewMessage::to(bob).with_subject("Engines").with_text("Do they dream?");
    /// assert_eq!(NewMessage::from_canonical(&message.canonical())?, message);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if the bytes are not that form of a message.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, Error> {
        read(&mut Reader(bytes)).ok_or_else(|| Error::Invalid {
            what: "stored message",
            problem: "its bytes are of no message".into(),
        })
    }
}

/// Reads the parts in whichever order they come; `None` if they are none.
fn read(parts: &mut Reader<'_>) -> Option<NewMessage> {
    let mut message = NewMessage::default();
    let mut ids: Vec<MessageId> = Vec::new();
    while let Some((tag, content)) = parts.next()? {
        match tag {
            b't' => message.to.push(parts.contact(content)?),
            b'c' => message.cc.push(parts.contact(content)?),
            b'b' => message.bcc.push(parts.contact(content)?),
            b'y' => message.reply_to.push(parts.contact(content)?),
            b's' => message.subject = text(content)?,
            b'p' => message.text = Some(text(content)?),
            b'h' => message.html = Some(text(content)?),
            b'f' => message.attachments.push(parts.file(content)?),
            b'r' => ids.push(text(content)?.parse().ok()?),
            b'i' => {
                let image = parts.expect(b'f')?;
                message.images.push(InlineImage { content_id: text(content)?, image: parts.file(image)? });
            }
            b'l' => message.calendar = Some(text(content)?),
            b'x' => message.headers.push((text(content)?, text(parts.expect(b'v')?)?)),
            b'u' => message.unsubscribe = Some(text(content)?),
            b'A' => {
                let kinds = [AutoSubmitted::Generated, AutoSubmitted::Replied];
                let kind = kinds.into_iter().find(|kind| kind.keyword().as_bytes() == content)?;
                message.auto_submitted = Some(kind);
            }
            b'q' | b'w' => {
                let said = text(parts.expect(b'Q')?)?;
                message.quote = Some(Quote { intro: text(content)?, text: said, marked: tag == b'q' });
            }
            _ => return None,
        }
    }
    // The one that is answered stands before the others and is the last of them.
    if ids.len() > 1 && ids.first() == ids.last() {
        message.in_reply_to = Some(ids.remove(0));
    }
    message.references = ids;
    Some(message)
}

fn text(content: &[u8]) -> Option<String> {
    String::from_utf8(content.to_vec()).ok()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Returns the next part, `Some(None)` at the end, and `None` if what follows is no part.
    #[expect(clippy::option_option, reason = "the end is no failure, and `?` is for failures")]
    fn next(&mut self) -> Option<Option<(u8, &'a [u8])>> {
        let Some((tag, rest)) = self.0.split_first() else { return Some(None) };
        let (length, rest) = rest.split_first_chunk()?;
        let (content, rest) = rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
        self.0 = rest;
        Some(Some((*tag, content)))
    }

    fn expect(&mut self, wanted: u8) -> Option<&'a [u8]> {
        let (tag, content) = self.next()??;
        (tag == wanted).then_some(content)
    }

    fn contact(&mut self, address: &[u8]) -> Option<Contact> {
        let address = text(address)?.parse().ok()?;
        let name = Some(text(self.expect(b'n')?)?).filter(|name| !name.is_empty());
        Some(Contact { name, address })
    }

    fn file(&mut self, name: &[u8]) -> Option<Attachment> {
        let name = Some(text(name)?).filter(|name| !name.is_empty());
        Some(Attachment::from_parts(name, text(self.expect(b'm')?)?, self.expect(b'a')?.to_vec()))
    }
}

#[derive(Default)]
struct Parts(Vec<u8>);

impl Parts {
    fn part(&mut self, tag: u8, content: impl AsRef<[u8]>) {
        let content = content.as_ref();
        self.0.push(tag);
        self.0.extend_from_slice(&(content.len() as u64).to_be_bytes());
        self.0.extend_from_slice(content);
    }

    fn part_of(&mut self, tag: u8, content: Option<&str>) {
        if let Some(content) = content {
            self.part(tag, content);
        }
    }

    fn contacts(&mut self, tag: u8, list: &[Contact]) {
        for contact in list {
            self.part(tag, contact.address.to_string());
            self.part(b'n', contact.name.as_deref().unwrap_or_default());
        }
    }

    fn file(&mut self, file: &Attachment) {
        self.part(b'f', file.name.as_deref().unwrap_or_default());
        self.part(b'm', &file.content_type);
        self.part(b'a', &file.content);
    }
}
