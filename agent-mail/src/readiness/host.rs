//! The mail host: that mail is led to it, and that its names and addresses fit.

use std::net::IpAddr;

use futures_util::future::join_all;

use super::look_up::{REVERSE, reversed};
use super::report::Finding;
use super::scene::{Scene, listed};
use super::{LookUpError, RecordData, RecordType};

/// The domain's mail goes to the mail host first (RFC 5321 section 5.1).
pub(super) async fn mx(scene: &Scene<'_>) -> Finding {
    let host = scene.target.mail_host.as_str();
    let domain = scene.target.domain.as_str();
    let fix = format!("publish the record `{domain}. MX 10 {host}.`");
    scene
        .judge(domain, RecordType::Mx, |records| {
            let mut hosts: Vec<(u16, &str)> = records
                .iter()
                .filter_map(|data| match data {
                    RecordData::Mx { preference, host } => Some((*preference, host.as_str())),
                    _ => None,
                })
                .collect();
            hosts.sort_unstable();
            let Some((best, first)) = hosts.first().copied() else {
                return Finding::failed("there is no MX", &fix);
            };
            let shown =
                || listed(hosts.iter().take(MOST_SHOWN).map(|(rank, host)| format!("{rank} {host}.")));
            if first.is_empty() {
                return Finding::failed("`MX 0 .`: the domain takes no mail", &fix);
            }
            if hosts.iter().any(|(rank, name)| *rank == best && *name == host) {
                Finding::ok(shown())
            } else {
                Finding::failed(shown(), &fix)
            }
        })
        .await
}

/// The mail host has addresses and is no alias (RFC 5321 section 5.1, RFC 2181 section 10.3).
pub(super) async fn mail_host(scene: &Scene<'_>) -> Finding {
    let host = &scene.target.mail_host;
    let found = match scene.host_addresses().await {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    if let Some(alias) = &found.alias {
        return Finding::failed(
            format!("{host} is an alias (CNAME) of {alias}"),
            format!("give {host} A and AAAA records of its own in place of the CNAME"),
        );
    }
    if found.all.is_empty() {
        return Finding::failed(format!("{host} has no address"), format!("publish an A record for {host}"));
    }
    let mut wanted = scene.target.addresses.clone();
    wanted.sort_unstable();
    wanted.dedup();
    if !wanted.is_empty() && wanted != found.all {
        let fix = format!("publish A and AAAA records of {host} with {}", listed(&wanted));
        return Finding::failed(listed(&found.all), fix);
    }
    Finding::ok(listed(&found.all))
}

/// The addresses have a name that leads back to them (RFC 1912 section 2.1), at best the mail host's.
pub(super) async fn reverse(scene: &Scene<'_>) -> Finding {
    let found = match scene.host_addresses().await {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let each = join_all(found.all.iter().map(|address| name_of(scene, *address))).await;
    let mut names = Vec::new();
    for (address, confirmed) in found.all.iter().zip(each) {
        match confirmed {
            Err(error) => return Finding::unknown(format!("{address}: {error}")),
            Ok(Named::Not) => {
                return Finding::failed(format!("{address} has no name"), reverse_fix(scene, *address));
            }
            Ok(Named::Elsewhere(name)) => {
                let found = format!("{address} is called {name}, but {name} does not have this address");
                return Finding::failed(found, reverse_fix(scene, *address));
            }
            Ok(Named::Back(name)) => names.push(format!("{address} is {name}")),
        }
    }
    if names.is_empty() {
        return Finding::failed("the mail host has no address", "publish an A record for the mail host");
    }
    Finding::ok(names.join(", "))
}

/// A name below the domain leads to the mail host: by CNAME, or by the same addresses.
pub(super) async fn leads_to_host(scene: &Scene<'_>, label: &str) -> Finding {
    if !scene.target.autodiscovery {
        return Finding::ok("not asked for");
    }
    let (domain, host) = (&scene.target.domain, &scene.target.mail_host);
    let name = format!("{label}.{domain}");
    let fix = format!("publish the record `{name}. CNAME {host}.`");
    let wanted = match scene.host_addresses().await {
        Ok(wanted) => wanted,
        Err(unknown) => return unknown,
    };
    let found = match scene.addresses_of(&name).await {
        Ok(found) => found,
        Err(error) => return Finding::unknown(error),
    };
    let leads = found.alias.as_deref() == Some(host.as_str())
        || (!found.all.is_empty() && found.all.iter().all(|address| wanted.all.contains(address)));
    let shown = match &found.alias {
        Some(alias) => format!("CNAME {alias}."),
        None => listed(&found.all),
    };
    if leads { Finding::ok(shown) } else { Finding::warning(shown, fix) }
}

enum Named {
    Not,
    Elsewhere(String),
    Back(String),
}

async fn name_of(scene: &Scene<'_>, address: IpAddr) -> Result<Named, LookUpError> {
    let reverse = reversed(address, REVERSE);
    let answer = scene.ask(&reverse, RecordType::Ptr).await?;
    let mut names: Vec<&str> = answer
        .contents(&reverse, RecordType::Ptr)
        .0
        .into_iter()
        .filter_map(|data| match data {
            RecordData::Ptr(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    // The host's own name first: if it is there, the others don't matter.
    names.sort_by_key(|name| *name != scene.target.mail_host.as_str());
    let mut elsewhere = None;
    for name in names.into_iter().take(MOST_NAMES) {
        if scene.addresses_of(name).await?.all.contains(&address) {
            return Ok(Named::Back(name.to_owned()));
        }
        elsewhere.get_or_insert(name);
    }
    Ok(elsewhere.map_or(Named::Not, |name| Named::Elsewhere(name.to_owned())))
}

fn reverse_fix(scene: &Scene<'_>, address: IpAddr) -> String {
    format!("have whoever gave you {address} name it {} (reverse DNS)", scene.target.mail_host)
}

const MOST_SHOWN: usize = 10;
/// As RFC 7208 section 4.6.4 has it.
const MOST_NAMES: usize = 10;
