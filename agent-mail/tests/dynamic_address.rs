//! A mail host whose address moves: found, published, and kept over a month of virtual time.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_mail::backend::{PublicAddress, PublicAddressSource, PublicAddresses};
use agent_mail::{
    AgentMail, AgentMailBuilder, Desec, DesecAddresses, DnsOptions, DnsReport, Embedded, Error, ErrorKind,
};
use async_trait::async_trait;
use desec_api::{Agreement, FakeDesec, Fault, Method, SubName, Ttl};

/// A source that says what it was told, or fails.
#[derive(Debug)]
struct Told(Mutex<Option<PublicAddresses>>);

#[async_trait]
impl PublicAddressSource for Told {
    async fn addresses(&self) -> Result<PublicAddresses, Error> {
        let told = *self.0.lock().unwrap();
        told.ok_or_else(|| Error::new(ErrorKind::NotReady, "find address", "the mail host"))
    }
}

struct World {
    desec: FakeDesec,
    source: Arc<Told>,
    mail: AgentMail,
}

impl World {
    /// The clock of tokio is paused: what a client waits for rate limits takes no time.
    fn new(dynamic: bool) -> Self {
        Self::with(dynamic, |builder| builder)
    }

    fn with(dynamic: bool, change: impl FnOnce(AgentMailBuilder) -> AgentMailBuilder) -> Self {
        let desec = FakeDesec::new();
        desec.add_domain(&zone(), Ttl::new(3600).unwrap());
        desec.throttle(true);
        let provider = Arc::new(Desec::new(desec.client().unwrap()));
        let source = Arc::new(Told(Mutex::new(Some(addresses(9, PublicAddress::Found(V6))))));
        let embedded = Embedded::new("example.org".parse().unwrap());
        let mut builder = embedded
            .system()
            .dns(provider.clone(), "example.org".parse().unwrap(), "mail.example.org".parse().unwrap())
            .public_address(source.clone());
        if dynamic {
            builder = builder.dynamic_dns(provider);
        }
        Self { mail: change(builder).build().unwrap(), desec, source }
    }

    fn tell(&self, told: Option<PublicAddresses>) {
        *self.source.0.lock().unwrap() = told;
    }

    fn keep(&self) -> tokio::task::JoinHandle<()> {
        let mail = self.mail.clone();
        tokio::spawn(async move { mail.keep_dns().await })
    }

    fn remove(&self, name: &str, rtype: &str) {
        let name: SubName = name.parse().unwrap();
        self.desec.put(&zone(), &name, &rtype.parse().unwrap(), Ttl::new(3600).unwrap(), &[]);
    }

    /// The records of the mail host: address and time to live.
    fn host(&self) -> Vec<(String, u32)> {
        let sets = self.desec.zone(&zone()).unwrap();
        let host = sets.into_iter().filter(|set| set.subname.as_str() == "mail");
        host.map(|set| (set.records.join(" "), set.ttl.seconds())).collect()
    }

    fn sets(&self) -> Vec<String> {
        let sets = self.desec.zone(&zone()).unwrap();
        sets.iter().map(|set| format!("{} {} {:?}", set.subname, set.rtype, set.records)).collect()
    }

    /// Reads of the domain, reads of its records, writes of records, refreshes.
    fn calls(&self) -> [usize; 4] {
        let calls = self.desec.calls();
        assert!(calls.iter().all(|call| call.status == Some(200)), "no limit is ever met: {calls:?}");
        let count = |method, path: &str| {
            calls.iter().filter(|call| call.method == method && call.path.ends_with(path)).count()
        };
        let counts = [
            count(Method::Get, "/domains/example.org/"),
            count(Method::Get, "/rrsets/"),
            count(Method::Patch, "/rrsets/"),
            count(Method::Get, "/dyndns/update"),
        ];
        assert_eq!(counts.iter().sum::<usize>(), calls.len(), "{calls:?}");
        counts
    }
}

#[tokio::test(start_paused = true)]
async fn bootstrap_finds_the_address_publishes_all_and_refreshes() {
    let world = World::new(true);
    let plan = world.mail.plan_dns().await.unwrap();
    assert_eq!(
        (plan.written.len(), world.calls()),
        (7, [1, 1, 0, 0]),
        "there is no key yet, and nothing is written"
    );
    world.desec.forget_calls();
    let report = world.mail.bootstrap_dns().await.unwrap();
    assert_eq!((report.written.len(), report.addresses.len()), (8, 2));
    assert_eq!(world.host(), [("9.9.9.9".to_owned(), 60), ("2620:fe::fe".to_owned(), 60)]);
    assert_eq!(world.calls(), [0, 1, 1, 1]);
    let again = world.mail.bootstrap_dns().await.unwrap();
    assert_eq!((again.written, again.unchanged), (vec![], 8));
    assert_eq!(world.calls(), [0, 2, 1, 2], "the second run refreshes and writes nothing");
}

