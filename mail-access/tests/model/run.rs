//! Does random things to a mailbox and to the plain model, and compares the answers.

mod changing;
mod judge;
mod naming;
mod reading;

use std::sync::Arc;
use std::time::Duration;

use mail_access::conformance::{Harness, Missing};
use mail_access::{Flag, FolderName, Login, MessageStore, Uid};

use crate::plain::Plain;
use crate::random::Random;

pub(crate) struct Run {
    store: Arc<dyn MessageStore>,
    login: Login,
    sender: Login,
    plain: Plain,
    random: Random,
    written: usize,
    flags: Vec<Flag>,
    /// What was done last, for who has to find out why it went wrong.
    said: Vec<String>,
}

impl Run {
    pub(crate) async fn open(harness: &dyn Harness, seed: u64) -> Result<Self, Missing> {
        let keywords = ["Handled", "$Label1", "z"].map(|text| Flag::keyword(text).expect("it is a keyword"));
        let mut flags = vec![Flag::Seen, Flag::Flagged, Flag::Answered, Flag::Deleted, Flag::Draft];
        flags.extend(keywords);
        Ok(Self {
            store: harness.store()?,
            login: harness.small_mailbox(QUOTA_MIB).await?,
            sender: harness.mailbox().await,
            plain: Plain::new(),
            random: Random::new(seed),
            written: 0,
            flags,
            said: Vec::new(),
        })
    }

    pub(crate) async fn operate(&mut self, operations: u64) {
        for _ in 0..operations {
            match self.random.below(40) {
                0..4 => self.append().await,
                4 | 5 => self.deliver().await,
                6..10 => self.change_flags().await,
                10..13 => self.copy_or_move(false).await,
                13..15 => self.copy_or_move(true).await,
                15 | 16 => self.expunge().await,
                17 | 18 => self.create().await,
                19 => self.delete().await,
                20 => self.rename().await,
                21 => self.subscribe().await,
                22..26 => self.search().await,
                26..28 => self.list().await,
                28 | 29 => self.stream().await,
                30 | 31 => self.status().await,
                32 | 33 => self.changes().await,
                34 | 35 => self.fetch().await,
                36 => self.mark_seen().await,
                37 => self.folders().await,
                38 => self.quota().await,
                _ => self.read().await,
            }
        }
        self.folders().await;
        self.quota().await;
        for place in 0..self.plain.folders.len() {
            self.compare(place).await;
        }
    }
}

fn folder(name: &str) -> FolderName {
    name.parse().expect("it names a folder")
}

fn typed(uids: &[u32]) -> Vec<Uid> {
    uids.iter().filter_map(|uid| Uid::new(*uid)).collect()
}

fn untyped(uids: &[Uid]) -> Vec<u32> {
    uids.iter().map(|uid| uid.get()).collect()
}

const NAMES: [&str; 9] =
    ["a", "a/b", "a/b/c", "b", "b/c", "Entw\u{fc}rfe", "\u{65e5}\u{672c}/x.y", "INBOX/below", "A"];
const QUOTA_MIB: u32 = 64;
const PATIENCE: Duration = Duration::from_secs(30);
