use std::fmt;
use std::time::Duration;

use mail_access::quote::{Code, Link};
use mail_access::{Address, FolderName, MessageId, Position, Selection};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::journal::{millis, time};
use crate::mail::lift;
use crate::safety::{self, Admitted};
use crate::{AgentMailbox, Error, Inbound, Untrusted};

/// A place in an INBOX behind which mail is waited for. It can be stored, and be used after a restart.
///
/// Take it before whatever makes somebody answer: what comes between that and the waiting is found then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    uid_validity: u32,
    uid: u32,
    /// When it was taken or last moved, in milliseconds since 1970.
    taken: u64,
    /// The numbering is not the one in which it was taken: what is old is told by its time.
    #[serde(default)]
    renumbered: bool,
}

/// Which mail is waited for: all that is said of it has to hold. What is compared is its author's own word, but for
/// [`from_verified`](Self::from_verified).
///
/// ```
/// use agent_mail::Wanted;
///
/// let wanted = Wanted::new().from("login@service.example").subject("code").matching(|mail| mail.size() < 100_000);
/// # let _ = wanted;
/// ```
#[derive(Default)]
#[must_use]
pub struct Wanted {
    from: Option<String>,
    verified: Option<Address>,
    subject: Option<String>,
    body: Option<String>,
    answer_to: Option<MessageId>,
    matching: Vec<Condition>,
}

impl Wanted {
    /// Wants any mail.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wants the address in From to contain a text, without regard to case. Anybody can write any From.
    pub fn from(mut self, text: impl Into<String>) -> Self {
        self.from = Some(text.into().to_lowercase());
        self
    }

    /// Wants the [trusted server](crate::AgentMailBuilder::trusted_server) to have found that this address wrote it.
    pub fn from_verified(mut self, address: Address) -> Self {
        self.verified = Some(address);
        self
    }

    /// Wants the subject to contain a text, without regard to case.
    pub fn subject(mut self, text: impl Into<String>) -> Self {
        self.subject = Some(text.into().to_lowercase());
        self
    }

    /// Wants the text to read to contain a text, without regard to case.
    pub fn body(mut self, text: impl Into<String>) -> Self {
        self.body = Some(text.into().to_lowercase());
        self
    }

    /// Wants it to answer this message, by In-Reply-To or References.
    pub fn answer_to(mut self, message: MessageId) -> Self {
        self.answer_to = Some(message);
        self
    }

    /// Wants a condition to hold.
    pub fn matching(mut self, condition: impl Fn(&Inbound) -> bool + Send + Sync + 'static) -> Self {
        self.matching.push(Box::new(condition));
        self
    }

    /// Tells whether a message is wanted.
    pub fn fits(&self, inbound: &Inbound) -> bool {
        let message = inbound.message().expose();
        let contains = |wanted: &Option<String>, text: &dyn Fn() -> String| {
            wanted.as_ref().is_none_or(|wanted| text().to_lowercase().contains(wanted))
        };
        let from = || message.from().map(|from| from.address.to_string()).unwrap_or_default();
        let answers = |id: &MessageId| message.in_reply_to() == Some(id) || message.references().contains(id);
        let verified =
            |address: &Address| inbound.verified_from().is_some_and(|from| from.is_same_mailbox(address));
        contains(&self.from, &from)
            && self.verified.as_ref().is_none_or(verified)
            && contains(&self.subject, &|| message.subject().to_owned())
            && self.answer_to.as_ref().is_none_or(answers)
            && contains(&self.body, &|| message.readable_text().unwrap_or_default().into_owned())
            && self.matching.iter().all(|condition| condition(inbound))
    }
}

type Condition = Box<dyn Fn(&Inbound) -> bool + Send + Sync>;

/// Shows what is compared, not the conditions.
impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wanted")
            .field("from", &self.from)
            .field("verified", &self.verified)
            .field("subject", &self.subject)
            .field("body", &self.body)
            .field("answer_to", &self.answer_to)
            .field("conditions", &self.matching.len())
            .finish()
    }
}

