//! What is kept of the messages of a mailbox.

use std::collections::BTreeMap;

use mail_access::{Address, Contact, Flag, FolderName, Limit, Position, Received, Selection, Uid};

use super::thread::Item;
use crate::desk::Desk;
use crate::mail::lift;
use crate::{AgentMailbox, Error};

/// What is known of a folder.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) uid_validity: u32,
    pub(super) messages: BTreeMap<Uid, Summary>,
}

/// What is kept of a message.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    pub(super) item: Item,
    pub(super) from: Option<Contact>,
    pub(super) subject: String,
    pub(super) flags: Vec<Flag>,
}

impl Seen {
    pub(super) async fn update(
        &mut self,
        desk: &Desk<'_>,
        mailbox: &AgentMailbox,
        folder: &FolderName,
        is_sent: bool,
    ) -> Result<(), Error> {
        let listing = desk.list(folder, &Selection::After(None)).await?;
        if listing.uid_validity != self.uid_validity {
            self.messages.clear();
            self.uid_validity = listing.uid_validity;
        }
        let flags: BTreeMap<Uid, Vec<Flag>> =
            listing.entries.into_iter().map(|entry| (entry.uid, entry.flags)).collect();
        self.messages.retain(|uid, _| flags.contains_key(uid));
        let missing: Vec<Uid> =
            flags.keys().filter(|uid| !self.messages.contains_key(uid)).copied().collect();
        for some in missing.chunks(CHUNK) {
            let mut read = Vec::new();
            let selection = Selection::Uids(self.uid_validity, some.to_vec());
            desk.read_each(folder, &selection, |message| {
                read.push((message.uid(), Summary::of(mailbox, &message, is_sent)));
            })
            .await?;
            for (uid, mut summary) in read {
                summary.look_up(mailbox).await?;
                self.messages.insert(uid, summary);
            }
        }
        for (uid, summary) in &mut self.messages {
            summary.flags = flags.get(uid).cloned().unwrap_or_default();
        }
        Ok(())
    }

    pub(super) async fn read_inbox(&mut self, mailbox: &AgentMailbox) -> Result<(), Error> {
        let inner = mailbox.inner();
        loop {
            let last = self.messages.keys().next_back().map_or(0, |uid| uid.get());
            let position = Position { uid_validity: self.uid_validity, uid: last };
            let behind = Selection::After((self.uid_validity > 0).then_some(position));
            let batch = inner.login.fetch(&*inner.system.system().mail, &behind, CHUNK).await;
            let batch = batch.map_err(|error| lift(error, "read", mailbox.id()))?;
            if batch.uid_validity != self.uid_validity {
                self.messages.clear();
                self.uid_validity = batch.uid_validity;
            }
            for message in &batch.messages {
                let mut summary = Summary::of(mailbox, message, false);
                summary.look_up(mailbox).await?;
                self.messages.insert(message.uid(), summary);
            }
            if !batch.more {
                return Ok(());
            }
        }
    }
}

impl Summary {
    /// Takes out of a message what is kept. What lies in the folder for sent mail is the agent's own.
    pub(super) fn of(mailbox: &AgentMailbox, message: &Received, is_sent: bool) -> Self {
        let trusted = mailbox.inner().system.system().trusted.as_ref();
        let is_believed = trusted.is_none_or(|server| message.verified_from(server).is_some());
        let own = is_sent && message.opaque() != Some(Limit::Withheld);
        Self {
            item: Item::of(message, (mailbox.address(), own), is_believed || own),
            from: message.from().cloned(),
            subject: message.subject().to_owned(),
            flags: if message.is_seen() { vec![Flag::Seen] } else { Vec::new() },
        }
    }

    /// Finds out whether the agent sent itself what says that it is from it.
    pub(super) async fn look_up(&mut self, mailbox: &AgentMailbox) -> Result<(), Error> {
        let says_so = self.from.as_ref().is_some_and(|from| from.address.is_same_mailbox(mailbox.address()));
        if let (true, false, Some(id)) = (says_so, self.item.own, &self.item.id) {
            let sent = mailbox.inner().journal.sent(mailbox.id(), id).await?;
            let is_own = |to: &Address| to.is_same_mailbox(mailbox.address());
            self.item.own = sent.is_some_and(|sent| sent.recipients.iter().any(is_own));
        }
        Ok(())
    }
}

const CHUNK: usize = 200;
