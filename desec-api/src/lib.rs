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

mod call;
mod canonical;
mod client;
mod domains;
mod error;
#[cfg(feature = "fake")]
mod fake;
mod http;
mod names;
mod pace;
mod pagination;
mod plan;
mod problem;
mod rrsets;

pub use canonical::{canonical, same_records, txt};
pub use client::{Client, ClientBuilder};
pub use domains::{Domain, Key};
pub use error::{Credential, Error, ForbiddenBy, Missing};
#[cfg(feature = "fake-server")]
pub use fake::FakeServer;
#[cfg(feature = "fake")]
pub use fake::{FakeCall, FakeDesec, Fault};
pub use http::{HttpClient, HttpError, HttpRequest, HttpResponse, Method};
pub use names::{DomainName, RecordType, SubName, Timestamp, Ttl};
pub use pace::Scope;
pub use plan::{
    Applied, Change, Claim, Cost, Desired, Foreign, ForeignRecord, Kept, Plan, RrData, StaleRrSet,
};
pub use problem::{Problem, ProblemEntry, ProblemFormat};
pub use rrsets::{NewRrSet, RrSet, RrSetFilter, RrSetPatch};
