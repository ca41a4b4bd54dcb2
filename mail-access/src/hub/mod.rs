//! One catch-all mailbox for any number of addresses.

mod access;
mod addresses;
mod board;
mod builder;
mod check;
mod claims;
mod evidence;
mod index;
mod mailbox;
mod position;
mod queue;
mod reader;
mod stock;
mod submit;

use std::fmt;
use std::sync::Arc;

use self::reader::Reading;
use crate::{Address, Error, Outgoing, Submission};

pub use self::access::HubAccess;
pub use self::addresses::AddressMap;
pub use self::builder::HubBuilder;
pub use self::check::{HubCheck, HubProblem};
pub use self::evidence::{EnvelopeRule, Unroutable};
pub use self::mailbox::{DeadLetter, DeadLetters, Delivery, HubMailbox};
pub use self::position::HubPosition;
pub use self::submit::Copies;

/// Any number of addresses over one mailbox, one login and one connection that waits: the mailbox of a catch-all.
///
/// A mailbox of its own costs a server megabytes for each connection that waits; a stock Mailcow pushes to about 128 of
/// them and bears 1024. Here a task reads one mailbox, tells from [what the server wrote](EnvelopeRule) whom each
/// message was delivered for, never from To or Cc, and hands it to that [address](Self::address). What is for nobody
/// goes to the [dead letters](Self::dead_letters).
///
/// ```
/// use std::sync::Arc;
///
/// use mail_access::{EnvelopeRule, Hub, Login, NewMessage, PostOffice};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let office = PostOffice::new();
/// office.add_domain("agents.example".parse()?);
/// let login = Login::new("hub@agents.example".parse()?, "a password".into());
/// office.add_mailbox(login.address(), login.password().clone(), 0)?;
/// office.add_catch_all(&"agents.example".parse()?, vec![login.address().clone()])?;
///
/// let hub = Hub::builder(Arc::new(office), login, EnvelopeRule::mailcow()).start();
/// let ada = hub.address(&"ada@agents.example".parse()?);
/// let bob = hub.address(&"bob@agents.example".parse()?);
///
/// // One address writes to another, and to a third one in a blind copy.
/// let letter = NewMessage::to(bob.address()?).with_bcc(ada.address()?).with_subject("Engines");
/// hub.submit(&letter.seal(&ada.address()?.into())?).await?;
/// for mailbox in [&ada, &bob] {
///     let delivery = mailbox.next().await?;
///     assert_eq!(delivery.message().subject(), "Engines");
///     assert_eq!(delivery.recipient(), &mailbox.address()?);
///     delivery.acknowledge();
/// }
/// // Kept somewhere, it lets the next hub go on from here.
/// assert_eq!(hub.position().open(), 0);
/// # Ok(())
/// # }
/// ```
///
/// # What a slow reader costs
/// The task never waits for anybody who takes messages. For each message that is waiting the hub keeps 4 bytes with
/// its address and about 8 for the position. The newest are held in memory, up to [a
/// limit](HubBuilder::with_stock); what is pushed out is fetched again when its address asks for it, up to 16 at a time.
/// So somebody who never takes his mail costs 12 bytes a message, and the others nothing but the memory that his
/// newest mail takes from theirs. An address without mail takes about 170 bytes.
/// A dead letter costs about 8 bytes until it is taken, and about 8 for the position until it is acknowledged. For whom the
/// newest 65536 of them came is kept too, in 6 MiB at most, so that an [address](Self::address) which becomes known later
/// gets what came for it; older ones stay dead letters.
///
/// # What comes again
/// Each message is handed out once by a hub, to one of the handles of its address. It stays open until it is
/// [acknowledged](Delivery::acknowledge). The next hub that is given the [position](Self::position) of this one hands
/// out what was open then and what came since, and [marks](Delivery::is_repeated) all that the one before may have
/// handed out: all that was in the mailbox already. If the server numbers the mailbox anew, everything comes again and
/// is marked. Nothing is changed in the mailbox: whoever wants to expunges what was acknowledged.
///
/// With [`HubBuilder::start_access`] the addresses are mailboxes of their own, for programs that know
/// [`MailAccess`](crate::MailAccess) only.
///
/// # Setting up the server
/// On Mailcow a hub is a mailbox, an alias `@domain` that leads to it, the sender permission `@domain` for it, and a
/// sieve filter of its own that files explicitly (`fileinto "INBOX"`). Without the filter Mailcow drops all but one of
/// the copies of a mail to several addresses. [`check`](Self::check) tells what is missing.
///
/// Handles keep the hub running; when the last of them and the hub are gone, the task ends. After a refused login it
/// ends too, and each handle says so. Troubles that pass are waited out, see [`trouble`](Self::trouble).
#[derive(Clone)]
pub struct Hub {
    reading: Arc<Reading>,
}

impl Hub {
    /// Begins a hub over the mailbox of a login.
    pub fn builder(
        access: Arc<dyn crate::MailAccess>,
        login: crate::Login,
        rule: EnvelopeRule,
    ) -> HubBuilder {
        HubBuilder::new(access, login, rule)
    }

    /// Takes an address in, unless the hub has it already, and returns a handle of it.
    ///
    /// Dead letters for it that nobody took are its own from now on, so that nothing is missed if mail was there first.
    pub fn address(&self, address: &Address) -> HubMailbox {
        let key = self.reading.board().add(address);
        HubMailbox::new(Arc::clone(&self.reading), key)
    }

    /// Gives up an address and tells whether the hub had it. Its handles fail from now on, and mail that they didn't
    /// take is a dead letter, as is what comes for it later.
    pub fn remove(&self, address: &Address) -> bool {
        self.reading.board().remove(address)
    }

    /// Returns how many addresses the hub has.
    pub fn addresses(&self) -> usize {
        self.reading.board().len()
    }

    /// Returns a handle of what nobody is known to be meant by.
    ///
    /// Like other mail it stays open until it is acknowledged.
    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters::new(Arc::clone(&self.reading))
    }

    /// Returns how far the hub has come, for [the next one](HubBuilder::with_position).
    ///
    /// It takes time in proportion to what is open.
    pub fn position(&self) -> HubPosition {
        self.reading.board().position()
    }

    /// Returns why the mailbox can't be read at present. The hub tries again by itself, after pauses of up to a minute
    /// that grow and differ, unless the login was refused.
    pub fn trouble(&self) -> Option<Arc<Error>> {
        self.reading.trouble()
    }

    /// Submits a message in the name of one of the hub's addresses, which has to be its sender, by the hub's login.
    ///
    /// The server has to let the login send as its addresses, as Mailcow does with the sender permission `@domain`.
    /// [`Copies`] says how it goes to several addresses of the hub.
    ///
    /// # Errors
    /// As for [`MailAccess::submit`](crate::MailAccess::submit), and [`Error::Invalid`] if the sender is no address of
    /// the hub.
    pub async fn submit(&self, message: &Outgoing) -> Result<Submission, Error> {
        self.reading.submit(message).await
    }
}

/// Shows counts, nobody's address or mail.
impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reading.fmt(f)
    }
}

#[cfg(test)]
mod tests;
