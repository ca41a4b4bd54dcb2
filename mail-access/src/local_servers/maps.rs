//! Who exists, as Postfix asks for it: a socketmap server (socketmap_table(5)) over one table in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// The addresses that lead somewhere, and who may send as whom. All keys are in lower case.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) mailboxes: BTreeSet<String>,
    /// `address` or `@domain` -> comma-separated targets.
    pub(super) aliases: BTreeMap<String, String>,
    /// `address` or `@domain` -> logins that may use it besides its owner.
    pub(super) senders: BTreeMap<String, BTreeSet<String>>,
}

impl Directory {
    /// Answers one question of Postfix; `None` is "not found".
    ///
    /// A socketmap is asked for whole addresses only, so plus tags and catch-alls are resolved here.
    fn look_up(&self, map: &str, address: &str) -> Option<String> {
        let address = Address::split(address)?;
        match map {
            "mailboxes" => self.mailboxes.get(&address.base).cloned(),
            "aliases" => self.targets(&address),
            "senders" => self.owners(&address),
            _ => None,
        }
    }

    fn targets(&self, address: &Address) -> Option<String> {
        // A mailbox leads to itself, else a catch-all would swallow its mail.
        if let Some(named) = self.mailboxes.get(&address.base).or_else(|| self.aliases.get(&address.base)) {
            let targets = named.split(',').map(|target| address.tag(target.trim()));
            return Some(targets.collect::<Vec<_>>().join(","));
        }
        self.aliases.get(&address.catch_all).cloned()
    }

    /// Returns the logins that may send as an address, as Mailcow's `mysql_virtual_sender_acl` does.
    fn owners(&self, address: &Address) -> Option<String> {
        let alias = || self.aliases.get(&address.base).or_else(|| self.aliases.get(&address.catch_all));
        let targets = self.mailboxes.get(&address.base).or_else(alias);
        let mut owners: BTreeSet<&str> =
            targets.into_iter().flat_map(|targets| targets.split(',')).map(str::trim).collect();
        for pattern in [&address.base, &address.catch_all] {
            owners.extend(self.senders.get(pattern).into_iter().flatten().map(String::as_str));
        }
        (!owners.is_empty()).then(|| owners.into_iter().collect::<Vec<_>>().join(","))
    }
}

/// An address with its plus tag aside.
struct Address {
    base: String,
    /// With its `+`, or empty.
    tag: String,
    catch_all: String,
}

impl Address {
    fn split(address: &str) -> Option<Self> {
        let (local, domain) = address.rsplit_once('@')?;
        let (name, tag) = local.split_at(local.find('+').unwrap_or(local.len()));
        Some(Self { base: format!("{name}@{domain}"), tag: tag.to_owned(), catch_all: format!("@{domain}") })
    }

    /// Puts the tag on the target of an alias, as `propagate_unmatched_extensions` does.
    fn tag(&self, target: &str) -> String {
        match target.split_once('@') {
            Some((local, domain)) => format!("{local}{}@{domain}", self.tag),
            None => target.to_owned(),
        }
    }
}

/// Serves a [`Directory`] on a unix socket until it is dropped.
#[derive(Debug)]
pub(super) struct MapServer {
    socket: PathBuf,
    closing: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl MapServer {
    pub(super) fn start(socket: &Path, directory: &Arc<Mutex<Directory>>) -> io::Result<Self> {
        let listener = UnixListener::bind(socket)?;
        // Postfix asks as its own user.
        fs::set_permissions(socket, fs::Permissions::from_mode(0o666))?;
        let closing = Arc::new(AtomicBool::new(false));
        let (flag, directory) = (Arc::clone(&closing), Arc::clone(directory));
        let accepting = thread::Builder::new().name("socketmap".into()).spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if flag.load(Ordering::Acquire) {
                    break;
                }
                let directory = Arc::clone(&directory);
                // One connection per Postfix process; it ends when that process does.
                thread::spawn(move || answer(stream, &directory));
            }
        })?;
        Ok(Self { socket: socket.to_owned(), closing, accepting: Some(accepting) })
    }
}

impl Drop for MapServer {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        // Wakes the accepting thread; when the socket is gone already, nothing could wake it and it is left.
        if UnixStream::connect(&self.socket).is_ok()
            && let Some(accepting) = self.accepting.take()
        {
            let _ = accepting.join();
        }
    }
}

