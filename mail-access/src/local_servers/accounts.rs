//! The accounts as Dovecot looks them up: one small file per question, read anew at each login.
//!
//! A passwd-file would be shorter, but Dovecot looks at its date once per second only; files behind
//! `fs:posix` are never cached, so a new password works and an old one fails from the next login on.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// A mailbox of [`LocalServers`](super::LocalServers).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LocalUser {
    /// The address and login, in lower case.
    pub address: String,
    /// Every one of them opens the mailbox: its password, its app passwords.
    pub passwords: Vec<SecretString>,
    /// The size the mailbox may have in MiB; `None` is unlimited.
    pub quota_mib: Option<u32>,
    /// The mailbox's own sieve script.
    pub sieve: Option<String>,
}

impl LocalUser {
    /// Returns a mailbox with one password, no quota and no filter.
    pub fn new(address: &str, password: impl Into<SecretString>) -> Self {
        Self {
            address: address.to_lowercase(),
            passwords: vec![password.into()],
            quota_mib: None,
            sieve: None,
        }
    }

    /// Adds a password, such as an app password of Mailcow.
    pub fn with_password(mut self, password: impl Into<SecretString>) -> Self {
        self.passwords.push(password.into());
        self
    }

    /// Limits the mailbox to a size in MiB.
    pub fn with_quota_mib(mut self, mib: u32) -> Self {
        self.quota_mib = Some(mib);
        self
    }

    /// Sets the sieve script that runs between the global ones.
    pub fn with_sieve(mut self, script: impl Into<String>) -> Self {
        self.sieve = Some(script.into());
        self
    }

    /// Returns the domain after checking that the address can be a file name and a key of a map.
    pub(super) fn domain(&self) -> io::Result<&str> {
        let (local, domain) = self.address.split_once('@').unwrap_or_default();
        let plain = |text: &str| {
            !text.is_empty()
                && !text.starts_with('.')
                && text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-'))
        };
        if plain(local) && plain(domain) {
            return Ok(domain);
        }
        let reason = format!("`{}` is no address these servers can hold", self.address.escape_debug());
        Err(io::Error::new(io::ErrorKind::InvalidInput, reason))
    }
}

/// Makes these the only accounts, all at once.
///
/// The files of a generation are written beside the current ones, then a link changes over. `generation` must
/// be greater each time; the one before stays for look-ups under way.
pub(super) fn publish(folder: &Path, generation: u64, users: &[LocalUser]) -> io::Result<()> {
    let name = format!("accounts.{generation}");
    let new = folder.join(&name);
    let (mailboxes, passwords) = (new.join("user"), new.join("password"));
    fs::create_dir_all(&mailboxes)?;
    for user in users {
        let quota = user.quota_mib.map_or_else(|| "*:bytes=0".to_owned(), |mib| format!("*:storage={mib}M"));
        fs::write(mailboxes.join(&user.address), format!(r#"{{"quota_rule":"{quota}"}}"#))?;
        let own = passwords.join(&user.address);
        fs::create_dir_all(&own)?;
        for password in &user.passwords {
            let digest = Sha256::digest(password.expose_secret().as_bytes());
            let file = digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
            // The name of the file is the proof: only who knows the password makes Dovecot ask for it.
            fs::write(own.join(file), r#"{"nopassword":"yes"}"#)?;
        }
    }
    let link = folder.join("accounts.next");
    symlink(&name, &link)?;
    fs::rename(link, folder.join("accounts"))?;
    match generation.checked_sub(2).map(|old| fs::remove_dir_all(folder.join(format!("accounts.{old}")))) {
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_no_file_name_is_refused() {
        for bad in
            ["", "ada", "@x.test", "ada@", "../ada@x.test", "a/b@x.test", "a b@x.test", "ada+tag@x.test"]
        {
            assert!(LocalUser::new(bad, "secret").domain().is_err(), "{bad:?} was taken");
        }
        assert_eq!(LocalUser::new("Ada@X.test", "secret").domain().ok(), Some("x.test"));
    }

    #[test]
    fn a_generation_replaces_the_one_before_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let names = || {
            let mut names: Vec<_> = fs::read_dir(folder.path().join("accounts/user"))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        for (generation, users) in [(1, vec!["a@x.test", "b@x.test"]), (2, vec!["c@x.test"]), (3, vec![])] {
            let accounts: Vec<_> = users.iter().map(|address| LocalUser::new(address, "secret")).collect();
            publish(folder.path(), generation, &accounts).unwrap();
            assert_eq!(names(), users);
        }
        assert!(!folder.path().join("accounts.1").exists(), "old generations pile up");
    }
}
