//! What the domain publishes about its mail: who may send it, what it is signed with, what if neither holds.

use super::report::{Finding, State};
use super::scene::{Scene, listed};
use super::spf::{self, Policy, SpfResult};
use super::{RecordData, RecordType, zone};
use crate::ErrorKind;

/// Mail from the mail host, or from its relay, passes the policy, and all servers have the same one.
pub(super) async fn spf(scene: &Scene<'_>) -> Finding {
    let domain = scene.target.domain.as_str();
    let sight = scene
        .judge(domain, RecordType::Txt, |records| {
            let texts = records.iter().copied().filter_map(RecordData::text);
            let policies: Vec<String> = texts.filter(|text| Policy::is_one(text)).collect();
            match policies.as_slice() {
                [] => {
                    Finding::failed("there is no SPF policy", "publish a TXT record such as `v=spf1 mx ~all`")
                }
                [policy] => Finding::ok(policy.clone()),
                several => Finding::failed(
                    format!("{} SPF policies, which count as none", several.len()),
                    "join the SPF policies into one record",
                ),
            }
        })
        .await;
    if sight.state != State::Ok {
        return sight;
    }
    let policy = sight.found;
    let is_everywhere = scene.judge(domain, RecordType::Txt, |records| {
        let mut texts = records.iter().copied().filter_map(RecordData::text);
        if texts.any(|text| text == policy) {
            return Finding::ok("");
        }
        Finding::failed("it has another SPF policy", "wait until all have the same policy, then check again")
    });
    let is_everywhere = is_everywhere.await;
    if is_everywhere.state != State::Ok {
        return is_everywhere;
    }
    let finding = match &scene.target.relay {
        None => directly(scene, &policy).await,
        Some(relay) => match &relay.spf_include {
            Some(include) => by_include(scene, &policy, include.as_str()).await,
            None => by_address(scene, &policy, relay.host.as_str()).await,
        },
    };
    if finding.state != State::Ok {
        return finding;
    }
    Finding::ok(format!("{policy} ({})", finding.found))
}

/// The key at the selector is the one that the mail system signs with (RFC 6376 section 3.6.1).
pub(super) async fn dkim(scene: &Scene<'_>) -> Finding {
    let key = match scene.key().await {
        Ok(key) => key,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Finding::failed(
                "the mail system has no key for the domain",
                "make a DKIM key on the mail system",
            );
        }
        Err(error) => return Finding::unknown(format!("the mail system's key: {error}")),
    };
    let name = format!("{}._domainkey.{}", key.selector.to_ascii_lowercase(), scene.target.domain);
    let fix = format!("publish the mail system's key as TXT record {name}");
    let wanted = tags(&key.record);
    let wanted_key = public_key(&key.record);
    scene
        .judge(&name, RecordType::Txt, |records| {
            let texts: Vec<String> = records.iter().copied().filter_map(RecordData::text).collect();
            let text = match texts.as_slice() {
                [] => return Finding::failed(format!("there is no key at {name}"), &fix),
                [text] => text,
                several => return Finding::failed(format!("{} texts at {name}", several.len()), &fix),
            };
            let found = tags(text);
            match public_key(text).as_deref() {
                None => return Finding::failed(format!("what stands at {name} is no key: {text}"), &fix),
                Some("") => return Finding::failed(format!("the key at {name} is revoked"), &fix),
                Some(key) if wanted_key.as_deref() != Some(key) => {
                    return Finding::failed(format!("another key than the mail system's at {name}"), &fix);
                }
                Some(_) => {}
            }
            let is_usable = tag(&found, "v").is_none_or(|version| version == "DKIM1")
                && tag(&found, "k").unwrap_or("rsa") == tag(&wanted, "k").unwrap_or("rsa")
                && has(&found, "h", &["sha256"])
                && has(&found, "s", &["*", "email"]);
            if !is_usable {
                return Finding::failed(
                    format!("the key at {name} is not for mail as it is signed: {text}"),
                    &fix,
                );
            }
            let is_test =
                tag(&found, "t").is_some_and(|flags| flags.split(':').any(|flag| flag.trim() == "y"));
            let remark = if is_test { "; it says that it is being tested (t=y)" } else { "" };
            Finding::ok(format!("the mail system's key at {name}{remark}"))
        })
        .await
}

/// There is one policy, at the domain or above it (RFC 7489 section 6.6.3, upwards as its successor does).
pub(super) async fn dmarc(scene: &Scene<'_>) -> Finding {
    let domain = scene.target.domain.as_str();
    let mut at = domain;
    loop {
        let name = format!("_dmarc.{at}");
        let finding = scene.judge(&name, RecordType::Txt, |records| policy_at(domain, &name, records)).await;
        let is_missing = finding.state == State::Failed && finding.found.starts_with(NO_POLICY);
        let above = zone::parent(at);
        // A top-level domain speaks for nobody below it.
        if !is_missing || !above.contains('.') {
            return finding;
        }
        at = above;
    }
}

