//! What stands in an archive inside the encryption: lines of JSON, and behind that of a message its bytes.

use mail_access::Address;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Record {
    /// The first one.
    Archive { version: u32, mailbox: Address, made: u64 },
    /// The messages behind it are in this folder.
    Folder { name: String, separator: Option<char>, subscribed: bool, uid_validity: u32 },
    /// `size` bytes and a line end follow it.
    Message { uid: u32, size: u64, sha256: String, date: i64, flags: Vec<String> },
    /// The last one: what there was.
    End { folders: u64, messages: u64, bytes: u64 },
}

/// Returns the SHA-256 in hex.
pub(super) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

pub(super) const VERSION: u32 = 1;
