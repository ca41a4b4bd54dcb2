//! What the rules of sending remember: of an agent, of the domain, and of all domains that share the store.

use std::borrow::Cow;

use mail_access::DomainName;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Journal, decode, encode};
use crate::backend::{Change, Committed};
use crate::{AgentId, Error, ErrorKind};

/// Whose record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner<'a> {
    /// An agent's, with which it goes.
    Agent(&'a AgentId),
    /// The domain's.
    Domain,
    /// That of all domains in the store.
    Fleet,
}

/// A record as it was found, so that it can be replaced only if nobody else did meanwhile.
pub(crate) struct Stored<T> {
    key: String,
    bytes: Option<Vec<u8>>,
    pub(crate) value: T,
}

impl<T: Serialize + DeserializeOwned + Default> Stored<T> {
    /// Adds the value as it is now to a change that is made only if the record is as it was found.
    pub(crate) fn save(self, change: Change) -> Change {
        let bytes = encode(&self.value);
        change.expect(&self.key, self.bytes).put(self.key, bytes)
    }
}

impl Journal {
    /// Returns the key of a record of the rules. No agent's stored name is empty, and no domain's is `*`.
    pub(crate) fn policy_key(&self, owner: Owner<'_>, rest: &str) -> String {
        match owner {
            Owner::Agent(id) => self.key("policy", id, rest),
            Owner::Domain => of_domain(&self.domain, rest),
            Owner::Fleet => of_fleet(rest),
        }
    }

    /// Returns the key of the record that stops sending.
    pub(crate) fn switch_key(&self, owner: Owner<'_>) -> Cow<'_, str> {
        let [domain, fleet] = &*self.switches;
        match owner {
            Owner::Agent(_) => self.policy_key(owner, SWITCH).into(),
            Owner::Domain => domain.into(),
            Owner::Fleet => fleet.into(),
        }
    }

    pub(crate) async fn policy<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        self.read(key).await
    }

    /// Returns the records whose keys begin so, with what stands behind that in their keys.
    pub(crate) async fn policies<T: DeserializeOwned>(
        &self,
        prefix: &str,
    ) -> Result<Vec<(String, T)>, Error> {
        let found = self.store.scan(prefix).await?;
        found.iter().map(|(key, bytes)| Ok((key[prefix.len()..].to_owned(), decode(key, bytes)?))).collect()
    }

    /// Returns a record in order to change it, or a new one.
    pub(crate) async fn stored_policy<T: DeserializeOwned + Default>(
        &self,
        key: String,
    ) -> Result<Stored<T>, Error> {
        let bytes = self.store.get(&key).await?;
        let value = bytes.as_deref().map(|bytes| decode(&key, bytes)).transpose()?.unwrap_or_default();
        Ok(Stored { key, bytes, value })
    }

    pub(crate) async fn put_policy<T: Serialize>(&self, key: &str, value: &T) -> Result<(), Error> {
        self.write(Change::new().put(key, encode(value))).await
    }

    pub(crate) async fn drop_policy(&self, key: &str) -> Result<(), Error> {
        self.write(Change::new().remove(key)).await
    }

    /// Makes a change to the records of an agent, if the agent is there, and of others.
    pub(crate) async fn commit_policy(&self, agent: &AgentId, change: Change) -> Result<Committed, Error> {
        match self.while_active(agent, change).await? {
            Some(change) => self.store.commit(change).await,
            None => Err(Error::new(ErrorKind::NotFound, "write state", agent)
                .with_detail("there is no such agent")
                .with_fix("provision the agent")),
        }
    }
}

/// Makes the keys of the switches that all agents of a domain share: the domain's and the fleet's.
pub(super) fn shared_switches(domain: &DomainName) -> [String; 2] {
    [of_domain(domain, SWITCH), of_fleet(SWITCH)]
}

fn of_domain(domain: &DomainName, rest: &str) -> String {
    [domain.as_str(), "/policy//", rest].concat()
}

fn of_fleet(rest: &str) -> String {
    ["*/policy/", rest].concat()
}

const SWITCH: &str = "stop";
