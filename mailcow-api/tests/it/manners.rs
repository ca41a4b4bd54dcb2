//! How the server is treated: turns, deadlines, retries, and silence after a 401. Time is paused and never waited for.

use std::{sync::Arc, time::Duration};

use mailcow_api::{
    CallKind, Client, Error, FakeMailcow, HttpResponse, MailboxAddress, Mib, NewMailbox, ProblemKind,
    RateFrame, RateLimit, RetryPolicy,
};
use tokio::{task::JoinSet, time::Instant};

use crate::script::{Server, good, lost, unreachable};

const SECOND: Duration = Duration::from_secs(1);

/// An address in a domain of its own: in one domain, of which nothing is known, creates would take turns.
fn address(number: usize) -> MailboxAddress {
    format!("agent@agents-{number}.example.com").parse().unwrap()
}

fn mailbox(number: usize) -> NewMailbox {
    NewMailbox::new(address(number), "Fake-Passw0rd-1".into(), Mib::new(64))
}

async fn create(client: &Client, count: usize) {
    let mut all = JoinSet::new();
    for number in 0..count {
        let client = client.clone();
        all.spawn(async move { client.add_mailbox(&mailbox(number)).await.unwrap() });
    }
    all.join_all().await;
}

async fn delete(client: &Client, count: usize) {
    let mut all = JoinSet::new();
    for number in 0..count {
        let client = client.clone();
        all.spawn(async move { client.delete_mailbox(&address(number)).await.unwrap() });
    }
    all.join_all().await;
}

