//! What no mail system could take: refused before anything is sent.

use std::fmt::Display;

use mail_access::{Address, DomainName};
use secrecy::{ExposeSecret, SecretString};

use super::MailChange;
use crate::spec::{DkimOptions, DomainLimits, Relay, SpamPolicy};
use crate::{Error, ErrorKind};

impl MailChange {
    /// Names the change for errors and logs.
    pub(crate) fn operation(&self) -> &'static str {
        match self {
            Self::AddDomain { .. } => "add domain",
            Self::SetDomain { .. } => "change domain",
            Self::RemoveDomain => "remove domain",
            Self::AddDkim { .. } => "add key",
            Self::AddMailbox { .. } => "add mailbox",
            Self::SetMailbox { .. } => "change mailbox",
            Self::SetPassword { .. } => "set password",
            Self::RemoveMailbox { .. } => "remove mailbox",
            Self::SetAlias { .. } => "set alias",
            Self::RemoveAlias { .. } => "remove alias",
            Self::SetForward { .. } => "set forward",
            Self::RemoveForward { .. } => "remove forward",
            Self::SetCatchAll { .. } => "set catch-all",
            Self::AddAliasDomain { .. } => "add alias domain",
            Self::RemoveAliasDomain { .. } => "remove alias domain",
            Self::SetRelay { .. } => "set relay",
            Self::SetSpamPolicy { .. } => "set spam policy",
        }
    }

    /// Returns the address within the domain that the change is about.
    pub(crate) fn address(&self) -> Option<&Address> {
        match self {
            Self::AddMailbox { mailbox } | Self::SetMailbox { mailbox } => Some(&mailbox.address),
            Self::SetAlias { alias } => Some(&alias.address),
            Self::SetForward { forward } => Some(&forward.address),
            Self::SetPassword { address, .. }
            | Self::RemoveMailbox { address }
            | Self::RemoveAlias { address }
            | Self::RemoveForward { address } => Some(address),
            Self::SetRelay { mailbox, .. } => mailbox.as_ref(),
            _ => None,
        }
    }

    /// Tells whether it only takes something away.
    pub(crate) fn removes(&self) -> bool {
        matches!(
            self,
            Self::RemoveDomain
                | Self::RemoveMailbox { .. }
                | Self::RemoveAlias { .. }
                | Self::RemoveForward { .. }
                | Self::RemoveAliasDomain { .. }
        )
    }

    /// Refuses what can't be, and returns the password if the change needs one.
    pub(crate) fn check<'a>(
        &self,
        domain: &DomainName,
        secret: Option<&'a SecretString>,
    ) -> Result<Option<&'a SecretString>, Error> {
        let invalid = |detail: String| match self.address() {
            Some(address) => invalid(self, address, detail),
            None => invalid(self, domain, detail),
        };
        if let Some(address) = self.address()
            && address.domain() != domain
        {
            return Err(invalid(format!("it is not an address of {domain}")));
        }
        let checked = match self {
            Self::AddDomain { description, limits, .. } | Self::SetDomain { description, limits, .. } => {
                line("the description", description).and_then(|()| check_limits(limits))
            }
            Self::AddDkim { key } => check_key(key),
            Self::AddMailbox { mailbox } | Self::SetMailbox { mailbox } => {
                line("the name", &mailbox.name).and_then(|()| check_hourly(mailbox.hourly_limit))
            }
            Self::SetAlias { alias } => check_targets(&alias.address, &alias.targets),
            Self::SetForward { forward } => check_targets(&forward.address, &forward.targets),
            Self::AddAliasDomain { name } if name == domain => Err("it is the domain itself".to_owned()),
            Self::SetRelay { relay: Some(relay), .. } => check_relay(relay),
            Self::SetSpamPolicy { policy } => check_policy(policy),
            _ => Ok(()),
        };
        checked.map_err(invalid)?;
        let needs = matches!(
            self,
            Self::AddMailbox { .. } | Self::SetPassword { .. } | Self::SetRelay { relay: Some(_), .. }
        );
        match secret {
            _ if !needs => Ok(None),
            None => Err(invalid("its password is missing".to_owned())),
            Some(secret) if secret.expose_secret().is_empty() => {
                Err(invalid("its password is empty".to_owned()))
            }
            Some(secret) if secret.expose_secret().chars().any(char::is_control) => {
                Err(invalid("its password holds a control character".to_owned()))
            }
            Some(secret) => Ok(Some(secret)),
        }
    }
}

