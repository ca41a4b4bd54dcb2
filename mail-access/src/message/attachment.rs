use std::fmt;

/// A file that goes with a message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attachment {
    /// The name that the sender gave the file, as it stands there.
    ///
    /// It is a hint to show to people and no safe path: it may hold `../`, drive letters or nothing at all.
    pub name: Option<String>,
    /// The media type, `application/pdf`.
    pub content_type: String,
    /// The decoded bytes.
    pub content: Vec<u8>,
}

impl Attachment {
    /// Makes an attachment of a name, a media type and the bytes.
    pub fn new(
        name: impl Into<String>,
        content_type: impl Into<String>,
        content: impl Into<Vec<u8>>,
    ) -> Self {
        Self { name: Some(name.into()), content_type: content_type.into(), content: content.into() }
    }

    pub(crate) fn from_parts(name: Option<String>, content_type: String, content: Vec<u8>) -> Self {
        Self { name, content_type, content }
    }
}

/// Shows the size instead of the bytes.
impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("name", &self.name)
            .field("content_type", &self.content_type)
            .field("bytes", &self.content.len())
            .finish()
    }
}
