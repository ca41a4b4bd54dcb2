//! The logins of open mailboxes, which all learn of a new password at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use mail_access::{
    Address, Arrival, Batch, Error as MailError, Login, MailAccess, Outgoing, Position, Selection, Status,
    Submission, Uid,
};
use secrecy::ExposeSecret;

use crate::backend::Claim;

/// One login for each address, as long as a mailbox holds it.
#[derive(Debug, Default)]
pub(crate) struct Logins(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    by_address: HashMap<Address, Weak<SharedLogin>>,
    /// How many there may be before those that nobody holds are dropped.
    room: usize,
    /// How often a login was replaced.
    replaced: u64,
}

impl Logins {
    /// Counts how often a login was replaced so far.
    pub(crate) fn replaced(&self) -> u64 {
        lock(&self.0).replaced
    }

    /// Tells whether mailboxes of another agent with this address are open.
    pub(crate) fn has_other(&self, address: &Address, claim: &Claim) -> bool {
        let shared = lock(&self.0).by_address.get(address).and_then(Weak::upgrade);
        shared.is_some_and(|shared| shared.claim != *claim)
    }

    /// Takes a login that was read just now, for all mailboxes of the agent with this claim; `None` if one was replaced
    /// since, as this may be an old one then. Those of an earlier agent with its address end.
    pub(crate) fn share(&self, login: Login, claim: &Claim, replaced: u64) -> Option<Arc<SharedLogin>> {
        let mut known = lock(&self.0);
        if known.replaced != replaced {
            return None;
        }
        if let Some(shared) = known.by_address.get(login.address()).and_then(Weak::upgrade) {
            if shared.claim == *claim {
                shared.replace(login);
                return Some(shared);
            }
            shared.end();
        }
        if known.by_address.len() >= known.room {
            known.by_address.retain(|_, shared| shared.strong_count() > 0);
            known.room = 2 * known.by_address.len() + 16;
        }
        let (address, shared) = (login.address().clone(), Arc::new(SharedLogin::new(login, claim.clone())));
        known.by_address.insert(address, Arc::downgrade(&shared));
        Some(shared)
    }

    /// Ends the mailboxes of an address, as their agent is being retired: a login that was read before it counts no more.
    pub(crate) fn end(&self, address: &Address) {
        let mut known = lock(&self.0);
        known.replaced += 1;
        if let Some(shared) = known.by_address.remove(address).and_then(|shared| shared.upgrade()) {
            shared.end();
        }
    }

    /// Gives the mailboxes of an address another login.
    pub(crate) fn replace(&self, login: Login) {
        let mut known = lock(&self.0);
        known.replaced += 1;
        if let Some(shared) = known.by_address.get(login.address()).and_then(Weak::upgrade) {
            shared.replace(login);
        }
    }
}

/// A login that may be replaced. A call that was refused with an old one is made again with the new one.
#[derive(Debug)]
pub(crate) struct SharedLogin {
    address: Address,
    /// Whose it is: the address may be another agent's one day.
    claim: Claim,
    /// Whether that agent is gone.
    ended: AtomicBool,
    login: Mutex<Arc<Login>>,
}

impl SharedLogin {
    fn new(login: Login, claim: Claim) -> Self {
        Self {
            address: login.address().clone(),
            claim,
            ended: AtomicBool::new(false),
            login: Mutex::new(Arc::new(login)),
        }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) async fn submit(
        &self,
        mail: &dyn MailAccess,
        message: &Outgoing,
    ) -> Result<Submission, MailError> {
        self.refuse_ended("submit")?;
        let mut login = self.current();
        loop {
            match mail.submit(&login, message).await {
                Err(error) if self.has_another(&error, &mut login) => {}
                outcome => return outcome,
            }
        }
    }

    pub(crate) async fn fetch(
        &self,
        mail: &dyn MailAccess,
        selection: &Selection,
        limit: usize,
    ) -> Result<Batch, MailError> {
        self.refuse_ended("fetch")?;
        let mut login = self.current();
        loop {
            match mail.fetch(&login, selection, limit).await {
                Err(error) if self.has_another(&error, &mut login) => {}
                // What was read in the end may be another agent's.
                outcome => return self.refuse_ended("fetch").and(outcome),
            }
        }
    }