#[tokio::test(start_paused = true)]
async fn without_dynamic_dns_the_address_is_a_record_like_others() {
    let world = World::new(false);
    assert_eq!(world.mail.bootstrap_dns().await.unwrap().written.len(), 10);
    assert_eq!(world.host(), [("9.9.9.9".to_owned(), 3600), ("2620:fe::fe".to_owned(), 3600)]);
    world.tell(Some(addresses(10, PublicAddress::Absent)));
    assert_eq!(world.mail.bootstrap_dns().await.unwrap().written.len(), 2);
    assert_eq!(world.host(), [("9.9.9.10".to_owned(), 3600)]);
    assert_eq!(world.mail.bootstrap_dns().await.unwrap().written, []);
    assert_eq!(world.calls(), [1, 3, 2, 0]);
}

#[tokio::test(start_paused = true)]
async fn sources_that_disagree_write_nothing() {
    let says = |last| -> Arc<dyn desec_api::AddressSource> {
        let v4 = desec_api::PublicAddress::Found(Ipv4Addr::new(9, 9, 9, last));
        Arc::new(desec_api::PublicAddresses { v4, v6: desec_api::PublicAddress::Unknown })
    };
    let quarrel = Arc::new(DesecAddresses::new(Arc::new(Agreement::of([says(9), says(10)]))));
    let world = World::with(true, |builder| builder.public_address(quarrel));
    let error = world.mail.bootstrap_dns().await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::NotReady, true));
    assert_eq!(world.sets().len(), 1, "there is the NS of the zone, as before");
    assert_eq!(world.calls(), [0; 4]);
    let agree = Arc::new(DesecAddresses::new(Arc::new(Agreement::of([says(9), says(9)]))));
    let world = World::with(true, |builder| builder.public_address(agree));
    world.mail.bootstrap_dns().await.unwrap();
    assert_eq!(world.host(), [("9.9.9.9".to_owned(), 60)]);
}

#[tokio::test(start_paused = true)]
async fn a_month_is_kept_with_exactly_the_calls_that_it_needs() {
    let world = World::new(true);
    let keeper = world.keep();
    // Days 0 to 3 have a heartbeat each; then the address moves.
    tokio::time::sleep(Duration::from_hours(84) - Duration::from_mins(1)).await;
    assert_eq!(world.calls(), [1, 4, 1, 4]);
    world.tell(Some(addresses(10, PublicAddress::Found(V6))));
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(world.calls(), [1, 4, 1, 5], "a change is published at the next look-up");
    assert_eq!(world.host()[0], ("9.9.9.10".to_owned(), 60));
    // From now on heartbeats come at noon; days 4 to 9.
    tokio::time::sleep(Duration::from_hours(6 * 24 + 18)).await;
    assert_eq!(world.calls(), [1, 11, 1, 11]);
    // For a day the sources disagree: nothing is refreshed, the records are looked after.
    world.tell(None);
    tokio::time::sleep(Duration::from_hours(24)).await;
    assert_eq!(world.calls(), [1, 12, 1, 11]);
    world.tell(Some(addresses(10, PublicAddress::Unknown)));
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(world.calls(), [1, 12, 1, 12], "the heartbeat is made up for");
    assert_eq!(world.host().len(), 2, "what is unknown stays");
    // Somebody removes the address and the MX on day 20.
    tokio::time::sleep(Duration::from_hours(9 * 24 + 12)).await;
    assert_eq!(world.calls(), [1, 21, 1, 21]);
    world.remove("mail", "A");
    world.remove("", "MX");
    tokio::time::sleep(Duration::from_hours(24)).await;
    assert_eq!(world.calls(), [1, 22, 2, 22], "the next look after the records finds and mends both");
    assert_eq!(world.host()[0], ("9.9.9.10".to_owned(), 60));
    assert!(world.sets().iter().any(|set| set.contains("MX")), "{:?}", world.sets());
    tokio::time::sleep(Duration::from_hours(8 * 24 + 5)).await;
    assert_eq!(world.calls(), [1, 30, 2, 30], "thirty days: thirty looks, thirty refreshes, two writes");
    keeper.abort();
}

