//! Sending: written down, submitted, closed; and what to do when the outcome is unknown.

mod asking;
mod attempt;
mod bell;
mod cancel;
mod copy;
mod courier;
mod direct;
mod evidence;
mod lane;
mod prepare;
mod queued;
mod report;
mod sending;
mod unnoted;
mod verdict;

use std::time::Duration;

use mail_access::{Address, MessageId, Status};

pub(crate) use self::bell::Bell;
pub use self::cancel::Cancellation;
pub use self::courier::Courier;
pub use self::direct::Unconfirmed;
pub(crate) use self::direct::{another_message, name_of_key, seal, send, send_once, unconfirmed};
pub(crate) use self::prepare::{Prepared, prepare, prepare_released};
pub use self::queued::{Queued, QueuedRecipient, RecipientState};
pub(crate) use self::sending::Wish;
pub use self::sending::{Guarantee, Sending};
pub(crate) use self::unnoted::send_unnoted;
use crate::backend::{Committed, TimeAndChance};
use crate::observe::Operation;
use crate::{AgentMailbox, Error};

/// What the mail system has taken charge of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The identity by which answers and delivery reports name the message.
    pub message_id: MessageId,
    /// The recipients that the mail system accepted.
    pub accepted: Vec<Address>,
    /// The recipients that it refused, and its words.
    pub refused: Vec<Refusal>,
}

/// A recipient that the mail system refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Who would have got the message.
    pub recipient: Address,
    /// The reply code; 4yz may succeed later.
    pub code: u16,
    /// The server's text.
    pub text: String,
}

impl Receipt {
    fn new(message_id: MessageId, accepted: Vec<Address>, refused: Vec<(Address, Status)>) -> Self {
        let refusal =
            |(recipient, said): (Address, Status)| Refusal { recipient, code: said.code, text: said.text };
        Self { message_id, accepted, refused: refused.into_iter().map(refusal).collect() }
    }
}

impl AgentMailbox {
    /// Puts a message into the outbox, from where the courier sends it.
    ///
    /// With a key that is there already nothing is put there, and the answer is how far that one is.
    ///
    /// One that a [check](crate::safety::OutboundCheck) wants to be asked about [later](crate::safety::Ruling::Later) waits
    /// there until all checks let it pass, or until it expires. A check that refuses it then shows as a refusal of its
    /// recipients; one that holds it takes it out of the outbox, to wait for a decision.
    ///
    /// After `Ok` a durable state store keeps it through a crash. A dropped call leaves it there or not; with a key the
    /// call is safe to repeat.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the message can't be sent as it is;
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the key was used for another message before;
    /// [`Held`](crate::ErrorKind::Held), [`RateLimited`](crate::ErrorKind::RateLimited) or
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if a [check](crate::safety::OutboundCheck) stops it;
    /// [`NotFound`](crate::ErrorKind::NotFound) if the agent was retired; else if the state can't be read or written.
    pub async fn enqueue(&self, sending: Sending) -> Result<Queued, Error> {
        Operation::Enqueue.begin(self.id()).over(self.queue(sending)).await
    }

    async fn queue(&self, sending: Sending) -> Result<Queued, Error> {
        loop {
            let mut prepared = prepare(self, sending.clone()).await?;
            let change = std::mem::take(&mut prepared.change);
            if prepared.commit(self, change).await? == Committed::Done {
                return Ok(prepared.queued);
            }
        }
    }
}

/// Returns how long to wait after so many failures: anything up to a limit that doubles, so that those who failed together
/// don't come back together.
fn back_off(chance: &dyn TimeAndChance, failures: u32) -> Duration {
    let limit = LONGEST_PAUSE.min(FIRST_PAUSE.saturating_mul(1 << failures.min(16)));
    let mut random = [0; 4];
    chance.fill(&mut random);
    let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
    SHORTEST_PAUSE + limit.saturating_sub(SHORTEST_PAUSE).mul_f64(share)
}

/// Returns when a time is over, in milliseconds since 1970.
fn later(now: u64, pause: Duration) -> u64 {
    now.saturating_add(pause.as_millis().try_into().unwrap_or(u64::MAX))
}

const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::SystemTimeAndChance;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for (failures, limit) in [(0, 30), (1, 60), (5, 960), (7, 3600), (u32::MAX, 3600)] {
            let pauses: Vec<_> = (0..50).map(|_| back_off(&SystemTimeAndChance, failures)).collect();
            let limit = Duration::from_secs(limit);
            assert!(pauses.iter().all(|pause| (SHORTEST_PAUSE..=limit).contains(pause)), "{pauses:?}");
            assert!(pauses.iter().any(|pause| *pause > limit / 2), "{pauses:?}");
            assert!(pauses.iter().any(|pause| *pause < limit / 2), "{pauses:?}");
        }
    }
}
