//! The protocols a login can be allowed for.

use serde::Deserializer;
use serde_json::{Map, Value};

use crate::loose;

/// A protocol by which a mailbox is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// Reads mail (RFC 9051).
    Imap,
    /// Submits mail (RFC 6409).
    Smtp,
    /// Fetches mail (RFC 1939).
    Pop3,
    /// Manages filters (RFC 5804).
    Sieve,
    /// CalDAV and CardDAV.
    Dav,
    /// Exchange ActiveSync.
    Eas,
}

impl Protocol {
    /// The name in `protocol_access` of a mailbox.
    pub(crate) fn bare(self) -> &'static str {
        let field = self.field();
        &field[..field.len() - "_access".len()]
    }

    /// The name in `protocols` of an app password, and of its flag in an answer.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Imap => "imap_access",
            Self::Smtp => "smtp_access",
            Self::Pop3 => "pop3_access",
            Self::Sieve => "sieve_access",
            Self::Dav => "dav_access",
            Self::Eas => "eas_access",
        }
    }
}

/// Reads what is allowed from the flags of an object, numbers in one place and texts in another. Null allows nothing.
pub(crate) fn from_flags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Protocol>, D::Error> {
    let fields: Map<String, Value> = loose::object_if_any(deserializer)?.unwrap_or_default();
    let is_on = |protocol: &Protocol| {
        fields.get(protocol.field()).is_some_and(|flag| loose::flag(flag).is_ok_and(|is_on| is_on))
    };
    Ok(ALL.into_iter().filter(is_on).collect())
}

const ALL: [Protocol; 6] =
    [Protocol::Imap, Protocol::Smtp, Protocol::Pop3, Protocol::Sieve, Protocol::Dav, Protocol::Eas];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_numbers_and_as_texts() {
        let flags =
            serde_json::json!({"imap_access": "1", "smtp_access": 1, "pop3_access": "0", "x": [true]});
        assert_eq!(from_flags(&flags).unwrap(), [Protocol::Imap, Protocol::Smtp]);
        assert_eq!(from_flags(&Value::Null).unwrap(), []);
    }

    #[test]
    fn a_mailbox_and_an_app_password_name_protocols_differently() {
        assert_eq!((Protocol::Eas.bare(), Protocol::Eas.field()), ("eas", "eas_access"));
    }
}
