//! What is to be done by hand, with the values filled in.

use std::collections::BTreeMap;
use std::fmt::Write;

use mail_access::DomainName;

use super::needed::needed;
use super::{MtaStsPolicy, dmarc, spf, spf_lookups};
use crate::backend::DkimKey;
use crate::markdown::{code, words};
use crate::spec::{DmarcPolicy, DomainSpec, MtaStsMode, SpfAll};
use crate::{Address, Error};

/// Writes a Markdown checklist of all records that a specification needs, for providers without an API, and of what
/// has to be done beside them.
///
/// # Errors
/// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the options make no records, as [`wanted`](super::wanted) says.
pub fn dns_checklist(spec: &DomainSpec, keys: &BTreeMap<DomainName, DkimKey>) -> Result<String, Error> {
    let mut text = format!("# DNS checklist for {}\n\n", words(spec.domain.as_str()));
    line(&mut text, "Names are whole; leave the zone's own name out where a form adds it by itself.");
    line(
        &mut text,
        "Where a form quotes and splits long texts by itself, leave the quotes out and join the pieces.\n",
    );
    line(&mut text, "## Records\n");
    line(&mut text, "| done | name | type | value | time to live | what it is for |");
    line(&mut text, "|---|---|---|---|---|---|");
    for need in needed(spec, keys)? {
        for record in &need.records {
            line(
                &mut text,
                &format!(
                    "| [ ] | {} | {} | {} | {} | {} |",
                    code(&need.name),
                    need.rtype,
                    code(record),
                    spec.dns.ttl,
                    need.purpose
                ),
            );
        }
    }
    line(&mut text, "\n## Beside them\n");
    for item in beside(spec, keys)? {
        line(&mut text, &format!("- [ ] {item}"));
    }
    if let Some(policy) = MtaStsPolicy::of(spec)? {
        line(&mut text, "\n## The MTA-STS policy\n");
        line(&mut text, "```text");
        text.push_str(&policy.text.replace('\r', ""));
        line(&mut text, "```");
    }
    Ok(text)
}

/// Writes a Markdown checklist of what makes a mail domain safe: what the specification sees to is ticked, the rest says
/// what to do.
///
/// # Errors
/// As [`dns_checklist`].
pub fn security_checklist(spec: &DomainSpec, keys: &BTreeMap<DomainName, DkimKey>) -> Result<String, Error> {
    needed(spec, keys)?;
    let mut text =
        format!("# Security checklist for {}\n\n## By the specification\n\n", words(spec.domain.as_str()));
    for (done, item) in decided_on_dns(spec, keys).into_iter().chain(decided_on_mail(spec)) {
        line(&mut text, &format!("- [{}] {item}", if done { 'x' } else { ' ' }));
    }
    line(&mut text, "\n## By hand\n");
    for item in BY_HAND {
        line(&mut text, &format!("- [ ] {item}"));
    }
    Ok(text)
}

fn beside(spec: &DomainSpec, keys: &BTreeMap<DomainName, DkimKey>) -> Result<Vec<String>, Error> {
    let host = code(spec.mail_host.as_str());
    let mut items = Vec::new();
    if spec.dns.addresses.is_empty() {
        items.push(format!("{host} has an A record, AAAA if it has IPv6, and is no CNAME."));
        items.push(format!(
            "The reverse name (PTR) of each of its addresses is {host}; who rents out the address sets it."
        ));
    }
    for address in &spec.dns.addresses {
        items.push(format!(
            "The reverse name (PTR) of {} is {host}; who rents out the address sets it.",
            code(&address.to_string())
        ));
    }
    for domain in std::iter::once(&spec.domain).chain(&spec.alias_domains) {
        let shown = code(domain.as_str());
        if !keys.contains_key(domain) {
            items.push(format!(
                "{shown} has no DKIM key yet: make one on the mail system, then publish it at {}.",
                code(&format!("{}._domainkey.{domain}", spec.dkim.selector))
            ));
        }
        let foreign = |other: &&DomainName| **other != spec.domain && !spec.alias_domains.contains(other);
        for other in dmarc::elsewhere(spec, domain).into_iter().filter(foreign) {
            items.push(format!(
                "Whoever holds the zone of {} publishes {} there, else no reports come.",
                code(other.as_str()),
                code(&format!("{domain}._report._dmarc.{other}"))
            ));
        }
        if spec.dns.mta_sts.is_some() {
            items.push(format!(
                "{} serves the policy below as {}, with a certificate for that name.",
                code(&MtaStsPolicy::url(domain)),
                code("text/plain")
            ));
        }
    }
    let policy = spf::wanted(spec)?;
    items.push(format!(
        "The SPF policy costs {} of {} look-ups; add those of what it includes.",
        spf_lookups(&policy),
        spf::MAX_LOOKUPS
    ));
    if !spec.dns.tlsa.is_empty() {
        items.push("The zone is signed (DNSSEC) and its DS record stands in the zone above: without it TLSA counts for nothing.".to_owned());
    }
    items.push("A day after the change all of it is looked up again from outside.".to_owned());
    Ok(items)
}

