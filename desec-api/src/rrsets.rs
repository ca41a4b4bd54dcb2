//! RRsets: `/domains/{name}/rrsets/`.

use futures_core::Stream;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

use crate::{
    Client, DomainName, Error, Missing, RecordType, RrSetPatch, SubName, Timestamp, Ttl,
    call::Call,
    checks::{Outgoing, body},
    http::{HttpResponse, Method},
    pace::Scope,
    pagination::List,
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

    /// Returns one RRset (`GET /domains/{name}/rrsets/{subname}/{type}/`).
    ///
    /// It costs one read, as the whole [`zone`](Self::zone) does: for several, read the zone.
    ///
    /// # Errors
    /// [`Error::NotFound`]: its `missing` tells whether there is no such RRset or no such domain in this
    /// account. What the server manages itself (SOA, RRSIG, ..) is no RRset.
    pub async fn rrset(
        &self,
        domain: &DomainName,
        subname: &SubName,
        rtype: &RecordType,
    ) -> Result<RrSet, Error> {
        let one = One::new(domain, subname, rtype);
        let path = one.path();
        let call = Call::read("read the RRset", &one.subject, &path);
        let response = self.call(&call).await?;
        one.decode(&call, &response)
    }

    /// Creates an RRset that does not exist yet (`POST /domains/{name}/rrsets/`).
    ///
    /// Records are sent in the form in which the server stores them ([`canonical`](crate::canonical)). A
    /// dropped call may have been executed. Where the RRset may exist,
    /// [`patch_rrsets`](Self::patch_rrsets) makes it as it shall be and can be repeated.
    ///
    /// # Errors
    /// - [`Error::InvalidInput`], before anything is sent, for what the server cannot accept; it names the
    ///   RRset and the record.
    /// - [`Error::Invalid`] if the server refuses the RRset; [`Error::already_exists`] tells whether because
    ///   it exists, also after an [`Error::Conflict`] with another writer.
    /// - [`Error::NotFound`] if the domain does not exist or belongs to another account.
    /// - [`Error::Unknown`] if the server failed or the link was lost: read the RRset.
    pub async fn create_rrset(&self, domain: &DomainName, set: &NewRrSet) -> Result<RrSet, Error> {
        let outgoing = Outgoing::new(domain, set)?.filled()?;
        let one = One::new(domain, &set.subname, &set.rtype);
        let path = ["domains", domain.as_str(), "rrsets"];
        let scope = Scope::Write(domain.clone());
        let call = Call {
            body: Some(body("RRset", &outgoing)?),
            ..Call::write("create the RRset", &one.subject, Method::Post, &path, scope)
        };
        let response = self.call(&call).await?;
        one.decode(&call, &response)
    }

    /// Replaces an RRset that exists (`PUT /domains/{name}/rrsets/{subname}/{type}/`), and returns it.
    ///
    /// Without records the RRset is deleted, and nothing is returned. The server wants a time to live that
    /// the domain allows even then. Repeating the call is safe. A dropped call may have been executed.
    ///
    /// # Errors
    /// As for [`create_rrset`](Self::create_rrset); [`Error::NotFound`] also if there is no such RRset.
    pub async fn replace_rrset(&self, domain: &DomainName, set: &NewRrSet) -> Result<Option<RrSet>, Error> {
        let outgoing = Outgoing::new(domain, set)?;
        self.write_rrset(domain, Method::Put, &outgoing, body("RRset", &outgoing)?).await
    }

    /// Changes parts of an RRset that exists (`PATCH /domains/{name}/rrsets/{subname}/{type}/`), and returns it.
    ///
    /// With an empty list of records the RRset is deleted, and nothing is returned. Repeating the call is safe;
    /// a deleted RRset is [`Error::NotFound`] then. A dropped call may have been executed.
    ///
    /// # Errors
    /// As for [`create_rrset`](Self::create_rrset); [`Error::NotFound`] also if there is no such RRset.
    pub async fn patch_rrset(&self, domain: &DomainName, patch: &RrSetPatch) -> Result<Option<RrSet>, Error> {
        let outgoing = Outgoing::patch(domain, patch)?;
        let parts = Parts { ttl: outgoing.ttl, records: outgoing.records.as_deref() };
        self.write_rrset(domain, Method::Patch, &outgoing, body("RRset", &parts)?).await
    }

    /// Deletes an RRset (`DELETE /domains/{name}/rrsets/{subname}/{type}/`).
    ///
    /// It is no error if there is none. Repeating the call is safe. A dropped call may have been executed.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if the domain does not exist or belongs to another account.
    /// - [`Error::Forbidden`] if a policy of the token does not allow it.
    /// - [`Error::Invalid`] for the NS records of a domain below `dedyn.io`.
    /// - [`Error::Unknown`] if the server failed or the link was lost: just repeat.
    pub async fn delete_rrset(
        &self,
        domain: &DomainName,
        subname: &SubName,
        rtype: &RecordType,
    ) -> Result<(), Error> {
        let one = One::new(domain, subname, rtype);
        let (path, scope) = (one.path(), Scope::Write(domain.clone()));
        self.call(&Call::write("delete the RRset", &one.subject, Method::Delete, &path, scope)).await?;
        Ok(())
    }

    async fn write_rrset(
        &self,
        domain: &DomainName,
        method: Method,
        set: &Outgoing<'_>,
        body: Vec<u8>,
    ) -> Result<Option<RrSet>, Error> {
        let one = One::new(domain, set.subname, set.rtype);
        let (path, scope) = (one.path(), Scope::Write(domain.clone()));
        let call =
            Call { body: Some(body), ..Call::write("write the RRset", &one.subject, method, &path, scope) };
        let response = self.call(&call).await?;
        if set.is_deletion() {
            return Ok(None);
        }
        one.decode(&call, &response).map(Some)
    }
}

/// An RRset: all records of one name and type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// The address of one RRset.
struct One<'a> {
    domain: &'a DomainName,
    /// Of URLs: `@` is the apex.
    subname: String,
    rtype: &'a RecordType,
    /// What errors call it.
    subject: String,
}

impl<'a> One<'a> {
    fn new(domain: &'a DomainName, subname: &SubName, rtype: &'a RecordType) -> Self {
        let subject = format!("{} {rtype}", subname.absolute(domain));
        Self { domain, subname: subname.to_string(), rtype, subject }
    }

    fn path(&self) -> [&str; 5] {
        ["domains", self.domain.as_str(), "rrsets", &self.subname, self.rtype.as_str()]
    }

    fn decode(&self, call: &Call<'_>, response: &HttpResponse) -> Result<RrSet, Error> {
        let set: RrSet = call.json(response)?;
        if set.subname.to_string() == self.subname && set.rtype == *self.rtype {
            Ok(set)
        } else {
            Err(call.not_understood("the answer is about another RRset"))
        }
    }
}

#[derive(Serialize)]
struct Parts<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<Ttl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<&'a [String]>,
}
