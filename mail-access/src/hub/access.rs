use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::time::timeout;

use super::queue::{Birth, Key};
use super::{DeadLetters, Hub, HubCheck};
use crate::{
    Address, Arrival, Arrivals, Batch, DomainName, Error, Login, MailAccess, Outgoing, Position, Received,
    Selection, Status, Submission, Uid,
};

/// The addresses of a hub as mailboxes of their own: [`MailAccess`] over one shared mailbox.
///
/// A login's address says which of the hub's addresses is meant. **Its password is not checked**: who holds this
/// value may open each of them, and only a login whose address the hub doesn't have is refused. Everything is done with
/// the hub's own login.
///
/// A mailbox is numbered as the shared one is, with gaps where the others' messages are. `submit` takes the login's
/// address as the sender, with or without a tag. Each `fetch` looks into the shared mailbox first, unless another call
/// does so at the time; `fetch_arrived` gives out what the hub has read already. A wait is not ended by a lost link, as the hub connects again by itself.
///
/// ```
/// use std::sync::Arc;
///
/// use mail_access::{EnvelopeRule, Hub, Login, MailAccess, NewMessage, PostOffice, Selection};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let office = PostOffice::new();
/// # office.add_domain("agents.example".parse()?);
/// # let hub = Login::new("hub@agents.example".parse()?, "a password".into());
/// # office.add_mailbox(hub.address(), hub.password().clone(), 0)?;
/// # office.add_catch_all(&"agents.example".parse()?, vec![hub.address().clone()])?;
/// let access = Hub::builder(Arc::new(office), hub, EnvelopeRule::mailcow()).start_access();
/// let [ada, bob] = ["ada@agents.example", "bob@agents.example"].map(|name| name.parse().map(|name| {
///     access.add(&name);
///     Login::new(name, "never looked at".into())
/// }));
/// let (ada, bob) = (ada?, bob?);
/// let letter = NewMessage::to(bob.address()).with_subject("Engines").seal(&ada.address().into())?;
/// access.submit(&ada, &letter).await?;
/// assert_eq!(access.fetch(&bob, &Selection::Unseen, 10).await?.messages[0].subject(), "Engines");
/// assert!(access.fetch(&ada, &Selection::Unseen, 10).await?.messages.is_empty());
/// # Ok(())
/// # }
/// ```
///
/// # Costs
/// At its start it reads the shared mailbox once, from [where it is told
/// to](super::HubBuilder::with_position), so as to know whose each message is; what is older is nobody's. It keeps about 30
/// bytes for each message. Searching by Message-ID or for what is unseen asks the server only about the address's own
/// messages that come into question. That another program takes the mark of a seen message away is not noticed.
#[derive(Clone)]
pub struct HubAccess {
    pub(super) hub: Hub,
}

impl HubAccess {
    pub(super) fn new(hub: Hub) -> Self {
        Self { hub }
    }

    /// Lets the hub have an address, with the mail that came for it before, as long as it is a dead letter that nobody
    /// took. If the hub has it already, nothing is changed.
    pub fn add(&self, address: &Address) {
        self.hub.reading.board().add(address);
    }

    /// Lets the hub have an address, with the mail for it that came behind a place of the shared mailbox: what is older is
    /// that of whoever had the address before, and a dead letter. If the hub has it already, nothing is changed.
    ///
    /// Should the shared mailbox be numbered anew, it is by the second of its arrival that mail is told to be older than
    /// `time`, which is when the place was the last one; mail of that second is a dead letter then.
    pub fn add_since(&self, address: &Address, place: Position, time: SystemTime) {
        self.hub.reading.board().add_since(address, Some(Birth { place, time }));
    }

    /// Lets what comes for one address belong to another one, which the hub has, until [`remove_name`](Self::remove_name).
    pub fn add_name(&self, name: &Address, of: &Address) {
        self.hub.reading.board().add_name(name, of);
    }

    /// Takes away what [`add_name`](Self::add_name) gave.
    pub fn remove_name(&self, name: &Address) {
        self.hub.reading.board().remove_name(name);
    }

    /// Tells whether mail for an address belongs to one that the hub has.
    pub fn has(&self, address: &Address) -> bool {
        self.hub.reading.board().find(address).is_some()
    }

