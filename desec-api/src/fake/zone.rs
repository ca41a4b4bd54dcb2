//! The stored zones.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{RecordType, RrSet, canonical::normalise};

pub(super) struct Zone {
    pub(super) minimum_ttl: u32,
    created: u64,
    touched: u64,
    /// By subname and type.
    pub(super) sets: BTreeMap<(String, String), Stored>,
}

pub(super) struct Stored {
    ttl: u32,
    records: Vec<String>,
    pub(super) created: u64,
    touched: u64,
}

impl Zone {
    pub(super) fn new(tick: u64, minimum_ttl: u32) -> Self {
        let mut zone = Self { minimum_ttl, created: tick, touched: tick, sets: BTreeMap::new() };
        let servers = ["ns1.desec.io.".into(), "ns2.desec.org.".into()];
        zone.write("", &RecordType::Ns, Some(minimum_ttl), Some(&servers), tick);
        zone
    }

    /// Replaces the given parts of an RRset; empty records delete it.
    pub(super) fn write(
        &mut self,
        subname: &str,
        rtype: &RecordType,
        ttl: Option<u32>,
        records: Option<&[String]>,
        tick: u64,
    ) {
        self.touched = tick;
        let key = (subname.to_owned(), rtype.to_string());
        if records.is_some_and(<[String]>::is_empty) {
            self.sets.remove(&key);
            return;
        }
        let new = || Stored { ttl: self.minimum_ttl, records: Vec::new(), created: tick, touched: tick };
        let stored = self.sets.entry(key).or_insert_with(new);
        stored.touched = tick;
        stored.ttl = ttl.unwrap_or(stored.ttl);
        if let Some(records) = records {
            let kept = |content: &String| normalise(rtype, content).unwrap_or_else(|_| content.clone());
            stored.records = records.iter().map(kept).collect();
            // The real order is arbitrary; it is never the one that was sent, where that matters to a test.
            stored.records.sort_unstable_by(|a, b| b.cmp(a));
        }
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

    /// Returns the domain as the API shows it.
    pub(super) fn domain_json(&self, name: &str) -> Value {
        json!({
            "created": timestamp(self.created), "published": timestamp(self.touched), "name": name,
            "keys": [{"dnskey": DNSKEY, "ds": [DS], "flags": 257, "keytype": "csk", "managed": true}],
            "minimum_ttl": self.minimum_ttl, "touched": timestamp(self.touched),
        })
    }
}

// One millisecond a tick.
fn timestamp(tick: u64) -> String {
    let seconds = tick / 1_000;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    format!("2026-01-01T{hours:02}:{minutes:02}:{:02}.{:03}000Z", seconds % 60, tick % 1_000)
}

// A key and its digest as the real server shows them.
const DNSKEY: &str =
    "257 3 13 WUpV0ZlUyEaq4LpP0d31GR9BeORuBYJ8voUvp5cv96wf4HtPqld37VYk7To92BZeYY9OOOclVT9/AzGnUcniqQ==";
const DS: &str = "27891 13 2 2be1853424306b4abc609beb53113403e4be76d41823c6607f3ae80be4d229b3";
