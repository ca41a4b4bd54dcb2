use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use mail_access::{Contact, Flag, FolderName, MessageId, Position, Query, Selection, SpecialUse, Uid};

use super::summary::{Seen, Summary};
use super::thread::{Item, threads};
use crate::mail::lift;
use crate::{AgentMailbox, Error, ErrorKind, Inbound, Untrusted};

/// The conversations of one mailbox: all its messages, put into threads.
///
/// A message joins the thread of the nearest message that it names (In-Reply-To, References) which is in this mailbox
/// and in which its author had part, as author or recipient; or of one that names the same missing message; or, if it
/// names none and its subject is an answer's, of the last one with that subject. It never joins two threads. So a
/// stranger's message that names others' threads begins one of its own and is marked as
/// [disputed](ThreadMessage::disputed). Where the system has a
/// [trusted server](crate::AgentMailBuilder::trusted_server), an author counts only if that server found them
/// authentic; else From is believed, but for the agent's own address: what says that it is from the agent is only if the
/// agent sent it. On a mailing list, where people answer who were not named before, each of them begins a thread.
///
/// With a [message store](crate::AgentMailBuilder::message_store) it holds all folders but drafts, junk and trash;
/// without one, the INBOX. It takes about a KiB for each message, and reads each once. Checks on inbound mail are not
/// asked: it shows what is there.
#[derive(Debug)]
pub struct Conversations {
    mailbox: AgentMailbox,
    folders: BTreeMap<FolderName, Seen>,
    threads: Vec<Thread>,
}

/// Messages that belong together, by arrival and none before the one that it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Thread {
    id: ThreadId,
    messages: Vec<ThreadMessage>,
}

/// A message of a thread.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ThreadMessage {
    /// Its identity, which its author chose.
    pub message_id: Option<Untrusted<MessageId>>,
    /// Which message of the thread it answers, by its place there.
    pub parent: Option<usize>,
    /// Who its header says wrote it.
    pub from: Option<Untrusted<Contact>>,
    /// Its subject.
    pub subject: Untrusted<String>,
    /// When it arrived, by the mail system's clock.
    pub arrived: SystemTime,
    /// Whether this agent is known to have sent it.
    pub is_own: bool,
    /// A message of this mailbox that it says it answers, and in which its author had no part: it does not count as an
    /// answer to it.
    pub disputed: Option<Untrusted<MessageId>>,
    /// Where it lies; in several places if there are copies.
    pub places: Vec<Place>,
    /// Its flags and labels, those of all copies.
    pub flags: Vec<Flag>,
}

/// Where a message lies in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// In which folder.
    pub folder: FolderName,
    /// Under which number; its `uid` is the message's own.
    pub at: Position,
}

/// Which thread it is, in one mailbox: the same as long as its first message is there, or missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(Box<str>);

impl FromStr for ThreadId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(text.to_ascii_lowercase().into()));
        }
        Err(Error::new(ErrorKind::InvalidInput, "name a thread", format!("{text:?}"))
            .with_detail("it has to be 32 hex digits"))
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AgentMailbox {
    /// Reads the mailbox and puts its messages into threads.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use agent_mail::{AgentMail, NewMessage};
    ///
    /// let mail = AgentMail::embedded("agents.example")?;
    /// let ada = mail.provision(&"ada".parse()?).await?;
    /// ada.send(NewMessage::to(ada.contact()).with_subject("Engines").with_text("Do they dream?")).await?;
    /// let question = ada.fetch_unseen(1).await?.remove(0);
    /// ada.reply(&question, "Of mail.").await?;
    ///
    /// let conversations = ada.conversations().await?;
    /// assert_eq!(conversations.threads().len(), 1);
    /// assert_eq!(conversations.threads()[0].messages()[1].parent, Some(0));
    /// # Ok::<(), agent_mail::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What the mail system or the state store says.
    pub async fn conversations(&self) -> Result<Conversations, Error> {
        let mut all = Conversations { mailbox: self.clone(), folders: BTreeMap::new(), threads: Vec::new() };
        all.update().await?;
        Ok(all)
    }

    /// Reads a message at its place; `None` if it is no longer there.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if it is not in the INBOX and the system has no
    /// [message store](crate::AgentMailBuilder::message_store); else what the mail system says.
    pub async fn read(&self, place: &Place) -> Result<Option<Inbound>, Error> {
        let Some(uid) = Uid::new(place.at.uid) else { return Ok(None) };
        let selection = Selection::Uids(place.at.uid_validity, vec![uid]);
        let mut found = None;
        if place.folder.is_inbox() {
            let inner = self.inner();
            let batch = inner.login.fetch(&*inner.system.system().mail, &selection, 1).await;
            found = batch.map_err(|error| lift(error, "read", self.id()))?.messages.pop();
        } else {
            let desk = self.desk("read")?;
            desk.read_each(&place.folder, &selection, |message| found = Some(message)).await?;
        }
        Ok(found.map(|message| self.inbound(message)))
    }

    /// Finds the messages of the mailbox that a query fits, in all folders but drafts, junk and trash; by folder, and
    /// in each the oldest first.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if no server could read the query;
    /// [`Unsupported`](ErrorKind::Unsupported) if the system has no
    /// [message store](crate::AgentMailBuilder::message_store); else what the mail system says.
    pub async fn search(&self, query: &Query) -> Result<Vec<Place>, Error> {
        let desk = self.desk("search")?;
        let mut places = Vec::new();
        for folder in desk.folders().await? {
            let found = desk.search(&folder, query).await?;
            places.extend(found.uids.iter().map(|uid| Place::new(&folder, found.uid_validity, *uid)));
        }
        Ok(places)
    }
}