#[tokio::test(start_paused = true)]
async fn an_address_that_jumps_about_stays_within_the_limits() {
    let world = World::with(true, |builder| builder.public_address_interval(Duration::from_mins(1)));
    let keeper = world.keep();
    for minute in 0..24 * 60 {
        world.tell(Some(addresses(u8::try_from(minute % 200).unwrap(), PublicAddress::Absent)));
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    let [.., writes, refreshes] = world.calls();
    assert!(writes == 1 && (1400..=1441).contains(&refreshes), "{writes} {refreshes}");
    keeper.abort();
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_the_next_run_ends_with_the_right_zone() {
    let whole = World::new(true);
    whole.mail.bootstrap_dns().await.unwrap();
    let wanted = whole.sets();
    assert_eq!(wanted.len(), 11);
    for fault in FAULTS {
        for spared in 0..4 {
            let world = World::new(true);
            world.desec.inject_after(spared, fault);
            settled(&world).await;
            assert_eq!(world.sets(), wanted, "{fault:?} {spared}");
            // deSEC takes two refreshes in two minutes.
            tokio::time::sleep(Duration::from_mins(2)).await;
            let report = settled(&world).await;
            assert_eq!((report.written, report.unchanged), (vec![], 8), "{fault:?} {spared}");

            let kept = World::new(true);
            kept.desec.inject_after(spared, fault);
            let keeper = kept.keep();
            tokio::time::sleep(Duration::from_mins(70)).await;
            assert_eq!(kept.sets(), wanted, "{fault:?} {spared}");
            keeper.abort();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_holds_nothing_up() {
    #[derive(Debug)]
    struct Silent;
    #[async_trait]
    impl PublicAddressSource for Silent {
        async fn addresses(&self) -> Result<PublicAddresses, Error> {
            std::future::pending().await
        }
    }
    let world = World::with(true, |builder| builder.public_address(Arc::new(Silent)));
    let error = world.mail.bootstrap_dns().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let keeper = world.keep();
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(world.sets().len(), 9, "the records are there without an address");
    keeper.abort();
}

#[tokio::test(start_paused = true)]
async fn an_interval_without_end_is_a_long_one() {
    let world = World::with(true, |builder| {
        builder.dns_interval(Duration::MAX).public_address_interval(Duration::MAX)
    });
    let keeper = world.keep();
    tokio::time::sleep(Duration::from_hours(48)).await;
    assert_eq!(world.calls(), [1, 1, 1, 1]);
    assert!(!keeper.is_finished(), "it has not panicked");
    keeper.abort();
}

#[tokio::test(start_paused = true)]
async fn the_world_in_memory_keeps_its_address_too() {
    let world = Arc::new(Embedded::new("agents.example".parse().unwrap()));
    let fixed = addresses(9, PublicAddress::Absent);
    let mail = world.system().public_address(Arc::new(fixed)).dynamic_dns(world.clone()).build().unwrap();
    assert_eq!(mail.bootstrap_dns().await.unwrap().addresses, [Ipv4Addr::new(9, 9, 9, 9)]);
    let sets = world.zone_records();
    let host = sets.iter().find(|set| set.name == "mail").unwrap();
    assert_eq!(
        (host.rtype.as_str(), host.ttl, host.records.as_slice()),
        ("A", 60, &["9.9.9.9".to_owned()][..])
    );
}

#[tokio::test]
async fn what_can_not_be_kept_is_refused_at_once() {
    let world = Arc::new(Embedded::new("agents.example".parse().unwrap()));
    let source = || Arc::new(addresses(9, PublicAddress::Absent));
    let zone = || "agents.example".parse().unwrap();
    let mut fixed = DnsOptions::default();
    fixed.addresses = vec!["192.0.2.1".parse().unwrap()];
    let elsewhere = world.system().dns(world.clone(), zone(), "mail.example.org".parse().unwrap());
    for (builder, words) in [
        (world.system().dynamic_dns(world.clone()), "needs a source"),
        (world.system().public_address(source()).dns_options(fixed), "either fixed addresses"),
        (elsewhere.public_address(source()), "mail.example.org can't be kept"),
        (
            world.system().public_address(source()).public_address_interval(Duration::from_secs(59)),
            "at most once a minute",
        ),
        (world.system().dns_interval(Duration::ZERO), "longer than nothing"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// Runs it until it comes to its end: what fails once is safe to repeat.
async fn settled(world: &World) -> DnsReport {
    loop {
        match world.mail.bootstrap_dns().await {
            Ok(report) => return report,
            Err(error) => {
                assert!(error.is_retryable(), "{error:?}");
                tokio::time::sleep(error.retry_after().unwrap_or_default()).await;
            }
        }
    }
}

fn addresses(last: u8, v6: PublicAddress<Ipv6Addr>) -> PublicAddresses {
    PublicAddresses { v4: PublicAddress::Found(Ipv4Addr::new(9, 9, 9, last)), v6 }
}

fn zone() -> desec_api::DomainName {
    "example.org".parse().unwrap()
}

const V6: Ipv6Addr = Ipv6Addr::new(0x2620, 0xfe, 0, 0, 0, 0, 0, 0xfe);
const FAULTS: [Fault; 6] = [
    Fault::FailsStored,
    Fault::FailsUnstored,
    Fault::AnswerLost,
    Fault::Throttled { retry_after: None },
    Fault::Throttled { retry_after: Some(Duration::from_mins(1)) },
    Fault::Unreachable,
];
