//! In which mailboxes of a whole mail system there is mail, told in one place for all of them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::{Address, HubAccess, PostOffice};

/// Says in which mailboxes mail has come in, for programs with more mailboxes than they can wait for one by one.
///
/// The first answer names every mailbox whose INBOX holds a message, the later ones those that got one. A mailbox may be
/// named that has nothing new, and it may be named once for many messages; none that got one is forgotten. It costs
/// nothing for mailboxes without mail, and about 100 bytes for each that rang since the last answer.
///
/// ```
/// use mail_access::{Address, Login, MailAccess, NewMessage, PostOffice};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let office = PostOffice::new();
/// office.add_domain("agents.example".parse()?);
/// let ada: Address = "ada@agents.example".parse()?;
/// office.add_mailbox(&ada, "secret".into(), 0)?;
/// let mut arrivals = office.arrivals();
///
/// let note = NewMessage::to(&ada).with_subject("Engines").seal(&ada.clone().into())?;
/// office.submit(&Login::new(ada.clone(), "secret".into()), &note).await?;
/// assert_eq!(arrivals.next().await, [ada]);
/// # Ok(())
/// # }
/// ```
pub struct Arrivals {
    source: Source,
    listener: Arc<Listener>,
}

enum Source {
    Office(PostOffice),
    /// A handle of it, which keeps the hub reading.
    Hub(#[expect(dead_code, reason = "it is held")] HubAccess),
}

impl Arrivals {
    pub(crate) fn of_office(office: PostOffice, listener: Arc<Listener>) -> Self {
        Self { source: Source::Office(office), listener }
    }

    pub(crate) fn of_hub(hub: HubAccess, listener: Arc<Listener>) -> Self {
        Self { source: Source::Hub(hub), listener }
    }

    /// Waits until mail has come in anywhere, and returns the addresses of the mailboxes in their order. A dropped call
    /// has taken nothing.
    pub async fn next(&mut self) -> Vec<Address> {
        loop {
            // Made before the look: what rings after it is not missed.
            let ring = Arc::clone(&self.listener.bell).notified_owned();
            let due = self.next_due();
            let names = std::mem::take(&mut *self.listener.rung());
            if !names.is_empty() {
                return names.iter().filter_map(|name| name.parse().ok()).collect();
            }
            match due {
                Some(due) => drop(timeout_at(due, ring).await),
                None => ring.await,
            }
        }
    }

    /// Looks at the clock of an office: what is late there arrives when somebody looks.
    fn next_due(&self) -> Option<Instant> {
        match &self.source {
            Source::Office(office) => office.next_due(),
            Source::Hub(_) => None,
        }
    }
}

/// Shows how many mailboxes rang.
impl fmt::Debug for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrivals").field("rung", &self.listener.rung().len()).finish_non_exhaustive()
    }
}

/// Where the names of mailboxes are noted until somebody asks.
#[derive(Default)]
pub(crate) struct Listener {
    rung: Mutex<BTreeSet<Box<str>>>,
    bell: Arc<Notify>,
}

impl Listener {
    pub(crate) fn note(&self, name: &str) {
        let mut rung = self.rung();
        if !rung.contains(name) {
            rung.insert(name.into());
        }
        drop(rung);
        self.bell.notify_waiters();
    }

    /// Lets who listens look again, at a clock that has another alarm.
    pub(crate) fn wake(&self) {
        self.bell.notify_waiters();
    }

    fn rung(&self) -> MutexGuard<'_, BTreeSet<Box<str>>> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those who listen; the ones that are gone are dropped at the next ring.
#[derive(Default)]
pub(crate) struct Listeners(Vec<Weak<Listener>>);

impl Listeners {
    /// Begins to listen, with the names of mailboxes that hold mail already.
    pub(crate) fn listen(&mut self, names: impl Iterator<Item = String>) -> Arc<Listener> {
        let listener = Arc::new(Listener::default());
        listener.rung().extend(names.map(String::into_boxed_str));
        self.0.push(Arc::downgrade(&listener));
        listener
    }

    pub(crate) fn ring(&mut self, name: impl FnOnce() -> String) {
        if !self.0.is_empty() {
            let name = name();
            self.each(|listener| listener.note(&name));
        }
    }

