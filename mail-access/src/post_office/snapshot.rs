//! The whole office at one moment, to go on from there once more.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use super::state::{Entry, State};
use super::{Office, PostOffice, PostOfficeBuilder};
use crate::{FolderName, Position};

/// All that an office knows at one moment: accounts, mail, what is on its way, faults that were called for. It holds
/// passwords, and shows none.
#[derive(Clone)]
pub struct PostOfficeSnapshot {
    state: Arc<State>,
    submitted: u64,
    taken: Instant,
}

impl PostOfficeSnapshot {
    /// Shows every message of every mailbox, with the mailbox's address in lower case: the addresses in alphabetical order,
    /// of each the INBOX first, then the other folders by name, and in each the messages by UID.
    pub fn for_each_message(&self, mut see: impl FnMut(&str, &FolderName, Position, &[u8])) {
        let sorted: BTreeMap<String, &Entry> =
            self.state.addresses.iter().map(|(name, entry)| (name.to_string(), entry)).collect();
        for (address, entry) in sorted {
            let Entry::Mailbox(mailbox) = entry else { continue };
            mailbox.for_each_folder(|name, folder| {
                for found in folder.all() {
                    let place = Position { uid_validity: folder.uid_validity, uid: found.uid.get() };
                    see(&address, name, place, &found.stored.bytes());
                }
            });
        }
    }
}

/// Shows how many addresses there are.
impl fmt::Debug for PostOfficeSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostOfficeSnapshot")
            .field("addresses", &self.state.addresses.len())
            .finish_non_exhaustive()
    }
}

impl PostOffice {
    /// Takes down all that the office knows. Bytes of messages are shared with it; the rest is copied in time that grows
    /// with the mailboxes and messages.
    pub fn snapshot(&self) -> PostOfficeSnapshot {
        let state = Arc::new(self.state().clone());
        let submitted = self.office.submitted.load(Ordering::Relaxed);
        PostOfficeSnapshot { state, submitted, taken: Instant::now() }
    }
}

impl PostOfficeBuilder {
    /// Opens an office that goes on from a snapshot: with its accounts, mail and [policy](crate::Policy), and with these
    /// settings otherwise. What was on its way is due as long from now as it was from then.
    pub fn restore(self, snapshot: &PostOfficeSnapshot) -> PostOffice {
        let mut state = State::clone(&snapshot.state);
        state.shift(snapshot.taken.elapsed());
        let submitted = Arc::new(AtomicU64::new(snapshot.submitted));
        state.submitted = Arc::clone(&submitted);
        state.host = self.host.clone();
        (state.weather, state.outside) = (self.weather.clone(), self.outside.clone());
        PostOffice { office: Arc::new(Office { settings: self, submitted, state: Mutex::new(state) }) }
    }
}
