use std::borrow::Cow;

use super::command::{Command, changed};
use super::line::{Reader, unreadable};
use super::mailbox_name;
use super::select::INBOX;
use super::session::{Allowance, SHORT, Said, Session, refused};
use crate::wire::{Fault, MAX_NAME};
use crate::{Folder, FolderName, Reason, SpecialUse};

impl Session {
    /// Does what [`MessageStore::folders`](crate::MessageStore::folders) says. A name that isn't written in modified
    /// UTF-7, or is longer than ours may be, can't be reached and is left out.
    pub(crate) async fn folders(&mut self) -> Result<Vec<Folder>, Fault> {
        let mut returns = Vec::new();
        if self.offers.has("LIST-EXTENDED") {
            returns.push("SUBSCRIBED");
            if self.offers.has("SPECIAL-USE") {
                returns.push("SPECIAL-USE");
            }
        }
        let command = match returns.as_slice() {
            [] => r#"LIST "" "*""#.to_owned(),
            returns => format!(r#"LIST "" "*" RETURN ({})"#, returns.join(" ")),
        };
        let mut folders = self.listed(&Command::new(command), "LIST").await?;
        if returns.is_empty() {
            for subscribed in self.listed(&Command::new(r#"LSUB "" "*""#), "LSUB").await? {
                if let Ok(at) = folders.binary_search_by(|folder| folder.name.cmp(&subscribed.name)) {
                    folders[at].subscribed = true;
                }
            }
        }
        Ok(folders)
    }

    /// Reads a list and puts it in order.
    async fn listed(&mut self, command: &Command<'_>, word: &str) -> Result<Vec<Folder>, Fault> {
        let mut folders = Vec::new();
        let mut readable = true;
        let is_utf8 = self.agreed.utf8;
        self.execute(command, NAMES, |answer| {
            if let Said::Line(line) = answer
                && let Some(rest) = line.after(word)
            {
                let listed = Listed::read(rest);
                readable &= listed.is_some();
                folders.extend(listed.and_then(|listed| listed.folder(is_utf8)));
            }
        })
        .await?;
        if !readable {
            return Err(unreadable());
        }
        folders.sort_by(|one: &Folder, other| one.name.cmp(&other.name));
        folders.dedup_by(|one, other| one.name == other.name);
        Ok(folders)
    }

    /// Does what [`MessageStore::create_folder`](crate::MessageStore::create_folder) says.
    pub(crate) async fn create_folder(&mut self, folder: &FolderName) -> Result<(), Fault> {
        if folder.is_inbox() {
            return Ok(());
        }
        self.unless(Reason::FolderExists, &Command::new("CREATE ").folder(folder)).await
    }

    /// Does what [`MessageStore::delete_folder`](crate::MessageStore::delete_folder) says.
    pub(crate) async fn delete_folder(&mut self, folder: &FolderName) -> Result<(), Fault> {
        if folder.is_inbox() {
            return Err(refused("[CANNOT] the INBOX can't be removed"));
        }
        // Some servers end a session whose folder goes away.
        self.unselect(folder).await?;
        self.unless(Reason::NoSuchFolder, &Command::new("DELETE ").folder(folder)).await
    }

    /// Does what [`MessageStore::rename_folder`](crate::MessageStore::rename_folder) says.
    pub(crate) async fn rename_folder(&mut self, from: &FolderName, to: &FolderName) -> Result<(), Fault> {
        if from.is_inbox() {
            // It would move the messages and leave the INBOX where it is (RFC 9051 section 6.3.6).
            return Err(refused("[CANNOT] the INBOX can't be renamed"));
        }
        self.unselect(from).await?;
        let command = Command::new("RENAME ").folder(from).words(" ").folder(to);
        changed(self.execute(&command, SHORT, |_| {}).await)
    }

    /// Does what [`MessageStore::subscribe`](crate::MessageStore::subscribe) says.
    pub(crate) async fn subscribe(&mut self, folder: &FolderName, subscribed: bool) -> Result<(), Fault> {
        let verb = if subscribed { "SUBSCRIBE " } else { "UNSUBSCRIBE " };
        changed(self.execute(&Command::new(verb).folder(folder), SHORT, |_| {}).await)
    }

    /// Makes sure that this folder isn't the one that is selected, nor one below it.
    async fn unselect(&mut self, folder: &FolderName) -> Result<(), Fault> {
        let name = self.quoted(folder);
        if self.selected.as_ref().is_some_and(|selected| selected.begins_with(name.trim_end_matches('"'))) {
            self.select_anew(INBOX).await?;
        }
        Ok(())
    }

    /// Runs a command that changes something, whose refusal for `reason` says that it is done already.
    async fn unless(&mut self, reason: Reason, command: &Command<'_>) -> Result<(), Fault> {
        match changed(self.execute(command, SHORT, |_| {}).await) {
            Err(Fault::Refused(status)) if status.reason() == reason => Ok(()),
            done => done,
        }
    }
}

/// A line of a list: `(\\Sent) "/" name`.
struct Listed<'a> {
    attributes: Vec<&'a str>,
    separator: Option<char>,
    name: Cow<'a, [u8]>,
}

impl<'a> Listed<'a> {
    fn read(rest: Reader<'a>) -> Option<Self> {
        let mut rest = rest.space()?;
        let attributes = rest.atoms()?;
        rest.eat(" ")?;
        let separator = match rest.eat("NIL") {
            Some(()) => None,
            None => str::from_utf8(&rest.astring()?).ok()?.chars().next(),
        };
        rest.eat(" ")?;
        Some(Self { attributes, separator, name: rest.astring()? })
    }

    /// Returns the folder, if it can be reached.
    fn folder(self, is_utf8: bool) -> Option<Folder> {
        let has = |attribute: &str| self.attributes.iter().any(|one| one.eq_ignore_ascii_case(attribute));
        let mut folder = Folder::new(name(&self.name, is_utf8)?, self.separator);
        folder.selectable = !has("\\Noselect") && !has("\\NonExistent");
        folder.subscribed = has("\\Subscribed");
        folder.special_use = USES.iter().find(|(attribute, _)| has(attribute)).map(|(_, used)| *used);
        Some(folder)
    }
}

/// Reads the name of a folder as the session has agreed on.
pub(super) fn name(written: &[u8], is_utf8: bool) -> Option<FolderName> {
    if is_utf8 { mailbox_name::decode_utf8(written) } else { mailbox_name::decode(written) }
}

const USES: [(&str, SpecialUse); 7] = [
    ("\\All", SpecialUse::All),
    ("\\Archive", SpecialUse::Archive),
    ("\\Drafts", SpecialUse::Drafts),
    ("\\Flagged", SpecialUse::Flagged),
    ("\\Junk", SpecialUse::Junk),
    ("\\Sent", SpecialUse::Sent),
    ("\\Trash", SpecialUse::Trash),
];
/// For commands whose answer holds names.
pub(super) const NAMES: Allowance = Allowance { literal: MAX_NAME, ..SHORT };
