//! Who serves the domain: the zone that is meant, or another one still.

use std::sync::Arc;

use agent_mail::backend::{DnsProvider, RrSet, Zone};
use agent_mail::readiness::{CheckName, Report, State, Target};
use agent_mail::{DomainName, Error, ErrorKind};
use async_trait::async_trait;

use crate::world::{DOMAIN, HOST, NS1, NS2, SELECTOR, World, name, target};

/// Moves the domain's zone away from the servers that the world is led to.
fn moved() -> Target {
    target().with_name_servers([name("ns1.new.example"), name("ns2.new.example")])
}

fn check(report: &Report, name: CheckName) -> (State, &str, &str) {
    let check = report.check(name).unwrap();
    (check.state, &check.found, &check.fix)
}

#[tokio::test]
async fn a_provider_of_before_that_still_serves_is_named_and_not_the_records_that_it_lacks() {
    let world = World::good().await;
    world.dns.set(DOMAIN, "MX", &[]);
    world.dns.set(SELECTOR, "TXT", &[]);
    let report = world.readiness().check(&moved()).await;
    let fix = "enter ns1.new.example, ns2.new.example at the registrar, and nothing else";
    let found = "the delegation still points to ns1.shop.example, ns2.shop.example";
    assert_eq!(check(&report, CheckName::Delegation), (State::Failed, found, fix));
    let found = "the delegation points to ns1.shop.example, ns2.shop.example, and there: there is no MX";
    assert_eq!(check(&report, CheckName::Mx), (State::Failed, found, fix));
    assert!(check(&report, CheckName::Dkim).1.contains("and there: there is no key"), "{report}");
    assert!(!report.is_ready());
    assert!(report.check(CheckName::Delegation).unwrap().wanted.contains("names ns1.new.example"));
}

#[tokio::test]
async fn a_registrar_who_has_the_new_servers_leaves_others_to_wait() {
    let world = World::good().await;
    world.dns.set_at(10, DOMAIN, "NS", &["ns2.new.example", "ns1.new.example"]);
    let report = world.readiness().check(&moved()).await;
    let (state, found, fix) = check(&report, CheckName::Delegation);
    assert_eq!(state, State::Failed);
    assert!(found.ends_with("but others still see ns1.shop.example, ns2.shop.example"), "{found}");
    assert!(fix.starts_with("wait until"), "{fix}");
}

#[tokio::test]
async fn a_domain_that_is_served_as_meant_is_judged_as_ever() {
    let world = World::good().await;
    let meant = target().with_name_servers([name("ns2.shop.example"), name("ns1.shop.example")]);
    assert!(world.readiness().check(&meant).await.is_ready());
    world.dns.set(DOMAIN, "MX", &[]);
    let report = world.readiness().check(&meant).await;
    assert_eq!(check(&report, CheckName::Mx).1, "there is no MX");
}

/// A provider's zone with these name servers, or none who answers.
#[derive(Debug)]
struct Provider(Option<&'static str>);

#[async_trait]
impl DnsProvider for Provider {
    async fn zone(&self, zone: &DomainName) -> Result<Zone, Error> {
        let records = self.0.ok_or_else(|| Error::new(ErrorKind::Unavailable, "read zone", zone))?;
        let records = records.split(' ').map(str::to_owned).collect();
        Ok(Zone::new(3600, vec![RrSet::new("", "NS", 3600, records)]))
    }
    async fn replace(&self, zone: &DomainName, _: &[RrSet]) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unsupported, "write zone", zone))
    }
}

#[tokio::test]
async fn the_zone_itself_says_which_servers_are_meant() {
    let world = World::good().await;
    let by = async |servers: Option<&'static str>| {
        let readiness = world.readiness().with_dns(Arc::new(Provider(servers)), name(DOMAIN));
        readiness.check(&target()).await
    };
    assert!(by(Some("NS2.shop.example. ns1.shop.example.")).await.is_ready());
    let report = by(Some("ns1.new.example.")).await;
    assert!(
        check(&report, CheckName::Delegation).1.starts_with("the delegation still points to"),
        "{report}"
    );
    assert!(by(None).await.is_ready(), "a provider that doesn't answer keeps no mail back");
}

#[tokio::test]
async fn serials_of_their_own_are_told_and_different_records_are_not_of_one_mind() {
    let world = World::good().await;
    world.dns.set_at(NS1, DOMAIN, "SOA", &["6"]);
    // The order says nothing.
    world.dns.set(HOST, "A", &["127.0.0.25", "127.0.0.26"]);
    world.dns.set("26.0.0.127.in-addr.arpa", "PTR", &[HOST]);
    world.dns.set_at(NS2, HOST, "A", &["127.0.0.26", "127.0.0.25"]);
    let report = world.report().await;
    let (state, found, _) = check(&report, CheckName::Delegation);
    assert!(state == State::Ok && found.contains("serials 6, 7 and the same records"), "{report}");
    assert!(report.is_ready(), "{report}");

    world.dns.set_at(NS2, HOST, "A", &["127.0.0.99"]);
    world
        .fails(
            CheckName::Delegation,
            "the same A of mail.shop.example; their serials are 6, 7",
            "newest state",
        )
        .await;
    world.dns.set_at(NS2, HOST, "A", &["127.0.0.25", "127.0.0.26"]);
    world.dns.set_at(NS2, SELECTOR, "TXT", &["v=DKIM1; p=OLD"]);
    world.fails(CheckName::Delegation, "the same TXT of dkim._domainkey.shop.example", "newest state").await;
}
