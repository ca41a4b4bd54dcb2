//! The stored zones.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    clock::{Moment, timestamp},
    state::AccountId,
};
use crate::{RecordType, RrSet, canonical::normalise};

pub(super) struct Zone {
    pub(super) owner: AccountId,
    pub(super) minimum_ttl: u32,
    pub(super) created: Moment,
    published: Option<Moment>,
    touched: Moment,
    /// By subname and type.
    pub(super) sets: BTreeMap<(String, String), Stored>,
}

pub(super) struct Stored {
    pub(super) ttl: u32,
    pub(super) records: Vec<String>,
    pub(super) created: Moment,
    touched: Moment,
}

/// A change of one RRset: what is `None` stays as it is, no records delete it.
pub(super) struct Write {
    pub(super) subname: String,
    pub(super) rtype: RecordType,
    pub(super) ttl: Option<u32>,
    pub(super) records: Option<Vec<String>>,
}

impl Write {
    pub(super) fn deletes(&self) -> bool {
        self.records.as_ref().is_some_and(Vec::is_empty)
    }
}

impl Zone {
    /// Returns an empty zone, which is not published yet.
    pub(super) fn new(owner: AccountId, tick: Moment, minimum_ttl: u32) -> Self {
        let sets = BTreeMap::new();
        Self { owner, minimum_ttl, created: tick, published: None, touched: tick, sets }
    }

    /// Adds the name servers of the service.
    pub(super) fn delegate(&mut self, tick: Moment) {
        let published = self.published;
        let records = Some(vec!["ns1.desec.io.".into(), "ns2.desec.org.".into()]);
        let (subname, ttl) = (String::new(), Some(self.minimum_ttl));
        self.write(&Write { subname, rtype: RecordType::Ns, ttl, records }, tick);
        self.published = published;
    }

    /// Executes a write.
    pub(super) fn write(&mut self, write: &Write, tick: Moment) {
        self.touched = tick;
        let key = (write.subname.clone(), write.rtype.to_string());
        if write.deletes() {
            if self.sets.remove(&key).is_some() {
                self.published = Some(tick);
            }
            return;
        }
        let new = || Stored { ttl: self.minimum_ttl, records: Vec::new(), created: tick, touched: tick };
        let stored = self.sets.entry(key).or_insert_with(new);
        stored.touched = tick;
        let ttl = write.ttl.unwrap_or(stored.ttl);
        let mut changed = stored.ttl != ttl;
        stored.ttl = ttl;
        if let Some(records) = &write.records {
            let kept =
                |content: &String| normalise(&write.rtype, content).unwrap_or_else(|_| content.clone());
            let mut records: Vec<String> = records.iter().map(kept).collect();
            // The real order is arbitrary; it is never the one that was sent, where that matters to a test.
            records.sort_unstable_by(|a, b| b.cmp(a));
            changed |= stored.records != records;
            stored.records = records;
        }
        if changed {
            self.published = Some(tick);
        }
    }

    /// Notes that what was created is published.
    pub(super) fn publish(&mut self) {
        self.published = self.published.or(Some(self.touched));
    }

    pub(super) fn holds(&self, subname: &str, rtype: &str) -> bool {
        self.sets.contains_key(&(subname.to_owned(), rtype.to_owned()))
    }

    /// Returns the types that are stored at a name.
    pub(super) fn types_at<'a>(&'a self, subname: &'a str) -> impl Iterator<Item = &'a str> {
        let from = (subname.to_owned(), String::new());
        self.sets
            .range(from..)
            .map(|(key, _)| key)
            .take_while(move |(at, _)| at == subname)
            .map(|(_, t)| t.as_str())
    }

    pub(super) fn rrsets(&self) -> Vec<RrSet> {
        let typed = self.sets.keys().map(|(subname, rtype)| self.json("", subname, rtype));
        typed.map(|set| serde_json::from_value(set).expect("the fake writes what the client reads")).collect()
    }

    /// Returns an RRset as the API shows it.
    pub(super) fn json(&self, domain: &str, subname: &str, rtype: &str) -> Value {
        let stored = &self.sets[&(subname.to_owned(), rtype.to_owned())];
        let name = if subname.is_empty() { format!("{domain}.") } else { format!("{subname}.{domain}.") };
        json!({
            "created": timestamp(stored.created), "domain": domain, "subname": subname, "name": name,
            "records": stored.records, "ttl": stored.ttl, "type": rtype, "touched": timestamp(stored.touched),
        })
    }

    /// Returns the domain as lists show it.
    pub(super) fn domain_json(&self, name: &str) -> Value {
        json!({
            "created": timestamp(self.created), "published": self.published.map(timestamp), "name": name,
            "minimum_ttl": self.minimum_ttl, "touched": timestamp(self.touched),
        })
    }

    /// Returns the domain with its keys.
    pub(super) fn domain_json_with_keys(&self, name: &str) -> Value {
        let mut domain = self.domain_json(name);
        let managed = json!({
            "dnskey": DNSKEY, "ds": DS, "flags": 257, "keytype": "csk", "managed": true,
        });
        let stored = self.sets.get(&(String::new(), "DNSKEY".to_owned()));
        let own = stored.into_iter().flat_map(|stored| &stored.records).map(|dnskey| {
            let flags: Option<u16> = dnskey.split(' ').next().and_then(|flags| flags.parse().ok());
            json!({ "dnskey": dnskey, "ds": [], "flags": flags, "keytype": null, "managed": false })
        });
        domain["keys"] = std::iter::once(managed).chain(own).collect();
        domain
    }
}

// A key and its digests as the real server shows them.
const DNSKEY: &str =
    "257 3 13 WUpV0ZlUyEaq4LpP0d31GR9BeORuBYJ8voUvp5cv96wf4HtPqld37VYk7To92BZeYY9OOOclVT9/AzGnUcniqQ==";
const DS: [&str; 2] = [
    "27891 13 2 2be1853424306b4abc609beb53113403e4be76d41823c6607f3ae80be4d229b3",
    "27891 13 4 b114a27e627c507e1e3f825f00ee583f42aaefcfcda6b7d6a0b99dbe3c8cae38f749257a3c786cc5d44a9a40d36e9f92",
];
