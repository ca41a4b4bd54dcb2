//! A typed client of the [Mailcow](https://mailcow.email) REST API: every route of it, from domains and mailboxes to
//! the quarantine and the logs, and answers that say what really happened.
//!
//! ```
//! use mailcow_api::{AliasAddress, DkimKeySpec, DomainName, FakeMailcow, MailboxAddress, Mib};
//! use mailcow_api::{NewAlias, NewDomain, NewMailbox, RateFrame, RateLimit};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Against a real server: Client::builder("https://mail.example.com", api_key).build()?
//! let client = FakeMailcow::new().client();
//! client.version().await?; // address, TLS and key are right
//!
//! let domain: DomainName = "agents.example.com".parse()?;
//! let wanted = NewDomain::new(domain.clone()).with_max_mailboxes(5000).with_max_aliases(10);
//! assert!(client.ensure_domain(&wanted).await?.differs.is_empty());
//! let key = client.ensure_dkim(&domain, &DkimKeySpec::new("dkim")?).await?.value;
//! println!("{}._domainkey.{domain} TXT {}", key.selector, key.txt);
//! client.set_domain_rate_limit(&domain, &RateLimit::new(100.try_into()?, RateFrame::Hour)).await?;
//!
//! let address: MailboxAddress = "agent-7@agents.example.com".parse()?;
//! let password = client.generate_password().await?;
//! let wanted = NewMailbox::new(address.clone(), password, Mib::new(64)).with_tags(["owner-42"]);
//! let mailbox = client.ensure_mailbox(&wanted).await?;
//! assert!(mailbox.differs.is_empty());
//! let limit = RateLimit::new(10.try_into()?, RateFrame::Minute);
//! client.set_mailbox_rate_limit(&address, &limit).await?;
//! // What is for nobody else comes here.
//! let alias = client.ensure_alias(&NewAlias::new(AliasAddress::catch_all(&domain), address)).await?;
//! println!("catch-all: {}", alias.outcome()); // created; unchanged at the next run
//! # Ok(())
//! # }
//! ```
//!
//! # What to know about Mailcow
//! - It answers HTTP 200 to most failures. A write of this crate is `Ok` only if the answer holds the success code of
//!   that very operation and no problem beside it; see [`Error`] for the rest.
//! - A lost or empty answer to a write leaves it open whether it was done: [`Error::Unknown`]. The `ensure_*` calls
//!   read back by themselves.
//! - What is refused has a [`Problem`] with a stable code and a sentence on what to do about it. Names, lists and numbers
//!   that Mailcow would take for something else are refused before anything is sent.
//! - Sizes are [`Mib`] in requests and [`Bytes`] in answers.
//! - Deletes on a server with thousands of mailboxes take half a minute, so they go out one by one and have a
//!   [deadline](ClientBuilder::deadline_of) of 120 s; [`ClientBuilder::concurrency`] bounds every kind of call.
//! - After one answer of HTTP 401 nothing is sent any more until [`Client::replace_key`]: Mailcow blocks the address of
//!   a host that goes on.
//! - Reads, and writes that are safe to repeat, are [retried](RetryPolicy); nothing else is.
//! - A call on several items tells of each whether it was done: [`Error::PartlyDone`].
//! - [`Client::search_mailboxes`] lists in pages; what has no method yet goes through [`Client::raw`].
//! - The limits of a domain do not hold among simultaneous creates, and an overrun domain refuses every edit. So one
//!   client creates mailboxes of a domain side by side only as far as the last [`Client::get_domain`] or
//!   [`Client::ensure_domain`] showed room for them, else one at a time.
//! - Fifteen of its 222 routes have no method: they belong to the session of the web page, or answer nothing to an API
//!   key. Passwords, keys and other secrets are in no `Debug`, no error and no log.
//!
//! # Features
//! None is on by default.
//! - `fake`: `FakeMailcow`, a stateful Mailcow in memory to test with.
//! - `fake-server`: the same over real HTTP on a loopback port.

mod address;
mod admins;
mod alias_domains;
mod aliases;
mod answer;
mod app_passwords;
mod bcc_destinations;
mod bcc_maps;
mod builder;
mod bulk;
mod capacity;
mod client;
mod cors;
mod dkim;
mod domain_admins;
mod domains;
mod door;
mod ensure;
mod error;
mod fail2ban;
#[cfg(feature = "fake")]
mod fake;
mod filters;
mod flag;
mod forwarding_hosts;
mod global_filters;
mod html;
mod http;
mod identity_provider;
mod ids;
mod input;
mod key;
mod logs;
mod loose;
mod mail_queue;
mod mailbox_bulk;
mod mailboxes;
mod mta_sts;
mod notifications;
mod oauth_clients;
mod password;
mod password_policy;
mod presets;
mod problem;
mod protocols;
mod quarantine;
mod quarantine_settings;
mod rate_limits;
mod raw;
mod recipient_maps;
mod relayhosts;
mod resources;
mod retry;
mod route;
mod rspamd;
mod search;
mod spam_policies;
mod status;
mod sync_job_requests;
mod sync_jobs;
mod tags;
mod temporary_aliases;
mod tls_policy_maps;
mod transports;
mod units;
mod words;

