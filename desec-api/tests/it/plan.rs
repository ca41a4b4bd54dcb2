//! What a plan says, rule by rule.

use desec_api::{
    Claim, Desired, DomainName, Error, FakeDesec, Foreign, NewRrSet, Plan, RecordType, SubName, Ttl, txt,
};

/// A zone of `(subname, type, ttl, records)`.
pub(crate) type Sets<'a> = &'a [(&'a str, &'a str, u32, &'a [&'a str])];

pub(crate) fn domain() -> DomainName {
    "example.com".parse().unwrap()
}

pub(crate) fn sub(text: &str) -> SubName {
    text.parse().unwrap()
}

pub(crate) fn rtype(text: &str) -> RecordType {
    text.parse().unwrap()
}

/// Returns an account whose domain has these RRsets, whoever wrote them.
pub(crate) fn fake(sets: Sets<'_>) -> FakeDesec {
    fake_of(&domain(), sets)
}

fn fake_of(domain: &DomainName, sets: Sets<'_>) -> FakeDesec {
    let fake = FakeDesec::new();
    fake.add_domain(domain, Ttl::new(3600).unwrap());
    for (name, of, ttl, records) in sets {
        let records: Vec<String> = records.iter().map(|record| (*record).to_owned()).collect();
        fake.put(domain, &sub(name), &rtype(of), Ttl::new(*ttl).unwrap(), &records);
    }
    fake
}

/// Returns the wish for these RRsets.
pub(crate) fn wish(sets: Sets<'_>) -> Desired {
    let set = |(name, of, ttl, records): &(&str, &str, u32, &[&str])| {
        let records = records.iter().map(|record| (*record).to_owned());
        NewRrSet::new(sub(name), rtype(of), Ttl::new(*ttl).unwrap(), records)
    };
    Desired::new(sets.iter().map(set))
}

fn plan(there: Sets<'_>, desired: &Desired) -> Result<Plan, Error> {
    desired.plan(&domain(), &fake(there).zone(&domain()).unwrap())
}

/// Returns what a plan shows, without its last line.
fn shown(there: Sets<'_>, desired: &Desired) -> String {
    let shown = plan(there, desired).unwrap().to_string();
    shown.rsplit_once('\n').map_or_else(String::new, |(lines, _)| lines.to_owned())
}

