use super::{AutoSubmitted, InlineImage, NewMessage};
use crate::message::{Attachment, Contact};

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
