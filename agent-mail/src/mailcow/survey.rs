//! Reads all of a domain in a few calls.

use std::collections::HashMap;

use mail_access::{Address, DomainName};
use mailcow_api::{
    Alias, Bytes, Client, Domain, Error, Filter, Mailbox, MailboxRateLimit, MailboxStatus, RateFrame,
    RateLimit, Relayhost, RelayhostId, SpamList, SpamPolicy as SpamEntry,
};

use super::{forwards, mailboxes::PLAN_TAG, relays};
use crate::backend::{DkimKey, ServedDomain, ServedMailbox};
use crate::spec::{AliasEntry, DomainLimits, Relay, SpamPolicy};

/// Returns the domain, `None` if it is not served.
pub(super) async fn survey(
    client: &Client,
    name: &mailcow_api::DomainName,
) -> Result<Option<ServedDomain>, Error> {
    let Some(domain) = client.get_domain(name).await? else { return Ok(None) };
    let domains = [name.clone()];
    // The whole list of mailboxes costs the server the square of their number; this one and their limits don't.
    let (mailboxes, rates, aliases, dkim, alias_domains, allowed, blocked, filters) = tokio::try_join!(
        client.mailboxes_reduced_of(&domains),
        client.mailbox_rate_limits(),
        client.aliases_of(name),
        client.get_dkim(name),
        client.alias_domains(),
        client.domain_spam_policies(name, SpamList::Allow),
        client.domain_spam_policies(name, SpamList::Deny),
        client.filters(),
    )?;
    let uses_relays =
        domain.relayhost.is_some() || mailboxes.iter().any(|one| one.settings.relayhost.is_some());
    let relays = if uses_relays { client.relayhosts().await? } else { Vec::new() };
    let relays = Relays::of(&relays);

    let mut served = ServedDomain::new(limits(&domain));
    served.description = description(&domain);
    served.active = domain.active;
    served.dkim = dkim.map(|key| DkimKey { selector: key.selector, record: key.txt });
    served.relay = relays.get(domain.relayhost);
    served.mailboxes = all_mailboxes(mailboxes, &rates, &relays);
    served.forwards = forwards_of(name, &filters);
    for alias in aliases {
        match (alias.catch_all, alias.active) {
            (true, true) => served.catch_all = targets(&alias),
            (true, false) => served.catch_all_off = true,
            (false, active) => {
                let Ok(address) = alias.address.parse() else { continue };
                if active {
                    served.aliases.push(AliasEntry::new(address, targets(&alias)));
                } else {
                    served.aliases_off.push(address);
                }
            }
        }
    }
    served.aliases.sort_by(|one, other| one.address.cmp(&other.address));
    served.aliases_off.sort();
    let others = alias_domains.into_iter().filter(|other| other.target.eq_ignore_ascii_case(name.as_str()));
    served.alias_domains = others.filter_map(|other| other.name.parse::<DomainName>().ok()).collect();
    served.alias_domains.sort();
    served.spam = SpamPolicy::new(senders(allowed), senders(blocked)).canonical();
    Ok(Some(served))
}

/// Returns the description; Mailcow puts the name in where there is none.
pub(super) fn description(domain: &Domain) -> String {
    if domain.description == domain.name { String::new() } else { domain.description.clone() }
}

pub(super) fn mib(size: Bytes) -> u32 {
    u32::try_from(size.get() >> 20).unwrap_or(if size.get() < 0 { 0 } else { u32::MAX })
}

fn limits(domain: &Domain) -> DomainLimits {
    let count = |count: i64| u32::try_from(count).unwrap_or(if count < 0 { 0 } else { u32::MAX });
    DomainLimits {
        mailboxes: count(domain.max_mailboxes),
        aliases: count(domain.max_aliases),
        default_quota_mib: mib(domain.default_mailbox_quota),
        max_quota_mib: mib(domain.max_mailbox_quota),
        total_quota_mib: mib(domain.quota),
        hourly_limit: domain.rate_limit.as_ref().map(per_hour),
    }
}

fn all_mailboxes(found: Vec<Mailbox>, rates: &[MailboxRateLimit], relays: &Relays) -> Vec<ServedMailbox> {
    let rates: HashMap<String, &RateLimit> =
        rates.iter().map(|rate| (rate.mailbox.to_lowercase(), &rate.limit)).collect();
    let mut mailboxes: Vec<_> = found
        .into_iter()
        .filter_map(|found| {
            let mut mailbox = ServedMailbox::new(found.address.parse().ok()?, mib(found.quota));
            mailbox.hourly_limit = rates.get(&found.address.to_lowercase()).map(|limit| per_hour(limit));
            mailbox.active = found.status == MailboxStatus::Active;
            mailbox.relay = relays.get(found.settings.relayhost);
            mailbox.by_plan = found.tags.iter().any(|tag| tag == PLAN_TAG);
            mailbox.name = found.name;
            Some(mailbox)
        })
        .collect();
    mailboxes.sort_by(|one, other| one.address.cmp(&other.address));
    mailboxes
}

fn forwards_of(domain: &mailcow_api::DomainName, filters: &[Filter]) -> Vec<crate::spec::ForwardEntry> {
    let is_within = |filter: &&Filter| {
        let (_, own) = filter.mailbox.rsplit_once('@').unwrap_or_default();
        own.eq_ignore_ascii_case(domain.as_str())
    };
    let mut forwards: Vec<_> = filters.iter().filter(is_within).filter_map(forwards::read).collect();
    forwards.sort_by(|one, other| one.address.cmp(&other.address));
    forwards.dedup_by(|one, other| one.address == other.address);
    forwards
}

fn targets(alias: &Alias) -> Vec<Address> {
    alias.targets.iter().filter_map(|target| target.parse().ok()).collect()
}

fn senders(entries: Vec<SpamEntry>) -> Vec<String> {
    entries.into_iter().map(|entry| entry.sender).collect()
}

/// Says a limit of any time as one of an hour; that of a day is rounded up.
fn per_hour(limit: &RateLimit) -> u32 {
    let value = limit.value.get();
    match limit.frame {
        RateFrame::Second => value.saturating_mul(3600),
        RateFrame::Minute => value.saturating_mul(60),
        RateFrame::Day => value.div_ceil(24),
        _ => value,
    }
}

/// The relay hosts by their numbers.
struct Relays(HashMap<RelayhostId, Relay>);

impl Relays {
    fn of(all: &[Relayhost]) -> Self {
        Self(all.iter().filter_map(|found| Some((found.id, relays::read(found)?))).collect())
    }

    fn get(&self, id: Option<RelayhostId>) -> Option<Relay> {
        self.0.get(&id?).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_any_time_are_told_by_the_hour() {
        for (frame, hourly) in [("s", 180_000), ("m", 3000), ("h", 50), ("d", 3), ("w", 50)] {
            let limit = serde_json::from_value(serde_json::json!({"value": "50", "frame": frame})).unwrap();
            assert_eq!(per_hour(&limit), hourly, "{frame}");
        }
    }
}
