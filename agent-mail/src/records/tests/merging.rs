//! What becomes of what others keep, and of what an earlier wish asked for.

use super::super::text::{Kind, kind_of};
use super::*;

fn set(name: &str, rtype: &str, ttl: u32, records: &[&str]) -> RrSet {
    RrSet::new(name, rtype, ttl, records.iter().map(|&record| record.to_owned()).collect())
}

fn only(name: &str, rtype: &str, record: &str) -> Vec<RrSet> {
    vec![set(name, rtype, 3600, &[record])]
}

#[test]
fn addresses_of_dyndns_are_left_alone_and_others_are_replaced() {
    let wanted = || only("mail", "A", "192.0.2.2");
    let dynamic = Zone::new(3600, vec![set("mail", "A", 60, &["192.0.2.1"])]);
    assert_eq!(changes(&dynamic, wanted()).unwrap().unchanged, 1);
    let fixed = zone(&[("mail", "A", &["192.0.2.1"])]);
    assert_eq!(changes(&fixed, wanted()).unwrap().written, wanted());
    let none = vec![set("mail", "A", 3600, &[])];
    assert_eq!(changes(&fixed, none.clone()).unwrap().written, none);
    assert_eq!(changes(&zone(&[]), none.clone()).unwrap().unchanged, 1);
    assert_eq!(changes(&dynamic, none).unwrap().unchanged, 1);
    let short = vec![set("mail", "A", 60, &["192.0.2.2"])];
    assert_eq!(changes(&dynamic, short.clone()).unwrap().written, short, "all records here live as short");
}

#[test]
fn authorities_and_certificates_of_others_stay() {
    let present = zone(&[("", "CAA", &["0 issue \"ca.example\""]), ("_25._tcp.mail", "TLSA", &["3 1 1 ab"])]);
    let report = changes(
        &present,
        [only("", "CAA", "0 issue \"letsencrypt.org\""), only("_25._tcp.mail", "TLSA", "3 1 1 CD")].concat(),
    );
    let written = report.unwrap().written;
    assert_eq!(written[0].records, ["0 issue \"ca.example\"", "0 issue \"letsencrypt.org\""]);
    assert_eq!(written[1].records, ["3 1 1 ab", "3 1 1 CD"]);
}

#[test]
fn the_mark_of_our_policy_replaces_another() {
    let present = zone(&[("_mta-sts", "TXT", &["\"v=STSv1; id=1\"", "\"other\""])]);
    let report = changes(&present, only("_mta-sts", "TXT", "\"v=STSv1; id=2\"")).unwrap();
    assert_eq!(report.written[0].records, ["\"other\"", "\"v=STSv1; id=2\""]);
    let reports = zone(&[("_smtp._tls", "TXT", &["\"v=TLSRPTv1; rua=mailto:a@b.example\""])]);
    assert_eq!(
        changes(&reports, only("_smtp._tls", "TXT", "\"v=TLSRPTv1; rua=mailto:c@d.example\""))
            .unwrap()
            .unchanged,
        1
    );
}