    pub(crate) async fn mark_seen(
        &self,
        mail: &dyn MailAccess,
        uid_validity: u32,
        uids: &[Uid],
    ) -> Result<(), MailError> {
        self.refuse_ended("mark")?;
        let mut login = self.current();
        loop {
            match mail.mark_seen(&login, uid_validity, uids).await {
                Err(error) if self.has_another(&error, &mut login) => {}
                outcome => return outcome,
            }
        }
    }

    pub(crate) async fn wait(
        &self,
        mail: &dyn MailAccess,
        after: Position,
        at_most: Duration,
    ) -> Result<Arrival, MailError> {
        self.refuse_ended("wait")?;
        let mut login = self.current();
        loop {
            match mail.wait(&login, after, at_most).await {
                Err(error) if self.has_another(&error, &mut login) => {}
                // What was read in the end may be another agent's.
                outcome => return self.refuse_ended("wait").and(outcome),
            }
        }
    }

    pub(crate) async fn fetch_arrived(
        &self,
        mail: &dyn MailAccess,
        after: Position,
        limit: usize,
    ) -> Result<Batch, MailError> {
        self.refuse_ended("fetch")?;
        let mut login = self.current();
        loop {
            match mail.fetch_arrived(&login, after, limit).await {
                Err(error) if self.has_another(&error, &mut login) => {}
                // What was read in the end may be another agent's.
                outcome => return self.refuse_ended("fetch").and(outcome),
            }
        }
    }

    pub(crate) fn current(&self) -> Arc<Login> {
        Arc::clone(&lock(&self.login))
    }

    fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Refuses what is asked for an agent that is gone, as its server would.
    fn refuse_ended(&self, operation: &'static str) -> Result<(), MailError> {
        if !self.ended.load(Ordering::Acquire) {
            return Ok(());
        }
        let status = Status::new(535, Some((5, 7, 8)), "the agent was retired");
        Err(MailError::Authentication { operation, login: self.address.clone(), status, retry_after: None })
    }

    fn replace(&self, login: Login) {
        *lock(&self.login) = Arc::new(login);
    }

    /// Tells whether a refused login has been replaced meanwhile, and takes the other one.
    pub(crate) fn has_another(&self, error: &MailError, login: &mut Arc<Login>) -> bool {
        let current = self.current();
        let is_other = current.password().expose_secret() != login.password().expose_secret();
        *login = current;
        is_other && matches!(error, MailError::Authentication { .. })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves whole values: each is changed in one step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_login_and_those_nobody_holds_are_dropped() {
        let logins = Logins::default();
        let login = |name: &str, password: &str| {
            Login::new(format!("{name}@agents.example").parse().unwrap(), password.to_owned().into())
        };
        let claim = Claim::of_random(1);
        let ada = logins.share(login("ada", "one"), &claim, 0).unwrap();
        assert!(Arc::ptr_eq(&ada, &logins.share(login("ada", "two"), &claim, 0).unwrap()));
        assert_eq!(ada.current().password().expose_secret(), "two");
        logins.replace(login("ada", "three"));
        logins.replace(login("bob", "never asked for"));
        assert_eq!(ada.current().password().expose_secret(), "three");
        assert!(logins.share(login("ada", "one"), &claim, 0).is_none(), "it was read before");
        (0..1000).for_each(|n| drop(logins.share(login(&format!("a{n}"), "x"), &claim, logins.replaced())));
        assert!(lock(&logins.0).by_address.len() < 40);
    }

    #[test]
    fn a_later_agent_of_an_address_has_a_login_of_its_own_and_the_earlier_one_ends() {
        let logins = Logins::default();
        let login = || Login::new("ada@agents.example".parse().unwrap(), String::new().into());
        let first = logins.share(login(), &Claim::of_random(1), 0).unwrap();
        let second = Claim::of_random(2);
        assert!(
            logins.has_other(first.address(), &second) && !logins.has_other(first.address(), &first.claim)
        );
        let second = logins.share(login(), &second, 0).unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(matches!(first.refuse_ended("fetch"), Err(MailError::Authentication { .. })));
        assert!(second.refuse_ended("fetch").is_ok());
        logins.end(second.address());
        assert!(second.refuse_ended("fetch").is_err(), "its agent is being retired");
        assert!(logins.share(login(), &Claim::of_random(2), 0).is_none(), "it was read before");
    }
}
