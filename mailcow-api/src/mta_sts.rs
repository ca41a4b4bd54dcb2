//! MTA-STS (RFC 8461): that other servers send to a domain only over TLS.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use crate::{
    Client, DomainName, Error,
    client::{EditItems, TaskCompleted, Write},
    input,
};

/// How strict other servers shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MtaStsMode {
    /// They send only over TLS.
    Enforce,
    /// They report failures and send.
    Testing,
    /// They forget the policy.
    None,
}

impl MtaStsMode {
    /// Returns the word of RFC 8461.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Testing => "testing",
            Self::None => "none",
        }
    }
}

impl Serialize for MtaStsMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The name of a server that takes mail, or `*.` and a domain for all servers one label below.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MxPattern {
    name: DomainName,
    is_wildcard: bool,
}

impl FromStr for MxPattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (name, is_wildcard) = text.strip_prefix("*.").map_or((text, false), |name| (name, true));
        Ok(Self { name: name.parse()?, is_wildcard })
    }
}

impl fmt::Display for MxPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_wildcard { "*." } else { "" }, self.name)
    }
}

/// The MTA-STS policy of a domain, to be created.
#[derive(Clone, Debug)]
pub struct NewMtaSts {
    domain: DomainName,
    policy: MtaStsChange,
}

impl NewMtaSts {
    /// Builds the active policy that mail to `domain` is taken by `servers`; other servers remember it for
    /// `max_age` seconds, 1 to 31 557 600.
    pub fn new(
        domain: DomainName,
        mode: MtaStsMode,
        servers: impl IntoIterator<Item = MxPattern>,
        max_age: u32,
    ) -> Self {
        let policy = MtaStsChange::new()
            .with_mode(mode)
            .with_servers(servers)
            .with_max_age_seconds(max_age)
            .with_active(true);
        Self { domain, policy }
    }

    /// Sets whether it is published, true by default.
    pub fn with_active(mut self, active: bool) -> Self {
        self.policy = self.policy.with_active(active);
        self
    }
}

/// What to change on an MTA-STS policy; what is not set is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MtaStsChange {
    mode: Option<MtaStsMode>,
    servers: Option<Vec<MxPattern>>,
    max_age: Option<u32>,
    active: Option<bool>,
}

impl MtaStsChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how strict other servers shall be.
    pub fn with_mode(mut self, mode: MtaStsMode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Sets the servers that take mail for the domain.
    pub fn with_servers(mut self, servers: impl IntoIterator<Item = MxPattern>) -> Self {
        self.servers = Some(servers.into_iter().collect());
        self
    }

    /// Sets for how many seconds other servers remember the policy, 1 to 31 557 600.
    pub fn with_max_age_seconds(mut self, seconds: u32) -> Self {
        self.max_age = Some(seconds);
        self
    }

    /// Sets whether it is published.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(active);
        self
    }

    fn attributes(&self, operation: &'static str) -> Result<Attr, Error> {
        if let Some(servers) = &self.servers {
            input::some(operation, servers)?;
        }
        if self.max_age.is_some_and(|seconds| !(1..=31_557_600).contains(&seconds)) {
            let reason = "the policy is remembered for 1 to 31557600 seconds".to_owned();
            return Err(Error::InvalidInput { operation, reason });
        }
        let mx = self
            .servers
            .as_ref()
            .map(|servers| servers.iter().map(MxPattern::to_string).collect::<Vec<_>>().join(", "));
        Ok(Attr {
            version: "stsv1",
            mode: self.mode,
            mx,
            max_age: self.max_age,
            active: self.active.map(u8::from),
        })
    }
}

impl Client {
    /// Creates the MTA-STS policy of a domain (`add/mta-sts`). Mailcow has no route to read or delete it.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] of the kind [`AlreadyExists`](crate::ProblemKind::AlreadyExists) if there is one, and
    /// with `access_denied` if there is no such domain.
    pub async fn add_mta_sts(&self, new: &NewMtaSts) -> Result<(), Error> {
        let body = AddBody { domain: &new.domain, policy: new.policy.attributes(ADD.route)? };
        self.write(ADD, new.domain.as_str(), &body).await
    }

    /// Changes the MTA-STS policy of a domain (`edit/mta-sts`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is none, and [`Error::InvalidInput`] for a change of
    /// nothing.
    pub async fn edit_mta_sts(&self, domain: &DomainName, change: &MtaStsChange) -> Result<(), Error> {
        input::change(EDIT.route, change)?;
        let attr = change.attributes(EDIT.route)?;
        self.write(EDIT, domain.as_str(), &EditItems { items: &[domain], attr: &attr }).await
    }
}

#[derive(Serialize)]
struct AddBody<'a> {
    domain: &'a DomainName,
    #[serde(flatten)]
    policy: Attr,
}

#[derive(Serialize)]
struct Attr {
    // Without it mailcow refuses each edit.
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<MtaStsMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mx: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<u8>,
}

// The only answer that this route has for success.
const ADD: Write<TaskCompleted> = Write { route: "add/mta-sts", success: TaskCompleted };
const EDIT: Write = Write { route: "edit/mta-sts", success: "object_modified" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_means_nothing_is_refused() {
        for bad in ["", "*", "*.", "a b.example", "a.example,b.example", "mx.*.example"] {
            assert!(bad.parse::<MxPattern>().is_err(), "{bad:?} was accepted");
        }
        assert_eq!("*.MX.example.com".parse::<MxPattern>().unwrap().to_string(), "*.mx.example.com");
        for bad in [
            MtaStsChange::new().with_max_age_seconds(0),
            MtaStsChange::new().with_max_age_seconds(31_557_601),
            MtaStsChange::new().with_servers([]),
        ] {
            assert!(bad.attributes("edit/mta-sts").is_err(), "{bad:?} was accepted");
        }
    }
}
