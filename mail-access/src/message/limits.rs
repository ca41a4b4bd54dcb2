use std::fmt;

/// How much of a stranger's message is taken apart; beyond it the message stays opaque.
///
/// ```
/// use mail_access::Limits;
///
/// let modest = Limits::default().with_size(1 << 20).with_parts(100);
/// assert_eq!((modest.size(), modest.parts(), modest.nesting()), (1 << 20, 100, 64));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    size: usize,
    header: usize,
    field: usize,
    parts: usize,
    nesting: usize,
}

impl Limits {
    /// Sets the size of a whole message in bytes, 50 MiB by default.
    pub fn with_size(mut self, bytes: usize) -> Self {
        self.size = bytes;
        self
    }

    /// Sets the size of one header, the message's or a part's, in bytes, 1 MiB by default.
    pub fn with_header(mut self, bytes: usize) -> Self {
        self.header = bytes;
        self
    }

    /// Sets the size of one header field in bytes, 64 KiB by default.
    pub fn with_field(mut self, bytes: usize) -> Self {
        self.field = bytes;
        self
    }

    /// Sets the number of MIME parts, those of embedded messages included, 10 000 by default.
    pub fn with_parts(mut self, parts: usize) -> Self {
        self.parts = parts;
        self
    }

    /// Sets how deep parts and messages may lie in each other, 64 by default.
    pub fn with_nesting(mut self, levels: usize) -> Self {
        self.nesting = levels;
        self
    }

    /// Returns the size of a whole message in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Returns the size of one header in bytes.
    pub fn header(&self) -> usize {
        self.header
    }

    /// Returns the size of one header field in bytes.
    pub fn field(&self) -> usize {
        self.field
    }

    /// Returns the number of MIME parts.
    pub fn parts(&self) -> usize {
        self.parts
    }

    /// Returns how deep parts may lie in each other.
    pub fn nesting(&self) -> usize {
        self.nesting
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { size: 50 << 20, header: 1 << 20, field: 64 << 10, parts: 10_000, nesting: 64 }
    }
}

/// Why a message was not taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// The whole is larger than [`Limits::size`].
    Size,
    /// A header is larger than [`Limits::header`].
    Header,
    /// A header field is larger than [`Limits::field`].
    Field,
    /// The headers hold more fields, addresses or parameters than any letter has.
    Fields,
    /// There are more parts than [`Limits::parts`].
    Parts,
    /// The parts lie deeper in each other than [`Limits::nesting`].
    Nesting,
    /// The boundaries between the parts would take too much work to find.
    Boundaries,
    /// The parser gave up on it.
    Malformed,
    /// The server lists it and doesn't give it out; see [`Received::withheld`](crate::Received::withheld).
    Withheld,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Size => "the message is too large",
            Self::Header => "a header is too large",
            Self::Field => "a header field is too large",
            Self::Fields => "the headers hold too many fields, addresses or parameters",
            Self::Parts => "there are too many parts",
            Self::Nesting => "the parts are nested too deep",
            Self::Boundaries => "the boundaries between the parts are too many, too long or missing",
            Self::Malformed => "the message is malformed beyond what can be parsed",
            Self::Withheld => "the server doesn't give the message out",
        })
    }
}
