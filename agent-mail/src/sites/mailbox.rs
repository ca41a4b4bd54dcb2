use mail_access::Address;
use serde::{Deserialize, Serialize};

use crate::spec::MailboxEntry;

/// A mailbox that a site is to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewSiteMailbox {
    /// What stands before the `@`: a-z, 0-9, dot, hyphen and underscore.
    pub local_part: String,
    /// The name that people read.
    #[serde(default)]
    pub name: String,
    /// How much it may hold in MiB; `None` for the template's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_mib: Option<u32>,
}

impl NewSiteMailbox {
    /// Describes a mailbox with the usual quota.
    pub fn new(local_part: impl Into<String>) -> Self {
        Self { local_part: local_part.into(), name: String::new(), quota_mib: None }
    }

    /// Sets the name that people read.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets how much it may hold in MiB.
    pub fn with_quota_mib(mut self, quota: u32) -> Self {
        self.quota_mib = Some(quota);
        self
    }

    pub(super) fn entry(&self, address: Address) -> MailboxEntry {
        let mut entry = MailboxEntry::new(address).with_name(&self.name);
        entry.quota_mib = self.quota_mib;
        entry
    }
}

/// A mailbox of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SiteMailbox {
    /// The address, which is the login too.
    pub address: Address,
    /// Whether this call made it.
    pub created: bool,
}
