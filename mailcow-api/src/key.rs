//! The API key, and the end of all calls once the server has not accepted it: Mailcow blocks the address of a host
//! that goes on.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::{Error, ProblemKind};

/// The key of a client, replaceable while calls are on their way.
pub(crate) struct KeyRing(RwLock<Arc<Key>>);

impl KeyRing {
    pub(crate) fn new(secret: SecretString) -> Result<Self, Error> {
        Ok(Self(RwLock::new(Arc::new(Key::new(secret)?))))
    }

    pub(crate) fn replace(&self, secret: SecretString) -> Result<(), Error> {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Key::new(secret)?);
        Ok(())
    }

    /// Returns the key for one call, or why it is not to be used any more.
    ///
    /// As long as no answer has shown that the key is accepted, one call goes out at a time: of many at once each
    /// would count against this host.
    pub(crate) async fn take(&self) -> Result<KeyInUse, ProblemKind> {
        loop {
            let key = self.current();
            let turn = match key.state() {
                State::Untried => Some(Arc::clone(&key.first).lock_owned().await),
                State::Accepted | State::Rejected(_) => None,
            };
            match key.state() {
                State::Untried => return Ok(KeyInUse { key, _turn: turn }),
                State::Accepted => return Ok(KeyInUse { key, _turn: None }),
                State::Rejected(kind) if Arc::ptr_eq(&key, &self.current()) => return Err(kind),
                // It was replaced while this call waited for its turn.
                State::Rejected(_) => {}
            }
        }
    }

    fn current(&self) -> Arc<Key> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The key as one call uses it.
pub(crate) struct KeyInUse {
    key: Arc<Key>,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl KeyInUse {
    pub(crate) fn secret(&self) -> SecretString {
        self.key.secret.clone()
    }

    /// Notes that the server works with this key.
    pub(crate) fn accepted(&self) {
        let mut state = self.key.state.lock().unwrap_or_else(PoisonError::into_inner);
        // An answer that was on its way does not undo a later rejection.
        if matches!(*state, State::Untried) {
            *state = State::Accepted;
        }
    }

    /// Notes that no further call is to be made with this key.
    pub(crate) fn rejected(&self, kind: ProblemKind) {
        *self.key.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Rejected(kind);
    }
}

struct Key {
    secret: SecretString,
    state: Mutex<State>,
    first: Arc<Turn<()>>,
}

#[derive(Clone, Copy)]
enum State {
    Untried,
    Accepted,
    Rejected(ProblemKind),
}

impl Key {
    fn new(secret: SecretString) -> Result<Self, Error> {
        let text = secret.expose_secret();
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            // Mailcow strips other characters, and then the key is another one.
            return Err(Error::InvalidInput {
                operation: "the api key",
                reason: "it is made of letters, digits and hyphens only".to_owned(),
            });
        }
        Ok(Self { secret, state: Mutex::new(State::Untried), first: Arc::default() })
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_untried_key_goes_out_once_at_a_time() {
        let ring = Arc::new(KeyRing::new("KEY".into()).unwrap());
        let first = ring.take().await.unwrap();
        let second = tokio::spawn({
            let ring = Arc::clone(&ring);
            async move { ring.take().await.err() }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        first.rejected(ProblemKind::WrongKey);
        drop(first);
        assert_eq!(second.await.unwrap(), Some(ProblemKind::WrongKey));
    }

    #[tokio::test]
    async fn an_accepted_key_is_for_all_and_a_late_rejection_hits_only_its_own_key() {
        let ring = KeyRing::new("OLD".into()).unwrap();
        let first = ring.take().await.unwrap();
        first.accepted();
        let second = ring.take().await.unwrap();
        ring.replace("NEW".into()).unwrap();
        first.rejected(ProblemKind::WrongKey);
        second.accepted();
        assert_eq!(ring.take().await.unwrap().secret().expose_secret(), "NEW");
    }

    #[tokio::test]
    async fn who_waits_for_a_key_gets_the_one_that_replaced_it() {
        let ring = Arc::new(KeyRing::new("OLD".into()).unwrap());
        let first = ring.take().await.unwrap();
        let second = tokio::spawn({
            let ring = Arc::clone(&ring);
            async move { ring.take().await.unwrap().secret() }
        });
        tokio::task::yield_now().await;
        ring.replace("NEW".into()).unwrap();
        first.rejected(ProblemKind::WrongKey);
        drop(first);
        assert_eq!(second.await.unwrap().expose_secret(), "NEW");
    }

    #[tokio::test]
    async fn a_dropped_first_call_gives_its_turn_back() {
        let ring = KeyRing::new("KEY".into()).unwrap();
        drop(ring.take().await.unwrap());
        assert!(ring.take().await.is_ok());
        assert!(ring.replace("no key\n".into()).is_err());
    }
}
