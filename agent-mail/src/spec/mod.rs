//! What a mail domain is wanted to be: plain values that can be written down, compared and stored.

mod check;
mod dns;

use mail_access::{Address, DomainName};
use serde::{Deserialize, Serialize};

pub use dns::{
    CaaIssuer, DmarcOptions, DmarcPolicy, DnsOptions, MtaSts, MtaStsMode, Service, SpfAll, SpfOptions, Tlsa,
};

use crate::AgentId;

/// The desired state of one mail domain, on the mail system and in the DNS.
///
/// It names what has to be there. What is there beside it stays, unless [`prune`](Self::prune) says otherwise.
///
/// ```
/// use agent_mail::{DomainSpec, MailboxEntry};
///
/// let spec = DomainSpec::new("shop.example".parse()?, "mail.shop.example".parse()?)
///     .with_mailbox(MailboxEntry::new("ada@shop.example".parse()?).with_name("Ada"));
/// let text = serde_json::to_string(&spec)?;
/// assert_eq!(serde_json::from_str::<DomainSpec>(&text)?, spec);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DomainSpec {
    /// The domain.
    pub domain: DomainName,
    /// The host that its MX names.
    pub mail_host: DomainName,
    /// What people read beside its name.
    #[serde(default)]
    pub description: String,
    /// Whether mail is taken and logins work; a domain that is switched off keeps its data.
    #[serde(default = "yes")]
    pub active: bool,
    /// What the domain may hold and send.
    #[serde(default)]
    pub limits: DomainLimits,
    /// The key that its mail is signed with.
    #[serde(default)]
    pub dkim: DkimOptions,
    /// The agents of the program that live in it; each is provisioned as
    /// [`AgentMail::provision`](crate::AgentMail::provision) does.
    #[serde(default)]
    pub agents: Vec<AgentId>,
    /// The mailboxes of people.
    #[serde(default)]
    pub mailboxes: Vec<MailboxEntry>,
    /// The addresses that are no mailbox and lead elsewhere.
    #[serde(default)]
    pub aliases: Vec<AliasEntry>,
    /// The mailboxes whose mail goes on to others.
    #[serde(default)]
    pub forwards: Vec<ForwardEntry>,
    /// Who gets the mail of all addresses that don't exist; empty for nobody.
    #[serde(default)]
    pub catch_all: Vec<Address>,
    /// Other names of the same domain: `x@alias` is `x@domain`.
    #[serde(default)]
    pub alias_domains: Vec<DomainName>,
    /// The host through which mail to the outside leaves, where it can't leave by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay: Option<Relay>,
    /// Whose mail is always taken and whose never.
    #[serde(default)]
    pub spam: SpamPolicy,
    /// Which records the domain has in the DNS.
    #[serde(default)]
    pub dns: DnsOptions,
    /// Whether mailboxes, aliases, forwards and alias domains that an earlier plan made and this specification no
    /// longer names are removed. What others made is never removed.
    #[serde(default)]
    pub prune: bool,
}

impl DomainSpec {
    /// Describes a domain without mailboxes and with the usual options.
    pub fn new(domain: DomainName, mail_host: DomainName) -> Self {
        Self {
            domain,
            mail_host,
            description: String::new(),
            active: true,
            limits: DomainLimits::default(),
            dkim: DkimOptions::default(),
            agents: Vec::new(),
            mailboxes: Vec::new(),
            aliases: Vec::new(),
            forwards: Vec::new(),
            catch_all: Vec::new(),
            alias_domains: Vec::new(),
            relay: None,
            spam: SpamPolicy::default(),
            dns: DnsOptions::default(),
            prune: false,
        }
    }

    /// Adds an agent.
    pub fn with_agent(mut self, agent: AgentId) -> Self {
        self.agents.push(agent);
        self
    }

    /// Adds a mailbox.
    pub fn with_mailbox(mut self, mailbox: MailboxEntry) -> Self {
        self.mailboxes.push(mailbox);
        self
    }

    /// Adds an alias.
    pub fn with_alias(mut self, alias: AliasEntry) -> Self {
        self.aliases.push(alias);
        self
    }

    /// Adds a forward.
    pub fn with_forward(mut self, forward: ForwardEntry) -> Self {
        self.forwards.push(forward);
        self
    }

    /// Sets who gets the mail of all addresses that don't exist.
    pub fn with_catch_all(mut self, targets: impl IntoIterator<Item = Address>) -> Self {
        self.catch_all = targets.into_iter().collect();
        self
    }

    /// Sets the host through which mail to the outside leaves.
    pub fn with_relay(mut self, relay: Relay) -> Self {
        self.relay = Some(relay);
        self
    }

    /// Sets the records in the DNS.
    pub fn with_dns(mut self, dns: DnsOptions) -> Self {
        self.dns = dns;
        self
    }
}

