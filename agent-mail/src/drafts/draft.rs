use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use mail_access::{Flag, FolderName, MessageId, NewMessage, Received, Selection, SpecialUse, Uid};

use crate::backend::Committed;
use crate::desk::Desk;
use crate::journal::fingerprint;
use crate::mail::lift;
use crate::outbox::{name_of_key, prepare};
use crate::{AgentMailbox, Error, ErrorKind, Queued, Sending};

/// A message that is being written, as it lies in the mailbox's folder for drafts (RFC 6154), where a person's mail
/// program shows it too.
///
/// It is known by a Message-ID, which all of its revisions have. An edit files the next revision and removes the one
/// before after that: whatever breaks off leaves the draft there, and the older of two revisions is removed by the next
/// look. [`send`](Self::send) puts it into the outbox, under a key of the draft's own, and removes it from the folder
/// after that: what breaks off in between is sent once, and found and removed by the next look.
#[derive(Clone)]
pub struct Draft {
    mailbox: AgentMailbox,
    folder: FolderName,
    id: MessageId,
    revision: u32,
    changed: SystemTime,
    message: NewMessage,
    uid_validity: u32,
    uid: Uid,
}

impl AgentMailbox {
    /// Files a draft in the mailbox; it needs no recipient yet.
    ///
    /// A dropped call, or one that is [`Interrupted`](ErrorKind::Interrupted), leaves it there or not:
    /// [`drafts`](Self::drafts) shows it.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use agent_mail::{AgentMail, NewMessage};
    ///
    /// let mail = AgentMail::embedded("agents.example")?;
    /// let ada = mail.provision(&"ada".parse()?).await?;
    /// let draft = ada.draft(NewMessage::default().with_subject("Engines")).await?;
    /// let draft = draft.edit(draft.message().clone().with_to(ada.contact()).with_text("Do they dream?")).await?;
    ///
    /// assert_eq!(ada.drafts().await?[0].revision(), 2);
    /// draft.send().await?;
    /// assert!(ada.drafts().await?.is_empty());
    /// # Ok::<(), agent_mail::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if a mail can't hold it; [`Unsupported`](ErrorKind::Unsupported) if
    /// the system has no [message store](crate::AgentMailBuilder::message_store); else what the mail system says.
    pub async fn draft(&self, message: NewMessage) -> Result<Draft, Error> {
        let desk = self.desk("file a draft")?;
        let chance = &self.inner().system.system().chance;
        let mut random = [0; 16];
        chance.fill(&mut random);
        let id = MessageId::of_random(u128::from_be_bytes(random), self.address().domain());
        let folder = desk.folder_for(SpecialUse::Drafts, FOLDER).await?;
        file(self, &desk, &folder, &id, 1, message).await?;
        find(self, &desk, &id).await
    }

    /// Returns the drafts of the mailbox, those of a person's mail program too, each in its last revision, in the order
    /// in which those were filed. Messages without a Message-ID, or of over 50 MiB, are passed over.
    ///
    /// What earlier calls left behind is removed: older revisions, and drafts that are in the outbox. A dropped call
    /// leaves the rest to the next.
    ///
    /// # Errors
    /// As [`draft`](Self::draft).
    pub async fn drafts(&self) -> Result<Vec<Draft>, Error> {
        let desk = self.desk("list drafts")?;
        let Some(folder) = desk.find_folder(SpecialUse::Drafts).await? else { return Ok(Vec::new()) };
        look(self, &desk, &folder, &Selection::After(None)).await
    }

    /// Returns a draft by its identity.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none: it was sent or discarded; else as [`draft`](Self::draft).
    pub async fn open_draft(&self, id: &MessageId) -> Result<Draft, Error> {
        find(self, &self.desk("open a draft")?, id).await
    }
}

