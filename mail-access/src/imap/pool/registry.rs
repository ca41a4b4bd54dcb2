use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

use super::Lane;
use crate::{Address, DomainName, Login, Status};

/// Which logins have a task, which of them the server refused, and who waits for the mail of which address. It is
/// changed under a lock, and nothing here waits.
pub(super) struct Registry {
    /// By [`key`]. With another secret it is another login, so that whoever doesn't know the right one never gets a
    /// connection that was opened with it.
    lanes: HashMap<Box<str>, Vec<Arc<Lane>>>,
    bars: HashMap<Box<str>, Vec<Bar>>,
    /// Where those stand one behind the other who log in to the same mailbox.
    doors: HashMap<Box<str>, Weak<Mutex<()>>>,
    /// The mailboxes that get what comes for any other address of a domain.
    catch_alls: HashMap<DomainName, Box<str>>,
}

/// The lock of a mailbox's door.
pub(in crate::imap) type Door = OwnedMutexGuard<()>;

struct Bar {
    login: Login,
    status: Status,
    until: Instant,
}

impl Registry {
    pub(super) fn new(catch_alls: &[(DomainName, Address)]) -> Self {
        let catch_alls = catch_alls.iter().map(|(domain, address)| (domain.clone(), key(address))).collect();
        Self { lanes: HashMap::new(), bars: HashMap::new(), doors: HashMap::new(), catch_alls }
    }

    /// Returns the lane of a login, and whether it is a new one.
    pub(super) fn lane(&mut self, login: &Login) -> (Arc<Lane>, bool) {
        let lanes = self.lanes.entry(key(login.address())).or_default();
        if let Some(lane) = lanes.iter().find(|lane| is_same(lane.login(), login)) {
            return (Arc::clone(lane), false);
        }
        let lane = Arc::new(Lane::new(login.clone()));
        lanes.push(Arc::clone(&lane));
        (lane, true)
    }

    pub(super) fn remove(&mut self, lane: &Arc<Lane>) {
        let key = key(lane.login().address());
        if let Some(lanes) = self.lanes.get_mut(&key) {
            lanes.retain(|one| !Arc::ptr_eq(one, lane));
            if lanes.is_empty() {
                self.lanes.remove(&key);
            }
        }
    }

    /// Returns the door of a mailbox; whoever holds its lock may log in.
    pub(super) fn door(&mut self, address: &Address) -> Arc<Mutex<()>> {
        let key = key(address);
        if let Some(door) = self.doors.get(&key).and_then(Weak::upgrade) {
            return door;
        }
        if self.doors.len() == self.doors.capacity() {
            self.doors.retain(|_, door| door.strong_count() > 0);
        }
        let door = Arc::default();
        self.doors.insert(key, Arc::downgrade(&door));
        door
    }

    /// Tells why a login must not be tried now, and for how long.
    pub(super) fn barred(&self, login: &Login) -> Option<(Status, Duration)> {
        let bar = self.bars.get(&key(login.address()))?.iter().find(|bar| is_same(&bar.login, login))?;
        let left = bar.until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| (bar.status.clone(), left))
    }

    /// Keeps a login from being tried for a while.
    pub(super) fn bar(&mut self, login: &Login, status: Status, pause: Duration) {
        let now = Instant::now();
        self.bars.retain(|_, bars| {
            bars.retain(|bar| bar.until > now && !is_same(&bar.login, login));
            !bars.is_empty()
        });
        let bar = Bar { login: login.clone(), status, until: now + pause };
        self.bars.entry(key(login.address())).or_default().push(bar);
    }

    /// Shows those who may wait for the mail of an address: its mailbox, that of the address without its plus-tag, or
    /// the one that catches all of its domain.
    pub(super) fn each_of(&self, address: &Address, show: impl Fn(&Lane)) {
        let whole = key(address);
        let plain = || {
            let (name, _) = address.local_part().split_once('+')?;
            self.lanes.get(format!("{}@{}", name.to_lowercase(), address.domain()).as_str())
        };
        let caught = || self.lanes.get(self.catch_alls.get(address.domain())?);
        let lanes = self.lanes.get(&whole).or_else(plain).or_else(caught);
        lanes.into_iter().flatten().for_each(|lane| show(lane));
    }

    /// Has all connections closed.
    pub(super) fn close(&self) {
        self.lanes.values().flatten().for_each(|lane| lane.ask_to_leave());
    }
}

/// What a server takes for one mailbox: the case of letters doesn't count.
fn key(address: &Address) -> Box<str> {
    format!("{}@{}", address.local_part().to_lowercase(), address.domain()).into()
}

fn is_same(one: &Login, other: &Login) -> bool {
    one.address() == other.address()
        && one.kind() == other.kind()
        && one.password().expose_secret() == other.password().expose_secret()
}
