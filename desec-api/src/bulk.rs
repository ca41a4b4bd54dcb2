//! Many RRsets in one request: `/domains/{name}/rrsets/`.

use std::collections::HashMap;

use serde::Serialize;

use crate::{
    Client, DomainName, Error, NewRrSet, RecordType, RrSet, SubName, Ttl,
    call::Call,
    checks::{Outgoing, body, distinct},
    http::Method,
    pace::Scope,
};

impl Client {
    /// Creates RRsets of `domain` in one request, all of them or none (`POST /domains/{name}/rrsets/`).
    ///
    /// None of them may exist yet. Returns them in the order of `sets`. Without any nothing is sent. A dropped
    /// call may have been executed. For size and form see [`patch_rrsets`](Self::patch_rrsets), which also
    /// takes RRsets that exist and can be repeated.
    ///
    /// # Errors
    /// As for [`patch_rrsets`](Self::patch_rrsets); [`Error::InvalidInput`] also for an RRset without records.
    /// [`Error::already_exists`] tells whether one of them was there. After [`Error::Unknown`] read the zone.
    pub async fn create_rrsets(&self, domain: &DomainName, sets: &[NewRrSet]) -> Result<Vec<RrSet>, Error> {
        let sets = sets.iter().map(|set| Outgoing::new(domain, set)?.filled());
        self.write_rrsets("create RRsets of", domain, Method::Post, sets.collect::<Result<_, _>>()?).await
    }

    /// Creates, replaces and deletes RRsets of `domain` in one request, all of them or none
    /// (`PUT /domains/{name}/rrsets/`).
    ///
    /// RRsets that are not in `sets` stay as they are. One without records is deleted, if there is one; the
    /// server wants a time to live that the domain allows even then. Otherwise the same as
    /// [`patch_rrsets`](Self::patch_rrsets).
    ///
    /// # Errors
    /// As for [`patch_rrsets`](Self::patch_rrsets).
    pub async fn put_rrsets(&self, domain: &DomainName, sets: &[NewRrSet]) -> Result<Vec<RrSet>, Error> {
        let sets = sets.iter().map(|set| Outgoing::new(domain, set));
        self.write_rrsets("write RRsets of", domain, Method::Put, sets.collect::<Result<_, _>>()?).await
    }

    /// Creates, changes and deletes RRsets of `domain` in one request, all of them or none
    /// (`PATCH /domains/{name}/rrsets/`).
    ///
    /// Each patch replaces its RRset as a whole: records that are not in it are gone. RRsets without a
    /// patch stay as they are. Deletions come first, so that a CNAME can take the place of other types.
    /// Returns the RRsets as they are now, in the order of `patches`, without the deleted ones. Without
    /// patches nothing is sent. Repeating the call is safe. A dropped call may have been executed.
    ///
    /// Records are sent in the form in which the server stores them ([`canonical`](crate::canonical)).
    /// The server takes about 10 ms for each RRset and must be done within 60 seconds: 500 at a time are
    /// prudent.
    ///
    /// # Errors
    /// - [`Error::InvalidInput`], before anything is sent, for two patches of one RRset, for what the server
    ///   cannot accept (it names the RRset and the record), and for a request larger than 1 MiB.
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
        let sets = patches.iter().map(|patch| Outgoing::patch(domain, patch));
        self.write_rrsets("write RRsets of", domain, Method::Patch, sets.collect::<Result<_, _>>()?).await
    }

    async fn write_rrsets(
        &self,
        operation: &'static str,
        domain: &DomainName,
        method: Method,
        sets: Vec<Outgoing<'_>>,
    ) -> Result<Vec<RrSet>, Error> {
        if sets.is_empty() {
            return Ok(Vec::new());
        }
        distinct(&sets)?;
        let (path, scope) = (["domains", domain.as_str(), "rrsets"], Scope::Write(domain.clone()));
        // Never a query: a filter would hide what exists from the server's own comparison.
        let call = Call {
            body: Some(body("RRsets", &sets)?),
            items: sets.len(),
            ..Call::write(operation, domain.as_str(), method, &path, scope)
        };
        let response = self.call(&call).await?;
        in_order(&sets, call.json(&response)?)
            .ok_or_else(|| call.not_understood("the answer leaves out an RRset that was written"))
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

    /// Returns the time to live, if it is set.
    pub fn ttl(&self) -> Option<Ttl> {
        self.ttl
    }

    /// Returns the records, if they are set.
    pub fn records(&self) -> Option<&[String]> {
        self.records.as_deref()
    }

    /// Returns whether the patch deletes the RRset.
    pub fn is_deletion(&self) -> bool {
        self.records.as_ref().is_some_and(Vec::is_empty)
    }
}

// The server answers in any order: an answer belongs to the item of its name and type.
fn in_order(sets: &[Outgoing<'_>], answered: Vec<RrSet>) -> Option<Vec<RrSet>> {
    let mut answered: HashMap<_, _> =
        answered.into_iter().map(|set| ((set.subname.clone(), set.rtype.clone()), set)).collect();
    let kept = sets.iter().filter(|set| !set.is_deletion());
    kept.map(|set| answered.remove(&(set.subname.clone(), set.rtype.clone()))).collect()
}
