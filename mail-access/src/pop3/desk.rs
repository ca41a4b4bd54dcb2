use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::sync::{Mutex as Turns, OwnedMutexGuard};
use tokio::time::{Instant, timeout};

use super::numbering::Numbering;
use crate::wire::Fault;
use crate::{Address, Login, Status};

/// What is remembered of each mailbox, and whose turn it is there: one call at a time.
///
/// It is bounded: when there are too many mailboxes or messages, those that were not in use for the longest time are
/// forgotten, and numbered anew when they are asked for.
#[derive(Default)]
pub(super) struct Desk {
    places: Mutex<Places>,
}

#[derive(Default)]
struct Places {
    by_address: HashMap<Address, Place>,
    uses: u64,
    messages: usize,
}

#[derive(Default)]
struct Place {
    mailbox: Arc<Turns<Mailbox>>,
    used: u64,
    messages: usize,
}

/// The turn of one call at a mailbox, up to its end.
pub(super) type Turn = OwnedMutexGuard<Mailbox>;

pub(super) struct Mailbox {
    pub(super) numbering: Numbering,
    /// When it was listed last, and how long the server wants to be left alone then.
    pub(super) listed: Option<(Instant, Duration)>,
    refused: Vec<(Login, Status, Instant)>,
}

impl Desk {
    /// Waits for the turn at a mailbox.
    pub(super) async fn turn(&self, login: &Login) -> Result<Turn, Fault> {
        let mailbox = self.places().mailbox(login.address());
        timeout(QUEUE, mailbox.lock_owned()).await.map_err(|_| {
            let problem = format!("other calls had the mailbox for {} s", QUEUE.as_secs());
            Fault::Lost(io::Error::new(io::ErrorKind::TimedOut, problem))
        })
    }

    /// Notes how many messages a mailbox holds.
    pub(super) fn note(&self, address: &Address, messages: usize) {
        let mut places = self.places();
        if let Some(place) = places.by_address.get_mut(address) {
            let before = std::mem::replace(&mut place.messages, messages);
            places.messages = places.messages - before + messages;
        }
        places.shrink(address);
    }

    pub(super) fn forget(&self, address: &Address) {
        self.places().remove(address);
    }

    /// Counts the mailboxes and messages that are remembered.
    pub(super) fn counts(&self) -> (usize, usize) {
        let places = self.places();
        (places.by_address.len(), places.messages)
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn mailbox(&mut self, address: &Address) -> Arc<Turns<Mailbox>> {
        self.uses += 1;
        let place = self.by_address.entry(address.clone()).or_default();
        place.used = self.uses;
        let mailbox = Arc::clone(&place.mailbox);
        self.shrink(address);
        mailbox
    }

    /// Forgets mailboxes that nobody is at while there is too much, but not this one.
    fn shrink(&mut self, kept: &Address) {
        while self.by_address.len() > MAX_MAILBOXES || self.messages > MAX_MESSAGES {
            let idle = self
                .by_address
                .iter()
                .filter(|(address, place)| *address != kept && Arc::strong_count(&place.mailbox) == 1);
            let Some(oldest) = idle.min_by_key(|(_, place)| place.used).map(|(address, _)| address.clone())
            else {
                return;
            };
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, address: &Address) {
        if let Some(place) = self.by_address.remove(address) {
            self.messages -= place.messages;
        }
    }
}

impl Mailbox {
    /// Tells whether the server refused this very login lately, and for how long it isn't tried again.
    pub(super) fn refused(&mut self, login: &Login) -> Option<(Status, Duration)> {
        let now = Instant::now();
        self.refused.retain(|(_, _, until)| *until > now);
        let (_, status, until) = self.refused.iter().find(|(refused, ..)| is_same(refused, login))?;
        Some((status.clone(), until.saturating_duration_since(now)))
    }

    /// Keeps everybody from trying this login again for a while.
    pub(super) fn refuse(&mut self, login: &Login, status: Status, pause: Duration) {
        if self.refused.len() == MAX_REFUSED {
            self.refused.remove(0);
        }
        self.refused.push((login.clone(), status, Instant::now() + pause));
    }
}

impl Default for Mailbox {
    fn default() -> Self {
        Self { numbering: Numbering::new(), listed: None, refused: Vec::new() }
    }
}

fn is_same(one: &Login, other: &Login) -> bool {
    one.kind() == other.kind() && one.password().expose_secret() == other.password().expose_secret()
}

/// As long as a message waits for a connection to go out.
const QUEUE: Duration = Duration::from_mins(5);
const MAX_MAILBOXES: usize = 10_000;
/// Of all mailboxes together.
const MAX_MESSAGES: usize = 1_000_000;
/// Of one mailbox.
const MAX_REFUSED: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn login(number: usize, password: &str) -> Login {
        Login::new(format!("agent-{number}@agents.example").parse().unwrap(), password.into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_mailbox_is_open_to_one_call_at_a_time_and_nobody_waits_for_ever() {
        let desk = Desk::default();
        let turn = desk.turn(&login(1, "p")).await.unwrap();
        assert!(desk.turn(&login(2, "p")).await.is_ok(), "another mailbox is free");
        let begin = Instant::now();
        assert!(matches!(desk.turn(&login(1, "p")).await, Err(Fault::Lost(_))));
        assert_eq!(begin.elapsed(), QUEUE);
        drop(turn);
        assert!(desk.turn(&login(1, "p")).await.is_ok());
    }

    #[tokio::test]
    async fn what_was_not_in_use_for_long_is_forgotten_and_what_is_in_use_is_not() {
        let desk = Desk::default();
        let validity = desk.turn(&login(0, "p")).await.unwrap().numbering.uid_validity();
        let held = desk.turn(&login(1, "p")).await.unwrap();
        let kept = held.numbering.uid_validity();
        for number in 2..=MAX_MAILBOXES {
            desk.turn(&login(number, "p")).await.unwrap();
        }
        assert_eq!(desk.counts(), (MAX_MAILBOXES, 0));
        drop(held);
        assert_eq!(desk.turn(&login(1, "p")).await.unwrap().numbering.uid_validity(), kept);
        assert_ne!(desk.turn(&login(0, "p")).await.unwrap().numbering.uid_validity(), validity);
    }

    #[tokio::test]
    async fn the_messages_of_all_mailboxes_are_bounded() {
        let desk = Desk::default();
        for number in 0..4 {
            desk.turn(&login(number, "p")).await.unwrap();
            desk.note(login(number, "p").address(), MAX_MESSAGES / 2);
        }
        assert_eq!(desk.counts(), (2, MAX_MESSAGES));
        desk.note(login(3, "p").address(), 7);
        assert_eq!(desk.counts(), (2, MAX_MESSAGES / 2 + 7));
        desk.forget(login(3, "p").address());
        assert_eq!(desk.counts(), (1, MAX_MESSAGES / 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_login_is_another_one_than_the_right_one_and_not_for_ever() {
        let mut mailbox = Mailbox::default();
        let status = || Status::new(0, None, "no");
        let pause = Duration::from_mins(5);
        mailbox.refuse(&login(1, "wrong"), status(), pause);
        assert_eq!(mailbox.refused(&login(1, "wrong")), Some((status(), pause)));
        assert_eq!(mailbox.refused(&login(1, "right")), None);
        tokio::time::advance(pause).await;
        assert_eq!(mailbox.refused(&login(1, "wrong")), None);
        for number in 0..20 {
            mailbox.refuse(&login(1, &number.to_string()), status(), pause);
        }
        assert_eq!(mailbox.refused.len(), MAX_REFUSED);
    }
}
