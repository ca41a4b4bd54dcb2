use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::*;
use crate::pace::scope::DAY;

const MINUTE: Duration = Duration::from_mins(1);

fn write() -> Scope {
    Scope::Write("example.com".parse().unwrap())
}

fn dyndns() -> Scope {
    Scope::DynDns("dyn.example".parse().unwrap())
}

async fn enter(pace: &Pace, scope: &Scope, patience: Duration) -> Result<Permit, Refused> {
    tokenless(pace, scope, Credential::Token, patience).await
}

async fn tokenless(
    pace: &Pace,
    scope: &Scope,
    credential: Credential,
    patience: Duration,
) -> Result<Permit, Refused> {
    let url = "https://desec.io/api/v1/".parse().unwrap();
    let turn = Turn { scope, credential, url: &url, deadline: Duration::from_secs(70) };
    pace.acquire(&turn, Instant::now() + patience).await
}

fn demand(pace: &Pace, scope: &Scope, wait: Option<Duration>, attempt: u32) -> (Scope, Duration) {
    let url = "https://desec.io/api/v1/".parse().unwrap();
    let deadline = Duration::from_secs(70);
    pace.hold(&Turn { scope, credential: Credential::Token, url: &url, deadline }, wait, attempt)
}

async fn pass(pace: &Pace, scope: Scope, patience: Duration) -> Result<(), (Scope, Option<Duration>)> {
    match enter(pace, &scope, patience).await {
        Ok(permit) => {
            permit.answered();
            Ok(())
        }
        Err(Refused::TooLate { scope, retry_after }) => Err((scope, retry_after)),
        Err(Refused::NotNoted(error)) => panic!("{error}"),
    }
}

#[tokio::test(start_paused = true)]
async fn windows_slide() {
    let (pace, start) = (Pace::new(), Instant::now());
    for _ in 0..15 {
        pass(&pace, write(), MINUTE).await.unwrap();
    }
    assert_eq!(start.elapsed(), Duration::from_secs(7));
    let wait = Duration::from_secs(53);
    assert_eq!(pass(&pace, write(), SECOND).await, Err((write(), Some(wait))));
    pass(&pace, Scope::Write("example.org".parse().unwrap()), Duration::ZERO).await.unwrap();
    pass(&pace, Scope::Read, Duration::ZERO).await.unwrap();
    pass(&pace, write(), MINUTE).await.unwrap();
    assert_eq!(start.elapsed(), MINUTE);
}

#[tokio::test(start_paused = true)]
async fn a_request_counts_from_its_end() {
    let (pace, start) = (Pace::new(), Instant::now());
    for _ in 0..2 {
        let permit = enter(&pace, &write(), MINUTE).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        permit.answered();
    }
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    pass(&pace, write(), MINUTE).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(10), "the first one left the second long ago");
}

