//! From a mailbox each to an address on the hub, and back. Each step is safe to repeat, so that whoever comes next goes on
//! where another was broken off.

use std::collections::BTreeSet;

use mail_access::{Flag, FolderName, Login, MailAccess, MessageStore, Position, Received, Selection, Uid};

use crate::journal::{AgentRecord, Moving, Phase, fingerprint};
use crate::mail::lift;
use crate::system::agent_lock;
use crate::{AgentId, AgentMail, Error, ErrorKind, Way};

impl AgentMail {
    /// Lets the mail of an agent come another way from now on: over the [hub](crate::AgentMailBuilder::hub), or into a
    /// mailbox of its own. All mail in its INBOX goes with it, with the flag for what was seen; what was acknowledged
    /// doesn't come again. If that is its way already, nothing is done. Safe to repeat: what was broken off is finished by
    /// the next call.
    ///
    /// Nothing is lost, whenever it is broken off. What was handed out and not acknowledged comes again, marked. A message
    /// that was copied twice, by a call that was broken off, is the same message and comes once. Mail that arrives during
    /// the move may come before mail that was there, and events of a move that isn't finished go on as before it. Other
    /// folders than the INBOX are left behind; so a mailbox that has messages in them isn't moved to the hub.
    ///
    /// Open mailboxes of this system go the new way at once; other programs have to open theirs again.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such agent; [`Unsupported`](ErrorKind::Unsupported) if the builder
    /// was given no [`MessageStore`], or the [hub](crate::OnHub) no [`MailAdmin`](crate::backend::MailAdmin) that could send
    /// mail on meanwhile; [`NotReady`](ErrorKind::NotReady) if there is no hub; [`Rejected`](ErrorKind::Rejected) if other
    /// folders hold mail; else what the backends say.
    pub async fn move_to(&self, id: &AgentId, way: Way) -> Result<(), Error> {
        let system = self.system();
        let _alone = system.locks.acquire(&agent_lock(id)).await;
        let record = match system.journal.agent(id).await? {
            Some(record) if record.phase == Phase::Active => record,
            Some(record) if record.phase == Phase::Pending => {
                return Err(failed(ErrorKind::NotReady, id).with_fix("provision the agent"));
            }
            _ => return Err(failed(ErrorKind::NotFound, id).with_fix("provision the agent")),
        };
        // One that was begun is finished first, wherever it led.
        let record = match record.moving {
            Some(Moving::Copying) => self.bring(record).await?,
            _ => record,
        };
        let record = self.clear(record).await?;
        if record.way != way {
            let begun = self.begin_move(record).await?;
            let moved = self.bring(begun).await?;
            self.clear(moved).await?;
        }
        system.fleet.look_at(id);
        Ok(())
    }

