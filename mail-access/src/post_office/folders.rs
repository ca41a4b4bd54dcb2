//! The folders of a mailbox beside its INBOX, by their names.

use std::collections::{BTreeMap, BTreeSet};

use super::folder::Folder;
use crate::{FolderName, SpecialUse};

/// Folders that were made. Mailcow's own are there from the beginning, and are made when they are first used.
#[derive(Clone, Default)]
pub(super) struct Folders {
    made: BTreeMap<FolderName, Folder>,
    /// Names, whether there are folders of them or not. Mailcow's own always count as subscribed to.
    subscribed: BTreeSet<FolderName>,
}

impl Folders {
    /// Lists all folders that a mailbox has, and the names that only hold others.
    pub(super) fn list(&self) -> Vec<crate::Folder> {
        let own = OWN.into_iter().map(|(name, _)| name.parse().expect("it names a folder"));
        let names: BTreeSet<FolderName> =
            own.chain([FolderName::inbox()]).chain(self.made.keys().cloned()).collect();
        let above: BTreeSet<FolderName> = names.iter().flat_map(above).collect();
        let listed = names.union(&above).map(|name| {
            let special_use = special_use(name);
            crate::Folder {
                selectable: names.contains(name),
                subscribed: special_use.is_some() || self.subscribed.contains(name),
                special_use,
                ..crate::Folder::new(name.clone(), Some(SEPARATOR))
            }
        });
        listed.collect()
    }

    pub(super) fn get(&mut self, name: &FolderName) -> Option<&mut Folder> {
        self.made.get_mut(name)
    }

    /// Goes through the folders that were made, by their names.
    pub(super) fn made(&self) -> impl Iterator<Item = (&FolderName, &Folder)> {
        self.made.iter()
    }

    /// Makes an empty folder, if there is none of this name.
    pub(super) fn make(&mut self, name: &FolderName, uid_validity: u32) {
        self.made.entry(name.clone()).or_insert_with(|| Folder::new(uid_validity));
    }

    pub(super) fn remove(&mut self, name: &FolderName) -> Option<Folder> {
        self.made.remove(name)
    }

    /// Gives a folder and those below it other names, unless that can't be.
    pub(super) fn rename(&mut self, from: &FolderName, to: &FolderName) -> Result<(), Unnameable> {
        if !self.made.contains_key(from) {
            return Err(Unnameable::NoSuchFolder);
        }
        if is_below(to, from) {
            return Err(Unnameable::UnderItself);
        }
        let mut renamed = Vec::new();
        for name in self.made.keys().filter(|name| *name == from || is_below(name, from)) {
            let below = &name.as_str()[from.as_str().len()..];
            let new = format!("{to}{below}").parse().map_err(|_| Unnameable::TooLong)?;
            if self.made.contains_key(&new) || special_use(&new).is_some() || new.is_inbox() {
                return Err(Unnameable::Exists);
            }
            renamed.push((name.clone(), new));
        }
        for (old, new) in renamed {
            if let Some(folder) = self.made.remove(&old) {
                self.made.insert(new, folder);
            }
        }
        Ok(())
    }

    /// Notes a wish; that there is such a folder was checked.
    pub(super) fn subscribe(&mut self, name: &FolderName, subscribed: bool) {
        if subscribed {
            self.subscribed.insert(name.clone());
        } else {
            self.subscribed.remove(name);
        }
    }
}

/// Why a folder can't have another name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unnameable {
    Exists,
    NoSuchFolder,
    TooLong,
    UnderItself,
}

/// Tells whether each mailbox has a folder of this name, and what it is for.
pub(super) fn special_use(name: &FolderName) -> Option<SpecialUse> {
    OWN.into_iter().find(|(own, _)| *own == name.as_str()).map(|(_, special_use)| special_use)
}

/// Says what is wrong with a name, in Dovecot's words.
pub(super) fn objection(name: &FolderName) -> Option<&'static str> {
    let name = name.as_str();
    if name.starts_with(SEPARATOR) {
        Some("[CANNOT] Invalid mailbox name: Begins with hierarchy separator")
    } else if name.ends_with(SEPARATOR) {
        Some("[CANNOT] Invalid mailbox name: Ends with hierarchy separator")
    } else if name.contains("//") {
        Some("[CANNOT] Invalid mailbox name: Has adjacent hierarchy separators")
    } else {
        None
    }
}

fn above(name: &FolderName) -> impl Iterator<Item = FolderName> {
    let name = name.as_str();
    let ends = name.match_indices(SEPARATOR).map(|(end, _)| end);
    ends.filter_map(|end| name[..end].parse().ok())
}

fn is_below(name: &FolderName, other: &FolderName) -> bool {
    name.as_str().strip_prefix(other.as_str()).is_some_and(|below| below.starts_with(SEPARATOR))
}

/// What Mailcow makes for everybody.
const OWN: [(&str, SpecialUse); 5] = [
    ("Archive", SpecialUse::Archive),
    ("Drafts", SpecialUse::Drafts),
    ("Junk", SpecialUse::Junk),
    ("Sent", SpecialUse::Sent),
    ("Trash", SpecialUse::Trash),
];
const SEPARATOR: char = '/';
