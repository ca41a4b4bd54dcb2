//! What is checked and brought into the server's own form before RRsets are sent.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::{
    DomainName, Error, NewRrSet, RecordType, RrSetPatch, SubName, Ttl,
    canonical::{canonical, comparable},
};

/// An RRset as it is sent.
#[derive(Debug, Serialize)]
pub(crate) struct Outgoing<'a> {
    pub(crate) subname: &'a SubName,
    #[serde(rename = "type")]
    pub(crate) rtype: &'a RecordType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ttl: Option<Ttl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) records: Option<Vec<String>>,
}

impl<'a> Outgoing<'a> {
    /// Returns what is sent to make an RRset of `domain` as `set` says.
    pub(crate) fn new(domain: &DomainName, set: &'a NewRrSet) -> Result<Self, Error> {
        let NewRrSet { subname, rtype, ttl, records } = set;
        Self::checked(domain, subname, rtype, Some(*ttl), Some(records))
    }

    /// Returns what is sent to change an RRset of `domain` as `patch` says.
    pub(crate) fn patch(domain: &DomainName, patch: &'a RrSetPatch) -> Result<Self, Error> {
        Self::checked(domain, patch.subname(), patch.rtype(), patch.ttl(), patch.records())
    }

    fn checked(
        domain: &DomainName,
        subname: &'a SubName,
        rtype: &'a RecordType,
        ttl: Option<Ttl>,
        records: Option<&[String]>,
    ) -> Result<Self, Error> {
        let given = records.unwrap_or_default();
        let flawed = |reason: String| refuse(format!("{subname} {rtype}: {reason}"));
        if let Some(flaw) = flaw(domain, subname, rtype, given.len()) {
            return Err(flawed(flaw.into()));
        }
        if ttl.is_some_and(|ttl| Ttl::new(ttl.seconds()).is_err()) {
            return Err(flawed("the ttl must be 1 to 86400 seconds".into()));
        }
        let contents = given.iter().enumerate().map(|(n, record)| {
            content(rtype, record).map_err(|reason| flawed(format!("records.{n}: {reason}")))
        });
        let contents = contents.collect::<Result<Vec<_>, _>>()?;
        if let Some((n, first)) = repeated(rtype, &contents) {
            return Err(flawed(format!("records.{n}: it is the same as records.{first}")));
        }
        fit(domain, subname, rtype, &contents)?;
        Ok(Self { subname, rtype, ttl, records: records.map(|_| contents) })
    }

    pub(crate) fn is_deletion(&self) -> bool {
        self.records.as_ref().is_some_and(Vec::is_empty)
    }

    /// Refuses an RRset without records, which cannot be created.
    pub(crate) fn filled(self) -> Result<Self, Error> {
        if self.is_deletion() {
            let Self { subname, rtype, .. } = self;
            return Err(refuse(format!("{subname} {rtype}: a new RRset needs at least one record")));
        }
        Ok(self)
    }
}

/// Refuses records, in the server's own form, that are too large together.
pub(crate) fn fit(
    domain: &DomainName,
    subname: &SubName,
    rtype: &RecordType,
    contents: &[String],
) -> Result<(), Error> {
    let records_size: usize = contents.iter().map(|content| 12 + content.len()).sum();
    if 288 + subname.absolute(domain).len() + records_size > MAX_RRSET {
        return Err(refuse(format!("{subname} {rtype}: the records together are larger than 64 KiB")));
    }
    Ok(())
}

/// Refuses two items about the same RRset.
pub(crate) fn distinct(sets: &[Outgoing<'_>]) -> Result<(), Error> {
    let mut seen = HashSet::new();
    match sets.iter().find(|set| !seen.insert((set.subname, set.rtype))) {
        Some(Outgoing { subname, rtype, .. }) => Err(refuse(format!("{subname} {rtype}: it is given twice"))),
        None => Ok(()),
    }
}

/// Returns the body of a request about `what`; the server takes 1 MiB.
pub(crate) fn body(what: &'static str, value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let invalid = |reason: String| Error::InvalidInput { what, reason };
    let body = serde_json::to_vec(value).map_err(|error| invalid(error.to_string()))?;
    match body.len() {
        0..=MAX_BODY => Ok(body),
        size => Err(invalid(format!("the request has {size} bytes, more than 1 MiB; split it"))),
    }
}

// The limits of the server that do not depend on its data.
pub(crate) fn flaw(
    domain: &DomainName,
    subname: &SubName,
    rtype: &RecordType,
    records: usize,
) -> Option<&'static str> {
    if rtype.as_str().parse().ok().as_ref() != Some(rtype) {
        return Some("the type is not spelled as parsing spells it");
    }
    if MANAGED.contains(&rtype.as_str()) {
        return Some("the server manages this type itself");
    }
    if subname.absolute(domain).len() > MAX_NAME {
        return Some("the name with its domain is longer than 255 characters");
    }
    match rtype {
        RecordType::Cname | RecordType::Dname if records > 1 => Some("only one record is possible"),
        RecordType::Cname | RecordType::Ds if subname.is_apex() && records > 0 => {
            Some("this type is not possible at the apex")
        }
        RecordType::Dnskey if !subname.is_apex() && records > 0 => {
            Some("this type is possible at the apex only")
        }
        _ => None,
    }
}

pub(crate) fn content(rtype: &RecordType, record: &str) -> Result<String, String> {
    if record.trim().is_empty() {
        return Err("it is empty".into());
    }
    match canonical(rtype, record) {
        Ok(content) => Ok(content),
        Err(Error::InvalidInput { reason, .. }) => {
            // The type is named already.
            Err(reason.strip_prefix(&format!("{rtype}: ")).map_or(reason.clone(), Into::into))
        }
        Err(other) => Err(other.to_string()),
    }
}

// The server refuses records that differ in the letter case of names only.
fn repeated(rtype: &RecordType, contents: &[String]) -> Option<(usize, usize)> {
    let mut seen = HashMap::new();
    let mut first = |(n, content): (usize, &String)| {
        let before = *seen.entry(comparable(rtype, content)).or_insert(n);
        (before < n).then_some((n, before))
    };
    contents.iter().enumerate().find_map(&mut first)
}

fn refuse(reason: String) -> Error {
    Error::InvalidInput { what: "RRsets", reason }
}

const MAX_BODY: usize = 1024 * 1024;
const MAX_NAME: usize = 255;
const MAX_RRSET: usize = 65_535;
const MANAGED: &[&str] = &["KEY", "NSEC", "NSEC3", "NSEC3PARAM", "OPT", "RRSIG", "SOA"];