#[tokio::test(start_paused = true)]
async fn creates_go_eight_at_a_time_and_deletes_one_by_one() {
    let server = Server::new(SECOND, |_, request| Ok(good(request)));
    let client = server.client().build().unwrap();
    client.version().await.unwrap();
    server.take_most();
    create(&client, 30).await;
    assert_eq!(server.take_most(), 8);
    delete(&client, 5).await;
    assert_eq!(server.take_most(), 1);

    let server = Server::new(SECOND, |_, request| Ok(good(request)));
    let builder = server.client().concurrency(CallKind::Create, 3).concurrency(CallKind::Delete, 2);
    let client = builder.build().unwrap();
    client.version().await.unwrap();
    create(&client, 10).await;
    assert_eq!(server.take_most(), 3);
    delete(&client, 10).await;
    assert_eq!(server.take_most(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_read_does_not_wait_for_a_delete() {
    let server = Server::new(30 * SECOND, |_, request| Ok(good(request)));
    let client = server.client().build().unwrap();
    client.version().await.unwrap();
    let began = Instant::now();
    let doomed = address(0);
    let (deleted, read) = tokio::join!(client.delete_mailbox(&doomed), client.version());
    deleted.unwrap();
    read.unwrap();
    assert_eq!(began.elapsed(), 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_gives_its_turn_back() {
    let server = Server::new(100 * SECOND, |_, request| Ok(good(request)));
    let client = server.client().build().unwrap();
    client.version().await.unwrap_err();
    for number in 0..3 {
        // Dropped on its way, and dropped while it waits for its turn.
        let (first, second) = (address(number), address(number + 10));
        let both = async { tokio::join!(client.delete_mailbox(&first), client.delete_mailbox(&second)) };
        assert!(tokio::time::timeout(SECOND, both).await.is_err());
    }
    client.delete_mailbox(&address(9)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_kind_has_its_deadline_and_it_begins_when_the_call_goes_out() {
    let server = Server::new(1000 * SECOND, |_, request| Ok(good(request)));
    let client = server.client().retries(RetryPolicy::none()).build().unwrap();
    for (seconds, kind) in [(60, CallKind::Read), (60, CallKind::Create), (120, CallKind::Delete)] {
        let began = Instant::now();
        let error = match kind {
            CallKind::Read => client.version().await.unwrap_err(),
            CallKind::Create => client.add_mailbox(&mailbox(0)).await.unwrap_err(),
            _ => client.delete_mailbox(&address(0)).await.unwrap_err(),
        };
        assert_eq!((began.elapsed(), error.outcome_unknown()), (seconds * SECOND, kind != CallKind::Read));
    }
    let slow = Server::new(20 * SECOND, |_, request| Ok(good(request)));
    let client = slow.client().deadline_of(CallKind::Delete, 25 * SECOND).build().unwrap();
    // Three in a row take 60 s together, and each has 25 s of its own.
    delete(&client, 3).await;
}

#[tokio::test(start_paused = true)]
async fn reads_are_repeated_and_creates_are_not() {
    let server = Server::new(SECOND, |number, request| match number {
        0 => Err(unreachable()),
        1 => Ok(HttpResponse::new(502, "<html>")),
        2 => Ok(good(request)),
        _ => Err(lost()),
    });
    let client = server.client().build().unwrap();
    client.version().await.unwrap();
    assert_eq!(server.calls(), 3);
    assert!(client.add_mailbox(&mailbox(0)).await.unwrap_err().outcome_unknown());
    assert!(client.delete_mailbox(&address(0)).await.unwrap_err().outcome_unknown());
    assert_eq!(server.calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_write_is_repeated_and_stays_unknown_if_the_server_goes_away() {
    let limit = RateLimit::new(5.try_into().unwrap(), RateFrame::Hour);
    let server =
        Server::new(SECOND, |number, request| if number == 0 { Err(lost()) } else { Ok(good(request)) });
    server.client().build().unwrap().set_mailbox_rate_limit(&address(0), &limit).await.unwrap();
    assert_eq!(server.calls(), 2);

    let server = Server::new(SECOND, |number, _| Err(if number == 0 { lost() } else { unreachable() }));
    let error =
        server.client().build().unwrap().set_mailbox_rate_limit(&address(0), &limit).await.unwrap_err();
    assert!(error.outcome_unknown(), "the first attempt may have been carried out: {error}");
    assert_eq!((server.calls(), error.code()), (3, "unknown_outcome"));
}

#[tokio::test(start_paused = true)]
async fn retries_end_with_the_total_deadline_and_with_the_budget() {
    let server = Server::new(SECOND, |_, _| Err(unreachable()));
    let policy = RetryPolicy::new(1000, 20 * SECOND);
    let client = server.client().retries(policy).build().unwrap();
    let began = Instant::now();
    let error = client.version().await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    // Timers are rounded up to milliseconds.
    assert!(began.elapsed() <= 20 * SECOND + SECOND / 100, "{:?}", began.elapsed());
    assert!((5..=11).contains(&server.calls()), "{} calls", server.calls());

    let server = Server::new(Duration::ZERO, |_, _| Err(unreachable()));
    let client = server.client().build().unwrap();
    for _ in 0..20 {
        assert_eq!(client.version().await.unwrap_err().kind(), Some(ProblemKind::Unreachable));
    }
    assert_eq!(server.calls(), 20 + 10, "ten retries for all calls together");
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_gets_only_what_is_left_of_the_total() {
    let server = Server::new(1000 * SECOND, |_, request| Ok(good(request)));
    let policy = RetryPolicy::new(5, 25 * SECOND).with_pauses(Duration::ZERO, Duration::ZERO);
    let client = server.client().deadline(10 * SECOND).retries(policy).build().unwrap();
    let began = Instant::now();
    client.version().await.unwrap_err();
    assert_eq!((began.elapsed(), server.calls()), (25 * SECOND, 3));
}

#[tokio::test(start_paused = true)]
async fn after_a_401_nothing_is_sent_until_the_key_is_replaced() {
    let mailcow = FakeMailcow::new();
    let builder = Client::builder("https://mail.example.com", "WRONG".into());
    let client = builder.http_client(Arc::new(mailcow.clone())).build().unwrap();
    let again = client.clone();
    // Also of many at once only one goes out.
    let mut all = JoinSet::new();
    for number in 0..40 {
        let client = client.clone();
        all.spawn(async move { client.add_mailbox(&mailbox(number)).await.unwrap_err() });
    }
    for error in all.join_all().await {
        assert!(matches!(error, Error::Unauthenticated { kind: ProblemKind::WrongKey, .. }), "{error}");
        assert_eq!((error.code(), error.is_retryable()), ("wrong_key", false));
    }
    let error = again.version().await.unwrap_err();
    assert!(error.to_string().contains("replace_key") && error.fix().contains("replace_key"), "{error}");
    assert_eq!(mailcow.calls().len(), 1);
    assert!(matches!(again.replace_key("no\nkey".into()), Err(Error::InvalidInput { .. })));
    again.replace_key(mailcow.read_only_key()).unwrap();
    client.version().await.unwrap();
    let error = client.add_mailbox(&mailbox(0)).await.unwrap_err();
    assert_eq!(error.kind(), Some(ProblemKind::ReadOnlyKey));
    // That key is good: it is only not for writes.
    client.version().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_401_in_the_middle_stops_what_waits_for_its_turn() {
    let server = Server::new(SECOND, |number, request| match number {
        0 | 1 => Ok(good(request)),
        _ => Ok(HttpResponse::new(401, r#"{"type":"error","msg":"api access denied for ip 192.0.2.1"}"#)),
    });
    let client = server.client().build().unwrap();
    client.version().await.unwrap();
    let mut all = JoinSet::new();
    for number in 0..5 {
        let client = client.clone();
        all.spawn(async move { client.delete_mailbox(&address(number)).await });
    }
    let results = all.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let refused = results.iter().filter_map(|result| result.as_ref().err());
    assert!(refused.into_iter().all(|error| error.kind() == Some(ProblemKind::AddressNotAllowed)));
    assert_eq!(server.calls(), 3);
}

#[tokio::test]
async fn a_proxy_in_front_gets_its_credential_and_its_401_is_told_apart() {
    let server = Server::new(Duration::ZERO, |_, request| match &request.proxy {
        Some(proxy) if proxy.user == "door" => Ok(good(request)),
        _ => Ok(HttpResponse::new(401, "<html>Authorization required</html>")),
    });
    let client = server.client().proxy_credentials("door", "Canary-Passw0rd".into()).build().unwrap();
    client.version().await.unwrap();
    let client = server.client().build().unwrap();
    let error = client.version().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Some(ProblemKind::ProxyDenied), "proxy_denied"));
    for (user, password) in [("", "x"), ("a:b", "x"), ("a", "x\n")] {
        assert!(server.client().proxy_credentials(user, password.into()).build().is_err());
    }
}
