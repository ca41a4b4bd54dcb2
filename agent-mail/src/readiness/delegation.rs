//! Whether the zone is found, and its servers are of one mind.

use futures_util::future::join_all;

use super::report::Finding;
use super::scene::{Scene, is_within, listed};
use super::zone::{self, Cut, NameServer};
use super::{Answer, LookUpError, RecordData, RecordType};

/// The parent leads to the zone's name servers, and these agree (RFC 1034 section 4.2.2).
pub(super) async fn delegation(scene: &Scene<'_>) -> Finding {
    let zone = match scene.zone().await {
        Ok(zone) => zone,
        Err(unknown) => return unknown,
    };
    let domain = &scene.target.domain;
    // A top-level domain is nobody's own zone: below it the domain is not known at all.
    if !zone.name.contains('.') && zone.name != domain.as_str() {
        return Finding::failed(
            format!("nobody leads to {domain}: the nearest zone is {:?}", zone.name),
            "register the domain, and enter its zone's name servers at the registrar",
        );
    }
    let parent = match named_by_parent(scene, zone).await {
        Ok(parent) => parent,
        Err(unknown) => return unknown,
    };
    if parent.is_empty() {
        return Finding::failed(
            format!("the parent of {} names no name servers for it", zone.name),
            "enter the zone's name servers at the registrar",
        );
    }
    let meant = scene.meant().await;
    if !meant.is_empty() && parent != meant {
        return Finding::failed(format!("the delegation still points to {}", listed(&parent)), fix(meant));
    }
    if !meant.is_empty() && zone.servers.iter().map(|server| &server.host).ne(meant) {
        let others = listed(zone.servers.iter().map(|server| &server.host));
        return Finding::failed(
            format!("the parent names {}, but others still see {others}", listed(&parent)),
            "wait until what is cached has expired, a day or two, then check again",
        );
    }
    let mut serials = Vec::new();
    for (server, said) in asked(scene, zone).await {
        let Ok(Said { servers, serial }) = said else { continue };
        if servers != parent {
            return Finding::failed(
                format!(
                    "the parent names {}, but {} says {}",
                    listed(&parent),
                    server.host,
                    listed(&servers)
                ),
                "enter the zone's own name servers at the registrar",
            );
        }
        serials.extend(serial);
    }
    serials.sort_unstable();
    serials.dedup();
    match serials.as_slice() {
        [] => Finding::unknown(format!("none of the name servers of {} answers for it", zone.name)),
        [serial] => Finding::ok(format!("{} at {}, serial {serial}", zone.name, listed(&parent))),
        several => match disagreement(scene, zone).await {
            // Each may count for itself, as copies do that are signed or fed one by one.
            None => Finding::ok(format!(
                "{} at {}, with serials {} and the same records for mail",
                zone.name,
                listed(&parent),
                listed(several)
            )),
            Some(what) => Finding::failed(
                format!(
                    "the name servers do not have the same {what}; their serials are {}",
                    listed(several)
                ),
                "wait until all name servers have the newest state, then check again",
            ),
        },
    }
}

/// Returns what to do so that the world is led to the zone that is meant.
pub(super) fn fix(meant: &[String]) -> String {
    format!("enter {} at the registrar, and nothing else", listed(meant))
}