/// Returns what stands against a plan.
fn foreign(there: Sets<'_>, desired: &Desired) -> Vec<String> {
    match plan(there, desired).unwrap_err() {
        Error::Foreign { records, .. } => records.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

fn invalid(domain: &str, desired: &Desired) -> String {
    let domain: DomainName = domain.parse().unwrap();
    let zone = fake_of(&domain, &[]).zone(&domain).unwrap();
    match desired.plan(&domain, &zone).unwrap_err() {
        error @ Error::InvalidInput { .. } => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_as_wanted_is_left_alone_however_it_is_spelled() {
    let there: Sets<'_> = &[
        ("", "MX", 3600, &["10 mx1.example.net.", "20 MX2.example.net."]),
        ("", "TXT", 3600, &["\"v=spf1 mx -all\""]),
        ("t", "TLSA", 3600, &["3 1 1 abcdef"]),
        ("v6", "AAAA", 3600, &["::ffff:c000:201"]),
        ("other", "A", 3600, &["192.0.2.9"]),
    ];
    let desired = wish(&[
        ("", "MX", 3600, &["020 mx2.EXAMPLE.net.", "( 10 mx1.example.net. ) ; first"]),
        ("", "TXT", 3600, &["\"v=spf1 \\109x -all\""]),
        ("t", "TLSA", 3600, &["03 1 1 ABC DEF"]),
        ("v6", "AAAA", 3600, &["::ffff:192.0.2.1"]),
    ]);
    let plan = plan(there, &desired).unwrap();
    assert!(plan.is_empty(), "{plan}");
    assert_eq!(plan.to_string(), "nothing to write in example.com");
    assert_eq!((plan.cost().writes, plan.cost().reads), (0, 1));
}

#[test]
fn a_plan_reads_like_a_diff() {
    let there: Sets<'_> = &[
        ("", "MX", 3600, &["10 old.example.net.", "20 mx2.example.net."]),
        ("old", "A", 3600, &["192.0.2.1"]),
        ("", "TXT", 3600, &["\"owner=someone\""]),
        ("ttl", "A", 3600, &["192.0.2.3"]),
    ];
    let desired = wish(&[
        ("", "MX", 3600, &["10 mx1.example.net.", "20 mx2.example.net."]),
        ("_dmarc", "TXT", 7200, &["\"v=DMARC1; p=reject\""]),
        ("", "TXT", 3600, &["\"v=spf1 -all\""]),
        ("ttl", "A", 7200, &["192.0.2.3"]),
    ]);
    let desired = desired
        .owning(Claim::RrSet(sub(""), RecordType::Mx))
        .owning(Claim::Name(sub("old")))
        .on_foreign(Foreign::Merge);
    let plan = plan(there, &desired).unwrap();
    assert_eq!(
        plan.to_string(),
        "~ @ MX 3600\n\
         \x20   - 10 old.example.net.\n\
         \x20   + 10 mx1.example.net.\n\
         ~ @ TXT 3600\n\
         \x20   + \"v=spf1 -all\"\n\
         + _dmarc TXT 7200 \"v=DMARC1; p=reject\"\n\
         - old A 3600 192.0.2.1\n\
         ~ ttl A 3600 -> 7200\n\
         \x20 @ TXT \"owner=someone\" (not ours, stays)\n\
         1 write of 300 a day"
    );
    assert_eq!(plan.kept().len(), 1);
}

#[test]
fn records_of_others_are_refused_merged_or_claimed() {
    let there: Sets<'_> = &[("", "TXT", 3600, &["\"v=spf1 a\"", "\"b=1\"", "\"a=1\""])];
    let desired = wish(&[("", "TXT", 3600, &["\"v=spf1 mx\""])]);
    assert_eq!(foreign(there, &desired), ["@ TXT \"a=1\"", "@ TXT \"b=1\"", "@ TXT \"v=spf1 a\""]);
    assert_eq!(
        plan(there, &desired).unwrap_err().to_string(),
        "cannot plan the zone of example.com: there are records of others: @ TXT \"a=1\", @ TXT \"b=1\", \
         @ TXT \"v=spf1 a\"; claim them, merge them where the type is the same, or remove them"
    );
    let spf = Claim::records(sub(""), RecordType::Txt, "V=spf1");
    let owning = desired.clone().owning(spf.clone());
    assert_eq!(foreign(there, &owning), ["@ TXT \"a=1\"", "@ TXT \"b=1\""]);
    let merged = owning.on_foreign(Foreign::Merge);
    let lines = shown(there, &merged);
    assert!(lines.contains("- \"v=spf1 a\"\n    + \"v=spf1 mx\""), "{lines}");
    let kept = plan(there, &merged).unwrap().changes()[0].after.clone().unwrap().records;
    assert_eq!(kept.len(), 3);

    let whole = desired.owning(Claim::RrSet(sub(""), RecordType::Txt));
    assert_eq!(plan(there, &whole).unwrap().changes()[0].after.clone().unwrap().records, ["\"v=spf1 mx\""]);
    // A text may be cut anywhere.
    let cut: Sets<'_> = &[("", "TXT", 3600, &["\"v=s\" \"pf1 a\""])];
    assert!(shown(cut, &Desired::default().owning(spf)).starts_with("- @ TXT"));
}

#[test]
fn what_is_claimed_and_not_wanted_goes_and_the_rest_stays() {
    let there: Sets<'_> = &[
        ("", "A", 3600, &["192.0.2.1"]),
        ("", "TXT", 3600, &["\"v=spf1 a\"", "\"a=1\""]),
        ("x", "A", 3600, &["192.0.2.1"]),
        ("x", "TXT", 3600, &["\"1\""]),
        ("x.y", "A", 3600, &["192.0.2.1"]),
        ("y", "A", 3600, &["192.0.2.1"]),
        ("y", "TXT", 3600, &["\"1\""]),
    ];
    let desired = Desired::default()
        .owning(Claim::Name(sub("x")))
        .owning(Claim::RrSet(sub("y"), RecordType::A))
        .owning(Claim::records(sub(""), RecordType::Txt, "v=spf1"));
    assert_eq!(
        shown(there, &desired),
        "~ @ TXT 3600\n    - \"v=spf1 a\"\n- x A 3600 192.0.2.1\n- x TXT 3600 \"1\"\n- y A 3600 192.0.2.1\n  \
         @ TXT \"a=1\" (not ours, stays)"
    );
    // The claim to a name does not cover its name servers, unless they are wanted.
    let apex = Desired::default().owning(Claim::Name(sub("")));
    assert!(!shown(there, &apex).contains("NS"), "{}", shown(there, &apex));
    assert_eq!(shown(there, &apex).lines().filter(|line| line.starts_with('-')).count(), 3);
    let moved = wish(&[("", "NS", 3600, &["ns.example.net."])]).owning(Claim::Name(sub("")));
    assert!(
        shown(there, &moved).contains("~ @ NS 3600\n    - ns2.desec.org.\n    - ns1.desec.io.\n    + ns.")
    );
}

#[test]
fn pruning_spares_name_servers_and_dyndns_only() {
    let there: Sets<'_> = &[
        ("", "A", 60, &["192.0.2.1"]),
        ("", "AAAA", 60, &["2001:db8::1"]),
        ("", "TXT", 60, &["\"1\""]),
        ("w", "TXT", 3600, &["\"2\"", "\"3\""]),
        ("sub", "NS", 3600, &["ns.example.net."]),
        ("dyn", "A", 60, &["192.0.2.1"]),
    ];
    let desired = wish(&[("w", "TXT", 3600, &["\"3\""]), ("dyn", "A", 3600, &["192.0.2.2"])]).prune();
    assert_eq!(
        shown(there, &desired),
        "- @ TXT 60 \"1\"\n~ dyn A 60\n    - 192.0.2.1\n    + 192.0.2.2\n- sub NS 3600 ns.example.net.\n\
         ~ w TXT 3600\n    - \"2\""
    );
}