fn decided_on_dns(spec: &DomainSpec, keys: &BTreeMap<DomainName, DkimKey>) -> Vec<(bool, String)> {
    let dns = &spec.dns;
    let mut items = Vec::new();
    for domain in std::iter::once(&spec.domain).chain(&spec.alias_domains) {
        let shown = code(domain.as_str());
        items.push(match keys.get(domain).map(|key| dkim_bits(&key.record)) {
            Some(bits) if bits >= 2000 => {
                (true, format!("{shown} signs its mail with a DKIM key of 2048 bits or more."))
            }
            Some(_) => (false, format!("{shown} signs with a short DKIM key; make one of 2048 bits.")),
            None => (false, format!("{shown} has no DKIM key; make one.")),
        });
    }
    let policy = dmarc::word(dns.dmarc.policy);
    items.push(match dns.dmarc.policy {
        DmarcPolicy::None => (
            false,
            format!(
                "DMARC asks for nothing ({}); read the reports, then ask for {}.",
                code("p=none"),
                code("quarantine")
            ),
        ),
        _ => (true, format!("DMARC asks others to act on forged mail ({}).", code(&format!("p={policy}")))),
    });
    items.push(if dns.dmarc.reports_to.is_empty() {
        (false, "Nobody gets DMARC reports; name an address.".to_owned())
    } else {
        (true, format!("DMARC reports go to {}.", addresses(&dns.dmarc.reports_to)))
    });
    items.push(match dns.spf.all {
        SpfAll::Fail => (true, format!("SPF forbids all other senders ({}).", code("-all"))),
        SpfAll::SoftFail => (
            false,
            format!(
                "SPF only doubts other senders ({}); when the reports name no sender of yours, take {}.",
                code("~all"),
                code("-all")
            ),
        ),
    });
    items.push(match dns.mta_sts.as_ref().map(|policy| policy.mode) {
        Some(MtaStsMode::Enforce) => (true, "MTA-STS makes other servers use TLS.".to_owned()),
        Some(MtaStsMode::Testing) => {
            (false, "MTA-STS is being tested; when the reports are clean, enforce it.".to_owned())
        }
        _ => (false, "Nothing makes other servers use TLS; take MTA-STS, first in testing.".to_owned()),
    });
    items.push(if dns.tls_reports_to.is_empty() {
        (false, "Nobody gets reports on TLS; name an address.".to_owned())
    } else {
        (true, format!("Reports on TLS go to {}.", addresses(&dns.tls_reports_to)))
    });
    items.push(if dns.tlsa.is_empty() {
        (false, "No TLSA record pins the certificate of port 25 (DANE).".to_owned())
    } else {
        (true, "TLSA records pin the certificate of port 25 (DANE).".to_owned())
    });
    items.push(if dns.caa.is_empty() {
        (false, "Any authority may issue certificates for the domain; name yours in CAA.".to_owned())
    } else {
        (true, "CAA names who may issue certificates.".to_owned())
    });
    items
}

fn decided_on_mail(spec: &DomainSpec) -> Vec<(bool, String)> {
    let mut items = Vec::new();
    items.push(match spec.limits.hourly_limit {
        Some(limit) => (true, format!("The domain sends at most {limit} messages in an hour.")),
        None => (false, "Nothing bounds what a stolen password can send; set an hourly limit.".to_owned()),
    });
    for role in ["postmaster", "abuse"] {
        items.push(if reaches(spec, role) {
            (true, format!("{} reaches somebody.", code(&format!("{role}@{}", spec.domain))))
        } else {
            (
                false,
                format!(
                    "{} reaches nobody; add an alias (RFC 2142).",
                    code(&format!("{role}@{}", spec.domain))
                ),
            )
        });
    }
    let lasting: Vec<&Address> = spec
        .mailboxes
        .iter()
        .filter(|mailbox| !mailbox.must_change_password)
        .map(|mailbox| &mailbox.address)
        .collect();
    items.push(if lasting.is_empty() {
        (true, "Each person chooses a password at the first login.".to_owned())
    } else {
        (false, format!("These keep the password that they were given: {}.", addresses(lasting)))
    });
    let outside =
        spec.forwards.iter().filter(|forward| forward.targets.iter().any(|to| to.domain() != &spec.domain));
    let outside: Vec<&Address> = outside.map(|forward| &forward.address).collect();
    if !outside.is_empty() {
        items.push((
            false,
            format!(
                "Mail of these goes on to other domains, where SPF fails for it: {}.",
                addresses(outside)
            ),
        ));
    }
    items
}

fn reaches(spec: &DomainSpec, role: &str) -> bool {
    let is_role = |address: &Address| {
        address.local_part().eq_ignore_ascii_case(role) && address.domain() == &spec.domain
    };
    !spec.catch_all.is_empty()
        || spec.mailboxes.iter().any(|mailbox| is_role(&mailbox.address))
        || spec.aliases.iter().any(|alias| is_role(&alias.address))
}

/// Estimates the bits of an RSA key from its record; a key of Ed25519 is as good as a long one (RFC 8463).
fn dkim_bits(record: &str) -> usize {
    let tag = |name: &str| {
        record.split(';').find_map(|tag| {
            tag.split_once('=')
                .filter(|(key, _)| key.trim() == name)
                .map(|(_, value)| value.trim().to_owned())
        })
    };
    if tag("k").is_some_and(|kind| kind.eq_ignore_ascii_case("ed25519")) {
        return 3072;
    }
    // Base64 of a public key: its modulus and about 300 bits around it.
    let digits = tag("p").map_or(0, |key| key.chars().filter(|c| !c.is_whitespace() && *c != '=').count());
    (digits * 6).saturating_sub(300)
}

fn addresses<'a>(all: impl IntoIterator<Item = &'a Address>) -> String {
    all.into_iter().map(|address| code(&address.to_string())).collect::<Vec<_>>().join(", ")
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes all");
}

const BY_HAND: [&str; 7] = [
    "Ports 25, 465, 587 and 993 can be reached, and port 25 outwards is open or a relay is set.",
    "The mail host's certificate is valid for its name, and is renewed by itself.",
    "The API key of the mail system is limited to the addresses that use it.",
    "The token of the DNS provider may write this zone only.",
    "Passwords are kept in a secret store, and in no file of a repository.",
    "Backups are restored once for a test.",
    "Alerts on queue, disk and rejected logins reach somebody.",
];
