use std::fmt::Debug;
use std::sync::Arc;

use mail_access::DomainName;

use super::{Case, cases};
use crate::ErrorKind;
use crate::backend::{DnsProvider, RrSet, Zone};

/// A provider with a new zone that holds nothing but its own NS.
pub trait DnsHarness: Debug + Send + Sync + 'static {
    /// Returns the provider to be tested.
    fn provider(&self) -> Arc<dyn DnsProvider>;

    /// Returns the name of the new zone.
    fn zone(&self) -> DomainName;
}

/// The cases of [`DnsProvider`]. One that is not listed here is dead code, and the compiler says so.
pub const DNS_CASES: &[Case<Arc<dyn DnsHarness>>] = cases! {
    a_set_is_replaced_as_a_whole
    a_set_without_records_is_removed
    sets_that_are_not_given_stay
    all_of_it_happens_or_nothing
    without_sets_nothing_is_sent
    the_worked_example_comes_out_as_written
    a_cname_can_take_the_place_of_an_address
    a_long_text_comes_back_as_it_was_written
    names_come_back_below_the_zone
    a_foreign_zone_is_not_found
};

type Subject = Arc<dyn DnsHarness>;

async fn a_set_is_replaced_as_a_whole(dns: Subject) {
    write(&dns, &[set("", "MX", 3600, &["10 a.example.", "20 b.example."])]).await;
    write(&dns, &[set("", "MX", 7200, &["30 c.example."])]).await;
    assert_eq!(read(&dns).await.find("", "MX"), Some(&set("", "MX", 7200, &["30 c.example."])));
    write(&dns, &[set("", "MX", 7200, &["30 c.example."])]).await;
    assert_eq!(read(&dns).await.sets.iter().filter(|set| set.rtype == "MX").count(), 1);
}

async fn a_set_without_records_is_removed(dns: Subject) {
    write(&dns, &[set("www", "A", 3600, &["192.0.2.1"])]).await;
    for _ in 0..2 {
        write(&dns, &[set("www", "A", 3600, &[])]).await;
        assert_eq!(read(&dns).await.find("www", "A"), None);
    }
}

async fn sets_that_are_not_given_stay(dns: Subject) {
    write(&dns, &[set("www", "A", 3600, &["192.0.2.1"]), set("www", "AAAA", 3600, &["2001:db8::1"])]).await;
    let before = read(&dns).await;
    write(&dns, &[set("www", "A", 3600, &["192.0.2.2"])]).await;
    let after = read(&dns).await;
    assert_eq!(after.find("www", "AAAA"), before.find("www", "AAAA"));
    assert_eq!(after.find("", "NS"), before.find("", "NS"));
    assert_eq!(after.sets.len(), before.sets.len());
}

async fn all_of_it_happens_or_nothing(dns: Subject) {
    let good = set("www", "A", 3600, &["192.0.2.1"]);
    let bad = [
        set("mail", "MX", 3600, &["10 no-final-dot"]),
        set("mail", "TXT", 3600, &["unquoted"]),
        set("mail", "A", 3600, &["192.0.2.256"]),
        set("mail", "A", 1, &["192.0.2.1"]),
        set("www", "CNAME", 3600, &["a.example."]),
        set("b\u{e4}d", "A", 3600, &["192.0.2.1"]),
    ];
    for bad in bad {
        let refused = dns.provider().replace(&dns.zone(), &[good.clone(), bad.clone()]).await;
        let kind = refused.expect_err("it is refused").kind();
        assert!(matches!(kind, ErrorKind::InvalidInput | ErrorKind::Rejected), "{bad:?}: {kind:?}");
        assert_eq!(read(&dns).await.find("www", "A"), None, "{bad:?}");
    }
}

async fn without_sets_nothing_is_sent(dns: Subject) {
    let before = read(&dns).await;
    write(&dns, &[]).await;
    assert_eq!(read(&dns).await, before);
}

async fn the_worked_example_comes_out_as_written(dns: Subject) {
    write(&dns, &[set("", "MX", 3600, &["10 a."]), set("", "TXT", 3600, &["\"x\""])]).await;
    let wrong = [set("", "MX", 3600, &["10 b."]), set("c", "CNAME", 3600, &["d"])];
    dns.provider().replace(&dns.zone(), &wrong).await.expect_err("it is refused");
    assert_eq!(read(&dns).await.find("", "MX"), Some(&set("", "MX", 3600, &["10 a."])));
    write(&dns, &[set("", "MX", 3600, &["10 b."])]).await;
    write(&dns, &[set("", "MX", 3600, &[])]).await;
    let zone = read(&dns).await;
    assert_eq!(zone.find("", "MX"), None);
    assert_eq!(zone.find("", "TXT"), Some(&set("", "TXT", 3600, &["\"x\""])));
}

async fn a_cname_can_take_the_place_of_an_address(dns: Subject) {
    write(&dns, &[set("www", "A", 3600, &["192.0.2.1"])]).await;
    write(&dns, &[set("www", "CNAME", 3600, &["a.example."]), set("www", "A", 3600, &[])]).await;
    let zone = read(&dns).await;
    assert_eq!(zone.find("www", "A"), None);
    assert_eq!(zone.find("www", "CNAME"), Some(&set("www", "CNAME", 3600, &["a.example."])));
}

async fn a_long_text_comes_back_as_it_was_written(dns: Subject) {
    let text = format!("\"v=DKIM1;k=rsa;p={}\" \"{}\"", "A".repeat(239), "B".repeat(160));
    write(&dns, &[set("dkim._domainkey", "TXT", 3600, &[&text])]).await;
    assert_eq!(
        read(&dns).await.find("dkim._domainkey", "TXT"),
        Some(&set("dkim._domainkey", "TXT", 3600, &[&text]))
    );
}

async fn names_come_back_below_the_zone(dns: Subject) {
    write(&dns, &[set("a.b", "A", 3600, &["192.0.2.1"]), set("*", "A", 3600, &["192.0.2.2"])]).await;
    let zone = read(&dns).await;
    for (name, rtype) in [("", "NS"), ("a.b", "A"), ("*", "A")] {
        assert!(zone.find(name, rtype).is_some(), "{name} {rtype}");
    }
    assert!(zone.minimum_ttl > 0);
}

async fn a_foreign_zone_is_not_found(dns: Subject) {
    let foreign: DomainName = "foreign.example.org".parse().expect("it is a name");
    let read = dns.provider().zone(&foreign).await.expect_err("it is not there");
    assert_eq!(read.kind(), ErrorKind::NotFound);
    let written = dns.provider().replace(&foreign, &[set("", "MX", 3600, &["10 a."])]).await;
    assert_eq!(written.expect_err("it is not there").kind(), ErrorKind::NotFound);
}

async fn read(dns: &Subject) -> Zone {
    dns.provider().zone(&dns.zone()).await.expect("the zone can be read")
}

async fn write(dns: &Subject, sets: &[RrSet]) {
    dns.provider().replace(&dns.zone(), sets).await.expect("the zone can be written");
}

fn set(name: &str, rtype: &str, ttl: u32, records: &[&str]) -> RrSet {
    RrSet::new(name, rtype, ttl, records.iter().map(|&record| record.to_owned()).collect())
}