#[test]
fn what_dyndns_wrote_keeps_its_ttl() {
    let there: Sets<'_> = &[("d", "A", 60, &["192.0.2.1"]), ("d", "TXT", 60, &["\"1\""])];
    let desired = wish(&[("d", "A", 3600, &["192.0.2.1"]), ("d", "TXT", 3600, &["\"1\""])]);
    assert_eq!(shown(there, &desired), "~ d TXT 60 -> 3600");
    let desired = wish(&[("d", "A", 3600, &["192.0.2.2"])]).owning(Claim::Name(sub("d")));
    let plan = plan(there, &desired).unwrap();
    assert_eq!(plan.changes()[0].after.as_ref().unwrap().ttl.seconds(), 60);
}

#[test]
fn nothing_stands_beside_a_cname() {
    let there: Sets<'_> = &[
        ("a", "A", 3600, &["192.0.2.1"]),
        ("a", "TXT", 3600, &["\"mine\"", "\"theirs\""]),
        ("c", "CNAME", 3600, &["c.example.net."]),
    ];
    let cname = wish(&[("a", "CNAME", 3600, &["a.example.net."])]).on_foreign(Foreign::Merge);
    let in_place = " (in the place of CNAME)";
    assert_eq!(
        foreign(there, &cname),
        [
            format!("a A 192.0.2.1{in_place}"),
            format!("a TXT \"mine\"{in_place}"),
            format!("a TXT \"theirs\"{in_place}")
        ]
    );
    let partly = cname.clone().owning(Claim::RrSet(sub("a"), RecordType::A)).owning(Claim::records(
        sub("a"),
        RecordType::Txt,
        "mine",
    ));
    assert_eq!(foreign(there, &partly), [format!("a TXT \"theirs\"{in_place}")]);
    let swap = cname.owning(Claim::Name(sub("a")));
    assert_eq!(
        shown(there, &swap),
        "- a A 3600 192.0.2.1\n+ a CNAME 3600 a.example.net.\n- a TXT 3600 \"theirs\"\n- a TXT 3600 \"mine\""
    );
    let back = wish(&[("c", "A", 3600, &["192.0.2.1"]), ("c", "TXT", 3600, &["\"1\""])]);
    assert!(foreign(there, &back)[0].starts_with("c CNAME c.example.net. (in the place of "));
    let back = back.owning(Claim::RrSet(sub("c"), RecordType::Cname));
    assert_eq!(plan(there, &back).unwrap().changes().len(), 3);
    // One record only: another one cannot be merged.
    let other = wish(&[("c", "CNAME", 3600, &["d.example.net."])]).on_foreign(Foreign::Merge);
    assert_eq!(foreign(there, &other), ["c CNAME c.example.net."]);
    let dynamic: Sets<'_> = &[("d", "A", 60, &["192.0.2.1"])];
    let pruned = wish(&[("d", "CNAME", 3600, &["d.example.net."])]).prune();
    assert_eq!(foreign(dynamic, &pruned), [format!("d A 192.0.2.1{in_place}")]);
}

