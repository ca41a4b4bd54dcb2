//! Changes of the mail system in words.

use std::fmt::{self, Display};

use super::StepKind;
use crate::backend::MailChange;
use crate::spec::{DomainLimits, MailboxEntry, Relay};

pub(super) fn subject(change: &MailChange) -> String {
    match change {
        MailChange::AddDomain { .. } | MailChange::SetDomain { .. } | MailChange::RemoveDomain => {
            "domain".to_owned()
        }
        MailChange::AddDkim { .. } => "signing key".to_owned(),
        MailChange::AddMailbox { mailbox } | MailChange::SetMailbox { mailbox } => {
            format!("mailbox {}", mailbox.address)
        }
        MailChange::RemoveMailbox { address } => format!("mailbox {address}"),
        MailChange::SetPassword { address, .. } => format!("password of {address}"),
        MailChange::SetAlias { alias } => format!("alias {}", alias.address),
        MailChange::RemoveAlias { address } => format!("alias {address}"),
        MailChange::SetForward { forward } => format!("forward {}", forward.address),
        MailChange::RemoveForward { address } => format!("forward {address}"),
        MailChange::SetCatchAll { .. } => "catch-all".to_owned(),
        MailChange::AddAliasDomain { name } | MailChange::RemoveAliasDomain { name } => {
            format!("alias domain {name}")
        }
        MailChange::SetRelay { mailbox: None, .. } => "relay".to_owned(),
        MailChange::SetRelay { mailbox: Some(address), .. } => format!("relay of {address}"),
        MailChange::SetSpamPolicy { .. } => "spam policy".to_owned(),
    }
}

pub(super) fn kind(change: &MailChange, undo: Option<&MailChange>) -> StepKind {
    match (change, undo) {
        (
            MailChange::AddDomain { .. }
            | MailChange::AddDkim { .. }
            | MailChange::AddMailbox { .. }
            | MailChange::AddAliasDomain { .. },
            _,
        )
        | (_, Some(MailChange::RemoveAlias { .. } | MailChange::RemoveForward { .. })) => StepKind::Add,
        (
            MailChange::RemoveDomain
            | MailChange::RemoveMailbox { .. }
            | MailChange::RemoveAlias { .. }
            | MailChange::RemoveForward { .. }
            | MailChange::RemoveAliasDomain { .. }
            | MailChange::SetRelay { relay: None, .. },
            _,
        ) => StepKind::Remove,
        (MailChange::SetCatchAll { targets }, _) if targets.is_empty() => StepKind::Remove,
        (_, Some(MailChange::SetRelay { relay: None, .. })) => StepKind::Add,
        (_, Some(MailChange::SetCatchAll { targets })) if targets.is_empty() => StepKind::Add,
        _ => StepKind::Change,
    }
}