pub use address::{DomainName, MailboxAddress};
pub use admins::{Admin, AdminChange, AdminName, NewAdmin, NextLogin};
pub use alias_domains::{AliasDomain, AliasDomainChange, NewAliasDomain};
pub use aliases::{Alias, AliasAddress, AliasChange, AliasId, AliasTarget, NewAlias};
pub use app_passwords::{AppPassword, AppPasswordChange, AppPasswordId, NewAppPassword};
pub use bcc_destinations::BccDestinations;
pub use bcc_maps::{BccKind, BccMap, BccMapChange, BccMapId, NewBccMap};
pub use builder::ClientBuilder;
pub use bulk::PartlyDone;
pub use client::Client;
pub use cors::{Cors, CorsMethod};
pub use dkim::{Dkim, DkimKeySpec};
pub use domain_admins::{DomainAdmin, DomainAdminChange, DomainAdminRight, NewDomainAdmin};
pub use domains::{
    Domain, DomainChange, DomainFooter, DomainTemplate, DomainTemplateAttributes, DomainTemplateId,
    DomainTemplateSpec, NewDomain,
};
pub use ensure::{Ensured, How, Hub, NewHub, Outcome};
pub use error::Error;
pub use fail2ban::{BanAction, Fail2ban, Network};
#[cfg(feature = "fake-server")]
pub use fake::FakeServer;
#[cfg(feature = "fake")]
pub use fake::{FakeCall, FakeHealth, FakeLogin, FakeMailcow, Fault};
pub use filters::{Filter, FilterChange, FilterId, FilterKind, NewFilter};
pub use forwarding_hosts::ForwardingHost;
pub use global_filters::GlobalFilters;
pub use http::{HttpClient, HttpError, HttpRequest, HttpResponse, Method, ProxyCredential, ReqwestClient};
pub use identity_provider::{
    GenericOidc, IdentityProvider, IdentityProviderKind, IdentityProviderSettings, Keycloak, Ldap, LdapTls,
    OidcClient,
};
pub use logs::{LogEntry, LogKind, LogRows, LogTime, RspamdStats};
pub use mail_queue::{QueueId, QueuedMessage};
pub use mailboxes::{
    LastLogins, Mailbox, MailboxChange, MailboxSettings, MailboxStatus, MailboxTemplate,
    MailboxTemplateAttributes, MailboxTemplateId, MailboxTemplateSpec, NewMailbox, PushoverSettings,
    QuarantineCategory, QuarantineNotification, SaslLogin, SpamScore, TaggedMail, UserPermission, WebLogin,
};
pub use mta_sts::{MtaStsChange, MtaStsMode, MxPattern, NewMtaSts};
pub use notifications::{PasswordResetNotification, QuotaNotification};
pub use oauth_clients::{OauthClient, OauthClientId};
pub use password_policy::PasswordPolicy;
pub use presets::Preset;
pub use problem::{Problem, ProblemKind};
pub use protocols::Protocol;
pub use quarantine::{QuarantineId, QuarantineItem, QuarantinedMessage};
pub use quarantine_settings::{QuarantineSettings, ReleaseFormat};
pub use rate_limits::{DomainRateLimit, MailboxRateLimit, RateFrame, RateLimit};
pub use raw::{RawAction, RawCall};
pub use recipient_maps::{NewRecipientMap, RecipientMap, RecipientMapChange, RecipientMapId};
pub use relayhosts::{NewRelayhost, Relayhost, RelayhostChange, RelayhostId};
pub use resources::{Bookings, NewResource, Resource, ResourceChange, ResourceKind};
pub use retry::RetryPolicy;
pub use route::CallKind;
pub use rspamd::{NewRspamdSetting, RspamdAction, RspamdSetting, RspamdSettingChange, RspamdSettingId};
pub use search::{Page, SearchQuery};
pub use spam_policies::{SenderPattern, SpamList, SpamPolicy, SpamPolicyId};
pub use status::{Container, ContainerStats, HostAddresses, HostCpu, HostMemory, HostStatus, MailStorage};
pub use sync_job_requests::{NewSyncJob, SyncJobChange};
pub use sync_jobs::{SyncEncryption, SyncJob, SyncJobId};
pub use temporary_aliases::{NewTemporaryAlias, TemporaryAlias};
pub use tls_policy_maps::{NewTlsPolicyMap, TlsPolicy, TlsPolicyMap, TlsPolicyMapChange, TlsPolicyMapId};
pub use transports::{NewTransport, Transport, TransportChange, TransportId};
pub use units::{Bytes, Mib};
