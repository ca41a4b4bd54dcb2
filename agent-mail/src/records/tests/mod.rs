mod full;
mod merging;

use proptest::prelude::*;

use super::text::quoted;
use super::*;
use crate::backend::Zone;

fn key() -> DkimKey {
    DkimKey { selector: "dkim".into(), record: format!("v=DKIM1;k=rsa;p={}", "A".repeat(392)) }
}

fn wanted_with(domain: &str, zone: &str, key: DkimKey) -> Result<Vec<RrSet>, Error> {
    let domain: DomainName = domain.parse().unwrap();
    let spec = DomainSpec::new(domain.clone(), "mail.example.org".parse().unwrap());
    super::wanted(&spec, &BTreeMap::from([(domain, key)]), &zone.parse().unwrap(), 3600)
}

fn wanted(domain: &str, zone: &str) -> Vec<RrSet> {
    wanted_with(domain, zone, key()).unwrap()
}

fn zone(sets: &[(&str, &str, &[&str])]) -> Zone {
    let set = |(name, rtype, records): &(&str, &str, &[&str])| {
        RrSet::new(*name, *rtype, 3600, records.iter().map(|&record| record.to_owned()).collect())
    };
    Zone::new(3600, sets.iter().map(set).collect())
}

fn applied(mut zone: Zone, report: &DnsReport) -> Zone {
    for set in &report.written {
        zone.sets.retain(|old| old.name != set.name || old.rtype != set.rtype);
        zone.sets.push(set.clone());
    }
    zone
}

#[test]
fn an_empty_zone_gets_all_that_mail_needs() {
    let report = changes(&zone(&[]), wanted("agents.example", "agents.example")).unwrap();
    let lines: Vec<String> = report
        .written
        .iter()
        .map(|set| format!("{} {} {}", set.name, set.rtype, set.records.join(" | ")))
        .collect();
    let long_key = format!("\"v=DKIM1;k=rsa;p={}\" \"{}\"", "A".repeat(239), "A".repeat(153));
    assert_eq!(
        lines,
        [
            " MX 10 mail.example.org.".to_owned(),
            " TXT \"v=spf1 mx ~all\"".to_owned(),
            format!("dkim._domainkey TXT {long_key}"),
            "_dmarc TXT \"v=DMARC1; p=quarantine\"".to_owned(),
            "autoconfig CNAME mail.example.org.".to_owned(),
            "autodiscover CNAME mail.example.org.".to_owned(),
            "_submissions._tcp SRV 0 1 465 mail.example.org.".to_owned(),
            "_imaps._tcp SRV 0 1 993 mail.example.org.".to_owned(),
        ]
    );
}

