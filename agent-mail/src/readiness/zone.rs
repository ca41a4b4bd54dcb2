//! Where a name's zone begins, and who serves it.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;

use super::{Answer, LookUp, LookUpError, RecordData, RecordType, Server};

/// A zone and its name servers, as the recursive server sees them.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) name: String,
    pub(super) servers: Vec<NameServer>,
}

#[derive(Debug)]
pub(super) struct NameServer {
    pub(super) host: String,
    pub(super) addresses: Vec<IpAddr>,
    /// Whether it has let the time of one question pass: it is not asked a second time then.
    is_silent: AtomicBool,
}

impl NameServer {
    /// Asks this server: at its first address, and at the others while there is no answer.
    pub(super) async fn ask(
        &self,
        look_up: &dyn LookUp,
        name: &str,
        rtype: RecordType,
    ) -> Result<Answer, LookUpError> {
        if self.is_silent.load(Ordering::Relaxed) {
            return Err(LookUpError::Unreachable("it gave no answer before".into()));
        }
        let mut answer = Err(LookUpError::Unreachable("it has no address".into()));
        for address in &self.addresses {
            answer = look_up.look_up(Server::At(*address), name, rtype).await;
            if answer.is_ok() {
                return answer;
            }
        }
        self.is_silent.store(matches!(answer, Err(LookUpError::Silent(_))), Ordering::Relaxed);
        answer
    }
}

/// Finds the zone that a name lies in: the nearest name, upwards, that has name servers.
pub(super) async fn find(look_up: &dyn LookUp, name: &str) -> Result<Cut, String> {
    let mut at = name;
    loop {
        let answer = look_up.look_up(Server::Recursive, at, RecordType::Ns).await;
        let answer = answer.map_err(|error| format!("name servers of {at:?}: {error}"))?;
        let hosts = names_in(&answer, at);
        if !hosts.is_empty() {
            let servers = join_all(hosts.into_iter().map(|host| server(look_up, host))).await;
            return Ok(Cut { name: at.to_owned(), servers });
        }
        if at.is_empty() {
            return Err(format!("there is no zone with {name} in it"));
        }
        at = parent(at);
    }
}

/// Returns the name one label up; that of the root is the root.
pub(super) fn parent(name: &str) -> &str {
    name.split_once('.').map_or("", |(_, parent)| parent)
}

/// Returns the name servers of a zone that an answer names, in order.
pub(super) fn names_in(answer: &Answer, zone: &str) -> Vec<String> {
    let records = answer.records.iter().chain(&answer.authority);
    let mut hosts: Vec<String> = records
        .filter(|record| record.name == zone)
        .filter_map(|record| match &record.data {
            RecordData::Ns(host) => Some(host.clone()),
            _ => None,
        })
        .collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts.truncate(MOST_SERVERS);
    hosts
}

async fn server(look_up: &dyn LookUp, host: String) -> NameServer {
    let ask = |rtype| look_up.look_up(Server::Recursive, &host, rtype);
    let (four, six) = tokio::join!(ask(RecordType::A), ask(RecordType::Aaaa));
    let mut addresses = Vec::new();
    // IPv4 first: not every place has IPv6.
    for (answer, rtype) in [(four, RecordType::A), (six, RecordType::Aaaa)] {
        let answer = answer.unwrap_or_default();
        addresses.extend(answer.contents(&host, rtype).0.into_iter().filter_map(RecordData::address).take(1));
    }
    NameServer { host, addresses, is_silent: AtomicBool::new(false) }
}

/// The root has 13, and no zone has reason to have more.
const MOST_SERVERS: usize = 13;
