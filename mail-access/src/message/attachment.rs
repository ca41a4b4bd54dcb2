use std::fmt;

use super::file_name;

/// A file that goes with a message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attachment {
    /// The name that the sender gave the file, without control characters.
    ///
    /// It is a hint to show to people and no safe path: it may hold `../`, drive letters or nothing at all.
    /// [`safe_name`](Self::safe_name) is what a file may be saved under.
    pub name: Option<String>,
    /// The media type, `application/pdf`.
    pub content_type: String,
    /// The decoded bytes; a text in UTF-8.
    pub content: Vec<u8>,
    /// The Content-ID that HTML refers to as `cid:` (RFC 2392), without the angle brackets.
    pub content_id: Option<String>,
    /// Whether it is meant to be shown within the text (RFC 2183 section 2.1).
    pub is_inline: bool,
}

impl Attachment {
    /// Makes an attachment of a name, a media type and the bytes.
    pub fn new(
        name: impl Into<String>,
        content_type: impl Into<String>,
        content: impl Into<Vec<u8>>,
    ) -> Self {
        Self::from_parts(Some(name.into()), content_type.into(), content.into())
    }

    /// Returns a name that a file may be saved under in a folder of the reader's choice.
    ///
    /// It is a single path component of 1 to 200 bytes, not hidden, not reserved on any system; the bytes behind it
    /// are as untrusted as ever. Two attachments may have the same: create files anew and never replace one.
    ///
    /// ```
    /// use mail_access::Attachment;
    ///
    /// let hostile = Attachment::new("../../.ssh/authorized_keys", "text/plain", "");
    /// assert_eq!(hostile.safe_name(), "authorized_keys");
    /// assert_eq!(Attachment::new("..", "application/pdf", "").safe_name(), "attachment.pdf");
    /// ```
    pub fn safe_name(&self) -> String {
        file_name::safe(self.name.as_deref(), &self.content_type)
    }

    pub(crate) fn from_parts(name: Option<String>, content_type: String, content: Vec<u8>) -> Self {
        Self { name, content_type, content, content_id: None, is_inline: false }
    }
}

/// Shows the size instead of the bytes.
impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("name", &self.name)
            .field("content_type", &self.content_type)
            .field("bytes", &self.content.len())
            .field("content_id", &self.content_id)
            .field("is_inline", &self.is_inline)
            .finish()
    }
}
