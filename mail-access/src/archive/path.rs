//! Names of folders as names of files: one component each, which leads nowhere else and is read by people.

use std::fmt::Write as _;

use super::digest::Digest;
use crate::FolderName;

/// Writes a folder's name with dots between its levels.
pub(super) fn file_name(name: &FolderName, separator: Option<char>) -> String {
    let levels: Vec<_> = match separator {
        Some(separator) => name.as_str().split(separator).map(encode).collect(),
        None => vec![encode(name.as_str())],
    };
    let joined = levels.join(".");
    if joined.len() <= MAX_LENGTH {
        return joined;
    }
    distinct(&joined, name)
}

/// Writes it so that it differs from another one that a file system may take for the same.
pub(super) fn distinct(file_name: &str, name: &FolderName) -> String {
    let digest = Digest::of(name.as_str().as_bytes()).to_string();
    let end = file_name.len().min(MAX_LENGTH - SHORT_DIGEST - 1);
    format!("{}~{}", &file_name[..end], &digest[..SHORT_DIGEST])
}

/// Reads back what [`file_name`] wrote, as far as it was not cut; levels are parted by `/` then.
pub(super) fn folder_name(file_name: &str) -> Option<FolderName> {
    let levels: Option<Vec<_>> = file_name.split('.').map(decode).collect();
    levels?.join("/").parse().ok()
}

/// Writes what could mean something else as `%xx`; nothing at all is `%`.
pub(super) fn encode(text: &str) -> String {
    if text.is_empty() {
        return "%".to_owned();
    }
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_+@=,&!".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Nothing keeps a String from being written to.
            let _ = write!(encoded, "%{byte:02x}");
        }
    }
    encoded
}

pub(super) fn decode(encoded: &str) -> Option<String> {
    if encoded == "%" {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some(at) = rest.find('%') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let (hex, behind) = rest[at + 1..].split_at_checked(2)?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        rest = behind;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

/// Below the 255 of most file systems, with room for what stands around it.
const MAX_LENGTH: usize = 200;
const SHORT_DIGEST: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_one_component_that_people_can_read() {
        for (name, written) in [
            ("INBOX", "INBOX"),
            ("Work/2026", "Work.2026"),
            ("a.b/c", "a%2eb.c"),
            ("..", "%2e%2e"),
            ("../../etc/passwd", "%2e%2e.%2e%2e.etc.passwd"),
            ("/", "%.%"),
            ("/etc", "%.etc"),
            ("a\\b:c", "a%5cb%3ac"),
            ("Entw\u{fc}rfe", "Entw%c3%bcrfe"),
            ("100%", "100%25"),
        ] {
            assert_eq!(file_name(&name.parse().unwrap(), Some('/')), written);
            assert_eq!(folder_name(written).unwrap().as_str(), name);
        }
        assert_eq!(file_name(&"a/b.c".parse().unwrap(), Some('.')), "a%2fb.c");
        assert_eq!(file_name(&"a/b".parse().unwrap(), None), "a%2fb");
        for bad in ["a%", "a%2", "a%zz", "%ff", "%00"] {
            assert_eq!(folder_name(bad), None, "{bad}");
        }
        let (long, other) = ("\u{fc}".repeat(120).parse().unwrap(), "\u{fc}".repeat(119).parse().unwrap());
        let written = file_name(&long, Some('/'));
        assert!(written.len() <= MAX_LENGTH && written != file_name(&other, Some('/')), "{written}");
    }

    proptest! {
        #[test]
        fn no_name_leads_anywhere_else(name in "[./\\\\%~a-z\u{fc}]{1,300}") {
            let Ok(name) = name.parse::<FolderName>() else { return Ok(()) };
            let written = file_name(&name, Some('/'));
            prop_assert!(written.len() <= MAX_LENGTH && !written.contains(['/', '\\', '\0', ':']));
            prop_assert!(!written.starts_with('.') && !written.is_empty());
            if !written.contains('~') {
                prop_assert_eq!(folder_name(&written), Some(name));
            }
        }
    }
}
