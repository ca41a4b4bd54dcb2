use std::collections::BTreeMap;

use serde_json::Value;

use super::collection::ThreadId;
use crate::{AgentMailbox, Error, ErrorKind};

impl AgentMailbox {
    /// Notes something about the agent, under a key, or with `None` forgets it. It stays until the agent is retired.
    ///
    /// After `Ok` a durable state store keeps it. A dropped call leaves it noted or not; of several calls at once the
    /// last one counts.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use agent_mail::AgentMail;
    ///
    /// let mail = AgentMail::embedded("agents.example")?;
    /// let ada = mail.provision(&"ada".parse()?).await?;
    /// ada.set_metadata("team", Some(&"sales".into())).await?;
    /// assert_eq!(ada.metadata().await?["team"], "sales");
    /// # Ok::<(), agent_mail::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the key has not 1 to 200 bytes or the value over 64 KiB as JSON;
    /// [`NotFound`](ErrorKind::NotFound) if the agent was retired; or if the state can't be written.
    pub async fn set_metadata(&self, key: &str, value: Option<&Value>) -> Result<(), Error> {
        self.write_fact(None, key, value).await
    }

    /// Returns all that was noted about the agent.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the agent was retired; or if the state can't be read.
    pub async fn metadata(&self) -> Result<BTreeMap<String, Value>, Error> {
        self.facts(None).await
    }

    /// Notes something about a thread of this mailbox, or with `None` forgets it.
    ///
    /// # Errors
    /// As [`set_metadata`](Self::set_metadata).
    pub async fn set_thread_metadata(
        &self,
        thread: &ThreadId,
        key: &str,
        value: Option<&Value>,
    ) -> Result<(), Error> {
        self.write_fact(Some(&thread.to_string()), key, value).await
    }

    /// Returns all that was noted about a thread of this mailbox.
    ///
    /// # Errors
    /// As [`metadata`](Self::metadata).
    pub async fn thread_metadata(&self, thread: &ThreadId) -> Result<BTreeMap<String, Value>, Error> {
        self.facts(Some(&thread.to_string())).await
    }

    async fn facts(&self, thread: Option<&str>) -> Result<BTreeMap<String, Value>, Error> {
        let facts = self.inner().journal.facts(self.id(), thread).await?;
        self.inner().journal.still(self.id()).await?;
        Ok(facts)
    }

    async fn write_fact(&self, thread: Option<&str>, key: &str, value: Option<&Value>) -> Result<(), Error> {
        let wrong = |detail: String| {
            Err(Error::new(ErrorKind::InvalidInput, "note metadata", self.id()).with_detail(detail))
        };
        if !(1..=MAX_KEY).contains(&key.len()) {
            return wrong(format!("a key has 1 to {MAX_KEY} bytes, and this one {}", key.len()));
        }
        let bytes = value.map(|value| value.to_string().into_bytes());
        if bytes.as_ref().is_some_and(|bytes| bytes.len() > MAX_VALUE) {
            return wrong(format!("a value has at most {MAX_VALUE} bytes as JSON"));
        }
        self.inner().journal.note_fact(self.id(), thread, key, bytes).await
    }
}

/// Bytes.
const MAX_KEY: usize = 200;
const MAX_VALUE: usize = 64 << 10;