#[test]
fn a_domain_below_the_zone_has_its_names_there() {
    let names: Vec<String> =
        wanted("agents.example.org", "example.org").into_iter().map(|set| set.name).collect();
    assert_eq!(names[0], "agents");
    assert_eq!(names[2], "dkim._domainkey.agents");
    let outside = wanted_with("agents.example", "other.example", key());
    assert_eq!(outside.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn the_second_run_writes_nothing() {
    let empty = zone(&[]);
    let first = changes(&empty, wanted("agents.example", "agents.example")).unwrap();
    let second = changes(&applied(empty, &first), wanted("agents.example", "agents.example")).unwrap();
    assert_eq!((second.written.len(), second.unchanged), (0, 8));
}

#[test]
fn texts_of_others_stay_and_there_is_one_spf() {
    let present = zone(&[
        ("", "TXT", &["\"site-verification=1\"", "\"v=spf1 ip4:192.0.2.1 -all\""]),
        ("_dmarc", "TXT", &["\"v=DMARC1; p=reject\""]),
        ("www", "A", &["192.0.2.1"]),
    ]);
    let report = changes(&present, wanted("agents.example", "agents.example")).unwrap();
    let texts = report.written.iter().find(|set| set.rtype == "TXT" && set.name.is_empty()).unwrap();
    assert_eq!(texts.records, ["\"site-verification=1\"", "\"v=spf1 mx ip4:192.0.2.1 -all\""]);
    assert!(!report.written.iter().any(|set| set.name == "_dmarc" || set.name == "www"));
    assert_eq!(report.unchanged, 1);
}

#[test]
fn a_key_split_elsewhere_is_the_same_and_another_key_is_replaced() {
    let record = key().record;
    let (start, end) = record.split_at(100);
    let split = format!("\"{start}\" \"{end}\"");
    for (present, written) in [(split.as_str(), false), ("\"v=DKIM1;k=rsa;p=OLD\"", true)] {
        let present = zone(&[("dkim._domainkey", "TXT", &[present])]);
        let report = changes(&present, wanted("agents.example", "agents.example")).unwrap();
        assert_eq!(report.written.iter().any(|set| set.name == "dkim._domainkey"), written);
    }
}

#[test]
fn what_contradicts_is_named_and_nothing_is_written() {
    for (present, subject) in [
        (zone(&[("", "MX", &["10 mx.other.example."])]), "@ MX"),
        (zone(&[("autoconfig", "A", &["192.0.2.1"])]), "autoconfig CNAME"),
        (zone(&[("", "TXT", &["\"v=spf1 a -all\"", "\"v=spf1 mx -all\""])]), "@ TXT"),
    ] {
        let error = changes(&present, wanted("agents.example", "agents.example")).unwrap_err();
        assert_eq!((error.kind(), error.subject()), (ErrorKind::AlreadyExists, subject));
    }
    let other_case = zone(&[("", "MX", &["10 MAIL.example.org."])]);
    assert!(changes(&other_case, wanted("agents.example", "agents.example")).is_ok());
}

#[test]
fn a_policy_is_known_however_it_is_written() {
    let present = zone(&[
        ("", "TXT", &["\"V=SPF1 ip4:192.0.2.1 -all\""]),
        ("_dmarc", "TXT", &["\"v = DMARC1 ;p=reject\""]),
    ]);
    let report = changes(&present, wanted("agents.example", "agents.example")).unwrap();
    let spf = report.written.iter().find(|set| set.rtype == "TXT" && set.name.is_empty()).unwrap();
    assert_eq!(
        spf.records,
        ["\"V=SPF1 mx ip4:192.0.2.1 -all\""],
        "two policies are an error for all receivers"
    );
    assert!(!report.written.iter().any(|set| set.name == "_dmarc"), "{report:?}");
    let similar = zone(&[("", "TXT", &["\"v=spf10 -all\"", "\"v=spf1-verification=7\""])]);
    let report = changes(&similar, wanted("agents.example", "agents.example")).unwrap();
    let texts = report.written.iter().find(|set| set.rtype == "TXT" && set.name.is_empty()).unwrap();
    assert_eq!(texts.records.len(), 3, "these are no policies: {texts:?}");
}

#[test]
fn a_selector_has_one_key() {
    let present = zone(&[("dkim._domainkey", "TXT", &["\"k=rsa; p=OLD\"", "\"v=DKIM1; p=OLDER\""])]);
    let report = changes(&present, wanted("agents.example", "agents.example")).unwrap();
    let set = report.written.iter().find(|set| set.name == "dkim._domainkey").unwrap();
    assert_eq!(set.records, [quoted(&key().record)], "with two keys neither verifies");
    let bare = || vec![RrSet::new("dkim._domainkey", "TXT", 3600, vec![quoted("k=rsa; p=NEW")])];
    let after = applied(present, &changes(&zone(&[]), bare()).unwrap());
    assert_eq!(changes(&after, bare()).unwrap().unchanged, 1, "the version may be left out");
}

#[test]
fn a_selector_in_capitals_is_published_in_lower_case() {
    let key = DkimKey { selector: "Mail2026".into(), ..key() };
    let sets = wanted_with("agents.example", "agents.example", key);
    assert_eq!(sets.unwrap()[2].name, "mail2026._domainkey");
}

proptest! {
    #[test]
    fn whatever_texts_there_are_the_second_plan_is_empty(
        texts in proptest::collection::btree_set("[a-z=:; ]{1,20}", 0..5),
        spf in proptest::option::of("v=spf1( mx| a| -all| include:x\\.example){0,3}"),
    ) {
        let records: Vec<String> = texts.iter().map(|text| quoted(text)).chain(spf.as_deref().map(quoted)).collect();
        let sets = if records.is_empty() { vec![] } else { vec![RrSet::new("", "TXT", 3600, records.clone())] };
        let before = Zone::new(3600, sets);
        let first = changes(&before, wanted("agents.example", "agents.example")).unwrap();
        let after = applied(before, &first);
        for text in &texts {
            prop_assert!(after.find("", "TXT").unwrap().records.contains(&quoted(text)), "{} was lost", text);
        }
        let second = changes(&after, wanted("agents.example", "agents.example")).unwrap();
        prop_assert_eq!(second.written, vec![]);
    }
}
