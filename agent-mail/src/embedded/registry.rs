//! What the world knows of domains and mailboxes beside their mail.

use std::collections::HashMap;

use mail_access::{Address, DomainName};

use super::keys;
use crate::backend::{Claim, DkimKey};
use crate::spec::{DkimOptions, DomainLimits, Relay, SpamPolicy};

#[derive(Clone, Default)]
pub(super) struct Registry {
    domains: HashMap<DomainName, DomainRecord>,
    mailboxes: HashMap<String, MailboxRecord>,
}

impl Registry {
    pub(super) fn domain(&mut self, domain: &DomainName) -> &mut DomainRecord {
        self.domains.entry(domain.clone()).or_default()
    }

    /// Puts a domain in that an operator made, without a key.
    pub(super) fn add_domain(&mut self, domain: &DomainName) {
        self.domains.insert(domain.clone(), DomainRecord { key: None, ..DomainRecord::default() });
    }

    pub(super) fn forget_domain(&mut self, domain: &DomainName) {
        self.domains.remove(domain);
    }

    pub(super) fn mailbox(&self, address: &Address) -> Option<&MailboxRecord> {
        self.mailboxes.get(&name(address))
    }

    pub(super) fn mailbox_mut(&mut self, address: &Address) -> &mut MailboxRecord {
        self.mailboxes.entry(name(address)).or_default()
    }

    pub(super) fn forget_mailbox(&mut self, address: &Address) {
        self.mailboxes.remove(&name(address));
    }
}

#[derive(Clone)]
pub(super) struct DomainRecord {
    pub(super) description: String,
    pub(super) active: bool,
    pub(super) limits: DomainLimits,
    pub(super) key: Option<DkimKey>,
    pub(super) relay: Option<Relay>,
    pub(super) spam: SpamPolicy,
}

/// A domain that no operator made: as a provisioner makes it.
impl Default for DomainRecord {
    fn default() -> Self {
        let mut limits = DomainLimits::default();
        limits.mailboxes = MAX_MAILBOXES;
        limits.total_quota_mib = MAX_MAILBOXES * limits.default_quota_mib;
        Self {
            description: String::new(),
            active: true,
            limits,
            key: Some(signing_key(&DkimOptions::default())),
            relay: None,
            spam: SpamPolicy::default(),
        }
    }
}

#[derive(Clone, Default)]
pub(super) struct MailboxRecord {
    /// Whose it is, if an agent's.
    pub(super) claim: Option<Claim>,
    pub(super) by_plan: bool,
    pub(super) name: String,
    pub(super) hourly_limit: Option<u32>,
    pub(super) relay: Option<Relay>,
}

pub(super) fn signing_key(options: &DkimOptions) -> DkimKey {
    let record = if options.bits > 2048 { keys::KEY_4096 } else { keys::KEY_2048 };
    DkimKey { selector: options.selector.clone(), record: record.to_owned() }
}

/// Names compare without regard to case.
fn name(address: &Address) -> String {
    address.to_string().to_ascii_lowercase()
}

const MAX_MAILBOXES: u32 = 100_000;
