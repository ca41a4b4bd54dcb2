use crate::{Address, Outgoing};

/// A message that left for a domain that isn't hosted here, see [`Foreign::Kept`](crate::Foreign::Kept).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Departed {
    /// Whom it is for; not who was written to, if an alias led away from here.
    pub recipient: Address,
    /// The message with its envelope, as it was submitted.
    pub message: Outgoing,
}

impl Departed {
    pub(super) fn new(recipient: Address, message: Outgoing) -> Self {
        Self { recipient, message }
    }
}
