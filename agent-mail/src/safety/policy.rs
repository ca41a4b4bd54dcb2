//! The rules by which the agents of a system send and receive.

/// The rules by which the agents of a system send and receive.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Policy {}

impl Policy {
    /// Begins with a rule that every policy has: who bounced for good, complained or took themselves off gets no mail.
    pub fn new() -> Self {
        Self::default()
    }
}