/// A mail with a one-time code or a link.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FoundCode {
    /// The mail.
    pub message: Inbound,
    /// The codes in it, the most likely first. Their `Debug` doesn't show them.
    pub codes: Untrusted<Vec<Code>>,
    /// The links in it. Nothing tells where one leads before it is followed.
    pub links: Untrusted<Vec<Link>>,
}

impl FoundCode {
    /// Returns the most likely code.
    pub fn code(&self) -> Option<Untrusted<&str>> {
        self.codes.as_ref().expose().first().map(|code| Untrusted::new(code.value()))
    }

    /// Returns the first link.
    pub fn link(&self) -> Option<Untrusted<&str>> {
        self.links.as_ref().expose().first().map(|link| Untrusted::new(link.url().as_str()))
    }
}

impl AgentMailbox {
    /// Returns the place behind all mail that is in the INBOX now, to wait for what comes from now on.
    ///
    /// Without a [message store](crate::AgentMailBuilder::message_store) it reads what the events have not read yet.
    ///
    /// # Errors
    /// What the mail system or the state store says.
    pub async fn cursor(&self) -> Result<Cursor, Error> {
        let inner = self.inner();
        let system = inner.system.system();
        let taken = millis(system.chance.now());
        if system.store.is_some() {
            let status = self.desk("wait")?.status(&FolderName::inbox()).await?;
            return Ok(Cursor {
                uid_validity: status.uid_validity,
                uid: status.uid_next.saturating_sub(1),
                taken,
                renumbered: false,
            });
        }
        let mut behind = system.journal.position(self.id()).await?;
        loop {
            let batch = inner.login.fetch(&*system.mail, &Selection::After(behind), BATCH).await;
            let batch = batch.map_err(|error| lift(error, "wait", self.id()))?;
            let known = behind.filter(|known| known.uid_validity == batch.uid_validity);
            let last =
                batch.messages.last().map_or(known.map_or(0, |known| known.uid), |last| last.uid().get());
            if !batch.more {
                return Ok(Cursor { uid_validity: batch.uid_validity, uid: last, taken, renumbered: false });
            }
            behind = Some(Position { uid_validity: batch.uid_validity, uid: last });
        }
    }

    /// Waits for a mail behind a place in the INBOX, and moves the place behind it; `None` if none came in time.
    ///
    /// What is there already is found at once, the oldest first. Nothing is taken from [`events`](Self::events) or marked
    /// as seen: both get every mail. What a [check](crate::safety::InboundCheck) drops is not found. If the INBOX
    /// was numbered anew, it is read from the start, and what arrived more than 5 seconds before the cursor was taken
    /// or last moved is passed over, by the mail system's clock.
    ///
    /// While the mail system can't be reached it tries again, until the time is over. A dropped call changes nothing. At
    /// most 32 messages are in memory.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use std::time::Duration;
    ///
    /// use agent_mail::{AgentMail, NewMessage, Wanted};
    ///
    /// let mail = AgentMail::embedded("agents.example")?;
    /// let ada = mail.provision(&"ada".parse()?).await?;
    ///
    /// let mut since = ada.cursor().await?;
    /// ada.send(NewMessage::to(ada.contact()).with_subject("Engines")).await?; // it may come before the next line
    /// let wanted = Wanted::new().subject("engines");
    /// let found = ada.wait_for(&wanted, &mut since, Duration::from_secs(30)).await?;
    /// assert_eq!(found.expect("it came").subject(), "Engines");
    /// # Ok::<(), agent_mail::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What no waiting mends, such as a password that is refused.
    pub async fn wait_for(
        &self,
        wanted: &Wanted,
        since: &mut Cursor,
        at_most: Duration,
    ) -> Result<Option<Inbound>, Error> {
        // A time that no clock reaches is none.
        let end = Instant::now().checked_add(at_most);
        let mut looking = Looking { mailbox: self, place: since.clone(), failures: 0 };
        let found = match end {
            Some(end) => match tokio::time::timeout_at(end, looking.find(wanted, end)).await {
                Ok(found) => found?,
                Err(_) => return Ok(None),
            },
            None => looking.find(wanted, Instant::now() + LONGEST_WAIT).await?,
        };
        *since = looking.place;
        Ok(Some(found))
    }