fn answer(stream: UnixStream, directory: &Mutex<Directory>) {
    let Ok(reading) = stream.try_clone() else { return };
    let (mut reading, mut writing) = (BufReader::new(reading), stream);
    // An error or a malformed request closes the connection; Postfix then defers, it never guesses.
    while let Ok(request) = read_netstring(&mut reading) {
        let (map, key) = request.split_once(' ').unwrap_or((&request, ""));
        let found =
            directory.lock().unwrap_or_else(PoisonError::into_inner).look_up(map, &key.to_lowercase());
        let reply = found.map_or_else(|| "NOTFOUND ".to_owned(), |value| format!("OK {value}"));
        if writing.write_all(format!("{}:{reply},", reply.len()).as_bytes()).is_err() {
            return;
        }
    }
}

/// Reads `<length>:<payload>,`.
fn read_netstring(reading: &mut impl io::BufRead) -> io::Result<String> {
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let mut length = Vec::new();
    reading.take(LENGTH_DIGITS).read_until(b':', &mut length)?;
    let length = length
        .strip_suffix(b":")
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .ok_or_else(malformed)?;
    let length: usize = length.parse().map_err(|_| malformed())?;
    let mut payload = vec![0; length + 1];
    reading.read_exact(&mut payload)?;
    if payload.pop() != Some(b',') {
        return Err(malformed());
    }
    String::from_utf8(payload).map_err(|_| malformed())
}

/// Five digits and the colon: Postfix asks for addresses, never for 100 kB.
const LENGTH_DIGITS: u64 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> Directory {
        Directory {
            mailboxes: ["ada@x.test", "hub@x.test"].map(String::from).into(),
            aliases: [("@x.test", "hub@x.test"), ("team@x.test", "ada@x.test, hub@x.test")]
                .map(|(from, to)| (from.to_owned(), to.to_owned()))
                .into(),
            senders: [("@x.test".to_owned(), BTreeSet::from(["root@x.test".to_owned()]))].into(),
        }
    }

    #[test]
    fn a_catch_all_does_not_swallow_a_mailbox() {
        assert_eq!(directory().look_up("aliases", "ada@x.test").as_deref(), Some("ada@x.test"));
        assert_eq!(directory().look_up("aliases", "nobody@x.test").as_deref(), Some("hub@x.test"));
        assert_eq!(directory().look_up("aliases", "nobody@elsewhere.test"), None);
        assert_eq!(directory().look_up("mailboxes", "nobody@x.test"), None);
    }

    #[test]
    fn a_tag_goes_along_unless_a_catch_all_takes_it() {
        let targets = |address| directory().look_up("aliases", address);
        assert_eq!(targets("ada+a+b@x.test").as_deref(), Some("ada+a+b@x.test"));
        assert_eq!(targets("team+t@x.test").as_deref(), Some("ada+t@x.test,hub+t@x.test"));
        assert_eq!(targets("nobody+t@x.test").as_deref(), Some("hub@x.test"));
        assert!(directory().look_up("mailboxes", "ada+t@x.test").is_some());
    }

    #[test]
    fn a_sender_is_owned_by_its_mailbox_its_alias_or_the_catch_all_and_by_whom_the_acl_names() {
        let owners = |address| directory().look_up("senders", address);
        assert_eq!(owners("ada+tag@x.test").as_deref(), Some("ada@x.test,root@x.test"));
        assert_eq!(owners("team@x.test").as_deref(), Some("ada@x.test,hub@x.test,root@x.test"));
        assert_eq!(owners("nobody@x.test").as_deref(), Some("hub@x.test,root@x.test"));
        assert_eq!(owners("ada@elsewhere.test"), None);
    }

    #[test]
    fn a_netstring_is_read_whole_or_refused() {
        let read = |text: &str| read_netstring(&mut text.as_bytes());
        assert_eq!(read("18:mailboxes a@x.test,rest").ok().as_deref(), Some("mailboxes a@x.test"));
        for bad in ["", "5:abc", "3:abcd", ":,", "x:abc,", "1234567:abc,"] {
            assert!(read(bad).is_err(), "{bad:?} was read");
        }
    }
}
