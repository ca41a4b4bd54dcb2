use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use mail_access::{Address, Login, MessageStore};

use super::Backups;
use crate::journal::Phase;
use crate::{AgentMail, Error, Way};

/// Knows the logins of the mailboxes that are backed up, as they are at the moment: passwords change.
#[async_trait]
pub trait LoginSource: Debug + Send + Sync + 'static {
    /// Returns the logins.
    ///
    /// # Contract
    /// - All of them, each address once; an error is never an empty list.
    ///
    /// # Errors
    /// Whatever keeps them from being read.
    async fn logins(&self) -> Result<Vec<Login>, Error>;
}

/// These, always.
#[async_trait]
impl LoginSource for Vec<Login> {
    async fn logins(&self) -> Result<Vec<Login>, Error> {
        Ok(self.clone())
    }
}

/// Those of all agents that have a mailbox of their own. Of those on a hub the shared mailbox is to be backed up.
#[async_trait]
impl LoginSource for AgentMail {
    async fn logins(&self) -> Result<Vec<Login>, Error> {
        let mut logins = Vec::new();
        for record in self.records().await? {
            if record.phase == Phase::Active && record.way == Way::Mailbox {
                logins.push(self.login(&record).await?);
            }
        }
        Ok(logins)
    }
}

/// What one round over all mailboxes did.
#[derive(Debug)]
#[non_exhaustive]
pub struct Round {
    /// The mailboxes that were backed up.
    pub done: Vec<Address>,
    /// Those that were to be and could not.
    pub failed: Vec<(Address, Error)>,
    /// How long it is until the next one is due.
    pub pause: Duration,
}

impl Backups {
    /// Backs up each mailbox once in each interval, by the age of its newest archive, and removes what the
    /// [`Retention`](super::Retention) doesn't keep; for ever. The caller spawns it.
    ///
    /// What fails is logged and tried again within the hour, or when the mail system says; others don't wait for it. A
    /// program that was off begins with what is overdue. A dropped call leaves the archives that were finished.
    pub async fn keep(&self, store: &dyn MessageStore, logins: &dyn LoginSource, every: Duration) {
        loop {
            let pause = match self.round(store, logins, every).await {
                Ok(round) => round.pause,
                Err(error) => {
                    tracing::warn!(%error, "no backups: the logins can't be read");
                    every.min(SOON)
                }
            };
            tokio::time::sleep(pause.max(SHORTEST)).await;
        }
    }

    /// Backs up the mailboxes whose newest archive is as old as `every` or older, one after the other, and prunes their
    /// archives.
    ///
    /// # Errors
    /// If the logins can't be read. What is wrong with one mailbox is in [`Round::failed`].
    pub async fn round(
        &self,
        store: &dyn MessageStore,
        logins: &dyn LoginSource,
        every: Duration,
    ) -> Result<Round, Error> {
        let mut round = Round { done: Vec::new(), failed: Vec::new(), pause: every };
        for login in logins.logins().await? {
            let address = login.address().clone();
            match self.look_after(store, &login, every, &mut round).await {
                Ok(pause) => round.pause = round.pause.min(pause),
                Err(error) => {
                    tracing::warn!(mailbox = %address, %error, "not backed up");
                    round.pause = round.pause.min(error.retry_after().unwrap_or(SOON));
                    round.failed.push((address, error));
                }
            }
        }
        Ok(round)
    }

    /// Backs up one mailbox if it is due, and returns when it is due next.
    async fn look_after(
        &self,
        store: &dyn MessageStore,
        login: &Login,
        every: Duration,
        round: &mut Round,
    ) -> Result<Duration, Error> {
        // The newest one may be of a clock that was far ahead.
        let (archives, now) = (self.archives(login.address()).await?, (self.clock)());
        if let Some(left) = archives.iter().rev().find_map(|archive| left(archive.made, now, every)) {
            return Ok(left);
        }
        let made = self.back_up(store, login).await?.made;
        round.done.push(login.address().clone());
        self.prune(login.address()).await?;
        Ok(left(made, (self.clock)(), every).unwrap_or_default())
    }
}

/// Returns how long an archive is young enough; `None` if it isn't any more, or if the clock was set back behind it.
fn left(made: SystemTime, now: SystemTime, every: Duration) -> Option<Duration> {
    match now.duration_since(made) {
        Ok(age) => every.checked_sub(age).filter(|left| !left.is_zero()),
        Err(ahead) => (ahead.duration() < every).then_some(every),
    }
}

/// Until what failed is tried again.
const SOON: Duration = Duration::from_hours(1);
/// However short the interval, a round is not begun sooner after the last.
const SHORTEST: Duration = Duration::from_secs(1);
