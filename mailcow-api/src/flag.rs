//! Yes and no, as Mailcow wants to be told.

use serde::{Serialize, Serializer};

/// A flag that is sent as 0 or 1: of the text "true" Mailcow makes *no*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) bool);

impl Serialize for Flag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_sent_as_a_number() {
        assert_eq!(serde_json::to_string(&[Flag(true), Flag(false)]).unwrap(), "[1,0]");
    }
}
