//! A typed client of the [deSEC] REST API, version 1.
//!
//! [`Client`] reads domains and zones and writes RRsets, many in one request, all of them or none. It keeps
//! the rate limits of the server by itself, and every failure says whether something may have happened
//! ([`Error::outcome_unknown`]) and whether repeating is safe ([`Error::is_retryable`]).
//!
//! With the feature `fake` there is `FakeDesec`, a deSEC in memory, for tests without any server.
//!
//! ```
//! use desec_api::{FakeDesec, DomainName, RecordType, RrSetPatch, Ttl, same_records, txt};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let domain: DomainName = "example.com".parse()?;
//! let fake = FakeDesec::new();
//! fake.add_domain(&domain, Ttl::new(3600)?);
//! let client = fake.client()?;
//!
//! let ttl = client.domain(&domain).await?.minimum_ttl;
//! let wanted = [txt("v=DMARC1; p=reject")];
//! let patch = RrSetPatch::new("_dmarc".parse()?, RecordType::Txt).with_ttl(ttl).with_records(wanted.clone());
//! client.patch_rrsets(&domain, &[patch]).await?;
//!
//! let zone = client.zone(&domain).await?;
//! let dmarc = zone.iter().find(|set| set.subname.as_str() == "_dmarc").expect("it was just written");
//! assert!(same_records(&dmarc.rtype, &dmarc.records, &wanted));
//! # Ok::<(), desec_api::Error>(()) }).unwrap();
//! ```
//!
//! [deSEC]: https://desec.readthedocs.io/

mod account;
mod bulk;
mod call;
mod canonical;
mod captcha;
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
pub use policies::{NewPolicy, Policy, PolicyLinks, PolicyPatch};
pub use problem::{Problem, ProblemEntry, ProblemFormat};
pub use rdata::{Caa, Ds, Fqdn, Mx, Rdata, Srv, Svcb, Tlsa, Txt, txt};
pub use registration::Registration;
pub use rrsets::{NewRrSet, RrSet, RrSetFilter};
pub use subnet::Subnet;
pub use tokens::{CreatedToken, NewToken, Token, TokenPatch};
pub use totp::{CreatedFactor, Factor, FactorCreation};