#[test]
fn all_contradictions_are_named_at_once() {
    let present = zone(&[("", "MX", &["10 mx.other.example."]), ("autoconfig", "A", &["192.0.2.1"])]);
    let error = changes(&present, wanted("agents.example", "agents.example")).unwrap_err();
    let text = error.to_string();
    for part in [
        "@ MX [\"10 mx.other.example.\"]",
        "10 mail.example.org.",
        "autoconfig A [\"192.0.2.1\"]",
        "autoconfig CNAME",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let delegated = zone(&[("agents", "NS", &["ns1.other.example."])]);
    let error = changes(&delegated, wanted("agents.example.org", "example.org")).unwrap_err();
    assert!(error.to_string().contains("agents NS"), "{error}");
    assert!(
        changes(&zone(&[("", "NS", &["ns1.other.example."])]), wanted("example.org", "example.org")).is_ok()
    );
    let policies = zone(&[(
        "",
        "TXT",
        &[
            "\"v=spf1 a a:b.example mx:c.example include:d include:e include:f include:g include:h exists:i ptr -all\"",
        ],
    )]);
    let error = changes(&policies, wanted("agents.example", "agents.example")).unwrap_err();
    assert!(error.to_string().contains("11 DNS look-ups"), "{error}");
}

#[test]
fn another_ttl_counts_where_nobody_else_keeps_anything() {
    let present = Zone::new(
        60,
        vec![set("", "MX", 60, &["10 a."]), set("", "TXT", 60, &["\"x\"", "\"v=spf1 mx ~all\""])],
    );
    let report =
        changes(&present, [only("", "MX", "10 a."), only("", "TXT", "\"v=spf1 mx ~all\"")].concat()).unwrap();
    assert_eq!(report.written, only("", "MX", "10 a."));
    assert_eq!(report.unchanged, 1);
}

#[test]
fn what_an_earlier_wish_asked_for_is_ours() {
    let earlier = [
        set("", "MX", 3600, &["10 old."]),
        set("", "TXT", 3600, &["\"v=spf1 mx include:old.example ~all\""]),
        set("_dmarc", "TXT", 3600, &["\"v=DMARC1; p=none\""]),
        set("", "CAA", 3600, &["0 issue \"old.example\""]),
        set("autoconfig", "CNAME", 3600, &["old."]),
        set("mail", "A", 3600, &["192.0.2.1"]),
        set("gone", "TXT", 3600, &["\"never was\""]),
    ];
    let present = zone(&[
        ("", "MX", &["10 old."]),
        ("", "TXT", &["\"v=spf1 mx include:old.example a:web.example ~all\"", "\"owner\""]),
        ("_dmarc", "TXT", &["\"v=DMARC1; p=none\""]),
        ("", "CAA", &["0 issue \"old.example\"", "0 issue \"ca.example\""]),
        ("autoconfig", "CNAME", &["old."]),
        ("mail", "A", &["192.0.2.1"]),
    ]);
    let wanted = || {
        [
            only("", "MX", "10 new."),
            only("", "TXT", "\"v=spf1 mx ~all\""),
            only("_dmarc", "TXT", "\"v=DMARC1; p=reject\""),
            only("autoconfig", "A", "192.0.2.9"),
        ]
        .concat()
    };
    let report = changes_since(&present, wanted(), &earlier).unwrap();
    let lines: Vec<String> = report
        .written
        .iter()
        .map(|set| format!("{} {} {}", set.name, set.rtype, set.records.join(" | ")))
        .collect();
    assert_eq!(
        lines,
        [
            " CAA 0 issue \"ca.example\"",
            "autoconfig CNAME ",
            "mail A ",
            " MX 10 new.",
            " TXT \"owner\" | \"v=spf1 mx a:web.example ~all\"",
            "_dmarc TXT \"v=DMARC1; p=reject\"",
            "autoconfig A 192.0.2.9",
        ]
    );
    let after = applied(present.clone(), &report);
    assert_eq!(changes_since(&after, wanted(), &earlier).unwrap().written, []);
    assert_eq!(
        changes(&present, wanted()).unwrap_err().kind(),
        ErrorKind::AlreadyExists,
        "unknown, they are others'"
    );
}

fn contents() -> impl Strategy<Value = Vec<RrSet>> {
    let names = ["", "_dmarc", "dkim._domainkey", "_mta-sts", "_smtp._tls", "autoconfig", "mail", "www"];
    let one = prop_oneof![
        proptest::collection::vec(
            prop_oneof![
                "[a-z=:; ]{1,12}".prop_map(|text| quoted(&text)),
                Just("\"v=spf1 a -all\"".to_owned()),
                Just("\"v=DMARC1; p=none\"".to_owned()),
                Just("\"v=STSv1; id=7\"".to_owned()),
                Just("\"v=TLSRPTv1; rua=mailto:a@b.example\"".to_owned()),
            ],
            1..4
        )
        .prop_map(|records| ("TXT", records)),
        Just(("A", vec!["192.0.2.1".to_owned()])),
        Just(("MX", vec!["10 MAIL.example.org.".to_owned()])),
        Just(("MX", vec!["10 other.example.".to_owned()])),
        Just(("CAA", vec!["0 issue \"ca.example\"".to_owned()])),
        Just(("CNAME", vec!["mail.example.org.".to_owned()])),
    ];
    let set =
        (proptest::sample::select(names.to_vec()), one, proptest::sample::select(vec![60_u32, 3600, 7200]));
    proptest::collection::vec(set, 0..8).prop_map(|sets| {
        let mut all: Vec<RrSet> = Vec::new();
        for (name, (rtype, mut records), ttl) in sets {
            records.sort();
            records.dedup();
            if !all.iter().any(|set| set.name == name && set.rtype == rtype) {
                all.push(RrSet::new(name, rtype, ttl, records));
            }
        }
        all
    })
}

fn full() -> Vec<RrSet> {
    let mut all = wanted("agents.example", "agents.example");
    all.extend(only("mail", "A", "192.0.2.9"));
    all.extend(only("", "CAA", "0 issue \"letsencrypt.org\""));
    all.extend(only("_mta-sts", "TXT", "\"v=STSv1; id=9\""));
    all.extend(only("_smtp._tls", "TXT", "\"v=TLSRPTv1; rua=mailto:c@d.example\""));
    all
}

proptest! {
    #[test]
    fn whatever_is_there_it_survives_and_the_second_run_writes_nothing(sets in contents()) {
        let before = Zone::new(60, sets.clone());
        let Ok(report) = changes(&before, full()) else { return Ok(()) };
        let after = applied(before, &report);
        for old in &sets {
            let now = after.find(&old.name, &old.rtype);
            let kept = |record: &String| now.is_some_and(|set| set.records.contains(record));
            for record in &old.records {
                let ours = full().iter().any(|set| set.name == old.name && set.rtype == old.rtype);
                let replaced = match (old.rtype.as_str(), kind_of(record)) {
                    ("A" | "MX" | "CNAME", _) | ("TXT", Kind::Spf | Kind::MtaSts) => ours,
                    ("TXT", _) => old.name == "dkim._domainkey",
                    _ => false,
                };
                prop_assert!(replaced || kept(record), "{} {} {} was lost", old.name, old.rtype, record);
            }
        }
        for set in after.sets.iter().filter(|set| set.rtype == "TXT" && set.name.is_empty()) {
            prop_assert_eq!(set.records.iter().filter(|record| kind_of(record) == Kind::Spf).count(), 1);
        }
        prop_assert_eq!(changes(&after, full()).unwrap().written, vec![]);
    }
}
