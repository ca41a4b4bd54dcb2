//! The zone at deSEC, with each call going wrong in every way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agent_mail::backend::{DkimKey, DnsProvider, RrSet};
use agent_mail::{AgentMail, Desec, DomainSpec, Embedded, Error, ErrorKind, records};
use desec_api::{FakeDesec, Fault, Method, Ttl};

struct World {
    embedded: Embedded,
    desec: FakeDesec,
    mail: AgentMail,
}

impl World {
    /// The clock of tokio is paused: what a client waits for rate limits takes no time.
    fn new() -> Self {
        let desec = FakeDesec::new();
        desec.add_domain(&zone(), Ttl::new(3600).unwrap());
        let client = desec.client_builder().max_wait(Duration::from_secs(10)).build().unwrap();
        let embedded = Embedded::new("agents.example.org".parse().unwrap());
        let host = "mail.example.org".parse().unwrap();
        let dns = embedded.system().dns(Arc::new(Desec::new(client)), "example.org".parse().unwrap(), host);
        Self { mail: dns.build().unwrap(), embedded, desec }
    }

    fn writes(&self) -> usize {
        self.desec.calls().iter().filter(|call| call.method == Method::Patch).count()
    }

    fn names(&self) -> Vec<(String, String)> {
        let sets = self.desec.zone(&zone()).unwrap();
        sets.iter().map(|set| (set.subname.to_string(), set.rtype.to_string())).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_the_next_run_ends_with_the_right_zone() {
    let whole = World::new();
    whole.mail.bootstrap_dns().await.unwrap();
    let wanted = whole.names();
    assert_eq!(wanted.len(), 9, "with the zone's own NS: {wanted:?}");
    for fault in FAULTS {
        for other in FAULTS {
            let world = World::new();
            world.desec.inject(fault);
            world.desec.inject(other);
            let mut tries = 0;
            while let Err(error) = world.mail.bootstrap_dns().await {
                assert!(error.is_retryable(), "it is safe to repeat: {error:?}");
                tokio::time::sleep(error.retry_after().unwrap_or_default()).await;
                tries += 1;
                assert!(tries <= 2, "{fault:?} {other:?}");
            }
            assert_eq!(world.names(), wanted, "{fault:?} {other:?}");
            let writes = world.writes();
            let report = world.mail.bootstrap_dns().await.unwrap();
            assert_eq!((report.written.len(), report.unchanged), (0, 8), "{fault:?} {other:?}");
            assert_eq!(world.writes(), writes, "the last run writes nothing");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_run_tells_when_to_come_back() {
    let world = World::new();
    world.desec.inject(Fault::Throttled { retry_after: Some(Duration::from_mins(7)) });
    let error: Error = world.mail.bootstrap_dns().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    let after = error.retry_after().unwrap();
    assert!((Duration::from_mins(6)..=Duration::from_mins(7)).contains(&after), "{after:?}");
    assert_eq!(world.names().len(), 1);
    tokio::time::sleep(after).await;
    world.mail.bootstrap_dns().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_others_keep_in_the_zone_stays() {
    let world = World::new();
    let foreign = [
        ("", "MX", "10 mx.elsewhere.example."),
        ("", "TXT", "\"v=spf1 -all\""),
        ("agents", "TXT", "\"site-verification=1\""),
        ("www.agents", "A", "192.0.2.1"),
    ];
    for (name, rtype, record) in foreign {
        let (name, rtype) = (name.parse().unwrap(), rtype.parse().unwrap());
        world.desec.put(&zone(), &name, &rtype, Ttl::new(7200).unwrap(), &[record.to_owned()]);
    }
    world.mail.bootstrap_dns().await.unwrap();
    let sets = world.desec.zone(&zone()).unwrap();
    for (name, rtype, record) in foreign {
        let set = sets.iter().find(|set| set.subname.as_str() == name && set.rtype.to_string() == rtype);
        assert!(set.unwrap().records.iter().any(|kept| kept == record), "{name} {rtype}");
    }
    assert_eq!(world.mail.bootstrap_dns().await.unwrap().written, []);
    assert!(world.embedded.zone_records().len() == 1, "nothing goes to another provider");
}

#[tokio::test(start_paused = true)]
async fn a_zone_is_read_again_with_one_request() {
    let desec = FakeDesec::new();
    desec.add_domain(&zone(), Ttl::new(3600).unwrap());
    let provider = Desec::new(desec.client_builder().unpaced().build().unwrap());
    let name = "example.org".parse().unwrap();
    let requests = async || {
        let before = desec.calls().len();
        assert_eq!(provider.zone(&name).await.unwrap().minimum_ttl, 3600);
        desec.calls().len() - before
    };
    assert_eq!((requests().await, requests().await, requests().await), (2, 1, 1));
    // A refusal may come of another minimum, so it is asked for again.
    let low = RrSet::new("www", "A", 60, vec!["192.0.2.1".to_owned()]);
    assert_eq!(provider.replace(&name, &[low]).await.unwrap_err().kind(), ErrorKind::Rejected);
    assert_eq!((requests().await, requests().await), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_is_kept_does_not_wait_a_day_for_the_server() {
    let world = World::new();
    world.desec.inject(Fault::Unreachable);
    let mail = world.mail.clone();
    let keeper = tokio::spawn(async move { mail.keep_dns().await });
    tokio::time::sleep(Duration::from_mins(61)).await;
    assert_eq!(world.names().len(), 9);
    keeper.abort();
}

/// deSEC reads the zone file by itself, and what it made of it lacks nothing.
#[tokio::test(start_paused = true)]
async fn a_zone_file_is_read_by_another_as_it_was_meant() {
    let mut spec = DomainSpec::new("shop.example".parse().unwrap(), "mail.shop.example".parse().unwrap());
    spec.dns.addresses = vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
    spec.dns.pop3s = agent_mail::spec::Service::NotOffered;
    spec.dns.mta_sts = Some(agent_mail::spec::MtaSts::new(agent_mail::spec::MtaStsMode::Testing));
    spec.dns.dmarc.reports_to = vec!["\"a;b\\\"c\"@shop.example".parse().unwrap()];
    let key = DkimKey { selector: "dkim".into(), record: format!("v=DKIM1; k=rsa; p={}", "A".repeat(730)) };
    let keys = BTreeMap::from([(spec.domain.clone(), key)]);
    let wanted = records::wanted(&spec, &keys, &spec.domain, 3600).unwrap();
    let file = records::zone_file(&spec.domain, &wanted).unwrap();

    let desec = FakeDesec::new();
    let client = desec.client().unwrap();
    let name: desec_api::DomainName = "shop.example".parse().unwrap();
    client.create_domain(&desec_api::NewDomain::new(name).with_zonefile(file)).await.unwrap();
    let zone = Desec::new(client).zone(&spec.domain).await.unwrap();
    let report = records::changes(&zone, wanted).unwrap();
    assert_eq!((report.written, report.unchanged), (vec![], 13));
}

fn zone() -> desec_api::DomainName {
    "example.org".parse().unwrap()
}

const FAULTS: [Fault; 6] = [
    Fault::FailsStored,
    Fault::FailsUnstored,
    Fault::AnswerLost,
    Fault::Throttled { retry_after: None },
    Fault::Throttled { retry_after: Some(Duration::from_mins(1)) },
    Fault::Unreachable,
];