impl SpamPolicy {
    /// Returns the policy as mail systems keep it: in lower case, ordered, each sender once.
    pub(crate) fn canonical(&self) -> Self {
        Self::new(canonical(&self.allow), canonical(&self.block))
    }
}

fn invalid(change: &MailChange, subject: impl Display, detail: String) -> Error {
    Error::new(ErrorKind::InvalidInput, change.operation(), subject).with_detail(detail)
}

fn check_limits(limits: &DomainLimits) -> Result<(), String> {
    let sizes = [limits.default_quota_mib, limits.max_quota_mib, limits.total_quota_mib];
    if sizes.contains(&0) {
        return Err("the quotas of a domain have to be 1 MiB at least".to_owned());
    }
    if !sizes.is_sorted() {
        let what = "a mailbox's usual quota has to be within its largest, and that within the domain's";
        return Err(what.to_owned());
    }
    check_hourly(limits.hourly_limit)
}

fn check_hourly(limit: Option<u32>) -> Result<(), String> {
    if limit == Some(0) {
        return Err("the hourly limit has to be 1 message at least; leave it out for none".to_owned());
    }
    Ok(())
}

fn check_key(key: &DkimOptions) -> Result<(), String> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if !key.selector.split('.').all(is_label) {
        return Err(format!(
            "the selector {:?} has to be labels of letters, digits, hyphens and underscores",
            key.selector
        ));
    }
    if key.bits != 2048 && key.bits != 4096 {
        return Err(format!("a key has 2048 or 4096 bits, not {}", key.bits));
    }
    Ok(())
}

fn check_targets(address: &Address, targets: &[Address]) -> Result<(), String> {
    if targets.is_empty() {
        return Err("it has to lead to one address at least".to_owned());
    }
    if targets.iter().any(|target| target.is_same_mailbox(address)) {
        return Err("it can't lead to itself".to_owned());
    }
    Ok(())
}

fn check_relay(relay: &Relay) -> Result<(), String> {
    if relay.port == 0 {
        return Err("the relay's port can't be 0".to_owned());
    }
    if relay.user.is_empty() {
        return Err("the relay's user name is empty".to_owned());
    }
    line("the relay's user name", &relay.user)
}

fn check_policy(policy: &SpamPolicy) -> Result<(), String> {
    for sender in policy.allow.iter().chain(&policy.block) {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_*@.+".contains(&b);
        if sender.is_empty() || !sender.bytes().all(fits) {
            return Err(format!("{sender:?} has to be an address, or *@domain"));
        }
    }
    let SpamPolicy { allow, block } = policy.canonical();
    match allow.iter().find(|sender| block.contains(sender)) {
        Some(both) => Err(format!("{both:?} can't be both allowed and blocked")),
        None => Ok(()),
    }
}

fn line(what: &str, text: &str) -> Result<(), String> {
    if text.chars().any(char::is_control) {
        return Err(format!("{what} holds a control character"));
    }
    if text.len() > MAX_LINE {
        return Err(format!("{what} has to be at most {MAX_LINE} bytes long"));
    }
    Ok(())
}

fn canonical(senders: &[String]) -> Vec<String> {
    let mut senders: Vec<_> = senders.iter().map(|sender| sender.to_ascii_lowercase()).collect();
    senders.sort();
    senders.dedup();
    senders
}

/// What Mailcow's tables hold.
const MAX_LINE: usize = 255;
