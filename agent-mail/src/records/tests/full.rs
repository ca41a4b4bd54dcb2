//! A specification with everything, as a zone file and as checklists.

use super::*;
use crate::golden::golden;
use crate::spec::{
    AliasEntry, CaaIssuer, DmarcPolicy, ForwardEntry, MailboxEntry, MtaSts, MtaStsMode, Relay, Service,
    SpfAll, Tlsa,
};

fn everything() -> DomainSpec {
    let relay = Relay::new("smtp.relay.example".parse().unwrap(), "shop")
        .with_spf_include("relay.example".parse().unwrap());
    let mut ada = MailboxEntry::new("ada@shop.example".parse().unwrap());
    ada.must_change_password = false;
    let mut spec = DomainSpec::new("shop.example".parse().unwrap(), "mail.shop.example".parse().unwrap())
        .with_relay(relay)
        .with_mailbox(ada)
        .with_alias(AliasEntry::new(
            "postmaster@shop.example".parse().unwrap(),
            ["ada@shop.example".parse().unwrap()],
        ))
        .with_forward(ForwardEntry::new(
            "ada@shop.example".parse().unwrap(),
            ["ada@home.example".parse().unwrap()],
        ));
    spec.alias_domains = vec!["shop.test".parse().unwrap()];
    let dns = &mut spec.dns;
    dns.addresses = vec!["192.0.2.25".parse().unwrap(), "2001:db8::25".parse().unwrap()];
    dns.spf.networks = vec!["192.0.2.0/28".into()];
    dns.spf.include = vec!["_spf.other.example".into()];
    dns.spf.all = SpfAll::Fail;
    dns.dmarc.policy = DmarcPolicy::Reject;
    dns.dmarc.subdomain_policy = Some(DmarcPolicy::Quarantine);
    dns.dmarc.reports_to =
        vec!["dmarc@shop.example".parse().unwrap(), "shop@reports.example".parse().unwrap()];
    dns.pop3s = Service::NotOffered;
    dns.mta_sts = Some(MtaSts::new(MtaStsMode::Enforce));
    dns.tls_reports_to = vec!["a|b`c@shop.example".parse().unwrap()];
    dns.tlsa = vec![Tlsa { usage: 3, selector: 1, matching: 1, digest: "AB".repeat(32) }];
    dns.caa = ["letsencrypt.org", "ca.example"]
        .map(|name| CaaIssuer { issuer: name.parse().unwrap(), wildcard: name == "ca.example" })
        .to_vec();
    spec
}

fn keys() -> BTreeMap<DomainName, DkimKey> {
    BTreeMap::from([("shop.example".parse().unwrap(), key())])
}

fn in_zone(spec: &DomainSpec, zone: &str) -> Vec<RrSet> {
    super::super::wanted(spec, &keys(), &zone.parse().unwrap(), 3600).unwrap()
}

#[test]
fn all_records_as_a_zone_file() {
    let spec = everything();
    for zone in ["shop.example", "shop.test", "reports.example"] {
        let name: DomainName = zone.parse().unwrap();
        let sets = in_zone(&spec, zone);
        let file = zone_file(&name, &sets).unwrap();
        golden(&format!("records/{zone}.zone"), &file);
        assert_eq!(read_zone_file(&name, &file).unwrap(), sets);
        let empty = Zone::new(3600, Vec::new());
        let report = changes(&empty, sets.clone()).unwrap();
        let after = Zone::new(3600, read_zone_file(&name, &file).unwrap());
        assert_eq!(
            (report.written, changes(&after, sets.clone()).unwrap().unchanged),
            (sets.clone(), sets.len())
        );
    }
}

#[test]
fn checklists_have_the_values_filled_in() {
    let bare = DomainSpec::new("shop.example".parse().unwrap(), "mail.example.org".parse().unwrap());
    for (name, spec, keys) in [("everything", everything(), keys()), ("bare", bare, BTreeMap::new())] {
        golden(&format!("records/{name}/dns.md"), &dns_checklist(&spec, &keys).unwrap());
        golden(&format!("records/{name}/security.md"), &security_checklist(&spec, &keys).unwrap());
    }
}

#[test]
fn a_checklist_keeps_its_shape_whatever_stands_in_it() {
    let shape = |address: &str| -> Vec<usize> {
        let mut spec = everything();
        spec.dns.tls_reports_to = vec![address.parse().unwrap()];
        spec.mailboxes[0].address = address.parse().unwrap();
        let both = dns_checklist(&spec, &keys()).unwrap() + &security_checklist(&spec, &keys()).unwrap();
        both.lines().map(|line| line.matches('|').count()).collect()
    };
    assert_eq!(shape("a|b`c|*x*@shop.example"), shape("ada@shop.example"));
    assert_eq!(shape("\"<b>[x](y)\"@shop.example"), shape("ada@shop.example"));
}

#[test]
fn a_host_outside_the_zone_keeps_its_addresses_to_itself() {
    let mut spec = everything();
    spec.mail_host = "mail.example.org".parse().unwrap();
    assert!(
        !in_zone(&spec, "shop.example").iter().any(|set| ["A", "AAAA", "TLSA"].contains(&set.rtype.as_str()))
    );
    let host: Vec<String> =
        in_zone(&spec, "example.org").into_iter().map(|set| format!("{} {}", set.name, set.rtype)).collect();
    assert_eq!(host, ["mail A", "mail AAAA", "_25._tcp.mail TLSA"]);
}

#[test]
fn the_ttl_is_that_of_the_options_and_never_below_the_zones() {
    let mut spec = everything();
    spec.dns.ttl = 7200;
    assert!(in_zone(&spec, "shop.example").iter().all(|set| set.ttl == 7200));
    spec.dns.ttl = 60;
    assert!(in_zone(&spec, "shop.example").iter().all(|set| set.ttl == 3600));
}

#[test]
fn what_makes_no_records_is_named() {
    type Change = fn(&mut DomainSpec);
    let wrong: [(Change, &str); 7] = [
        (|spec| spec.dns.tlsa[0].digest = "AB".into(), "TLSA 3 1 1"),
        (|spec| spec.dns.tlsa[0].digest = "XY".repeat(32), "TLSA 3 1 1"),
        (|spec| spec.dns.tlsa[0].usage = 1, "TLSA 1 1 1"),
        (|spec| spec.dns.spf.networks = vec!["here".into()], "\"here\""),
        (|spec| spec.alias_domains = vec!["shop.example".parse().unwrap()], "shop.example MX"),
        (
            |spec| spec.alias_domains = vec!["autoconfig.shop.example".parse().unwrap()],
            "autoconfig.shop.example MX",
        ),
        (
            |spec| {
                spec.alias_domains =
                    vec![format!("{0}.{0}.{0}.{1}", "a".repeat(60), "b".repeat(56)).parse().unwrap()];
            },
            "",
        ),
    ];
    for (change, subject) in wrong {
        let mut spec = everything();
        change(&mut spec);
        let error = super::super::wanted(&spec, &keys(), &spec.domain.clone(), 3600).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.subject().starts_with(subject), "{error}");
    }
    let selector = DkimKey { selector: "a b".into(), ..key() };
    let keys = BTreeMap::from([("shop.example".parse().unwrap(), selector)]);
    let spec = everything();
    assert!(super::super::wanted(&spec, &keys, &spec.domain, 3600).is_err());
}
