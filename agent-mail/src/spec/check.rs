//! What a specification must not contradict itself in.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use mail_access::{Address, DomainName};

use super::{DomainSpec, Relay};
use crate::{Error, ErrorKind};

impl DomainSpec {
    /// Looks whether the specification makes sense in itself, whatever is there. [`Operator::plan`](crate::Operator::plan)
    /// does so first.
    ///
    /// ```
    /// use agent_mail::{DomainSpec, MailboxEntry};
    ///
    /// let spec = DomainSpec::new("shop.example".parse()?, "mail.shop.example".parse()?)
    ///     .with_mailbox(MailboxEntry::new("ada@other.example".parse()?));
    /// let error = spec.check().unwrap_err();
    /// assert!(error.to_string().contains("mailboxes[0].address"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput), naming everything that is wrong: where it stands, and what is expected.
    pub fn check(&self) -> Result<(), Error> {
        let mut check = Check { spec: self, problems: Vec::new() };
        check.limits();
        check.key();
        check.addresses();
        check.aliases();
        check.forwards();
        check.catch_all();
        check.alias_domains();
        check.relays();
        check.spam();
        check.records();
        if check.problems.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidInput, "check", &self.domain)
            .with_detail(check.problems.join("; "))
            .with_fix("correct the specification; each place is named"))
    }
}

/// Looks at one part after the other and collects what is wrong.
struct Check<'a> {
    spec: &'a DomainSpec,
    problems: Vec<String>,
}