pub(super) fn detail(
    f: &mut fmt::Formatter<'_>,
    change: &MailChange,
    undo: Option<&MailChange>,
) -> fmt::Result {
    match (change, undo) {
        (
            MailChange::SetDomain { description, active, limits },
            Some(MailChange::SetDomain { description: was, active: was_active, limits: was_limits }),
        ) => {
            let mut changes = Changes(f, ": ");
            changes.quoted("description", was, description)?;
            changes.state(*was_active, *active)?;
            changes.limits(was_limits, limits)
        }
        (MailChange::AddDomain { limits, .. }, _) => write!(
            f,
            " with room for {} mailboxes and {} aliases in {} MiB",
            limits.mailboxes, limits.aliases, limits.total_quota_mib
        ),
        (MailChange::AddDkim { key }, _) => write!(f, " {:?} of {} bits", key.selector, key.bits),
        (MailChange::AddMailbox { mailbox }, _) => {
            if let Some(quota) = mailbox.quota_mib {
                write!(f, ", {quota} MiB")?;
            }
            f.write_str(", its password into the secret store")
        }
        (MailChange::SetMailbox { mailbox }, Some(MailChange::SetMailbox { mailbox: was })) => {
            Changes(f, ": ").mailbox(was, mailbox)
        }
        (MailChange::RemoveMailbox { .. }, _) => f.write_str(", with its mail and its password"),
        (MailChange::SetAlias { alias }, Some(MailChange::SetAlias { alias: was })) => {
            write!(f, ": {} -> {}", list(&was.targets), list(&alias.targets))
        }
        (MailChange::SetAlias { alias }, _) => write!(f, " to {}", list(&alias.targets)),
        (MailChange::SetForward { forward }, was) => {
            let copy = |keep: bool| if keep { "keeping a copy" } else { "keeping no copy" };
            if let Some(MailChange::SetForward { forward: was }) = was {
                write!(f, ": {}, {} ->", list(&was.targets), copy(was.keep_copy))?;
            } else {
                f.write_str(" to")?;
            }
            write!(f, " {}, {}", list(&forward.targets), copy(forward.keep_copy))
        }
        (MailChange::SetCatchAll { targets }, was) => {
            if let Some(MailChange::SetCatchAll { targets: was }) = was
                && !was.is_empty()
            {
                write!(f, ": {} ->", list(was))?;
            } else {
                f.write_str(" to")?;
            }
            write!(f, " {}", if targets.is_empty() { "nobody".to_owned() } else { list(targets) })
        }
        (MailChange::SetRelay { relay, .. }, was) => {
            let name = |relay: Option<&Relay>| {
                relay.map_or("none".to_owned(), |relay| {
                    format!("{}:{} as {}", relay.host, relay.port, relay.user.escape_debug())
                })
            };
            match was {
                Some(MailChange::SetRelay { relay: Some(was), .. }) => {
                    write!(f, ": {} -> {}", name(Some(was)), name(relay.as_ref()))
                }
                _ => write!(f, " over {}", name(relay.as_ref())),
            }
        }
        (MailChange::SetSpamPolicy { policy }, _) => {
            write!(f, ": allows {}, blocks {}", policy.allow.len(), policy.block.len())
        }
        _ => Ok(()),
    }
}

/// Writes several things with commas between.
pub(super) fn list<T: Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Writes what became different, and before each what separates it from the one before.
struct Changes<'a, 'f>(&'a mut fmt::Formatter<'f>, &'static str);

impl Changes<'_, '_> {
    fn write(&mut self, what: &str, was: impl Display, is: impl Display) -> fmt::Result {
        write!(self.0, "{}{what} {was} -> {is}", self.1)?;
        self.1 = ", ";
        Ok(())
    }

    fn number(&mut self, what: &str, was: u32, is: u32) -> fmt::Result {
        if was == is { Ok(()) } else { self.write(what, was, is) }
    }

    fn quoted(&mut self, what: &str, was: &str, is: &str) -> fmt::Result {
        if was == is { Ok(()) } else { self.write(what, format!("{was:?}"), format!("{is:?}")) }
    }

    fn limit(&mut self, was: Option<u32>, is: Option<u32>) -> fmt::Result {
        let name = |limit: Option<u32>| limit.map_or("any number".to_owned(), |limit| limit.to_string());
        if was == is { Ok(()) } else { self.write("messages an hour", name(was), name(is)) }
    }

    fn state(&mut self, was: bool, is: bool) -> fmt::Result {
        let name = |active: bool| if active { "on" } else { "off" };
        if was == is { Ok(()) } else { self.write("switched", name(was), name(is)) }
    }

    fn limits(&mut self, was: &DomainLimits, is: &DomainLimits) -> fmt::Result {
        self.number("mailboxes", was.mailboxes, is.mailboxes)?;
        self.number("aliases", was.aliases, is.aliases)?;
        self.number("default quota in MiB", was.default_quota_mib, is.default_quota_mib)?;
        self.number("largest quota in MiB", was.max_quota_mib, is.max_quota_mib)?;
        self.number("quota of all in MiB", was.total_quota_mib, is.total_quota_mib)?;
        self.limit(was.hourly_limit, is.hourly_limit)
    }

    fn mailbox(&mut self, was: &MailboxEntry, is: &MailboxEntry) -> fmt::Result {
        self.quoted("name", &was.name, &is.name)?;
        self.number("quota in MiB", was.quota_mib.unwrap_or_default(), is.quota_mib.unwrap_or_default())?;
        self.limit(was.hourly_limit, is.hourly_limit)?;
        self.state(was.active, is.active)
    }
}