impl Draft {
    /// Returns the identity that all revisions have. What is sent has another.
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// Returns which revision it is, counted from 1; 0 for one of another program.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Returns when this revision was filed, by the mail system's clock.
    pub fn changed(&self) -> SystemTime {
        self.changed
    }

    /// Returns what it says so far.
    pub fn message(&self) -> &NewMessage {
        &self.message
    }

    /// Files another form of the draft as its next revision, removes this one, and returns it so.
    ///
    /// Of two calls at once in one process one is first; a person's mail program may still come in between the look and
    /// the writing, and the later of the two revisions counts then.
    ///
    /// # Errors
    /// [`Stale`](ErrorKind::Stale) if there is a later revision, [`NotFound`](ErrorKind::NotFound) if the draft was sent
    /// or discarded: nothing is filed; else as [`draft`](AgentMailbox::draft).
    pub async fn edit(&self, message: NewMessage) -> Result<Self, Error> {
        let desk = self.mailbox.desk("edit a draft")?;
        let _alone = self.lock().await;
        let latest = self.latest(&desk).await?;
        file(&self.mailbox, &desk, &self.folder, &self.id, latest.revision + 1, message).await?;
        // This removes the one before.
        find(&self.mailbox, &desk, &self.id).await
    }

    /// Puts the draft into the outbox, from where the courier sends it, and removes it from the folder.
    ///
    /// After `Ok` it is in the outbox, once, however often this is repeated after a crash or a dropped call. If it can't
    /// be removed now, the next look at the drafts does so. One that waits for an
    /// [approval](crate::RequireApproval) stays a draft until it was approved.
    ///
    /// # Errors
    /// [`Stale`](ErrorKind::Stale) if there is a later revision; [`NotFound`](ErrorKind::NotFound) if it was sent or
    /// discarded; [`Held`](ErrorKind::Held) if it waits for an approval; else as [`enqueue`](AgentMailbox::enqueue)
    /// and [`draft`](AgentMailbox::draft).
    pub async fn send(&self) -> Result<Queued, Error> {
        let desk = self.mailbox.desk("send a draft")?;
        let _alone = self.lock().await;
        let latest = self.latest(&desk).await?;
        let queued = loop {
            let sending = Sending::new(latest.message.clone()).with_key(key(&self.id));
            let mut prepared = prepare(&self.mailbox, sending).await?;
            let change = std::mem::take(&mut prepared.change);
            if prepared.commit(&self.mailbox, change).await? == Committed::Done {
                break prepared.queued;
            }
        };
        if let Err(error) = desk.expunge(&self.folder, latest.uid_validity, &[latest.uid]).await {
            tracing::warn!(agent = %self.mailbox.id(), %error, "the draft is in the outbox, but not removed yet");
        }
        Ok(queued)
    }