    /// Returns the agents whose [move](Self::move_to) was begun and not finished.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn unfinished_moves(&self) -> Result<Vec<AgentId>, Error> {
        let records = self.records().await?.into_iter();
        Ok(records.filter(|record| record.moving.is_some()).map(|record| record.id).collect())
    }

    async fn begin_move(&self, record: AgentRecord) -> Result<AgentRecord, Error> {
        let system = self.system();
        self.store(&record.id)?;
        let mut next = AgentRecord { moving: Some(Moving::Copying), ..record.clone() };
        if record.way == Way::Mailbox {
            system.ways.hub().await?;
            self.refuse_other_folders(&record).await?;
            next.birth = Some(system.ways.birth(system.chance.now(), true).await?);
        }
        system.journal.note_move(&record, &next).await?;
        Ok(next)
    }

    /// Brings the mail over, and lets the agent go the new way.
    async fn bring(&self, record: AgentRecord) -> Result<AgentRecord, Error> {
        let system = self.system();
        let ways = &system.ways;
        system.ways.adopt(&record).await?;
        let store = self.store(&record.id)?;
        let hub = ways.hub().await?;
        let on_hub = hub_login(ways, &record)?;
        let nobody = Login::new(record.address.clone(), "".into());
        let next = match record.way {
            Way::Mailbox => {
                let own = self.login(&record).await?;
                let source = Side { access: ways.direct(), login: &own };
                let target = Side { access: hub, login: &nobody };
                // Most of it first, so that little comes out of order.
                let read = copy(store, source, target, on_hub, None, &record.id).await?;
                let divert = ways.on_hub().ok_or_else(|| failed(ErrorKind::NotReady, &record.id))?;
                divert.divert(self.domain(), &record.address).await?;
                copy(store, source, target, on_hub, Some(read), &record.id).await?;
                AgentRecord { way: Way::Hub, moving: Some(Moving::Clearing), ..record.clone() }
            }
            Way::Hub => {
                self.make_mailbox(&record).await?;
                let next =
                    AgentRecord { way: Way::Mailbox, moving: Some(Moving::Clearing), ..record.clone() };
                let own = self.login(&next).await?;
                let source = Side { access: hub, login: &nobody };
                let target = Side { access: ways.direct(), login: &own };
                copy(store, source, target, &own, None, &record.id).await?;
                system.logins.replace(own);
                next
            }
        };
        system.journal.note_move(&record, &next).await?;
        ways.adopt(&next).await?;
        system.fleet.joined(&next);
        tracing::info!(agent = %next.id, way = ?next.way, "moved");
        Ok(next)
    }

    /// Removes what was left behind.
    async fn clear(&self, record: AgentRecord) -> Result<AgentRecord, Error> {
        if record.moving != Some(Moving::Clearing) {
            return Ok(record);
        }
        let system = self.system();
        let mut next = AgentRecord { moving: None, ..record.clone() };
        match record.way {
            Way::Hub => self.remove_mailbox(&record).await?,
            Way::Mailbox => {
                system.ways.adopt(&record).await?;
                self.expunge_on_hub(&record).await?;
                next.birth = None;
            }
        }
        system.journal.note_move(&record, &next).await?;
        if next.way == Way::Mailbox {
            system.ways.release(&next).await?;
        }
        Ok(next)
    }

    /// Takes the agent's messages out of the shared mailbox: those that came at the last moment are brought over first.
    async fn expunge_on_hub(&self, record: &AgentRecord) -> Result<(), Error> {
        let (system, store) = (self.system(), self.store(&record.id)?);
        let hub = system.ways.hub().await?;
        let (own, nobody) = (self.login(record).await?, Login::new(record.address.clone(), "".into()));
        let source = Side { access: hub, login: &nobody };
        let target = Side { access: system.ways.direct(), login: &own };
        let mut read = copy(store, source, target, &own, None, &record.id).await?;
        let shared = hub_login(&system.ways, record)?;
        let failed = |source| lift(source, "move", &record.id);
        loop {
            let batch = hub.fetch(&nobody, &Selection::After(None), CHUNK).await.map_err(failed)?;
            if batch.messages.is_empty() {
                return Ok(());
            }
            let was_read = |uid: &Uid| batch.uid_validity == read.uid_validity && uid.get() <= read.uid;
            let uids: Vec<_> = batch.messages.iter().map(Received::uid).filter(was_read).collect();
            if uids.is_empty() {
                // What came, or was numbered anew, only now was not brought over.
                read = copy(store, source, target, &own, Some(read), &record.id).await?;
            } else {
                store
                    .expunge(shared, &FolderName::inbox(), batch.uid_validity, &uids)
                    .await
                    .map_err(failed)?;
            }
        }
    }

    async fn refuse_other_folders(&self, record: &AgentRecord) -> Result<(), Error> {
        let (store, login) = (self.store(&record.id)?, self.login(record).await?);
        let lift = |source| lift(source, "move", &record.id);
        for folder in store.folders(&login).await.map_err(lift)? {
            let is_inbox = folder.name.is_inbox();
            if !is_inbox && store.status(&login, &folder.name).await.map_err(lift)?.messages > 0 {
                return Err(failed(ErrorKind::Rejected, &record.id)
                    .with_detail(format!("the folder {} holds mail, and a hub has but an INBOX", folder.name))
                    .with_fix("move what is worth it into the INBOX, and remove the rest"));
            }
        }
        Ok(())
    }

    fn store(&self, id: &AgentId) -> Result<&dyn MessageStore, Error> {
        self.system().store.as_deref().ok_or_else(|| {
            failed(ErrorKind::Unsupported, id)
                .with_detail("nothing can file mail in a mailbox")
                .with_fix("give the builder a MessageStore")
        })
    }
}

/// A mailbox, and what reads it.
#[derive(Clone, Copy)]
struct Side<'a> {
    access: &'a dyn MailAccess,
    login: &'a Login,
}

/// Files each message of one side behind a position in the INBOX of `into`, which the other side reads, unless it is
/// there. Returns up to where it read.
async fn copy(
    store: &dyn MessageStore,
    from: Side<'_>,
    to: Side<'_>,
    into: &Login,
    after: Option<Position>,
    id: &AgentId,
) -> Result<Position, Error> {
    let failed = |source| lift(source, "move", id);
    let mut there = BTreeSet::new();
    let mut read = None;
    loop {
        let batch = to.access.fetch(to.login, &Selection::After(read), CHUNK).await.map_err(failed)?;
        there.extend(batch.messages.iter().map(|message| fingerprint(message.raw())));
        read = last(&batch.messages, batch.uid_validity).or(read);
        if !batch.more {
            break;
        }
    }
    let mut read = after;
    loop {
        let batch = from.access.fetch(from.login, &Selection::After(read), CHUNK).await.map_err(failed)?;
        for message in &batch.messages {
            if !there.insert(fingerprint(message.raw())) {
                continue;
            }
            let flags = if message.is_seen() { vec![Flag::Seen] } else { Vec::new() };
            let date = Some(message.internal_date());
            let done = store.append(into, &FolderName::inbox(), message.raw(), &flags, date).await;
            done.map_err(failed)?;
        }
        read = last(&batch.messages, batch.uid_validity).or(read);
        if !batch.more {
            return Ok(read.unwrap_or(Position { uid_validity: batch.uid_validity, uid: 0 }));
        }
    }
}

fn last(messages: &[Received], uid_validity: u32) -> Option<Position> {
    messages.last().map(|message| Position { uid_validity, uid: message.uid().get() })
}

fn hub_login<'a>(ways: &'a super::Ways, record: &AgentRecord) -> Result<&'a Login, Error> {
    ways.on_hub().map(super::OnHub::login).ok_or_else(|| failed(ErrorKind::NotReady, &record.id))
}

fn failed(kind: ErrorKind, id: &AgentId) -> Error {
    Error::new(kind, "move", id)
}

/// Messages in memory at a time.
const CHUNK: usize = 32;