    pub(crate) fn wake(&mut self) {
        self.each(Listener::wake);
    }

    fn each(&mut self, tell: impl Fn(&Listener)) {
        self.0.retain(|listener| {
            listener.upgrade().is_some_and(|listener| {
                tell(&listener);
                true
            })
        });
    }
}

/// Nobody listens at the copy: what comes there is no news at the original.
impl Clone for Listeners {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Fault, FlagChange, FolderName, Login, MailAccess as _, MessageStore as _, NewMessage};

    #[tokio::test(start_paused = true)]
    async fn every_way_into_an_inbox_rings_once_and_late_mail_when_it_is_there() {
        let office = PostOffice::new();
        office.add_domain("agents.example".parse().unwrap());
        let [ada, bob] = ["ada", "bob"].map(|name| {
            let login = Login::new(format!("{name}@agents.example").parse().unwrap(), "secret".into());
            office.add_mailbox(login.address(), login.password().clone(), 0).unwrap();
            login
        });
        let mut arrivals = office.arrivals();
        assert!(timeout(&mut arrivals, 60).await.is_none(), "there is no mail");
        let note = || NewMessage::to(bob.address()).with_subject("x").seal(&ada.address().into()).unwrap();

        office.submit(&ada, &note()).await.unwrap();
        office.submit(&ada, &note()).await.unwrap();
        assert_eq!(timeout(&mut arrivals, 1).await, Some(vec![bob.address().clone()]));
        assert!(timeout(&mut arrivals, 60).await.is_none(), "it was told");

        let inbox = FolderName::inbox();
        office.append(&ada, &inbox, b"Subject: filed\r\n\r\n", &[], None).await.unwrap();
        assert_eq!(timeout(&mut arrivals, 1).await, Some(vec![ada.address().clone()]));
        let read = office.fetch(&bob, &crate::Selection::After(None), 1).await.unwrap();
        let seen = FlagChange::Add(vec![crate::Flag::Seen]);
        let uids = [read.messages[0].uid()];
        office.change_flags(&bob, &inbox, read.uid_validity, &uids, &seen).await.unwrap();
        assert!(timeout(&mut arrivals, 60).await.is_none(), "a flag is no mail");

        office.fail_next(ada.address(), Fault::DeliveryLate(Duration::from_mins(10)));
        office.submit(&ada, &note()).await.unwrap();
        assert!(timeout(&mut arrivals, 540).await.is_none(), "it isn't there yet");
        assert_eq!(timeout(&mut arrivals, 120).await, Some(vec![bob.address().clone()]));

        office.fail_next(bob.address(), Fault::NumberedAnew);
        office.fetch(&bob, &crate::Selection::After(None), 1).await.unwrap();
        assert_eq!(
            timeout(&mut arrivals, 1).await,
            Some(vec![bob.address().clone()]),
            "it has to be read anew"
        );

        // Who begins to listen later hears first of all that hold mail.
        assert_eq!(office.arrivals().next().await, [ada.address().clone(), bob.address().clone()]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_restored_office_rings_for_those_who_listen_there() {
        let office = PostOffice::new();
        office.add_domain("agents.example".parse().unwrap());
        let ada = Login::new("ada@agents.example".parse().unwrap(), "secret".into());
        office.add_mailbox(ada.address(), ada.password().clone(), 0).unwrap();
        let mut there = office.arrivals();
        let copy = PostOffice::builder().restore(&office.snapshot());
        let mut here = copy.arrivals();
        let note = NewMessage::to(ada.address()).with_subject("x").seal(&ada.address().into()).unwrap();
        copy.submit(&ada, &note).await.unwrap();
        assert_eq!(timeout(&mut here, 1).await, Some(vec![ada.address().clone()]));
        assert!(timeout(&mut there, 60).await.is_none(), "it came into the other office");
        office.submit(&ada, &note).await.unwrap();
        assert_eq!(timeout(&mut there, 1).await, Some(vec![ada.address().clone()]));
        assert!(timeout(&mut here, 60).await.is_none(), "it came into the other office");
    }

    async fn timeout(arrivals: &mut Arrivals, seconds: u64) -> Option<Vec<Address>> {
        tokio::time::timeout(Duration::from_secs(seconds), arrivals.next()).await.ok()
    }
}