fn policy_at(domain: &str, name: &str, records: &[&RecordData]) -> Finding {
    let texts = records.iter().copied().filter_map(RecordData::text);
    let policies: Vec<String> = texts
        .filter(|text| tags(text).first().is_some_and(|(tag, value)| tag == "v" && value == "DMARC1"))
        .collect();
    let fix = format!("publish the TXT record `_dmarc.{domain}.` with `v=DMARC1; p=quarantine`");
    let policy = match policies.as_slice() {
        [] => return Finding::failed(format!("{NO_POLICY} for {domain}"), fix),
        [policy] => policy,
        several => {
            let found = format!("{} policies at {name}, which count as none", several.len());
            return Finding::failed(found, format!("leave one policy at {name}"));
        }
    };
    let tags = tags(policy);
    let below = if name == format!("_dmarc.{domain}") { None } else { tag(&tags, "sp") };
    match below.or(tag(&tags, "p")).map(str::to_ascii_lowercase).as_deref() {
        Some("none") => Finding::ok(format!("{policy}; it asks for nothing to be done yet (none)")),
        Some("quarantine" | "reject") => Finding::ok(policy.clone()),
        _ => Finding::failed(format!("the policy at {name} asks for nothing that is known: {policy}"), fix),
    }
}

async fn directly(scene: &Scene<'_>, policy: &str) -> Finding {
    let addresses = match scene.host_addresses().await {
        Ok(found) => &found.all,
        Err(unknown) => return unknown,
    };
    if addresses.is_empty() {
        return Finding::failed("the mail host has no address", "publish an A record for the mail host");
    }
    for address in addresses {
        match evaluated(scene, *address).await {
            SpfResult::Pass => {}
            other => return refused(policy, &format!("mail from {address}: {other}"), &other, "mx"),
        }
    }
    Finding::ok(format!("mail from {} passes", listed(addresses)))
}

/// The policy includes the relay's domain, and can be applied to its end.
async fn by_include(scene: &Scene<'_>, policy: &str, include: &str) -> Finding {
    let term = format!("include:{include}");
    let parsed: Policy = match policy.parse() {
        Ok(parsed) => parsed,
        Err(wrong) => return Finding::failed(format!("{policy}: {wrong}"), "correct the SPF policy"),
    };
    if !parsed.includes().any(|domain| domain.trim_end_matches('.').eq_ignore_ascii_case(include)) {
        let found = format!("{policy} does not include the relay's {include}");
        return Finding::failed(found, format!("add `{term}` to the SPF policy, before its `all`"));
    }
    // An address that nobody has walks through all of it.
    match evaluated(scene, NOBODY.into()).await {
        other @ (SpfResult::PermError(_) | SpfResult::TempError(_)) => {
            refused(policy, &other.to_string(), &other, &term)
        }
        _ => Finding::ok(format!("the relay's {include} is included")),
    }
}

async fn by_address(scene: &Scene<'_>, policy: &str, relay: &str) -> Finding {
    let addresses = match scene.addresses_of(relay).await {
        Ok(found) => found.all,
        Err(error) => return Finding::unknown(error),
    };
    let mut worst = Finding::failed(format!("the relay {relay} has no address"), "correct the relay's host");
    for address in addresses {
        match evaluated(scene, address).await {
            SpfResult::Pass => return Finding::ok(format!("mail from the relay's {address} passes")),
            other => {
                let found = format!("mail from the relay's {address}: {other}");
                worst = refused(policy, &found, &other, &format!("a:{relay}"));
            }
        }
    }
    worst
}

async fn evaluated(scene: &Scene<'_>, address: std::net::IpAddr) -> SpfResult {
    let (domain, host) = (scene.target.domain.as_str(), scene.target.mail_host.as_str());
    spf::evaluate(scene.look_up, address, "postmaster", domain, host).await
}

fn refused(policy: &str, found: &str, result: &SpfResult, term: &str) -> Finding {
    match result {
        SpfResult::TempError(why) => Finding::unknown(why),
        SpfResult::PermError(_) => Finding::failed(
            format!("{policy}: {found}"),
            "correct the SPF policy: as it stands it counts for nothing",
        ),
        _ => Finding::failed(
            format!("{policy}: {found}"),
            format!("add `{term}` to the SPF policy, before its `all`"),
        ),
    }
}

/// Returns the key in a record, without the space that may stand in it.
pub(super) fn public_key(record: &str) -> Option<String> {
    tag(&tags(record), "p").map(|value| value.split_ascii_whitespace().collect())
}

/// Reads `tag=value; tag=value` (RFC 6376 section 3.2).
pub(super) fn tags(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    pairs.map(|(tag, value)| (tag.trim().to_owned(), value.trim().to_owned())).collect()
}

pub(super) fn tag<'a>(tags: &'a [(String, String)], name: &str) -> Option<&'a str> {
    tags.iter().find(|(tag, _)| tag == name).map(|(_, value)| value.as_str())
}

/// Tells whether a list has one of these; without a list all are meant.
fn has(tags: &[(String, String)], name: &str, wanted: &[&str]) -> bool {
    tag(tags, name).is_none_or(|list| list.split(':').any(|item| wanted.contains(&item.trim())))
}

const NO_POLICY: &str = "there is no DMARC policy";
/// Of a network that is never assigned (RFC 1112: class E).
const NOBODY: [u8; 4] = [240, 0, 0, 1];
