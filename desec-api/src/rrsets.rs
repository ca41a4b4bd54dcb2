//! RRsets: `/domains/{name}/rrsets/`.

use std::collections::{HashMap, HashSet};

use futures_core::Stream;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

use crate::{
    Client, DomainName, Error, Missing, RecordType, SubName, Timestamp, Ttl, call::Call,
    canonical::canonical, http::Method, pace::Scope, pagination::List,
};

impl Client {
    /// Lists the RRsets of `domain` that match `filter`, newest first, a page at a time as the stream is read
    /// (`GET /domains/{name}/rrsets/`).
    ///
    /// Records that the server manages (SOA, RRSIG, ..) are not part of it. Each 500 RRsets cost one read. The
    /// stream ends after its first error: [`Error::NotFound`] if the domain does not exist or belongs to
    /// another account.
    pub fn rrsets(
        &self,
        domain: &DomainName,
        filter: &RrSetFilter,
    ) -> impl Stream<Item = Result<RrSet, Error>> + Send + use<> {
        let subname = filter.subname.iter().map(|name| ("subname", name.as_str().to_owned()));
        let rtype = filter.rtype.iter().map(|rtype| ("type", rtype.to_string()));
        self.pages(List {
            operation: "read the RRsets of",
            subject: domain.to_string(),
            path: vec!["domains".into(), domain.to_string(), "rrsets".into()],
            query: subname.chain(rtype).collect(),
            scope: Scope::Read,
            absent: Missing::Domain,
        })
    }

    /// Returns all RRsets of the zone of `domain`, newest first (`GET /domains/{name}/rrsets/`).
    ///
    /// Records that the server manages (SOA, RRSIG, ..) are not part of it. Each 500 RRsets cost one read.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the domain does not exist or belongs to another account.
    pub async fn zone(&self, domain: &DomainName) -> Result<Vec<RrSet>, Error> {
        self.rrsets(domain, &RrSetFilter::default()).try_collect().await
    }

    /// Creates, changes and deletes RRsets of `domain` in one request, all of them or none
    /// (`PATCH /domains/{name}/rrsets/`).
    ///
    /// Each patch replaces its RRset as a whole: records that are not in it are gone. RRsets without a
    /// patch stay as they are. Deletions come first, so that a CNAME can take the place of other types.
    /// Returns the RRsets as they are now, in the order of `patches`, without the deleted ones. Without
    /// patches nothing is sent. Repeating the call is safe. A dropped call may have been executed.
    ///
    /// The server takes about 10 ms for each RRset and must be done within 60 seconds: 500 at a time are
    /// prudent.
    ///
    /// # Errors
    /// - [`Error::InvalidInput`], before anything is sent, for two patches of one RRset, for types, names
    ///   and sizes that the server cannot accept, and for a request larger than 1 MiB.
    /// - [`Error::Invalid`] if the server refuses an item, for one because of
    ///   [`Domain::minimum_ttl`](crate::Domain::minimum_ttl).
    /// - [`Error::Unknown`] if the server failed or the link was lost: read the zone, or just repeat.
    ///
    /// ```
    /// use desec_api::{DomainName, FakeDesec, RecordType, RrSetPatch, SubName, Ttl};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let (domain, ttl): (DomainName, _) = ("example.com".parse()?, Ttl::new(3600)?);
    /// let fake = FakeDesec::new();
    /// fake.add_domain(&domain, ttl);
    ///
    /// let mx = RrSetPatch::new(SubName::apex(), RecordType::Mx)
    ///     .with_ttl(ttl)
    ///     .with_records(["010 mail.example.com.".into()]);
    /// let old = RrSetPatch::delete("old".parse()?, RecordType::A);
    ///
    /// let now = fake.client()?.patch_rrsets(&domain, &[mx, old]).await?;
    /// assert_eq!(now.len(), 1);
    /// assert_eq!(now[0].records, ["10 mail.example.com."]);
    /// # Ok::<(), desec_api::Error>(()) }).unwrap();
    /// ```
    pub async fn patch_rrsets(
        &self,
        domain: &DomainName,
        patches: &[RrSetPatch],
    ) -> Result<Vec<RrSet>, Error> {
        if patches.is_empty() {
            return Ok(Vec::new());
        }
        check(domain, patches)?;
        let body = serde_json::to_vec(patches).map_err(|error| refuse(error.to_string()))?;
        if body.len() > MAX_BODY {
            let size = body.len();
            return Err(refuse(format!("the request has {size} bytes, more than 1 MiB; split it")));
        }
        let path = ["domains", domain.as_str(), "rrsets"];
        let scope = Scope::Write(domain.clone());
        let call = Call {
            body: Some(body),
            items: patches.len(),
            ..Call::write("write RRsets of", domain.as_str(), Method::Patch, &path, scope)
        };
        let response = self.call(&call).await?;
        let answered: Vec<RrSet> = call.json(&response)?;
        in_order(patches, answered)
            .ok_or_else(|| call.not_understood("the answer leaves out an RRset that was written"))
    }
}

/// An RRset: all records of one name and type.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct RrSet {
    /// The name, relative to the domain.
    pub subname: SubName,
    /// The type.
    #[serde(rename = "type")]
    pub rtype: RecordType,
    /// The time to live. Records written by dynDNS have 60 seconds, below what may be written here.
    pub ttl: Ttl,
    /// The contents in canonical form, in no particular order: compare them by
    /// [`same_records`](crate::same_records).
    pub records: Vec<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last written, also without any change; may lag in the answer to a write.
    pub touched: Timestamp,
}

