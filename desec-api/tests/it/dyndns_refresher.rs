//! The refresher in virtual time.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, Ipv6Addr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use desec_api::{
    AddressError, AddressSource, Agreement, DomainName, DynDns, Error, FakeDesec, Fault,
    PublicAddress::{self, Absent, Found, Unknown},
    PublicAddresses, RecordType, RefreshError, Refresher, RefresherEvent, RefresherEvents, Ttl,
};
use futures_util::StreamExt;
use tokio::time::{Instant, sleep, timeout};

/// A source that is told what to say; nothing is a failure.
#[derive(Debug, Default)]
pub(crate) struct Told {
    says: Mutex<Option<PublicAddresses>>,
    first: Mutex<VecDeque<Option<PublicAddresses>>>,
    asked: AtomicUsize,
    delay: Duration,
}

#[async_trait]
impl AddressSource for Told {
    async fn addresses(&self) -> Result<PublicAddresses, AddressError> {
        sleep(self.delay).await;
        self.asked.fetch_add(1, Ordering::SeqCst);
        let first = self.first.lock().unwrap().pop_front();
        first.unwrap_or(*self.says.lock().unwrap()).ok_or_else(|| AddressError::failed("told to fail"))
    }
}

impl Told {
    pub(crate) fn say(&self, v4: PublicAddress<Ipv4Addr>, v6: PublicAddress<Ipv6Addr>) {
        *self.says.lock().unwrap() = Some(PublicAddresses { v4, v6 });
    }

    pub(crate) fn fail(&self) {
        *self.says.lock().unwrap() = None;
    }
}

pub(crate) fn at(last: u8) -> PublicAddress<Ipv4Addr> {
    Found(Ipv4Addr::new(9, 9, 9, last))
}

pub(crate) fn six(last: u16) -> PublicAddress<Ipv6Addr> {
    Found(Ipv6Addr::new(0x2a00, 0, 0, 0, 0, 0, 0, last))
}

fn domain() -> DomainName {
    "alice.dedyn.io".parse().unwrap()
}

pub(crate) fn world() -> (FakeDesec, Arc<Told>, Refresher) {
    let (fake, source) = (FakeDesec::new(), Arc::new(Told::default()));
    fake.add_domain(&domain(), Ttl::new(3600).unwrap());
    fake.throttle(true);
    let refresher = Refresher::new(dyndns(&fake), source.clone());
    (fake, source, refresher)
}

fn dyndns(fake: &FakeDesec) -> DynDns {
    DynDns::new(fake.client().unwrap(), domain())
}

pub(crate) fn published(fake: &FakeDesec) -> Vec<String> {
    let zone = fake.zone(&domain()).unwrap();
    let sets = zone.iter().filter(|set| [RecordType::A, RecordType::Aaaa].contains(&set.rtype));
    sets.flat_map(|set| set.records.clone()).collect()
}

/// Returns the next event that is not `Unchanged`.
async fn news(events: &mut RefresherEvents) -> RefresherEvent {
    loop {
        match events.next().await.expect("it runs") {
            RefresherEvent::Unchanged { .. } => {}
            event => return event,
        }
    }
}

fn update_error(event: &RefresherEvent) -> (&Error, Duration) {
    let RefresherEvent::Failed { error, next } = event else { panic!("{event:?}") };
    let RefreshError::Update(error) = &**error else { panic!("{event:?}") };
    (error, *next)
}

