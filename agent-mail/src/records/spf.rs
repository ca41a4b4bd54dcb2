//! SPF policies (RFC 7208): the one that is wanted, and what becomes of one that is there.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::needed::is_name;
use crate::spec::{DomainSpec, SpfAll};
use crate::{Error, ErrorKind};

/// Returns how many DNS look-ups a policy's own terms cost a receiver; those of what it includes come on top.
/// Receivers give up after ten (RFC 7208 section 4.6.4).
///
/// ```
/// use agent_mail::records::spf_lookups;
///
/// assert_eq!(spf_lookups("v=spf1 mx ip4:192.0.2.0/24 include:relay.example -all"), 2);
/// ```
pub fn spf_lookups(policy: &str) -> usize {
    let terms = terms_of(policy);
    let end = terms.iter().position(|term| all_of(term).is_some());
    let costly = |term: &&&str| {
        let term = term.trim_start_matches(['+', '-', '~', '?']).to_ascii_lowercase();
        let name = term.split([':', '/']).next().unwrap_or_default();
        matches!(name, "include" | "a" | "mx" | "ptr" | "exists")
    };
    let reached = terms[..end.unwrap_or(terms.len())].iter().filter(costly).count();
    reached + usize::from(end.is_none() && redirects(&terms))
}

/// Returns the policy of a domain: the hosts of its MX, its networks, what it includes, and the same of its relays.
pub(super) fn wanted(spec: &DomainSpec) -> Result<String, Error> {
    let mut terms = vec!["v=spf1".to_owned(), "mx".to_owned()];
    for network in &spec.dns.spf.networks {
        terms.push(network_term(network).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "make records", format!("{network:?}"))
                .with_detail("a network in SPF is an address, or one with the length of its prefix")
                .with_fix("write it like 192.0.2.0/24 or 2001:db8::/48")
        })?);
    }
    let relays = spec.relay.iter().chain(spec.mailboxes.iter().filter_map(|mailbox| mailbox.relay.as_ref()));
    let relayed = relays.filter_map(|relay| relay.spf_include.as_ref());
    for domain in &spec.dns.spf.include {
        let name = domain.to_ascii_lowercase();
        if !is_name(&name) {
            return Err(Error::new(ErrorKind::InvalidInput, "make records", format!("{domain:?}"))
                .with_detail("what an SPF policy includes is a domain")
                .with_fix("write it like _spf.example.org, without include: before it"));
        }
        terms.push(format!("include:{name}"));
    }
    terms.extend(relayed.map(|domain| format!("include:{domain}")));
    terms.push(match spec.dns.spf.all {
        SpfAll::SoftFail => "~all".to_owned(),
        SpfAll::Fail => "-all".to_owned(),
    });
    let mut unique: Vec<String> = Vec::new();
    for term in terms {
        if !unique.contains(&term) {
            unique.push(term);
        }
    }
    let policy = unique.join(" ");
    match spf_lookups(&policy) {
        0..=MAX_LOOKUPS => Ok(policy),
        many => Err(Error::new(ErrorKind::InvalidInput, "make records", &spec.domain)
            .with_detail(format!(
                "its SPF policy needs {many} DNS look-ups, and receivers give up after {MAX_LOOKUPS}"
            ))
            .with_fix("include fewer domains, or name their networks instead")),
    }
}

