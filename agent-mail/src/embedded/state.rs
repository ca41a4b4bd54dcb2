use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Mutex;

use async_trait::async_trait;

use super::lock;
use crate::Error;
use crate::backend::{Change, Committed, StateStore};

/// State in memory: it ends with the program.
#[derive(Default)]
pub struct MemoryState(Mutex<BTreeMap<String, Vec<u8>>>);

impl MemoryState {
    pub(super) fn copy(&self) -> Self {
        Self(Mutex::new(lock(&self.0).clone()))
    }

    pub(super) fn for_each(&self, mut see: impl FnMut(&str, &[u8])) {
        lock(&self.0).iter().for_each(|(key, value)| see(key, value));
    }
}

#[async_trait]
impl StateStore for MemoryState {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(lock(&self.0).get(key).cloned())
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let records = lock(&self.0);
        let from = records.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        Ok(from
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, v)| (key.clone(), v.clone()))
            .collect())
    }

    async fn commit(&self, change: Change) -> Result<Committed, Error> {
        let mut records = lock(&self.0);
        if !change.expectations.iter().all(|(key, value)| records.get(key) == value.as_ref()) {
            return Ok(Committed::Conflict);
        }
        for (key, value) in change.writes {
            match value {
                Some(value) => records.insert(key, value),
                None => records.remove(&key),
            };
        }
        Ok(Committed::Done)
    }
}

/// Shows how many records there are.
impl fmt::Debug for MemoryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryState").field("records", &lock(&self.0).len()).finish()
    }
}
