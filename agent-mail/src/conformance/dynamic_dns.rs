use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use mail_access::DomainName;

use super::{Case, DnsHarness, cases};
use crate::ErrorKind;
use crate::backend::PublicAddress::{Absent, Found, Unknown};
use crate::backend::{DynamicDns, PublicAddress, PublicAddresses, RrSet};

/// What refreshes the addresses of hosts in a new zone.
pub trait DynamicDnsHarness: DnsHarness {
    /// Returns the subject to be tested, which writes to the zone of the provider.
    fn dynamic(&self) -> Arc<dyn DynamicDns>;
}

/// The cases of [`DynamicDns`]. One that is not listed here is dead code, and the compiler says so.
pub const DYNAMIC_DNS_CASES: &[Case<Arc<dyn DynamicDnsHarness>>] = cases! {
    a_host_gets_the_addresses_that_were_found
    an_absent_family_is_removed_and_an_unknown_one_stays
    other_records_stay
    refreshing_is_safe_to_repeat
    both_families_change_or_none
    a_foreign_zone_is_not_found
};

type Subject = Arc<dyn DynamicDnsHarness>;

async fn a_host_gets_the_addresses_that_were_found(dns: Subject) {
    refresh(&dns, Found(V4), Found(V6)).await;
    assert_eq!(records(&dns).await, (vec![V4.to_string()], vec![V6.to_string()]));
    refresh(&dns, Found(OTHER), Found(V6)).await;
    assert_eq!(records(&dns).await, (vec![OTHER.to_string()], vec![V6.to_string()]));
}

async fn an_absent_family_is_removed_and_an_unknown_one_stays(dns: Subject) {
    refresh(&dns, Found(V4), Found(V6)).await;
    refresh(&dns, Unknown, Absent).await;
    assert_eq!(records(&dns).await, (vec![V4.to_string()], vec![]));
    refresh(&dns, Absent, Unknown).await;
    assert_eq!(records(&dns).await, (vec![], vec![]));
}

async fn other_records_stay(dns: Subject) {
    let others = [
        RrSet::new("mail", "TXT", 3600, vec!["\"v=spf1 a -all\"".into()]),
        RrSet::new("www", "A", 3600, vec!["9.9.9.1".into()]),
    ];
    dns.provider().replace(&dns.zone(), &others).await.expect("the zone can be written");
    refresh(&dns, Found(V4), Found(V6)).await;
    let zone = dns.provider().zone(&dns.zone()).await.expect("the zone can be read");
    for other in &others {
        assert_eq!(zone.find(&other.name, &other.rtype), Some(other));
    }
}

async fn refreshing_is_safe_to_repeat(dns: Subject) {
    for _ in 0..2 {
        refresh(&dns, Found(V4), Absent).await;
        assert_eq!(records(&dns).await, (vec![V4.to_string()], vec![]));
    }
}

async fn both_families_change_or_none(dns: Subject) {
    let alias = RrSet::new("mail", "CNAME", 3600, vec!["elsewhere.example.".into()]);
    dns.provider().replace(&dns.zone(), &[alias]).await.expect("the zone can be written");
    let addresses = PublicAddresses { v4: Found(V4), v6: Found(V6) };
    let refused = dns.dynamic().refresh(&dns.zone(), &host(&dns), &addresses).await;
    let kind = refused.expect_err("a name with a CNAME has no address").kind();
    assert!(matches!(kind, ErrorKind::Rejected | ErrorKind::InvalidInput), "{kind:?}");
    assert_eq!(records(&dns).await, (vec![], vec![]));
}

async fn a_foreign_zone_is_not_found(dns: Subject) {
    let foreign: DomainName = "foreign.example.org".parse().expect("it is a name");
    let addresses = PublicAddresses { v4: Found(V4), v6: Absent };
    let inside = "mail.foreign.example.org".parse().expect("it is a name");
    for (zone, host) in [(&foreign, &inside), (&dns.zone(), &inside)] {
        let refused = dns.dynamic().refresh(zone, host, &addresses).await;
        assert_eq!(refused.expect_err("it is not there").kind(), ErrorKind::NotFound, "{zone} {host}");
    }
}

async fn refresh(dns: &Subject, v4: PublicAddress<Ipv4Addr>, v6: PublicAddress<Ipv6Addr>) {
    let addresses = PublicAddresses { v4, v6 };
    dns.dynamic().refresh(&dns.zone(), &host(dns), &addresses).await.expect("the address can be refreshed");
}

async fn records(dns: &Subject) -> (Vec<String>, Vec<String>) {
    let zone = dns.provider().zone(&dns.zone()).await.expect("the zone can be read");
    let records = |rtype| zone.find("mail", rtype).map(|set| set.records.clone()).unwrap_or_default();
    (records("A"), records("AAAA"))
}

fn host(dns: &Subject) -> DomainName {
    format!("mail.{}", dns.zone()).parse().expect("it is a name")
}

// deSEC's client refuses those of documentation.
const V4: Ipv4Addr = Ipv4Addr::new(9, 9, 9, 9);
const OTHER: Ipv4Addr = Ipv4Addr::new(9, 9, 9, 10);
const V6: Ipv6Addr = Ipv6Addr::new(0x2620, 0xfe, 0, 0, 0, 0, 0, 0xfe);