impl Conversations {
    /// Returns the threads, those with the latest message last.
    pub fn threads(&self) -> &[Thread] {
        &self.threads
    }

    /// Returns a thread by its name.
    pub fn thread(&self, id: &ThreadId) -> Option<&Thread> {
        self.threads.iter().find(|thread| thread.id == *id)
    }

    /// Returns the thread of a message, by its Message-ID.
    pub fn thread_of(&self, id: &MessageId) -> Option<&Thread> {
        let is_it = |message: &ThreadMessage| message.message_id.as_ref().is_some_and(|known| known == id);
        self.threads.iter().find(|thread| thread.messages.iter().any(is_it))
    }

    /// Reads what came, went or was marked since, and puts the messages into threads anew.
    ///
    /// # Errors
    /// What the mail system or the state store says; the next call goes on. A dropped call leaves the threads as they
    /// were.
    pub async fn update(&mut self) -> Result<(), Error> {
        let mailbox = self.mailbox.clone();
        if mailbox.inner().system.system().store.is_some() {
            let desk = mailbox.desk("read")?;
            let sent = desk.find_folder(SpecialUse::Sent).await?;
            let folders = desk.folders().await?;
            self.folders.retain(|known, _| folders.contains(known));
            for folder in folders {
                let is_sent = Some(&folder) == sent.as_ref();
                self.folders
                    .entry(folder.clone())
                    .or_default()
                    .update(&desk, &mailbox, &folder, is_sent)
                    .await?;
            }
        } else {
            self.folders.entry(FolderName::inbox()).or_default().read_inbox(&mailbox).await?;
        }
        let all = self.summaries();
        self.threads = thread_up(&all);
        Ok(())
    }

    /// Finds the threads that hold a message which a query fits.
    ///
    /// What came since the last [`update`](Self::update) is not among them.
    ///
    /// # Errors
    /// As [`AgentMailbox::search`].
    pub async fn search(&self, query: &Query) -> Result<Vec<&Thread>, Error> {
        let found = self.mailbox.search(query).await?;
        let fits = |thread: &&Thread| {
            thread.messages.iter().any(|message| message.places.iter().any(|place| found.contains(place)))
        };
        Ok(self.threads.iter().filter(fits).collect())
    }

    pub(super) fn mailbox(&self) -> &AgentMailbox {
        &self.mailbox
    }

    pub(super) fn summaries(&self) -> Vec<(Option<Place>, &Summary)> {
        let of = |(folder, seen): (&FolderName, &Seen), uid: Uid| Place::new(folder, seen.uid_validity, uid);
        let mut all = Vec::new();
        for (folder, seen) in &self.folders {
            let place = |uid: &Uid| Some(of((folder, seen), *uid));
            all.extend(seen.messages.iter().map(|(uid, summary)| (place(uid), summary)));
        }
        all
    }
}

impl Thread {
    /// Returns its name in this mailbox.
    pub fn id(&self) -> &ThreadId {
        &self.id
    }

    /// Returns its messages, by arrival and none before the one that it answers.
    pub fn messages(&self) -> &[ThreadMessage] {
        &self.messages
    }

    /// Returns its last message.
    pub fn latest(&self) -> &ThreadMessage {
        &self.messages[self.messages.len() - 1]
    }

    /// Returns the subject of its first message.
    pub fn subject(&self) -> Untrusted<&str> {
        self.messages[0].subject.as_ref().map(String::as_str)
    }
}

impl Place {
    /// Names a message by its folder and number.
    pub fn new(folder: &FolderName, uid_validity: u32, uid: Uid) -> Self {
        Self { folder: folder.clone(), at: Position { uid_validity, uid: uid.get() } }
    }
}

/// Puts messages into threads.
pub(super) fn thread_up(all: &[(Option<Place>, &Summary)]) -> Vec<Thread> {
    let items: Vec<Item> = all.iter().map(|(_, summary)| summary.item.clone()).collect();
    let mut threads: Vec<Thread> = threads(&items)
        .into_iter()
        .map(|group| Thread {
            id: ThreadId(group.name.into()),
            messages: group
                .members
                .into_iter()
                .map(|member| {
                    let copies = || member.items.iter().map(|at| &all[*at]);
                    let (_, first) = all[member.items[0]];
                    let mut flags: Vec<Flag> = copies().flat_map(|(_, copy)| copy.flags.clone()).collect();
                    flags.sort_unstable();
                    flags.dedup();
                    ThreadMessage {
                        message_id: first.item.id.clone().map(Untrusted::new),
                        parent: member.parent,
                        from: first.from.clone().map(Untrusted::new),
                        subject: Untrusted::new(first.subject.clone()),
                        arrived: first.item.arrived,
                        is_own: copies().any(|(_, copy)| copy.item.own),
                        disputed: member.disputed.map(Untrusted::new),
                        places: copies().filter_map(|(place, _)| place.clone()).collect(),
                        flags,
                    }
                })
                .collect(),
        })
        .collect();
    threads.sort_by(|one, other| (one.latest().arrived, &one.id).cmp(&(other.latest().arrived, &other.id)));
    threads
}