/// What a domain may hold and send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct DomainLimits {
    /// How many mailboxes.
    pub mailboxes: u32,
    /// How many aliases.
    pub aliases: u32,
    /// What a mailbox may hold unless it says otherwise, in MiB.
    pub default_quota_mib: u32,
    /// The most that a mailbox may hold, in MiB.
    pub max_quota_mib: u32,
    /// What all mailboxes together may hold, in MiB.
    pub total_quota_mib: u32,
    /// How many messages the domain may send in an hour; `None` sets no limit.
    pub hourly_limit: Option<u32>,
}

impl Default for DomainLimits {
    /// 1000 mailboxes of 256 MiB, at most 10 GiB each, 400 aliases, no limit on sending.
    fn default() -> Self {
        Self {
            mailboxes: 1000,
            aliases: 400,
            default_quota_mib: 256,
            max_quota_mib: 10_240,
            total_quota_mib: 256_000,
            hourly_limit: None,
        }
    }
}

/// The key that a domain's mail is signed with (RFC 6376).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct DkimOptions {
    /// The selector of a key that has to be made. A key that is there keeps its own.
    pub selector: String,
    /// The size in bits of a key that has to be made, 2048 or 4096.
    pub bits: u32,
}

impl Default for DkimOptions {
    /// A key of 2048 bits under `dkim`.
    fn default() -> Self {
        Self { selector: "dkim".to_owned(), bits: 2048 }
    }
}

/// The mailbox of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MailboxEntry {
    /// The address, which is the login too.
    pub address: Address,
    /// The name that people read.
    #[serde(default)]
    pub name: String,
    /// How much it may hold in MiB; `None` for the domain's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_mib: Option<u32>,
    /// How many messages it may send in an hour; `None` sets no limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hourly_limit: Option<u32>,
    /// Whether it takes mail and its login works.
    #[serde(default = "yes")]
    pub active: bool,
    /// Whether the person has to choose a password at the first login to the web interface.
    #[serde(default = "yes")]
    pub must_change_password: bool,
    /// The host through which its mail leaves; `None` for the domain's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay: Option<Relay>,
}

impl MailboxEntry {
    /// Describes a mailbox with the domain's usual limits, whose first password has to be changed.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            name: String::new(),
            quota_mib: None,
            hourly_limit: None,
            active: true,
            must_change_password: true,
            relay: None,
        }
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

    /// Sets how many messages it may send in an hour.
    pub fn with_hourly_limit(mut self, messages: u32) -> Self {
        self.hourly_limit = Some(messages);
        self
    }

    /// Sets the host through which its mail leaves.
    pub fn with_relay(mut self, relay: Relay) -> Self {
        self.relay = Some(relay);
        self
    }
}

/// An address that is no mailbox and leads to others, in this domain or elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AliasEntry {
    /// The address.
    pub address: Address,
    /// Where its mail goes; at least one.
    pub targets: Vec<Address>,
}

impl AliasEntry {
    /// Describes an alias.
    pub fn new(address: Address, targets: impl IntoIterator<Item = Address>) -> Self {
        Self { address, targets: targets.into_iter().collect() }
    }
}

/// A mailbox whose mail goes on to others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardEntry {
    /// The mailbox.
    pub address: Address,
    /// Where its mail goes; at least one.
    pub targets: Vec<Address>,
    /// Whether the mailbox keeps a copy.
    #[serde(default = "yes")]
    pub keep_copy: bool,
}

impl ForwardEntry {
    /// Describes a forward that leaves a copy in the mailbox.
    pub fn new(address: Address, targets: impl IntoIterator<Item = Address>) -> Self {
        Self { address, targets: targets.into_iter().collect(), keep_copy: true }
    }

    /// Leaves no copy in the mailbox.
    pub fn without_copy(mut self) -> Self {
        self.keep_copy = false;
        self
    }
}

/// A host that takes mail to the outside, with a login. The password is no part of a specification.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Relay {
    /// The host.
    pub host: DomainName,
    /// Its submission port.
    #[serde(default = "submission")]
    pub port: u16,
    /// The user name of the login.
    pub user: String,
    /// The domain that the SPF policy has to include so that its mail passes, `sendgrid.net`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spf_include: Option<DomainName>,
}

impl Relay {
    /// Describes a relay on port 587.
    pub fn new(host: DomainName, user: impl Into<String>) -> Self {
        Self { host, port: submission(), user: user.into(), spf_include: None }
    }

    /// Sets the port.
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets what the SPF policy has to include.
    pub fn with_spf_include(mut self, domain: DomainName) -> Self {
        self.spf_include = Some(domain);
        self
    }
}

/// Whose mail a domain always takes and whose never: addresses, or `*@domain`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SpamPolicy {
    /// The senders whose mail is never taken for spam.
    pub allow: Vec<String>,
    /// The senders whose mail is always taken for spam.
    pub block: Vec<String>,
}

impl SpamPolicy {
    /// Describes a policy.
    pub fn new(
        allow: impl IntoIterator<Item = impl Into<String>>,
        block: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            allow: allow.into_iter().map(Into::into).collect(),
            block: block.into_iter().map(Into::into).collect(),
        }
    }
}

fn yes() -> bool {
    true
}

fn submission() -> u16 {
    587
}