#[tokio::test(start_paused = true)]
async fn writes_of_one_domain_follow_each_other() {
    let pace = Pace::new();
    let first = enter(&pace, &write(), MINUTE).await.unwrap();
    assert_eq!(pass(&pace, write(), SECOND).await, Err((write(), None)));
    let (second, ()) = tokio::join!(pass(&pace, write(), SECOND), async { first.answered() });
    second.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_the_server_demands_holds_for_all() {
    for (pace, demanded, scope) in [
        (Pace::unlimited(), MINUTE, Scope::Read),
        (Pace::new(), MINUTE, Scope::Read),
        (Pace::new(), 2 * MINUTE, Scope::User),
    ] {
        let start = Instant::now();
        assert_eq!(demand(&pace, &Scope::Read, Some(demanded), 0), (scope.clone(), demanded));
        assert_eq!(pass(&pace, Scope::Read, SECOND).await, Err((scope, Some(demanded))));
        pass(&pace, Scope::Read, 2 * MINUTE).await.unwrap();
        assert_eq!(start.elapsed(), demanded);
    }
    for attempt in 0..40 {
        let (_, wait) = demand(&Pace::new(), &Scope::Read, None, attempt);
        assert!((SECOND..MINUTE).contains(&wait), "{wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_exhausted_day_is_named() {
    let (pace, start) = (Pace::new().with_daily_requests(3).with_dyndns_reserve(1), Instant::now());
    for scope in [write(), Scope::Read, dyndns()] {
        pass(&pace, scope, SECOND).await.unwrap();
    }
    assert_eq!(demand(&pace, &write(), Some(MINUTE), 0).0, Scope::User, "its own windows are not full");
    assert_eq!(pass(&pace, write(), SECOND).await, Err((Scope::User, Some(DAY))));
    let usage = pace.usage(&Scope::User);
    assert_eq!((usage.used, usage.limit, usage.window), (3, Some(3), Some(DAY)));
    let usage = pace.usage(&write());
    assert_eq!((usage.used, usage.limit), (1, Some(300)));
    assert_eq!(pace.usage(&Scope::Domains).used, 0);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn reads_leave_the_reserve_to_dyndns() {
    let (pace, start) = (Pace::new(), Instant::now());
    let wait = loop {
        match pass(&pace, Scope::Read, Duration::from_hours(2)).await {
            Ok(()) => {}
            Err((scope, wait)) => break (scope, wait.unwrap()),
        }
    };
    assert_eq!((wait.0, start.elapsed() + wait.1), (Scope::User, DAY));
    assert_eq!(pace.usage(&Scope::User).used, 1_800);
    for n in 0..200 {
        let scope = Scope::DynDns(format!("d{n}.example").parse().unwrap());
        pass(&pace, scope, SECOND * 2).await.unwrap();
    }
    assert_eq!(pass(&pace, dyndns(), SECOND).await.unwrap_err().0, Scope::User, "all 2000 are used");
}

#[tokio::test(start_paused = true)]
async fn what_dyndns_has_used_is_not_left_again() {
    let pace = Pace::new().with_daily_requests(10).with_dyndns_reserve(3);
    for n in 0..5 {
        let scope = Scope::DynDns(format!("d{n}.example").parse().unwrap());
        pass(&pace, scope, SECOND).await.unwrap();
    }
    for _ in 0..5 {
        pass(&pace, Scope::Read, SECOND).await.unwrap();
    }
    assert_eq!(pace.usage(&Scope::User).used, 10);
}

#[tokio::test(start_paused = true)]
async fn dyndns_is_not_behind_those_who_wait_for_the_day() {
    let pace = Pace::new().with_daily_requests(2).with_dyndns_reserve(1);
    pass(&pace, Scope::Read, SECOND).await.unwrap();
    let (waits, dyn_pass) = tokio::join!(
        tokio::time::timeout(SECOND, pass(&pace, Scope::Read, DAY * 2)),
        pass(&pace, dyndns(), SECOND)
    );
    assert!(waits.is_err(), "reads wait");
    dyn_pass.unwrap();
}

#[tokio::test(start_paused = true)]
async fn calls_without_a_token_count_for_both() {
    let pace = Pace::new();
    for credential in [Credential::Nothing, Credential::Password, Credential::Nothing] {
        tokenless(&pace, &Scope::AccountActive, credential, SECOND).await.unwrap().answered();
    }
    assert_eq!(pass(&pace, Scope::AccountActive, SECOND).await, Err((Scope::AccountActive, Some(MINUTE))));
    assert_eq!(pace.usage(&Scope::User).used, 3);
    tokio::time::advance(MINUTE).await;
    for _ in 0..3 {
        pass(&pace, Scope::AccountActive, SECOND).await.unwrap();
    }
    demand(&pace, &Scope::Domains, Some(MINUTE), 0);
    let address = pace.inner.address.peek(&Scope::AccountActive, |windows| windows.used(Instant::now()).0);
    assert_eq!(address, Some(0), "a token counts for the account alone");
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_a_request_counts_from_its_deadline() {
    let (pace, start) = (Pace::new(), Instant::now());
    for _ in 0..2 {
        drop(enter(&pace, &write(), SECOND).await.unwrap());
    }
    pass(&pace, write(), 2 * MINUTE).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(70 + 1));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_does_not_count() {
    let pace = Pace::new();
    for _ in 0..20 {
        enter(&pace, &write(), Duration::ZERO).await.unwrap().unsent();
    }
    assert_eq!(pace.usage(&write()).used, 0);
}

#[tokio::test(start_paused = true)]
async fn idle_domains_are_forgotten() {
    let pace = Pace::new();
    for n in 0..100 {
        let scope = Scope::Write(format!("d{n}.example").parse().unwrap());
        pass(&pace, scope, MINUTE).await.unwrap();
    }
    tokio::time::advance(DAY).await;
    for n in 0..200 {
        pass(&pace, Scope::Write(format!("e{n}.example").parse().unwrap()), MINUTE).await.unwrap();
    }
    assert!(pace.inner.account.len() <= 200, "{}", pace.inner.account.len());
}

/// Keeps nothing, or fails.
#[derive(Debug, Default)]
struct Scripted {
    past: Mutex<Vec<(PaceEntry, Duration)>>,
    fails: AtomicBool,
}

#[async_trait]
impl PaceStore for Scripted {
    async fn load(&self) -> Result<Vec<(PaceEntry, Duration)>, PaceStoreError> {
        Ok(self.past.lock().unwrap().clone())
    }

    async fn record(&self, entry: &PaceEntry) -> Result<(), PaceStoreError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(PaceStoreError::new("the disk is full"));
        }
        self.past.lock().unwrap().push((entry.clone(), Duration::ZERO));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_forgets_nothing() {
    let (store, start) = (Arc::new(Scripted::default()), Instant::now());
    let pace = Pace::restored(store.clone()).await.unwrap();
    for _ in 0..2 {
        pass(&pace, write(), SECOND).await.unwrap();
    }
    let pace = Pace::restored(store.clone()).await.unwrap();
    assert_eq!(pace.usage(&write()).used, 2);
    // Each may have been counted until its deadline.
    pass(&pace, write(), 2 * MINUTE).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(70 + 5 + 1));
    let old = PaceEntry::new(write(), false, Duration::from_secs(75));
    *store.past.lock().unwrap() = vec![(old.clone(), DAY + MINUTE), (old, DAY + 2 * MINUTE)];
    let pace = Pace::restored(store).await.unwrap();
    assert_eq!(pace.usage(&write()).used, 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_that_was_not_noted() {
    let store = Arc::new(Scripted::default());
    let pace = Pace::restored(store.clone()).await.unwrap();
    store.fails.store(true, Ordering::SeqCst);
    assert!(matches!(enter(&pace, &write(), SECOND).await, Err(Refused::NotNoted(_))));
    store.fails.store(false, Ordering::SeqCst);
    assert_eq!(pace.usage(&Scope::User).used, 0);
    pass(&pace, write(), Duration::ZERO).await.unwrap();
    assert_eq!(store.past.lock().unwrap().len(), 1);
}