/// Joins two policies: all terms of `present` stay but those that only `earlier` wanted, those of `wanted` are added,
/// and the stricter `all` holds.
///
/// # Errors
/// With the sentence about it, if receivers would give up on the result.
pub(super) fn merge(present: &str, wanted: &str, earlier: Option<&str>) -> Result<String, String> {
    let version = present.split_ascii_whitespace().next().unwrap_or("v=spf1");
    let (ours, before) = (terms_of(wanted), earlier.map(terms_of).unwrap_or_default());
    let is_ours = |term: &str| ours.iter().any(|our| key(our) == key(term));
    let was_ours = |term: &str| before.iter().any(|old| key(old) == key(term));
    let mut terms: Vec<&str> =
        terms_of(present).into_iter().filter(|term| is_ours(term) || !was_ours(term)).collect();

    // What stands behind `all` is never looked at.
    let end = terms.iter().position(|term| all_of(term).is_some()).unwrap_or(terms.len());
    let reached: Vec<String> = terms[..end].iter().map(|term| key(term)).collect();
    let missing: Vec<&str> =
        ours.iter().copied().filter(|term| all_of(term).is_none() && !reached.contains(&key(term))).collect();
    terms.splice(0..0, missing);

    let all = ours.iter().copied().find(|term| all_of(term).is_some());
    match (terms.iter().position(|term| all_of(term).is_some()), all) {
        (Some(place), Some(all)) if all_of(all) > all_of(terms[place]) => terms[place] = all,
        (None, Some(all)) if !redirects(&terms) => terms.push(all),
        _ => {}
    }
    let policy = [&[version], terms.as_slice()].concat().join(" ");
    match spf_lookups(&policy) {
        0..=MAX_LOOKUPS => Ok(policy),
        many => Err(format!(
            "with what mail needs, the SPF policy has {many} DNS look-ups, and receivers give up after {MAX_LOOKUPS}"
        )),
    }
}

fn terms_of(policy: &str) -> Vec<&str> {
    policy.split_ascii_whitespace().skip(1).collect()
}

/// Returns how strict an `all` is; nothing for other terms.
fn all_of(term: &str) -> Option<u8> {
    match term.to_ascii_lowercase().as_str() {
        "all" | "+all" => Some(0),
        "?all" => Some(1),
        "~all" => Some(2),
        "-all" => Some(3),
        _ => None,
    }
}

fn redirects(terms: &[&str]) -> bool {
    terms.iter().any(|term| term.to_ascii_lowercase().starts_with("redirect="))
}

/// Returns the one spelling of a term.
fn key(term: &str) -> String {
    let term = term.to_ascii_lowercase();
    let term = term.strip_prefix('+').unwrap_or(&term);
    let network = term.strip_prefix("ip4:").or_else(|| term.strip_prefix("ip6:"));
    if let Some(network) = network.and_then(network_term) {
        return network;
    }
    // A name is the same with and without its final dot.
    let (name, length) = term.split_once('/').map_or((term, None), |(name, length)| (name, Some(length)));
    let name = name.strip_suffix('.').unwrap_or(name);
    length.map_or_else(|| name.to_owned(), |length| format!("{name}/{length}"))
}

fn network_term(text: &str) -> Option<String> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let (kind, address, most) = if let Ok(v4) = address.parse::<Ipv4Addr>() {
        ("ip4", v4.to_string(), 32)
    } else {
        ("ip6", address.parse::<Ipv6Addr>().ok()?.to_string(), 128)
    };
    match bits {
        Some(bits) if bits > most => None,
        Some(bits) if bits < most => Some(format!("{kind}:{address}/{bits}")),
        _ => Some(format!("{kind}:{address}")),
    }
}