impl Check<'_> {
    fn wrong(&mut self, place: impl Into<String>, expected: impl AsRef<str>) {
        self.problems.push(format!("{}: {}", place.into(), expected.as_ref()));
    }

    fn limits(&mut self) {
        let limits = &self.spec.limits;
        if limits.max_quota_mib == 0 || limits.total_quota_mib == 0 || limits.default_quota_mib == 0 {
            self.wrong("limits", "each quota has to be at least 1 MiB");
        }
        if limits.default_quota_mib > limits.max_quota_mib {
            let (default, max) = (limits.default_quota_mib, limits.max_quota_mib);
            self.wrong("limits.default_quota_mib", format!("{default} is over max_quota_mib, {max}"));
        }
        if limits.max_quota_mib > limits.total_quota_mib {
            let (max, total) = (limits.max_quota_mib, limits.total_quota_mib);
            self.wrong("limits.max_quota_mib", format!("{max} is over total_quota_mib, {total}"));
        }
        if limits.hourly_limit == Some(0) {
            self.wrong("limits.hourly_limit", "it has to be at least 1; leave it out for no limit");
        }
        let (count, most) = (self.spec.mailboxes.len() + self.spec.agents.len(), limits.mailboxes);
        if count > most as usize {
            self.wrong("limits.mailboxes", format!("{count} mailboxes and agents are named, over {most}"));
        }
        let (count, most) = (self.spec.aliases.len(), limits.aliases);
        if count > most as usize {
            self.wrong("limits.aliases", format!("{count} aliases are named, over {most}"));
        }
        let default = limits.default_quota_mib;
        let quotas = self.spec.mailboxes.iter().map(|entry| u64::from(entry.quota_mib.unwrap_or(default)));
        let (sum, total) = (quotas.sum::<u64>(), limits.total_quota_mib);
        if sum > u64::from(total) {
            self.wrong(
                "limits.total_quota_mib",
                format!("the mailboxes' quotas are {sum} MiB together, over {total}"),
            );
        }
    }

    fn key(&mut self) {
        let key = &self.spec.dkim;
        if ![2048, 4096].contains(&key.bits) {
            self.wrong("dkim.bits", format!("{} has to be 2048 or 4096", key.bits));
        }
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
        };
        if key.selector.len() > 63 || !key.selector.split('.').all(label) {
            let found = &key.selector;
            self.wrong(
                "dkim.selector",
                format!("{found:?} has to be labels of a-z, 0-9, hyphen and underscore"),
            );
        }
    }

    /// Looks at what may stand once only: mailboxes and aliases.
    fn addresses(&mut self) {
        let spec = self.spec;
        let mut seen: HashMap<String, String> = HashMap::new();
        let mailboxes =
            spec.mailboxes.iter().enumerate().map(|(n, one)| (format!("mailboxes[{n}]"), &one.address));
        let aliases = spec.aliases.iter().enumerate().map(|(n, one)| (format!("aliases[{n}]"), &one.address));
        for (place, address) in mailboxes.chain(aliases) {
            self.own(&format!("{place}.address"), address);
            if let Some(first) = seen.insert(address.to_string().to_lowercase(), place.clone()) {
                self.wrong(format!("{place}.address"), format!("{address} is {first} already"));
            }
        }
        let mut agents = HashSet::new();
        for (n, agent) in spec.agents.iter().enumerate() {
            if !agents.insert(agent) {
                self.wrong(format!("agents[{n}]"), format!("{agent} is named twice"));
            }
        }
        for (n, entry) in spec.mailboxes.iter().enumerate() {
            let max = spec.limits.max_quota_mib;
            match entry.quota_mib {
                Some(0) => self.wrong(format!("mailboxes[{n}].quota_mib"), "it has to be at least 1 MiB"),
                Some(quota) if quota > max => self.wrong(
                    format!("mailboxes[{n}].quota_mib"),
                    format!("{quota} is over limits.max_quota_mib, {max}"),
                ),
                _ => {}
            }
            if entry.hourly_limit == Some(0) {
                self.wrong(
                    format!("mailboxes[{n}].hourly_limit"),
                    "it has to be at least 1; leave it out for no limit",
                );
            }
            self.line(format!("mailboxes[{n}].name"), &entry.name);
        }
        self.line("description", &spec.description);
    }

    fn line(&mut self, place: impl Into<String>, text: &str) {
        if text.len() > MAX_LINE || text.chars().any(char::is_control) {
            self.wrong(place, format!("it has to be one line of at most {MAX_LINE} bytes"));
        }
    }

    /// An address of the domain, as mail systems keep it.
    fn own(&mut self, place: &str, address: &Address) {
        let domain = &self.spec.domain;
        if address.domain() != domain {
            self.wrong(place, format!("{address} has to be an address of {domain}"));
        } else if address.local_part().to_lowercase() != address.local_part() {
            self.wrong(place, format!("{address} has to be written in lower case"));
        }
    }

    fn targets(&mut self, place: &str, own: Option<&Address>, targets: &[Address]) {
        if targets.is_empty() {
            self.wrong(format!("{place}.targets"), "it has to name at least one address");
        }
        let mut seen = HashSet::new();
        for (n, target) in targets.iter().enumerate() {
            let place = format!("{place}.targets[{n}]");
            if !seen.insert(target.to_string().to_lowercase()) {
                self.wrong(&place, format!("{target} is named twice"));
            }
            if own.is_some_and(|own| own.is_same_mailbox(target)) {
                self.wrong(&place, format!("{target} leads to itself"));
            }
        }
    }

    fn aliases(&mut self) {
        let spec = self.spec;
        for (n, alias) in spec.aliases.iter().enumerate() {
            self.targets(&format!("aliases[{n}]"), Some(&alias.address), &alias.targets);
        }
        let by_address: HashMap<&Address, &[Address]> =
            spec.aliases.iter().map(|alias| (&alias.address, &*alias.targets)).collect();
        // The rounds that aliases lead; each is named once, at the alias that comes first.
        let mut known = HashSet::new();
        for (n, alias) in spec.aliases.iter().enumerate() {
            let mut ways: Vec<&Address> = alias.targets.iter().collect();
            let mut passed = HashSet::new();
            while let Some(next) = ways.pop() {
                if *next == alias.address {
                    if !alias.targets.contains(next)
                        && known.insert(next)
                        && !passed.iter().any(|on| known.contains(on))
                    {
                        self.wrong(
                            format!("aliases[{n}]"),
                            format!("{} leads back to itself", alias.address),
                        );
                    }
                    break;
                }
                if passed.insert(next) {
                    ways.extend(by_address.get(next).copied().unwrap_or_default());
                }
            }
        }
    }

    fn forwards(&mut self) {
        let mailboxes: HashSet<&Address> = self.spec.mailboxes.iter().map(|one| &one.address).collect();
        let mut seen = HashSet::new();
        for (n, forward) in self.spec.forwards.iter().enumerate() {
            let (place, address) = (format!("forwards[{n}]"), &forward.address);
            self.own(&format!("{place}.address"), address);
            if !seen.insert(address) {
                self.wrong(format!("{place}.address"), format!("{address} has a forward already"));
            }
            if !mailboxes.contains(address) {
                self.wrong(format!("{place}.address"), format!("{address} has to be one of the mailboxes"));
            }
            self.targets(&place, Some(address), &forward.targets);
        }
    }

    fn catch_all(&mut self) {
        if !self.spec.catch_all.is_empty() {
            self.targets("catch_all", None, &self.spec.catch_all);
        }
    }

    fn alias_domains(&mut self) {
        let mut seen = HashSet::new();
        for (n, name) in self.spec.alias_domains.iter().enumerate() {
            let place = format!("alias_domains[{n}]");
            if *name == self.spec.domain {
                self.wrong(&place, format!("{name} is the domain itself"));
            }
            if !seen.insert(name) {
                self.wrong(&place, format!("{name} is named twice"));
            }
        }
    }

    fn relays(&mut self) {
        let spec = self.spec;
        let of_mailboxes = spec.mailboxes.iter().enumerate();
        let of_mailboxes =
            of_mailboxes.filter_map(|(n, one)| Some((format!("mailboxes[{n}].relay"), one.relay.as_ref()?)));
        let all: Vec<(String, &Relay)> =
            spec.relay.iter().map(|relay| ("relay".to_owned(), relay)).chain(of_mailboxes).collect();
        for (place, relay) in all {
            if relay.port == 0 {
                self.wrong(format!("{place}.port"), "0 is no port; submission has 587 or 465");
            }
            if relay.user.is_empty() || relay.user.chars().any(|c| c.is_control() || c == ':') {
                self.wrong(
                    format!("{place}.user"),
                    "it has to be a user name without colons and control characters",
                );
            }
        }
    }

    fn spam(&mut self) {
        let policy = &self.spec.spam;
        let mut seen = HashSet::new();
        let all = [("allow", &policy.allow), ("block", &policy.block)];
        for (list, patterns) in all {
            for (n, pattern) in patterns.iter().enumerate() {
                let place = format!("spam.{list}[{n}]");
                if !is_pattern(pattern) {
                    self.wrong(
                        &place,
                        format!("{pattern:?} has to be an address or *@domain, in lower case"),
                    );
                }
                if !seen.insert(pattern) {
                    self.wrong(&place, format!("{pattern:?} is named twice"));
                }
            }
        }
    }

    fn records(&mut self) {
        let dns = &self.spec.dns;
        if !(1..=604_800).contains(&dns.ttl) {
            self.wrong("dns.ttl", format!("{} has to be 1 to 604800 seconds", dns.ttl));
        }
        for (n, network) in dns.spf.networks.iter().enumerate() {
            if !is_network(network) {
                let place = format!("dns.spf.networks[{n}]");
                self.wrong(place, format!("{network:?} has to be an address or a network like 192.0.2.0/24"));
            }
        }
        for (n, tlsa) in dns.tlsa.iter().enumerate() {
            let (place, digest) = (format!("dns.tlsa[{n}]"), &tlsa.digest);
            if ![2, 3].contains(&tlsa.usage) || tlsa.selector > 1 || ![1, 2].contains(&tlsa.matching) {
                self.wrong(&place, "usage has to be 2 or 3, selector 0 or 1, matching 1 or 2");
            } else if digest.len() != if tlsa.matching == 1 { 64 } else { 128 }
                || !digest.bytes().all(|b| b.is_ascii_hexdigit())
            {
                self.wrong(
                    format!("{place}.digest"),
                    "it has to be 64 hex digits for SHA-256, 128 for SHA-512",
                );
            }
        }
        if let Some(policy) = &dns.mta_sts
            && !(1..=31_557_600).contains(&policy.max_age)
        {
            self.wrong("dns.mta_sts.max_age", format!("{} has to be 1 to 31557600 seconds", policy.max_age));
        }
    }
}

fn is_pattern(pattern: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_*@.+".contains(&b);
    if !pattern.bytes().all(fits) {
        return false;
    }
    match pattern.strip_prefix("*@") {
        Some(domain) => domain.parse::<DomainName>().is_ok(),
        None => pattern.parse::<Address>().is_ok(),
    }
}

/// Tells whether a text is an address or a network without bits set behind its length.
fn is_network(text: &str) -> bool {
    let (address, length) =
        text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let Some(length) = length else { return true };
    let is_number = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
    let (bits, most) = match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    match length.parse::<u32>() {
        Ok(length) if is_number && length <= most => bits.checked_shl(length).unwrap_or_default() == 0,
        _ => false,
    }
}

/// What mail systems keep of a name.
const MAX_LINE: usize = 255;