#[tokio::test(start_paused = true)]
async fn a_change_is_published_within_the_check_interval() {
    let (fake, source, refresher) = world();
    source.say(at(1), Absent);
    let (handle, mut events) = refresher.start().unwrap();
    assert!(matches!(events.next().await, Some(RefresherEvent::Updated { .. })));
    for (v4, v6, expected) in [
        (at(2), Absent, vec!["9.9.9.2"]),
        (at(2), six(1), vec!["9.9.9.2", "2a00::1"]),
        (Unknown, six(2), vec!["9.9.9.2", "2a00::2"]),
        (at(3), Unknown, vec!["9.9.9.3", "2a00::2"]),
        (Absent, six(2), vec!["2a00::2"]),
    ] {
        let start = Instant::now();
        source.say(v4, v6);
        let event = news(&mut events).await;
        let RefresherEvent::Updated { addresses } = event else { panic!("{event:?}") };
        assert_eq!(addresses, PublicAddresses { v4, v6 });
        assert!(start.elapsed() <= Duration::from_mins(5), "{:?}", start.elapsed());
        assert_eq!(published(&fake), expected);
    }
    source.say(Unknown, six(2));
    sleep(Duration::from_hours(1)).await;
    assert_eq!(fake.calls().len(), 6, "an address that is not known is none that has changed");
    handle.stop().await;
}

#[tokio::test(start_paused = true)]
async fn thirty_quiet_days_are_thirty_updates() {
    let (fake, source, refresher) = world();
    source.say(at(1), six(1));
    let (handle, events) = refresher.start().unwrap();
    sleep(Duration::from_hours(30 * 24)).await;
    handle.stop().await;
    let updates = fake.calls().len();
    // The first one, and then one each 21.6 to 24 hours.
    assert!((31..=34).contains(&updates), "{updates}");
    assert!(fake.calls().iter().all(|call| call.status == Some(200)));
    // Every 4.5 to 5 minutes.
    let asked = source.asked.load(Ordering::SeqCst);
    assert!((8_640..=9_700).contains(&asked), "{asked}");

    // Nobody read: only the newest are there, and it is said how many are not.
    let events: Vec<_> = events.collect().await;
    let RefresherEvent::Missed { events: missed } = events[0] else { panic!("{:?}", events[0]) };
    assert_eq!(usize::try_from(missed).unwrap() + events.len() - 1, asked + 1);
    assert_eq!(events.len(), 65);
    assert!(matches!(events[64], RefresherEvent::Stopped));
}

#[tokio::test(start_paused = true)]
async fn a_failing_source_changes_nothing_and_is_asked_again() {
    let (fake, source, refresher) = world();
    source.say(at(1), six(1));
    let (handle, mut events) = refresher.start().unwrap();
    events.next().await;
    source.fail();
    for _ in 0..50 {
        let start = Instant::now();
        let event = news(&mut events).await;
        let RefresherEvent::Failed { error, next } = event else { panic!("{event:?}") };
        assert!(matches!(*error, RefreshError::LookUp(AddressError::Failed { .. })), "{error:?}");
        assert!(next >= Duration::from_secs(1) && next <= Duration::from_mins(5), "{next:?}");
        assert!(start.elapsed() <= Duration::from_mins(5));
    }
    source.say(Unknown, Unknown);
    let event = news(&mut events).await;
    assert!(matches!(event, RefresherEvent::Failed { .. }), "{event:?}");
    assert_eq!(published(&fake), ["9.9.9.1", "2a00::1"]);
    assert_eq!(fake.calls().len(), 1);
    source.say(at(1), six(1));
    assert!(matches!(events.next().await, Some(RefresherEvent::Unchanged { .. })));
    handle.stop().await;
}

