//! A typed client of the [deSEC] REST API, version 1.
//!
//! [`Client::ensure`] makes a zone what it shall be, in one read and at most one write: deSEC allows 300 writes
//! a day for each domain, and none is spent on what is already there. [`Desired`] says what is wanted and
//! what of the zone belongs to the caller; everything else stays. [`Client::plan`] and [`Client::apply`] do the
//! same in two steps, with a [`Plan`] to look at in between. Below that, [`Client`] reads domains and zones and
//! writes RRsets, many in one request, all of them or none.
//!
//! The client keeps the rate limits of the server by itself, and every failure says whether something may have
//! happened ([`Error::outcome_unknown`]) and whether repeating is safe ([`Error::is_retryable`]).
//!
//! With the feature `fake` there is `FakeDesec`, a deSEC in memory, for tests without any server. Here it is
//! given all that a mail domain publishes:
//!
//! ```
//! use desec_api::{Claim, Desired, DomainName, FakeDesec, Foreign, NewRrSet, RecordType, SubName, Ttl, txt};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let domain: DomainName = "example.com".parse()?;
//! let fake = FakeDesec::new();
//! fake.add_domain(&domain, Ttl::new(3600)?);
//! fake.put(&domain, &SubName::apex(), &RecordType::Txt, Ttl::new(3600)?, &[txt("owner=someone")]);
//! let client = fake.client()?;
//!
//! let ttl = client.domain(&domain).await?.minimum_ttl;
//! let set = |subname: &str, rtype, content: &str| -> Result<NewRrSet, desec_api::Error> {
//!     Ok(NewRrSet::new(subname.parse()?, rtype, ttl, [content.to_owned()]))
//! };
//! let key = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA".repeat(9);
//! let digest = "8BF1C5F7 2D9C0A3E 5B6D7E8F 90A1B2C3 D4E5F607 18293A4B 5C6D7E8F 90A1B2C3";
//! let sets = [
//!     set("", RecordType::Mx, "10 mail.example.com.")?,
//!     set("", RecordType::Txt, &txt("v=spf1 mx -all"))?,
//!     set("", RecordType::Caa, r#"0 issue "letsencrypt.org""#)?,
//!     set("mail", RecordType::A, "192.0.2.25")?,
//!     set("mail", RecordType::Aaaa, "2001:DB8::25")?,
//!     set("dkim._domainkey", RecordType::Txt, &txt(&format!("v=DKIM1; k=rsa; p={key}")))?,
//!     set("_dmarc", RecordType::Txt, &txt("v=DMARC1; p=reject; rua=mailto:dmarc@example.com"))?,
//!     set("_submissions._tcp", RecordType::Srv, "0 1 465 mail.example.com.")?,
//!     set("_imaps._tcp", RecordType::Srv, "0 1 993 mail.example.com.")?,
//!     set("_25._tcp.mail", RecordType::Tlsa, &format!("3 1 1 {digest}"))?,
//!     set("autoconfig", RecordType::Cname, "mail.example.com.")?,
//!     set("_mta-sts", RecordType::Txt, &txt("v=STSv1; id=20260101"))?,
//!     set("mta-sts", RecordType::Cname, "mail.example.com.")?,
//! ];
//! let desired = Desired::new(sets)
//!     .owning(Claim::records(SubName::apex(), RecordType::Txt, "v=spf1"))
//!     .on_foreign(Foreign::Merge);
//!
//! println!("{}", client.plan(&domain, &desired).await?);
//! let first = client.ensure(&domain, &desired).await?;
//! assert_eq!((first.changes.len(), first.writes), (13, 1));
//!
//! // The server spells some of it in its own way. Nevertheless the second run reads once and writes nothing.
//! let before = fake.calls().len();
//! let second = client.ensure(&domain, &desired).await?;
//! assert_eq!((second.writes, fake.calls().len() - before), (0, 1));
//! # Ok::<(), desec_api::Error>(()) }).unwrap();
//! ```
//!
//! [deSEC]: https://desec.readthedocs.io/

mod account;
mod bulk;
mod call;
mod canonical;
mod captcha;
mod chance;
mod checks;
mod client;
mod confirmation;
mod domains;
mod duration;
mod dyndns;
mod email;
mod error;
#[cfg(feature = "fake")]
mod fake;
mod http;
mod ids;
mod login;
mod names;
mod pace;
mod pagination;
mod plan;
mod policies;
mod problem;
mod rdata;
mod registration;
mod root;
mod rrsets;
mod subnet;
mod text;
mod tokens;
mod totp;
mod zonefile;

pub use account::{Account, AccountPatch};
pub use bulk::RrSetPatch;
pub use canonical::{canonical, same_records};
pub use captcha::{Captcha, CaptchaKind, CaptchaSolution};
pub use client::{Client, ClientBuilder};
pub use confirmation::{Activation, ConfirmationCode};
pub use domains::{Domain, Ensured, Key, NewDomain};
pub use duration::TokenDuration;
pub use dyndns::{
    AddressChange, AddressError, AddressSource, Agreement, CheckIp, DynDns, DynDnsUpdate, IpAddress,
    IpNetwork, PublicAddress, PublicAddresses, RefreshError, Refresher, RefresherEvent, RefresherEvents,
    RefresherHandle,
};
pub use email::EmailAddress;
pub use error::{Credential, Error, ForbiddenBy, Missing};
#[cfg(feature = "fake-server")]
pub use fake::FakeServer;
#[cfg(feature = "fake")]
pub use fake::{FakeCall, FakeDesec, FakeMail, FakeReminder, Fault};
pub use http::{HttpClient, HttpError, HttpRequest, HttpResponse, Method};
pub use ids::{AccountId, CaptchaId, FactorId, PolicyId, TokenId};
pub use names::{DomainName, RecordType, SubName, Timestamp, Ttl};
pub use pace::{FilePaceStore, Pace, PaceEntry, PaceStore, PaceStoreError, Scope, Usage};
pub use plan::{
    Applied, Change, Claim, Cost, Desired, Foreign, ForeignRecord, Kept, Plan, RrData, StaleRrSet,
};
pub use policies::{NewPolicy, Policy, PolicyLinks, PolicyPatch};
pub use problem::{Problem, ProblemEntry, ProblemFormat};
pub use rdata::{Caa, Ds, Fqdn, Mx, Rdata, Srv, Svcb, Tlsa, Txt, txt};
pub use registration::Registration;
pub use rrsets::{NewRrSet, RrSet, RrSetFilter};
pub use subnet::Subnet;
pub use tokens::{CreatedToken, NewToken, Token, TokenPatch};
pub use totp::{CreatedFactor, Factor, FactorCreation};
