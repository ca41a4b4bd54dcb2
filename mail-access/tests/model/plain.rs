//! A mailbox as its owner imagines it: lists, and nothing clever.

use std::time::SystemTime;

use mail_access::{Flag, FlagChange, Selection};

use crate::letters::Known;

#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) folders: Vec<PlainFolder>,
    pub(crate) subscribed: Vec<String>,
    /// Names of folders that were deleted with others below them: Dovecot lists them as if they were there.
    pub(crate) ghosts: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct PlainFolder {
    pub(crate) name: String,
    /// As it was told first.
    pub(crate) uid_validity: Option<u32>,
    pub(crate) uid_next: u32,
    pub(crate) messages: Vec<PlainMessage>,
    /// What happened to which UID, in order.
    pub(crate) history: Vec<u32>,
    /// States that were told, and how much had happened by then.
    pub(crate) states: Vec<(u64, usize)>,
}

#[derive(Clone, Debug)]
pub(crate) struct PlainMessage {
    pub(crate) uid: u32,
    pub(crate) flags: Vec<Flag>,
    pub(crate) date: SystemTime,
    pub(crate) size: u64,
    pub(crate) known: Known,
    /// What its bytes end with: all of them, but for a delivered one.
    pub(crate) bytes: Vec<u8>,
}

impl Plain {
    pub(crate) fn new() -> Self {
        let names = ["INBOX"].into_iter().chain(OWN);
        Self {
            folders: names.map(PlainFolder::new).collect(),
            subscribed: OWN.map(str::to_owned).to_vec(),
            ghosts: Vec::new(),
        }
    }

    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.folders.iter().position(|folder| folder.name == name)
    }

    /// Names that are listed: folders and what stands above them.
    pub(crate) fn listed(&self) -> Vec<String> {
        let mut listed: Vec<String> = self.folders.iter().map(|folder| folder.name.clone()).collect();
        for folder in &self.folders {
            let ends = folder.name.match_indices('/').map(|(end, _)| folder.name[..end].to_owned());
            listed.extend(ends);
        }
        listed.sort();
        listed.dedup();
        listed
    }

    pub(crate) fn create(&mut self, name: &str) {
        if self.place(name).is_none() {
            self.folders.push(PlainFolder::new(name));
        }
    }

    pub(crate) fn delete(&mut self, name: &str) {
        self.folders.retain(|folder| folder.name != name);
        if OWN.contains(&name) {
            self.create(name);
        } else if self.listed().contains(&name.to_owned()) {
            self.ghosts.push(name.to_owned());
        }
    }

    /// Tells whether two folders would have the same name.
    pub(crate) fn would_collide(&self, from: &str, to: &str) -> bool {
        let below = self.folders.iter().filter_map(|folder| folder.name.strip_prefix(&format!("{from}/")));
        below.map(|below| format!("{to}/{below}")).any(|name| self.place(&name).is_some())
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        for folder in &mut self.folders {
            let below =
                folder.name.strip_prefix(from).filter(|rest| rest.is_empty() || rest.starts_with('/'));
            if let Some(below) = below {
                folder.name = format!("{to}{below}");
                // The system may number it anew, and count its states anew.
                folder.uid_validity = None;
                folder.states.clear();
            }
        }
    }

    /// Bytes of all folders.
    pub(crate) fn used(&self) -> u64 {
        self.folders.iter().flat_map(|folder| &folder.messages).map(|message| message.size).sum()
    }
}

impl PlainFolder {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            uid_validity: None,
            uid_next: 1,
            messages: Vec::new(),
            history: Vec::new(),
            states: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, mut message: PlainMessage) -> u32 {
        message.uid = self.uid_next;
        self.history.push(message.uid);
        self.uid_next += 1;
        self.messages.push(message);
        self.uid_next - 1
    }

    pub(crate) fn with(&self, uids: &[u32]) -> Vec<PlainMessage> {
        self.messages.iter().filter(|message| uids.contains(&message.uid)).cloned().collect()
    }

    pub(crate) fn remove(&mut self, uids: &[u32]) {
        let gone = self.with(uids).into_iter().map(|message| message.uid);
        self.history.extend(gone);
        self.messages.retain(|message| !uids.contains(&message.uid));
    }

    pub(crate) fn change(&mut self, uids: &[u32], change: &FlagChange) {
        for message in self.messages.iter_mut().filter(|message| uids.contains(&message.uid)) {
            let mut flags = message.flags.clone();
            match change {
                FlagChange::Add(more) => flags.extend(more.iter().cloned()),
                FlagChange::Remove(less) => flags.retain(|flag| !less.contains(flag)),
                FlagChange::Set(other) => flags.clone_from(other),
                other => panic!("no model of {other:?}"),
            }
            flags.sort();
            flags.dedup();
            if flags != message.flags {
                message.flags = flags;
                self.history.push(message.uid);
            }
        }
    }

    pub(crate) fn unseen(&self) -> usize {
        self.messages.iter().filter(|message| !message.flags.contains(&Flag::Seen)).count()
    }

    /// Those that a selection means.
    pub(crate) fn selected(&self, selection: &Selection) -> Vec<PlainMessage> {
        let meant = |message: &&PlainMessage| match selection {
            Selection::After(position) => match position {
                Some(at) if Some(at.uid_validity) == self.uid_validity => message.uid > at.uid,
                _ => true,
            },
            Selection::Uids(_, uids) => uids.iter().any(|uid| uid.get() == message.uid),
            Selection::Unseen => !message.flags.contains(&Flag::Seen),
            Selection::MessageId(id) => message.known.message_id == id.as_str(),
            other => panic!("no model of {other:?}"),
        };
        self.messages.iter().filter(meant).cloned().collect()
    }
}

/// What Mailcow makes for everybody.
pub(crate) const OWN: [&str; 5] = ["Archive", "Drafts", "Junk", "Sent", "Trash"];