#[tokio::test(start_paused = true)]
async fn failed_updates_back_off_up_to_an_hour() {
    let (fake, source, _) = world();
    source.say(at(1), Unknown);
    for _ in 0..40 {
        fake.inject(Fault::Unreachable);
    }
    // The pace would keep the third attempt in two minutes longer.
    let client = fake.client_builder().unpaced().build().unwrap();
    let refresher = Refresher::new(DynDns::new(client, domain()), source);
    let (handle, mut events) = refresher.start().unwrap();
    let (mut bound, mut longest) = (Duration::from_mins(1), Duration::ZERO);
    for _ in 0..40 {
        let event = news(&mut events).await;
        let (error, next) = update_error(&event);
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        assert!(next >= Duration::from_secs(1) && next <= bound, "{next:?} {bound:?}");
        bound = (bound * 2).min(Duration::from_hours(1));
        longest = longest.max(next);
    }
    assert!(longest > Duration::from_mins(20), "it grows: {longest:?}");
    assert!(matches!(news(&mut events).await, RefresherEvent::Updated { .. }));
    handle.stop().await;
    assert_eq!(published(&fake), ["9.9.9.1"]);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_update_waits_as_long_as_the_server_asks() {
    let (fake, source, refresher) = world();
    source.say(at(1), Unknown);
    let hours = Duration::from_hours(3);
    fake.inject(Fault::Throttled { retry_after: Some(hours) });
    let (handle, mut events) = refresher.start().unwrap();
    let start = Instant::now();
    let event = news(&mut events).await;
    let (error, next) = update_error(&event);
    assert!(matches!(error, Error::Throttled { .. }), "{error:?}");
    assert!(next >= hours && next <= hours + Duration::from_mins(1), "{next:?}");
    assert!(matches!(news(&mut events).await, RefresherEvent::Updated { .. }));
    assert!(start.elapsed() >= hours);
    assert_eq!(fake.calls().len(), 2);
    handle.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_address_that_flaps_keeps_within_the_limit() {
    let (fake, source, refresher) = world();
    let flapping = [at(1), at(2)].into_iter().cycle().map(|v4| Some(PublicAddresses { v4, v6: Absent }));
    *source.first.lock().unwrap() = flapping.take(1_000).collect();
    let (handle, events) = refresher.with_check_interval(Duration::from_mins(1)).start().unwrap();
    drop(events);
    sleep(Duration::from_hours(8)).await;
    handle.stop().await;
    let updates = fake.calls().len();
    assert!((400..=600).contains(&updates), "{updates}");
    assert!(fake.calls().iter().all(|call| call.status == Some(200)), "never throttled");
}

#[tokio::test(start_paused = true)]
async fn after_an_unknown_outcome_it_publishes_again() {
    let (fake, source, refresher) = world();
    source.say(at(1), six(1));
    let (handle, mut events) = refresher.start().unwrap();
    news(&mut events).await;
    // The change is stored, unknown to the refresher, and then taken back.
    fake.inject(Fault::AnswerLost);
    source.say(at(2), six(1));
    let event = news(&mut events).await;
    assert!(update_error(&event).0.outcome_unknown());
    assert_eq!(published(&fake)[0], "9.9.9.2");
    source.say(at(1), six(1));
    let start = Instant::now();
    assert!(matches!(news(&mut events).await, RefresherEvent::Updated { .. }));
    assert!(start.elapsed() < Duration::from_mins(5), "not only after a day: {:?}", start.elapsed());
    assert_eq!(published(&fake)[0], "9.9.9.1");
    handle.stop().await;
}

#[tokio::test(start_paused = true)]
async fn sources_that_disagree_change_nothing() {
    let (fake, source, _) = world();
    source.say(at(1), Unknown);
    let other = Arc::new(Told::default());
    other.say(at(1), Unknown);
    let both = Agreement::of([source.clone() as Arc<dyn AddressSource>, other.clone()]);
    let (handle, mut events) = Refresher::new(dyndns(&fake), Arc::new(both)).start().unwrap();
    news(&mut events).await;
    other.say(at(2), Unknown);
    let event = news(&mut events).await;
    let RefresherEvent::Disagreement { error, .. } = event else { panic!("{event:?}") };
    let shown =
        "cannot learn the public address: the sources disagree about IPv4 (9.9.9.1, 9.9.9.2); check them";
    assert_eq!(error.to_string(), shown);
    assert_eq!((published(&fake), fake.calls().len()), (vec!["9.9.9.1".into()], 1));
    source.say(at(2), Unknown);
    loop {
        match news(&mut events).await {
            RefresherEvent::Updated { .. } => break,
            event => assert!(matches!(event, RefresherEvent::Disagreement { .. }), "{event:?}"),
        }
    }
    handle.stop().await;
    assert_eq!(published(&fake), ["9.9.9.2"]);
}

#[tokio::test(start_paused = true)]
async fn private_addresses_of_a_source_are_not_published() {
    let (fake, source, refresher) = world();
    source.say(Found([192, 168, 1, 1].into()), Unknown);
    let (handle, mut events) = refresher.start().unwrap();
    let event = news(&mut events).await;
    assert!(matches!(update_error(&event).0, Error::InvalidInput { .. }), "{event:?}");
    handle.stop().await;
    assert_eq!(fake.calls().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_a_pause_and_a_look_up_at_once() {
    for delay in [Duration::ZERO, Duration::from_mins(2)] {
        let source = Told { delay, ..Told::default() };
        source.say(at(1), Unknown);
        let dyndns = dyndns(&world().0);
        let (handle, mut events) = Refresher::new(dyndns, Arc::new(source)).start().unwrap();
        sleep(Duration::from_secs(1)).await;
        let start = Instant::now();
        handle.stop().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        let mut last = None;
        while let Some(event) = events.next().await {
            last = Some(event);
        }
        assert!(matches!(last, Some(RefresherEvent::Stopped)), "{last:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_update_under_way() {
    let (fake, source, refresher) = world();
    source.say(at(1), Unknown);
    // Throttled for 30 seconds, the update waits within the client.
    fake.inject(Fault::Throttled { retry_after: Some(Duration::from_secs(30)) });
    let (handle, mut events) = refresher.start().unwrap();
    sleep(Duration::from_secs(1)).await;
    let start = Instant::now();
    handle.stop().await;
    assert_eq!(start.elapsed(), Duration::from_secs(29));
    assert_eq!(published(&fake), ["9.9.9.1"]);
    assert!(matches!(events.next().await, Some(RefresherEvent::Updated { .. })));
    assert!(matches!(events.next().await, Some(RefresherEvent::Stopped)));
    assert!(events.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_handle_stops_too() {
    let (fake, source, refresher) = world();
    source.say(at(1), Unknown);
    let (handle, mut events) = refresher.start().unwrap();
    news(&mut events).await;
    drop(handle);
    let rest = timeout(Duration::from_secs(1), events.collect::<Vec<_>>()).await.unwrap();
    assert!(matches!(rest[..], [RefresherEvent::Stopped]), "{rest:?}");
    sleep(Duration::from_hours(100)).await;
    assert_eq!(fake.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_events_have_an_end_however_often_they_are_read() {
    let (handle, mut events) = world().2.start().unwrap();
    handle.stop().await;
    while events.next().await.is_some() {}
    assert!(events.next().await.is_none() && events.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_silent_source_counts_as_failing() {
    let source = Told { delay: Duration::from_hours(9), ..Told::default() };
    let (handle, mut events) = Refresher::new(dyndns(&FakeDesec::new()), Arc::new(source)).start().unwrap();
    let start = Instant::now();
    assert!(matches!(events.next().await, Some(RefresherEvent::Failed { .. })));
    assert_eq!(start.elapsed(), Duration::from_mins(3));
    handle.stop().await;
}

#[tokio::test]
async fn what_cannot_work_is_not_started() {
    let refuse = |refresher: Refresher| {
        let error = refresher.start().map(drop).unwrap_err();
        assert!(matches!(error, Error::InvalidInput { .. }), "{error:?}");
    };
    refuse(world().2.with_names([]));
    refuse(world().2.with_check_interval(Duration::from_secs(59)));
    refuse(world().2.with_refresh_interval(Duration::ZERO));
    let (_, source, refresher) = world();
    source.say(at(1), Unknown);
    let longest = refresher.with_check_interval(Duration::MAX).with_refresh_interval(Duration::MAX);
    let (handle, mut events) = longest.start().unwrap();
    assert!(matches!(events.next().await, Some(RefresherEvent::Updated { .. })));
    handle.stop().await;
}