pub(super) const MAX_LOOKUPS: usize = 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spec::Relay;

    fn spec() -> DomainSpec {
        DomainSpec::new("shop.example".parse().unwrap(), "mail.shop.example".parse().unwrap())
    }

    #[test]
    fn networks_and_relays_are_in_the_policy_once() {
        let relay = Relay::new("smtp.relay.example".parse().unwrap(), "shop")
            .with_spf_include("relay.example".parse().unwrap());
        let mut spec = spec().with_relay(relay.clone());
        spec.mailboxes.push(crate::MailboxEntry::new("a@shop.example".parse().unwrap()).with_relay(relay));
        spec.dns.spf.networks =
            vec!["192.0.2.0/24".into(), "192.0.2.7/32".into(), "2001:DB8::/48".into(), "192.0.2.7".into()];
        spec.dns.spf.all = SpfAll::Fail;
        assert_eq!(
            wanted(&spec).unwrap(),
            "v=spf1 mx ip4:192.0.2.0/24 ip4:192.0.2.7 ip6:2001:db8::/48 include:relay.example -all"
        );
    }

    #[test]
    fn what_is_no_network_is_named() {
        for bad in
            ["192.0.2.0/33", "192.0.2", "2001:db8::/129", "mail.example", "192.0.2.0/", "192.0.2.1 -all"]
        {
            let mut spec = spec();
            spec.dns.spf.networks = vec![bad.into()];
            let error = wanted(&spec).unwrap_err();
            assert_eq!(
                (error.kind(), error.subject()),
                (ErrorKind::InvalidInput, format!("{bad:?}").as_str())
            );
        }
    }

    #[test]
    fn a_policy_beyond_ten_look_ups_is_refused() {
        let mut spec = spec();
        spec.dns.spf.include = (0..9).map(|n| format!("_s{n}.example")).collect();
        assert_eq!(spf_lookups(&wanted(&spec).unwrap()), 10);
        spec.dns.spf.include.push("one-more.example".into());
        let refused = wanted(&spec).unwrap_err().to_string();
        assert!(refused.contains("needs 11 DNS look-ups"), "{refused}");
        let full = "v=spf1 a a:b.example mx:c.example ptr exists:%{i}.x include:d include:e include:f include:g include:h ~all";
        assert!(merge(full, "v=spf1 mx ~all", None).unwrap_err().contains("11 DNS look-ups"));
    }

    #[test]
    fn policies_are_joined() {
        for (present, wanted, joined) in [
            ("v=spf1 ip4:192.0.2.1 -all", "v=spf1 mx ~all", "v=spf1 mx ip4:192.0.2.1 -all"),
            ("v=spf1 +MX ?all", "v=spf1 mx ~all", "v=spf1 +MX ~all"),
            (
                "v=spf1 ip4:192.0.2.1/32 ~all",
                "v=spf1 mx ip4:192.0.2.1 -all",
                "v=spf1 mx ip4:192.0.2.1/32 -all",
            ),
            ("v=spf1 redirect=_spf.example", "v=spf1 mx ~all", "v=spf1 mx redirect=_spf.example"),
            ("v=spf1 -all mx", "v=spf1 mx ~all", "v=spf1 mx -all mx"),
            (
                "v=spf1 mx include:R.example. ~all",
                "v=spf1 mx include:r.example ~all",
                "v=spf1 mx include:R.example. ~all",
            ),
            ("v=spf1 a:x.example./24 -all", "v=spf1 a:x.example/24 ~all", "v=spf1 a:x.example./24 -all"),
            ("v=spf1", "v=spf1 mx include:r.example ~all", "v=spf1 mx include:r.example ~all"),
        ] {
            assert_eq!(merge(present, wanted, None).unwrap(), joined);
        }
        let earlier = Some("v=spf1 mx include:old.example ~all");
        let joined = merge("v=spf1 mx include:old.example a:web.example ~all", "v=spf1 mx ~all", earlier);
        assert_eq!(joined.unwrap(), "v=spf1 mx a:web.example ~all", "what only we wanted goes");
    }

    #[test]
    fn only_what_is_reached_costs_look_ups() {
        assert_eq!(spf_lookups("v=spf1 A/24 -mx:x ~include:y ip6:::1 exp=z all include:never"), 3);
        assert_eq!(spf_lookups("v=spf1 mx redirect=x"), 2);
        assert_eq!(spf_lookups("v=spf1 redirect=x -all"), 0);
    }

    proptest! {
        #[test]
        fn joining_twice_is_joining_once(
            terms in proptest::collection::vec(
                proptest::sample::select(vec![
                    "mx", "+mx", "-mx", "all", "-all", "~all", "?all", "ip4:192.0.2.1", "IP4:192.0.2.1/32",
                    "include:r.example", "include:r.example.", "redirect=x.example", "exp=x", "a", "nonsense", "ip6:::1/128",
                ]),
                0..8,
            ),
            strict in any::<bool>(),
        ) {
            let present = ["v=spf1".to_owned(), terms.join(" ")].join(" ");
            let wanted = format!("v=spf1 mx ip4:192.0.2.1 ip6:::1 include:r.example {}all", if strict { '-' } else { '~' });
            if let Ok(once) = merge(&present, &wanted, None) {
                for term in terms.iter().filter(|term| all_of(term).is_none()) {
                    prop_assert!(once.contains(term), "{} was lost from {}", term, once);
                }
                prop_assert_eq!(merge(&once, &wanted, None).unwrap(), once);
            }
        }
    }
}