    /// Removes the draft. Safe to repeat.
    ///
    /// # Errors
    /// [`Stale`](ErrorKind::Stale) if there is a later revision; else as [`draft`](AgentMailbox::draft).
    pub async fn discard(&self) -> Result<(), Error> {
        let desk = self.mailbox.desk("discard a draft")?;
        let _alone = self.lock().await;
        match self.latest(&desk).await {
            Ok(latest) => desk.expunge(&self.folder, latest.uid_validity, &[latest.uid]).await,
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Reads the draft again and makes sure that it is the one that the caller has.
    async fn latest(&self, desk: &Desk<'_>) -> Result<Self, Error> {
        let latest = find(&self.mailbox, desk, &self.id).await?;
        let is_same = latest.revision == self.revision && latest.message == self.message;
        if is_same {
            return Ok(latest);
        }
        Err(Error::new(ErrorKind::Stale, "change a draft", &self.id)
            .with_detail(format!("there is revision {}, and this is {}", latest.revision, self.revision))
            .with_fix("open the draft again"))
    }

    async fn lock(&self) -> tokio::sync::OwnedMutexGuard<()> {
        let name = format!("draft/{}/{}", self.mailbox.id().encoded(), self.id.as_str());
        self.mailbox.inner().system.system().locks.acquire(&name).await
    }
}

async fn file(
    mailbox: &AgentMailbox,
    desk: &Desk<'_>,
    folder: &FolderName,
    id: &MessageId,
    revision: u32,
    message: NewMessage,
) -> Result<(), Error> {
    let now = mailbox.inner().system.system().chance.now();
    let bytes = message
        .draft(&mailbox.contact(), id, now, revision)
        .map_err(|source| lift(source, "file a draft", mailbox.id()))?;
    desk.append(folder, &bytes, &[Flag::Draft, Flag::Seen]).await.map(drop)
}

async fn find(mailbox: &AgentMailbox, desk: &Desk<'_>, id: &MessageId) -> Result<Draft, Error> {
    if let Some(folder) = desk.find_folder(SpecialUse::Drafts).await?
        && let Some(draft) = look(mailbox, desk, &folder, &Selection::MessageId(id.clone())).await?.pop()
    {
        return Ok(draft);
    }
    Err(Error::new(ErrorKind::NotFound, "open a draft", id)
        .with_detail("it was sent or discarded, or never there")
        .with_fix("list the drafts"))
}

/// Reads drafts, and removes what is left of those that have another revision or were sent.
async fn look(
    mailbox: &AgentMailbox,
    desk: &Desk<'_>,
    folder: &FolderName,
    selection: &Selection,
) -> Result<Vec<Draft>, Error> {
    let listing = desk.list(folder, selection).await?;
    let is_there = |entry: &&mail_access::Entry| !entry.flags.contains(&Flag::Deleted);
    let uids: Vec<Uid> = listing.entries.iter().filter(is_there).map(|entry| entry.uid).collect();
    let uid_validity = listing.uid_validity;
    let mut latest: BTreeMap<String, Draft> = BTreeMap::new();
    let mut outdated = Vec::new();
    if !uids.is_empty() {
        desk.read_each(folder, &Selection::Uids(uid_validity, uids), |received| {
            let Some(draft) = taken_up(mailbox, folder, uid_validity, &received) else { return };
            // They come by ascending UID: of two with one number the later one counts.
            match latest.get_mut(draft.id.as_str()) {
                Some(known) if known.revision > draft.revision => outdated.push(draft.uid),
                Some(known) => outdated.push(std::mem::replace(known, draft).uid),
                None => drop(latest.insert(draft.id.as_str().to_owned(), draft)),
            }
        })
        .await?;
    }
    let journal = &mailbox.inner().journal;
    let mut drafts = Vec::new();
    for draft in latest.into_values() {
        let entry = journal.outbox_entry(mailbox.id(), &name_of_key(&key(&draft.id))).await?;
        // One that was changed in another program since is no longer what was sent.
        if entry.is_some_and(|entry| entry.content == Some(fingerprint(&draft.message.canonical()))) {
            outdated.push(draft.uid);
        } else {
            drafts.push(draft);
        }
    }
    outdated.sort_unstable();
    desk.expunge(folder, uid_validity, &outdated).await?;
    drafts.sort_by_key(|draft| draft.uid);
    Ok(drafts)
}

fn taken_up(
    mailbox: &AgentMailbox,
    folder: &FolderName,
    uid_validity: u32,
    received: &Received,
) -> Option<Draft> {
    Some(Draft {
        mailbox: mailbox.clone(),
        folder: folder.clone(),
        id: received.message_id()?.clone(),
        revision: received.draft_revision(),
        changed: received.internal_date(),
        message: NewMessage::resume(received).ok()?,
        uid_validity,
        uid: received.uid(),
    })
}

/// The key by which a draft is in the outbox once.
fn key(id: &MessageId) -> String {
    format!("draft/{}", id.as_str())
}

/// Shows what it is known by, not what it says.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("agent", self.mailbox.id())
            .field("id", &self.id)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

const FOLDER: &str = "Drafts";
