use std::fmt::Debug;

use async_trait::async_trait;

use crate::Error;

/// Remembers what has to survive a restart: an ordered map from keys to values, changed in atomic steps.
///
/// The facade keeps its journals in it (agents, inbox cursors, outbox); a backend needs to know nothing of them.
#[async_trait]
pub trait StateStore: Debug + Send + Sync + 'static {
    /// Returns the value of a key, `None` if there is none.
    ///
    /// # Contract
    /// - It sees every change that was committed before the call.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the store can't be read.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Returns all keys that begin with `prefix`, and their values, in the order of the keys' bytes.
    ///
    /// # Contract
    /// - It sees the state at one moment, with every change that was committed before the call.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the store can't be read.
    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error>;

    /// Makes a change.
    ///
    /// # Contract
    /// - If each key that the change expects something of has just that value, all writes are made, in their order,
    ///   and the answer is [`Committed::Done`]. If one has not, none is made and it is [`Committed::Conflict`].
    /// - No other change comes between the look and the writes.
    /// - After `Done` a durable store keeps it through a crash of the program or of the machine.
    /// - A dropped call leaves all of it done or nothing.
    ///
    /// Worked example: the store holds `a = 1`.
    ///
    /// | change | answer | afterwards |
    /// |---|---|---|
    /// | expect `a = 1`, put `a = 2`, put `b = 1` | `Done` | `a = 2`, `b = 1` |
    /// | expect no `a`, put `a = 2` | `Conflict` | `a = 1` |
    /// | remove `a`, remove `c` | `Done` | nothing |
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the store can't be written; nothing was.
    async fn commit(&self, change: Change) -> Result<Committed, Error>;
}

/// Writes that belong together, and what has to hold for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The keys that have to have just this value; `None` is no value.
    pub expectations: Vec<(String, Option<Vec<u8>>)>,
    /// The keys to be set, or with `None` removed.
    pub writes: Vec<(String, Option<Vec<u8>>)>,
}

impl Change {
    /// Begins a change that expects and writes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Expects a key to have this value, or none.
    pub fn expect(mut self, key: impl Into<String>, value: Option<Vec<u8>>) -> Self {
        self.expectations.push((key.into(), value));
        self
    }

    /// Sets a key.
    pub fn put(mut self, key: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.writes.push((key.into(), Some(value.into())));
        self
    }

    /// Removes a key.
    pub fn remove(mut self, key: impl Into<String>) -> Self {
        self.writes.push((key.into(), None));
        self
    }
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Committed {
    /// It was made.
    Done,
    /// Something was not as expected; nothing was written.
    Conflict,
}
