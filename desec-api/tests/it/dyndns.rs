use std::{
    net::{Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use desec_api::{
    AddressChange::{self, Delete, Prefix, Preserve, Set},
    Client, Credential, DomainName, DynDns, DynDnsUpdate, Error, FakeDesec, Fault, ForbiddenBy, HttpResponse,
    Missing, RecordType, Scope, SubName, Ttl,
};

use crate::recording::Script;

fn domain() -> DomainName {
    "alice.dedyn.io".parse().unwrap()
}

fn name(text: &str) -> SubName {
    text.parse().unwrap()
}

fn world() -> (FakeDesec, DynDns) {
    let fake = FakeDesec::new();
    fake.add_domain(&domain(), Ttl::new(3600).unwrap());
    let client = fake.client_builder().max_wait(Duration::from_mins(3)).build().unwrap();
    let dyndns = DynDns::new(client, domain());
    (fake, dyndns)
}

fn v4(last: u8) -> AddressChange<Ipv4Addr> {
    Set(vec![Ipv4Addr::new(9, 9, 9, last)])
}

fn v6(last: u16) -> AddressChange<Ipv6Addr> {
    Set(vec![Ipv6Addr::new(0x2a00, 1, 2, 3, 4, 5, 6, last)])
}

/// Returns what the zone has of a type, as `name records`, sorted.
fn published(fake: &FakeDesec, rtype: &RecordType) -> Vec<String> {
    let zone = fake.zone(&domain()).unwrap();
    let sets = zone.iter().filter(|set| set.rtype == *rtype);
    let shown = sets.map(|set| {
        assert_eq!(set.ttl.seconds(), 60);
        let mut records = set.records.clone();
        records.sort();
        format!("{} {}", set.subname, records.join(" "))
    });
    shown.collect()
}

#[tokio::test(start_paused = true)]
async fn each_family_changes_as_said() {
    let (fake, dyndns) = world();
    // What the connection would add if it were asked.
    fake.set_client_address("8.8.8.8".parse().unwrap());
    fake.set_second_client_address(Some("2a00::8".parse().unwrap()));
    let both = [name("@"), name("www"), name("*.x")];
    let steps: [(_, _, &[&str], &[&str]); 5] = [
        (v4(1), Preserve, &["@ 9.9.9.1", "*.x 9.9.9.1", "www 9.9.9.1"], &[]),
        (
            Preserve,
            v6(1),
            &["@ 9.9.9.1", "*.x 9.9.9.1", "www 9.9.9.1"],
            &["@ 2a00:1:2:3:4:5:6:1", "*.x 2a00:1:2:3:4:5:6:1", "www 2a00:1:2:3:4:5:6:1"],
        ),
        (
            Delete,
            Prefix("2a00:ffff::/32".parse().unwrap()),
            &[],
            &["@ 2a00:ffff:2:3:4:5:6:1", "*.x 2a00:ffff:2:3:4:5:6:1", "www 2a00:ffff:2:3:4:5:6:1"],
        ),
        (Prefix("9.9.0.0/16".parse().unwrap()), Delete, &[], &[]),
        (
            Set(vec![[9, 9, 9, 1].into(), [9, 9, 9, 2].into()]),
            Delete,
            &["@ 9.9.9.1 9.9.9.2", "*.x 9.9.9.1 9.9.9.2", "www 9.9.9.1 9.9.9.2"],
            &[],
        ),
    ];
    for (v4, v6, a, aaaa) in steps {
        let update = DynDnsUpdate::new(v4, v6).with_names(both.clone());
        dyndns.update(&update).await.unwrap();
        assert_eq!(published(&fake, &RecordType::A), a, "{update:?}");
        assert_eq!(published(&fake, &RecordType::Aaaa), aaaa, "{update:?}");
    }
    assert!(fake.calls().iter().all(|call| call.path == "/api/v1/dyndns/update"));
}

#[tokio::test(start_paused = true)]
async fn a_name_may_have_addresses_of_its_own() {
    let (fake, dyndns) = world();
    let update = DynDnsUpdate::new(v4(1), Delete).with_own(name("mail"), Preserve, v6(7));
    dyndns.update(&update.with_own(name("ftp"), v4(3), Delete)).await.unwrap();
    assert_eq!(published(&fake, &RecordType::A), ["@ 9.9.9.1", "ftp 9.9.9.3"]);
    assert_eq!(published(&fake, &RecordType::Aaaa), ["mail 2a00:1:2:3:4:5:6:7"]);
}

#[tokio::test]
async fn what_cannot_be_right_is_not_sent() {
    let script = Script::new([]);
    let dyndns = DynDns::new(script.client(), domain());
    let private = || Set(vec![[9, 9, 9, 9].into(), [192, 168, 0, 1].into()]);
    let local = || Set(vec!["fe80::1".parse().unwrap()]);
    let many: Vec<SubName> = (0..200).map(|n| name(&format!("name-{n}"))).collect();
    for (update, reason) in [
        (DynDnsUpdate::new(Set(vec![]), Preserve), "sets no IPv4 address; say Delete or Preserve"),
        (DynDnsUpdate::new(Preserve, Set(vec![])), "sets no IPv6 address"),
        (
            DynDnsUpdate::new(private(), Preserve),
            "192.168.0.1 is not globally routable: 192.168.0.0/16 is for",
        ),
        (DynDnsUpdate::new(Preserve, local()), "fe80::1 is not globally routable"),
        (DynDnsUpdate::new(Preserve, Preserve).with_own(name("x"), private(), Delete), "192.168.0.1 is not"),
        (DynDnsUpdate::new(Prefix("10.0.0.0/8".parse().unwrap()), Preserve), "10.0.0.0/8 is not globally"),
        (DynDnsUpdate::new(Preserve, Preserve).with_names([]), "has no name"),
        (DynDnsUpdate::new(v4(1), Preserve).with_names(many), "too long for one request"),
    ] {
        let error = dyndns.update(&update).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput { what: "dynDNS update", .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert_eq!(script.calls(), 0);
}

#[tokio::test]
async fn private_networks_are_allowed_on_request() {
    let (fake, dyndns) = world();
    let update = DynDnsUpdate::new(Set(vec![[192, 168, 0, 1].into()]), Delete).allowing_special_addresses();
    dyndns.update(&update).await.unwrap();
    assert_eq!(published(&fake, &RecordType::A), ["@ 192.168.0.1"]);
}

#[tokio::test]
async fn the_address_for_updates_follows_the_rules_of_the_base() {
    let dyndns = |base: &str| {
        let client = Client::builder("t".into()).base_url(base).build().unwrap();
        DynDns::new(client, domain())
    };
    for base in ["https://desec.example/x/", "https://desec.example/x"] {
        assert!(format!("{:?}", dyndns(base)).contains("/x/dyndns/update\""), "{:?}", dyndns(base));
    }
    let with = |url: &str| dyndns("https://desec.example").with_update_url(url);
    with("https://update.dedyn.io").unwrap();
    with("http://[::1]:8080/").unwrap();
    for bad in
        ["http://update.dedyn.io/", "https://user:hunter2@update.dedyn.io/", "https://x.example/?a=b", "x"]
    {
        let error = with(bad).unwrap_err();
        assert!(matches!(error, Error::InvalidInput { what: "update URL", .. }), "{error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_update_may_have_happened_and_may_be_repeated() {
    let (fake, dyndns) = world();
    for fault in [Fault::FailsStored, Fault::AnswerLost] {
        fake.inject(fault);
        let error = dyndns.update(&DynDnsUpdate::new(v4(1), Preserve)).await.unwrap_err();
        assert!(error.outcome_unknown() && error.is_retryable(), "{error:?}");
    }
    assert_eq!(published(&fake, &RecordType::A), ["@ 9.9.9.1"]);
}

#[tokio::test(start_paused = true)]
async fn each_refusal_has_its_type() {
    let error = async |answer: HttpResponse| {
        let client = Script::new([answer]).builder().max_wait(Duration::ZERO).build().unwrap();
        DynDns::new(client, domain()).update(&DynDnsUpdate::new(v4(1), Preserve)).await.unwrap_err()
    };
    let text = |status: u16, body: &str| {
        HttpResponse::new(status).with_header("content-type", "text/plain").with_body(body.into())
    };
    let e = error(text(401, "badauth")).await;
    assert!(matches!(e, Error::Unauthenticated { credential: Credential::Token, .. }), "{e:?}");
    let e = error(text(403, "Insufficient token permissions.")).await;
    assert!(matches!(e, Error::Forbidden { by: ForbiddenBy::Policy, .. }), "{e:?}");
    let e = error(text(404, "nohost")).await;
    assert!(matches!(e, Error::NotFound { missing: Missing::Domain, .. }), "{e:?}");
    let e = error(text(409, "Conflict: duplicate key value")).await;
    assert!(matches!(e, Error::Conflict { repeatable: true, .. }) && e.is_retryable(), "{e:?}");
    let e = error(text(400, "- non_field_errors:\n  - IP address 9.9.9.1 not allowed.\n")).await;
    assert!(matches!(e, Error::Invalid { .. }) && e.to_string().contains("9.9.9.1 not allowed."), "{e:?}");
    let e = error(text(429, "Request was throttled.").with_header("retry-after", "119")).await;
    assert!(matches!(&e, Error::Throttled { scope: Scope::DynDns(of), .. } if *of == domain()), "{e:?}");
    assert_eq!(e.retry_after(), Some(Duration::from_secs(119)));
    let e = error(text(429, "Too many concurrent requests.")).await;
    assert!(matches!(e, Error::Throttled { retry_after: None, .. }), "{e:?}");
    let e = error(text(504, "")).await;
    assert!(e.outcome_unknown() && e.is_retryable(), "{e:?}");
}

#[tokio::test]
async fn only_good_is_good() {
    for body in ["", "nochg", "good 9.9.9.1", "<html>good</html>"] {
        let script = Script::new([HttpResponse::new(200).with_body(body.into())]);
        let dyndns = DynDns::new(script.client(), domain());
        let error = dyndns.update(&DynDnsUpdate::new(v4(1), Preserve)).await.unwrap_err();
        assert!(error.outcome_unknown(), "{body:?}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_pace_keeps_two_in_two_minutes() {
    let (fake, dyndns) = world();
    fake.throttle(true);
    let start = tokio::time::Instant::now();
    for n in 1..=7 {
        dyndns.update(&DynDnsUpdate::new(v4(n), Preserve)).await.unwrap();
    }
    assert_eq!(start.elapsed().as_secs(), 360);
    assert!(fake.calls().iter().all(|call| call.status == Some(200)));
}

#[tokio::test]
async fn a_foreign_domain_is_not_found() {
    let (fake, _) = world();
    let dyndns = DynDns::new(fake.client().unwrap(), "bob.dedyn.io".parse().unwrap());
    let error = dyndns.update(&DynDnsUpdate::new(v4(1), Preserve)).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { missing: Missing::Domain, .. }), "{error:?}");
    let shown = "cannot update the addresses of bob.dedyn.io: there is no such domain in this account";
    assert_eq!(error.to_string(), shown);
}

#[tokio::test]
async fn the_fake_updates_over_http_too() {
    let (fake, _) = world();
    let server = fake.serve().await;
    let client = Client::builder(fake.token()).base_url(server.uri()).build().unwrap();
    DynDns::new(client, domain()).update(&DynDnsUpdate::new(v4(4), v6(4))).await.unwrap();
    assert_eq!(published(&fake, &RecordType::A), ["@ 9.9.9.4"]);
    assert_eq!(published(&fake, &RecordType::Aaaa), ["@ 2a00:1:2:3:4:5:6:4"]);
}