#[test]
fn low_ttls_are_raised_as_asked() {
    let desired = wish(&[("a", "A", 300, &["192.0.2.1"]), ("b", "A", 7200, &["192.0.2.1"])]);
    let desired = desired.with_minimum_ttl(Ttl::new(3600).unwrap());
    assert_eq!(shown(&[], &desired), "+ a A 3600 192.0.2.1\n+ b A 7200 192.0.2.1");
}

#[test]
fn repeated_records_are_one() {
    let desired = wish(&[("", "MX", 3600, &["10 A.example.", "010 a.example.", "20 a.example."])]);
    assert_eq!(shown(&[], &desired), "+ @ MX 3600 10 A.example.\n+ @ MX 3600 20 a.example.");
}

#[test]
fn impossible_wishes_are_refused_early() {
    let a: (&str, &str, u32, &[&str]) = ("x", "A", 3600, &["192.0.2.1"]);
    let cases: [(&str, Sets<'_>, &str); 10] = [
        ("example.com", &[a, a], "x A: it is wanted twice"),
        ("example.com", &[("x", "A", 3600, &[])], "x A: it has no records"),
        ("example.com", &[("x", "A", 3600, &["192.0.2"])], "x A: Text input is malformed."),
        ("example.com", &[("x", "TXT", 3600, &["bare"])], "x TXT: put the text into double quotes"),
        ("example.com", &[a, ("x", "CNAME", 3600, &["c."])], "x A: a CNAME is wanted at this name too"),
        ("example.com", &[("", "CNAME", 3600, &["c."])], "@ CNAME: this type is not possible at the apex"),
        ("example.com", &[("x", "CNAME", 3600, &["c.", "d."])], "x CNAME: only one record"),
        ("example.com", &[("", "SOA", 3600, &["a. b. 1 2 3 4 5"])], "@ SOA: the server manages this type"),
        ("a.dedyn.io", &[("", "NS", 3600, &["ns.example."])], "@ NS: name servers below dedyn.io"),
        ("a.dedyn.io", &[("x", "NS", 3600, &["ns.example."])], "x NS: name servers below dedyn.io"),
    ];
    for (domain, sets, reason) in cases {
        let error = invalid(domain, &wish(sets));
        assert!(error.contains(reason), "{error}, not {reason}");
    }
    // What is there below dedyn.io stays.
    let dedyn: DomainName = "a.dedyn.io".parse().unwrap();
    let zone = fake_of(&dedyn, &[("x", "NS", 3600, &["ns.example."])]).zone(&dedyn).unwrap();
    let all = Desired::default().prune().owning(Claim::RrSet(sub(""), RecordType::Ns));
    assert!(all.plan(&dedyn, &zone).unwrap().is_empty());
}

#[test]
fn a_stored_plan_is_checked_when_it_is_read() {
    let there: Sets<'_> = &[("x", "A", 3600, &["192.0.2.1"]), ("y", "TXT", 3600, &["\"1\""])];
    let desired = wish(&[("x", "A", 3600, &["192.0.2.2"])]).prune();
    let plan = plan(there, &desired).unwrap();
    let stored = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&stored).unwrap(), plan);

    let cases = [
        ("192.0.2.2", "192.0.2.300", "malformed"),
        ("192.0.2.2", "192.0.2.1", "does not change"),
        (r#"["192.0.2.2"]"#, "[]", "no records"),
        (r#""y""#, r#""x","type":"SOA""#, "duplicate field"),
        (r#""TXT""#, r#""SOA""#, "the server manages this type"),
        (r#""y","type":"TXT""#, r#""","type":"NS""#, "name servers are not deleted"),
        (r#""y","type":"TXT""#, r#""x","type":"A""#, "twice"),
        (r#""type":"A""#, r#""type":"MX""#, "MX"),
        (r#""after":{"ttl":3600"#, r#""after":{"ttl":0"#, "86400"),
    ];
    for (from, to, reason) in cases {
        assert!(stored.contains(from), "{from} in {stored}");
        let error = serde_json::from_str::<Plan>(&stored.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}, not {reason}");
    }
    let spelled = stored.replace("192.0.2.2", " 192.0.2.2 ");
    assert_eq!(serde_json::from_str::<Plan>(&spelled).unwrap(), plan, "contents are read as canonical");
    assert_eq!(txt("1"), "\"1\"");
}