    /// Looks into the shared mailbox, and returns up to where it was read.
    ///
    /// # Errors
    /// As for [`fetch`](MailAccess::fetch).
    pub async fn place(&self) -> Result<Position, Error> {
        self.hub.reading.catch_up().await?;
        Ok(self.hub.reading.board().read.unwrap_or(Position { uid_validity: 0, uid: 0 }))
    }

    /// Begins to say for which addresses mail comes in.
    pub fn arrivals(&self) -> Arrivals {
        let listener = self.hub.reading.board().listen();
        Arrivals::of_hub(self.clone(), listener)
    }

    /// Gives up an address, and tells whether the hub had it. Its messages stay in the shared mailbox; should the
    /// address be added again, they don't come back.
    pub fn remove(&self, address: &Address) -> bool {
        self.hub.remove(address)
    }

    /// Returns a handle of what nobody is known to be meant by.
    pub fn dead_letters(&self) -> DeadLetters {
        self.hub.dead_letters()
    }

    /// Returns why the shared mailbox can't be read at present, as [`Hub::trouble`] does.
    pub fn trouble(&self) -> Option<Arc<Error>> {
        self.hub.trouble()
    }

    /// Finds out whether the server is set up for a hub, as [`Hub::check`] does.
    ///
    /// # Errors
    /// As for [`Hub::check`].
    pub async fn check(&self, domain: &DomainName, patience: Duration) -> Result<HubCheck, Error> {
        self.hub.check(domain, patience).await
    }

    fn key(&self, login: &Login, operation: &'static str) -> Result<Key, Error> {
        self.hub.reading.board().find(login.address()).ok_or_else(|| Error::Authentication {
            operation,
            login: login.address().clone(),
            status: Status::new(535, Some((5, 7, 8)), "it is no address of the hub"),
            retry_after: None,
        })
    }

    /// Reads those of the messages that a selection means, and tells which are not there and whether the system's own
    /// limit cut it short.
    async fn read(&self, selection: &Selection, uid_validity: u32, uids: &[Uid]) -> Result<Piece, Error> {
        let reading = &self.hub.reading;
        let mut read: Vec<Received> = match selection {
            Selection::After(_) => {
                let mut board = reading.board();
                let found = board.read.map_or(0, |read| read.uid_validity);
                if found != uid_validity {
                    // The stock has others' messages under these UIDs by now.
                    return Err(Error::Renumbered { operation: "fetch", expected: uid_validity, found });
                }
                uids.iter().filter_map(|uid| board.stock.take(uid.get())).collect()
            }
            _ => Vec::new(),
        };
        let missing: Vec<Uid> = uids
            .iter()
            .copied()
            .filter(|uid| read.binary_search_by_key(uid, Received::uid).is_err())
            .collect();
        let mut piece = Piece { messages: Vec::new(), gone: Vec::new(), cut: false };
        if !missing.is_empty() {
            let selection = Selection::Uids(uid_validity, missing.clone());
            let batch = reading.access.fetch(&reading.login, &selection, missing.len()).await?;
            piece.cut = batch.more;
            let end = batch.messages.last().map(Received::uid);
            let is_known = |uid: &Uid| !batch.more || Some(*uid) <= end;
            let has = |uid: &Uid| batch.messages.binary_search_by_key(uid, Received::uid).is_ok();
            piece.gone = missing.into_iter().filter(|uid| is_known(uid) && !has(uid)).collect();
            read.retain(|message| is_known(&message.uid()));
            read.extend(batch.messages);
            read.sort_unstable_by_key(Received::uid);
        }
        piece.messages = read;
        Ok(piece)
    }