/// Finds a record on which mail depends and that differs from one of the zone's servers to another.
async fn disagreement(scene: &Scene<'_>, zone: &Cut) -> Option<String> {
    let (domain, host) = (scene.target.domain.as_str(), scene.target.mail_host.as_str());
    let mut places = vec![
        (domain.to_owned(), RecordType::Mx),
        (domain.to_owned(), RecordType::Txt),
        (format!("_dmarc.{domain}"), RecordType::Txt),
        (host.to_owned(), RecordType::A),
        (host.to_owned(), RecordType::Aaaa),
    ];
    if let Ok(key) = scene.key().await {
        let selector = key.selector.to_ascii_lowercase();
        places.push((format!("{selector}._domainkey.{domain}"), RecordType::Txt));
    }
    for (name, rtype) in places.iter().filter(|(name, _)| is_within(name, &zone.name)) {
        let said = join_all(zone.servers.iter().map(|server| server.ask(scene.look_up, name, *rtype))).await;
        // Who doesn't answer is the concern of another check.
        let mut said = said.iter().flatten().filter(|answer| answer.is_authoritative).map(|answer| {
            let (mut found, alias) = answer.contents(name, *rtype);
            found.sort_unstable();
            (found, alias)
        });
        let first = said.next();
        if said.any(|other| Some(&other) != first.as_ref()) {
            return Some(format!("{rtype} of {name}"));
        }
    }
    None
}

/// Each name server answers for the zone; one that doesn't is lame (RFC 1912 section 2.8).
pub(super) async fn name_servers(scene: &Scene<'_>) -> Finding {
    let zone = match scene.zone().await {
        Ok(zone) => zone,
        Err(unknown) => return unknown,
    };
    let said = asked(scene, zone).await;
    let wrong = said
        .iter()
        .filter_map(|(server, said)| said.as_ref().err().map(|error| format!("{}: {error}", server.host)));
    let wrong: Vec<String> = wrong.collect();
    let hosts = listed(zone.servers.iter().map(|server| &server.host));
    match (wrong.len(), said.len()) {
        (0, 1) => Finding::warning(format!("only {hosts}"), "give the zone a second name server"),
        (0, _) => Finding::ok(hosts),
        (bad, all) if bad < all => {
            Finding::warning(wrong.join("; "), "mend this name server, or take it out of the zone")
        }
        _ => Finding::unknown(wrong.join("; ")),
    }
}

/// What a server says of its zone.
struct Said {
    servers: Vec<String>,
    serial: Option<u32>,
}

async fn asked<'z>(scene: &Scene<'_>, zone: &'z Cut) -> Vec<(&'z NameServer, Result<Said, String>)> {
    let each = zone.servers.iter().map(async |server| {
        let ask = |rtype| server.ask(scene.look_up, &zone.name, rtype);
        let (servers, start) = tokio::join!(ask(RecordType::Ns), ask(RecordType::Soa));
        (server, said(zone, servers, start))
    });
    join_all(each).await
}

fn said(
    zone: &Cut,
    servers: Result<Answer, LookUpError>,
    start: Result<Answer, LookUpError>,
) -> Result<Said, String> {
    let (servers, start) =
        (servers.map_err(|error| error.to_string())?, start.map_err(|error| error.to_string())?);
    if !servers.is_authoritative || !start.is_authoritative {
        return Err(format!("it does not serve {}", zone.name));
    }
    let serial = start.contents(&zone.name, RecordType::Soa).0.into_iter().find_map(|data| match data {
        RecordData::Soa(serial) => Some(*serial),
        _ => None,
    });
    Ok(Said { servers: zone::names_in(&servers, &zone.name), serial })
}

/// Returns the name servers that the zone's parent leads to.
async fn named_by_parent(scene: &Scene<'_>, zone: &Cut) -> Result<Vec<String>, Finding> {
    let parent = zone::find(scene.look_up, zone::parent(&zone.name)).await.map_err(Finding::unknown)?;
    let mut trouble = format!("the zone {:?} has no name servers", parent.name);
    let mut is_answered = false;
    for server in &parent.servers {
        match server.ask(scene.look_up, &zone.name, RecordType::Ns).await {
            Ok(answer) => {
                let names = zone::names_in(&answer, &zone.name);
                // One that neither leads on nor speaks for the parent knows nothing of it.
                if !names.is_empty() || answer.is_authoritative {
                    return Ok(names);
                }
                is_answered = true;
            }
            Err(error) => trouble = format!("{} of the parent: {error}", server.host),
        }
    }
    if is_answered { Ok(Vec::new()) } else { Err(Finding::unknown(trouble)) }
}