    /// Waits as [`wait_for`](Self::wait_for) does for a mail with a one-time code.
    ///
    /// # Errors
    /// As [`wait_for`](Self::wait_for).
    pub async fn wait_for_code(
        &self,
        wanted: Wanted,
        since: &mut Cursor,
        at_most: Duration,
    ) -> Result<Option<FoundCode>, Error> {
        let wanted = wanted.matching(|mail| mail.codes().is_some_and(|codes| !codes.is_empty()));
        Ok(self.wait_for(&wanted, since, at_most).await?.map(found))
    }

    /// Waits as [`wait_for`](Self::wait_for) does for a mail with a link to a web page.
    ///
    /// # Errors
    /// As [`wait_for`](Self::wait_for).
    pub async fn wait_for_link(
        &self,
        wanted: Wanted,
        since: &mut Cursor,
        at_most: Duration,
    ) -> Result<Option<FoundCode>, Error> {
        let wanted = wanted.matching(|mail| mail.links().is_some_and(|links| !links.is_empty()));
        Ok(self.wait_for(&wanted, since, at_most).await?.map(found))
    }
}

fn found(message: Inbound) -> FoundCode {
    FoundCode { codes: message.codes(), links: message.links(), message }
}

struct Looking<'a> {
    mailbox: &'a AgentMailbox,
    place: Cursor,
    failures: u32,
}

impl Looking<'_> {
    async fn find(&mut self, wanted: &Wanted, end: Instant) -> Result<Inbound, Error> {
        loop {
            match self.look(wanted, end).await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => self.failures = 0,
                Err(error) if error.is_retryable() => {
                    let pause = error.retry_after().unwrap_or(FIRST_PAUSE * 2_u32.pow(self.failures.min(5)));
                    self.failures += 1;
                    tokio::time::sleep(pause).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads on, or waits for more.
    async fn look(&mut self, wanted: &Wanted, end: Instant) -> Result<Option<Inbound>, Error> {
        let inner = self.mailbox.inner();
        let mail = &*inner.system.system().mail;
        let failed = |error| lift(error, "wait", self.mailbox.id());
        let position = Position { uid_validity: self.place.uid_validity, uid: self.place.uid };
        let behind = Selection::After(Some(position));
        let batch = inner.login.fetch(mail, &behind, BATCH).await.map_err(failed)?;
        if batch.uid_validity != self.place.uid_validity {
            (self.place.uid_validity, self.place.uid) = (batch.uid_validity, 0);
            self.place.renumbered = true;
        }
        if batch.messages.is_empty() {
            let here = Position { uid_validity: self.place.uid_validity, uid: self.place.uid };
            let left = end.saturating_duration_since(Instant::now()).min(LONGEST_WAIT);
            inner.login.wait(mail, here, left).await.map_err(failed)?;
            return Ok(None);
        }
        for message in batch.messages {
            let (uid, arrived) = (message.uid().get(), message.internal_date());
            let is_old = self.place.renumbered && arrived + SLACK < time(self.place.taken);
            let inbound = self.mailbox.inbound(message);
            if !is_old
                && let Admitted::Delivered(inbound) = safety::admit(self.mailbox, inbound).await?
                && wanted.fits(&inbound)
            {
                self.place.uid = uid;
                self.place.taken = self.place.taken.max(millis(arrived));
                return Ok(Some(inbound));
            }
            self.place.uid = uid;
        }
        Ok(None)
    }
}

const BATCH: usize = 32;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Servers end a connection that is silent for half an hour (RFC 9051 section 5.4).
const LONGEST_WAIT: Duration = Duration::from_mins(29);
/// How far the clocks of a program and its mail system may be apart.
const SLACK: Duration = Duration::from_secs(5);