/// Which RRsets a list shall have; all of them by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RrSetFilter {
    subname: Option<SubName>,
    rtype: Option<RecordType>,
}

impl RrSetFilter {
    /// Asks for the RRsets of exactly this name only.
    pub fn with_subname(mut self, subname: SubName) -> Self {
        self.subname = Some(subname);
        self
    }

    /// Asks for the RRsets of this type only.
    pub fn with_rtype(mut self, rtype: RecordType) -> Self {
        self.rtype = Some(rtype);
        self
    }
}

/// A whole RRset as it shall be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRrSet {
    /// The name, relative to the domain.
    pub subname: SubName,
    /// The type.
    #[serde(rename = "type")]
    pub rtype: RecordType,
    /// The time to live.
    pub ttl: Ttl,
    /// The records, in presentation format (RFC 1035, section 5): names in them end in a dot, texts are quoted
    /// ([`txt`](crate::txt) does that).
    pub records: Vec<String>,
}

impl NewRrSet {
    /// Returns an RRset.
    pub fn new(
        subname: SubName,
        rtype: RecordType,
        ttl: Ttl,
        records: impl IntoIterator<Item = String>,
    ) -> Self {
        Self { subname, rtype, ttl, records: records.into_iter().collect() }
    }
}

/// What one RRset shall be: given parts replace, others stay.
///
/// A new RRset needs a time to live and records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RrSetPatch {
    subname: SubName,
    #[serde(rename = "type")]
    rtype: RecordType,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<Ttl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<Vec<String>>,
}

impl RrSetPatch {
    /// Returns a patch that changes nothing yet.
    pub fn new(subname: SubName, rtype: RecordType) -> Self {
        Self { subname, rtype, ttl: None, records: None }
    }

    /// Returns a patch that deletes the RRset, if there is one.
    pub fn delete(subname: SubName, rtype: RecordType) -> Self {
        Self::new(subname, rtype).with_records([])
    }

    /// Sets the time to live.
    pub fn with_ttl(mut self, ttl: Ttl) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Sets the records, in presentation format (RFC 1035, section 5); none delete the RRset.
    ///
    /// Names in them end in a dot, texts are quoted: [`txt`](crate::txt) does that.
    pub fn with_records(mut self, records: impl IntoIterator<Item = String>) -> Self {
        self.records = Some(records.into_iter().collect());
        self
    }

    /// Returns the name, relative to the domain.
    pub fn subname(&self) -> &SubName {
        &self.subname
    }

    /// Returns the type.
    pub fn rtype(&self) -> &RecordType {
        &self.rtype
    }

    /// Returns whether the patch deletes the RRset.
    pub fn is_deletion(&self) -> bool {
        self.records.as_ref().is_some_and(Vec::is_empty)
    }
}

pub(crate) fn check(domain: &DomainName, patches: &[RrSetPatch]) -> Result<(), Error> {
    let mut seen = HashSet::new();
    for patch in patches {
        let RrSetPatch { subname, rtype, .. } = patch;
        let problem =
            if seen.insert((subname, rtype)) { flaw(domain, patch) } else { Some("it is given twice") };
        if let Some(problem) = problem {
            return Err(refuse(format!("{subname} {rtype}: {problem}")));
        }
    }
    Ok(())
}

// The limits of the server that do not depend on its data.
fn flaw(domain: &DomainName, patch: &RrSetPatch) -> Option<&'static str> {
    let records = patch.records.as_deref().unwrap_or_default();
    let (apex, name) = (patch.subname.is_apex(), patch.subname.absolute(domain));
    if patch.rtype.as_str().parse().ok().as_ref() != Some(&patch.rtype) {
        return Some("the type is not spelled as parsing spells it");
    }
    if MANAGED.contains(&patch.rtype.as_str()) {
        return Some("the server manages this type itself");
    }
    if name.len() > MAX_NAME {
        return Some("the name with its domain is longer than 255 characters");
    }
    if records.iter().any(|record| record.trim().is_empty()) {
        return Some("a record is empty");
    }
    match patch.rtype {
        RecordType::Cname | RecordType::Dname if records.len() > 1 => {
            return Some("only one record is possible");
        }
        RecordType::Cname | RecordType::Ds if apex && !records.is_empty() => {
            return Some("this type is not possible at the apex");
        }
        RecordType::Dnskey if !apex && !records.is_empty() => {
            return Some("this type is possible at the apex only");
        }
        _ => {}
    }
    let length = |record: &String| canonical(&patch.rtype, record).map_or(record.len(), |text| text.len());
    let size = 288 + name.len() + records.iter().map(|record| 12 + length(record)).sum::<usize>();
    (size > MAX_RRSET).then_some("the records together are larger than 64 KiB")
}

// The server answers in any order: an answer belongs to the patch of its name and type.
fn in_order(patches: &[RrSetPatch], answered: Vec<RrSet>) -> Option<Vec<RrSet>> {
    let mut answered: HashMap<_, _> =
        answered.into_iter().map(|set| ((set.subname.clone(), set.rtype.clone()), set)).collect();
    let mut take = |patch: &RrSetPatch| answered.remove(&(patch.subname.clone(), patch.rtype.clone()));
    patches.iter().filter(|patch| !patch.is_deletion()).map(&mut take).collect()
}

fn refuse(reason: String) -> Error {
    Error::InvalidInput { what: "RRsets", reason }
}

const MAX_BODY: usize = 1024 * 1024;
const MAX_NAME: usize = 255;
const MAX_RRSET: usize = 65_535;
const MANAGED: &[&str] = &["KEY", "NSEC", "NSEC3", "NSEC3PARAM", "OPT", "RRSIG", "SOA"];
