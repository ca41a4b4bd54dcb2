use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::time::Instant;

use crate::Login;

/// Sessions that are logged in and wait for the next call.
///
/// A call takes a session out and gives it back only when the last exchange was complete, so that a dropped call or
/// an error ends its connection and no other call ever reads the answer that was meant for it.
pub(crate) struct Parking<S> {
    parked: Mutex<VecDeque<Parked<S>>>,
    max_age: Duration,
}

struct Parked<S> {
    login: Login,
    since: Instant,
    session: S,
}

impl<S> Parking<S> {
    /// Makes an empty one whose sessions are dropped after `max_age`.
    pub(crate) fn new(max_age: Duration) -> Self {
        Self { parked: Mutex::default(), max_age }
    }

    /// Takes out the session that was parked last by the same login: another password is another login.
    pub(crate) fn take(&self, login: &Login) -> Option<S> {
        let mut parked = self.lock();
        parked.retain(|one| one.since.elapsed() < self.max_age);
        let found = parked.iter().rposition(|one| is_same(&one.login, login))?;
        parked.remove(found).map(|one| one.session)
    }

    /// Keeps a session for later; the oldest one goes if there are too many.
    pub(crate) fn park(&self, login: &Login, session: S) {
        let mut parked = self.lock();
        parked.retain(|one| one.since.elapsed() < self.max_age);
        if parked.len() == MAX_PARKED {
            parked.pop_front();
        }
        parked.push_back(Parked { login: login.clone(), since: Instant::now(), session });
    }

    /// Counts the sessions that are parked.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Parked<S>>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_same(one: &Login, other: &Login) -> bool {
    one.address() == other.address() && one.password().expose_secret() == other.password().expose_secret()
}

const MAX_PARKED: usize = 64;

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn login(user: &str, password: &str) -> Login {
        Login::new(format!("{user}@agents.example").parse().unwrap(), SecretString::from(password))
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_goes_back_to_its_own_login_only() {
        let parking = Parking::new(Duration::from_mins(1));
        parking.park(&login("ada", "one"), 1);
        parking.park(&login("ada", "one"), 2);
        assert_eq!(parking.take(&login("ada", "two")), None);
        assert_eq!(parking.take(&login("bob", "one")), None);
        assert_eq!(parking.take(&login("ada", "one")), Some(2));
        assert_eq!(parking.take(&login("ada", "one")), Some(1));
        assert_eq!(parking.take(&login("ada", "one")), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_old_or_too_much_is_dropped() {
        let parking = Parking::new(Duration::from_mins(1));
        for number in 0..=MAX_PARKED {
            parking.park(&login(&format!("agent{number}"), "p"), number);
        }
        assert_eq!(parking.len(), MAX_PARKED);
        assert_eq!(parking.take(&login("agent0", "p")), None, "the oldest had to go");
        assert_eq!(parking.take(&login("agent1", "p")), Some(1));
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(parking.take(&login("agent2", "p")), None, "too old");
        assert_eq!(parking.len(), 0);
    }
}
