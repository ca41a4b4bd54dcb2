use std::hint::black_box;

use mail_access::Received;

/// What a program would look at.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) messages: usize,
    pub(super) bytes: usize,
    pub(super) attachments: usize,
    pub(super) attached_bytes: usize,
    pub(super) text: usize,
    pub(super) headers: usize,
}

impl Seen {
    pub(super) fn add(&mut self, received: &Received) {
        self.messages += 1;
        self.bytes += received.raw().len();
        self.headers += received.subject().len();
        self.headers += received.from().map_or(0, |from| from.address.to_string().len());
        self.text += received.text().map_or(0, str::len);
        for attachment in received.attachments() {
            self.attachments += 1;
            self.attached_bytes += attachment.content.len();
            black_box(&attachment.name);
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.attachments += other.attachments;
        self.attached_bytes += other.attached_bytes;
        self.text += other.text;
        self.headers += other.headers;
    }
}