    /// Gives out those of the messages which the hub knows of that a selection means.
    async fn fetch_known(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, Error> {
        let reading = &self.hub.reading;
        'again: loop {
            let key = self.key(login, "fetch")?;
            let (uid_validity, candidates) = reading.board().candidates(key, selection)?;
            let (mut found, mut rest, mut cut) = (Vec::new(), &candidates[..], false);
            while found.len() < limit && !rest.is_empty() && !cut {
                let (uids, behind) = rest.split_at(rest.len().min(limit - found.len()).min(PIECE));
                let piece = match self.read(selection, uid_validity, uids).await {
                    Err(Error::Renumbered { .. }) if !matches!(selection, Selection::Uids(..)) => {
                        reading.catch_up().await?;
                        continue 'again;
                    }
                    piece => piece?,
                };
                let mut board = reading.board();
                board.forget(key, uid_validity, &piece.gone);
                cut = piece.cut;
                rest = behind;
                match selection {
                    Selection::Unseen => {
                        let (seen, unseen): (Vec<_>, Vec<_>) =
                            piece.messages.into_iter().partition(Received::is_seen);
                        board.seen(uid_validity, seen.iter().map(Received::uid));
                        found.extend(unseen);
                    }
                    Selection::MessageId(id) => {
                        found.extend(
                            piece.messages.into_iter().filter(|message| message.message_id() == Some(id)),
                        );
                    }
                    _ => found.extend(piece.messages),
                }
            }
            return Ok(Batch::new(uid_validity, found, cut || !rest.is_empty()));
        }
    }
}

#[async_trait]
impl MailAccess for HubAccess {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Error> {
        let key = self.key(login, "submit")?;
        if self.hub.reading.board().find(message.sender()) != Some(key) {
            let why = format!(
                "<{}>: Sender address rejected: not owned by user {}",
                message.sender(),
                login.address()
            );
            let status = Status::new(553, Some((5, 7, 1)), &why);
            return Err(match message.recipients() {
                [_] => Error::Refused { operation: "submit", status },
                all => {
                    let refused = all.iter().map(|to| (to.clone(), status.clone())).collect();
                    Error::RecipientsRefused { operation: "submit", refused }
                }
            });
        }
        self.hub.submit(message).await
    }

    /// Checks the hub's own login: its addresses have none.
    async fn check_submission(&self, login: &Login) -> Result<(), Error> {
        self.key(login, "check_submission")?;
        self.hub.reading.access.check_submission(&self.hub.reading.login).await
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, Error> {
        self.key(login, "fetch")?;
        self.hub.reading.catch_up().await?;
        self.fetch_known(login, selection, limit.max(1)).await
    }

    /// Gives out what the hub has read already, if there is anything.
    async fn fetch_arrived(&self, login: &Login, after: Position, limit: usize) -> Result<Batch, Error> {
        let key = self.key(login, "fetch")?;
        let selection = Selection::After(Some(after));
        if self.hub.reading.board().has_arrived(key, after) {
            return self.fetch_known(login, &selection, limit.max(1)).await;
        }
        self.fetch(login, &selection, limit).await
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), Error> {
        let reading = &self.hub.reading;
        self.key(login, "mark_seen")?;
        reading.catch_up().await?;
        let key = self.key(login, "mark_seen")?;
        let own = {
            let board = reading.board();
            let found = board.read.map_or(0, |read| read.uid_validity);
            if found != uid_validity && !uids.is_empty() {
                return Err(Error::Renumbered { operation: "mark_seen", expected: uid_validity, found });
            }
            board.own(key, uids)
        };
        if !own.is_empty() {
            reading.access.mark_seen(&reading.login, uid_validity, &own).await?;
            reading.board().seen(uid_validity, own);
        }
        Ok(())
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, Error> {
        let arrival = async {
            self.key(login, "wait")?;
            if self.hub.reading.board().read.is_none() {
                self.hub.reading.catch_up().await?;
            }
            loop {
                let ring = {
                    let key = self.key(login, "wait")?;
                    let mut board = self.hub.reading.board();
                    if board.has_arrived(key, after) {
                        return Ok(Arrival::New);
                    }
                    board.next_ring(key)?
                };
                ring.await;
            }
        };
        timeout(at_most, arrival).await.unwrap_or(Ok(Arrival::TimedOut))
    }
}

/// Shows counts, nobody's address or mail.
impl fmt::Debug for HubAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hub.fmt(f)
    }
}

struct Piece {
    messages: Vec<Received>,
    gone: Vec<Uid>,
    /// Tells that those behind the last message are still to be read.
    cut: bool,
}

/// Messages read at a time; a mail system sets a limit to their bytes itself.
const PIECE: usize = 64;
