//! Every `ensure_*`: twice is once, differences are written and nothing else, and a lost answer makes no second object.

mod hub;
mod many;
mod things;

use std::sync::Arc;

use async_trait::async_trait;
use mailcow_api::{
    Client, FakeMailcow, Fault, HttpClient, HttpError, HttpRequest, HttpResponse, MailboxAddress, Method,
    Mib, NewDomain, NewMailbox,
};

use self::things::{Thing, Wanted};

/// A server that lets others go first, before and after it carries out a call.
#[derive(Debug)]
struct Slow(FakeMailcow);

#[async_trait]
impl HttpClient for Slow {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        tokio::task::yield_now().await;
        let answer = self.0.send(request).await;
        tokio::task::yield_now().await;
        answer
    }
}

/// A server with two domains and a mailbox.
async fn ground() -> (FakeMailcow, Client) {
    let mailcow = FakeMailcow::new();
    let client = mailcow.client();
    for name in ["agents.example.com", "other.example.com"] {
        let domain = NewDomain::new(name.parse().unwrap()).with_tags(["fleet", "old"]);
        client.add_domain(&domain).await.unwrap();
    }
    let agent: MailboxAddress = "agent@agents.example.com".parse().unwrap();
    let agent = NewMailbox::new(agent, "Fake-Passw0rd-1".into(), Mib::new(64)).with_tags(["fleet", "old"]);
    client.add_mailbox(&agent).await.unwrap();
    (mailcow, client)
}

/// The routes of the writes after the first `skip` calls, each once.
fn written(mailcow: &FakeMailcow, skip: usize) -> Vec<String> {
    let calls = mailcow.calls().into_iter().skip(skip).filter(|call| call.method == Method::Post);
    let mut routes: Vec<_> = calls.map(|call| call.path.trim_start_matches("/api/v1/").to_owned()).collect();
    routes.sort();
    routes.dedup();
    routes
}

#[tokio::test]
async fn the_second_time_nothing_is_written() {
    for thing in Thing::ALL {
        let (mailcow, client) = ground().await;
        let first = thing.ensure(&client, Wanted::First).await.unwrap();
        assert_eq!(first, thing.first(), "{thing:?}");
        let writes = mailcow.writes();
        assert_eq!(thing.ensure(&client, Wanted::First).await.unwrap(), "unchanged", "{thing:?}");
        assert_eq!(mailcow.writes(), writes, "{thing:?} was written again");
        assert_eq!(thing.count(&client).await, 1, "{thing:?}");
    }
}

#[tokio::test]
async fn what_differs_is_changed_and_named() {
    for thing in Thing::ALL {
        let Some(changed) = thing.changed() else { continue };
        let (mailcow, client) = ground().await;
        thing.ensure(&client, Wanted::First).await.unwrap();
        assert_eq!(thing.ensure(&client, Wanted::Other).await.unwrap(), changed, "{thing:?}");
        let writes = mailcow.writes();
        assert_eq!(thing.ensure(&client, Wanted::Other).await.unwrap(), "unchanged", "{thing:?}");
        assert_eq!(mailcow.writes(), writes, "{thing:?} was written again");
        assert_eq!(thing.count(&client).await, 1, "{thing:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_leaves_exactly_one_object() {
    for thing in Thing::ALL {
        for fault in [Fault::DoneButEmpty, Fault::DoneBut500, Fault::DoneButLost] {
            for wanted in [Wanted::First, Wanted::Other] {
                for route in routes(thing, wanted).await {
                    let (mailcow, client) = prepared(thing, wanted).await;
                    mailcow.fail_next(&route, fault);
                    let done = thing.ensure(&client, wanted).await;
                    let at = format!("{thing:?}, {wanted:?}, {fault:?} of {route}");
                    let done = done.unwrap_or_else(|error| panic!("{at}: {error}"));
                    assert_ne!(done, "unchanged", "{at}");
                    assert_eq!(thing.count(&client).await, 1, "{at}");
                    let writes = mailcow.writes();
                    assert_eq!(thing.ensure(&client, wanted).await.unwrap(), "unchanged", "{at}");
                    assert_eq!(mailcow.writes(), writes, "{at}: it was written again");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_write_that_was_not_carried_out_is_an_error_and_can_be_repeated() {
    for thing in Thing::ALL {
        for fault in [Fault::NotDone500, Fault::Unreachable] {
            for wanted in [Wanted::First, Wanted::Other] {
                for route in routes(thing, wanted).await {
                    let (mailcow, client) = prepared(thing, wanted).await;
                    mailcow.fail_next(&route, fault);
                    let at = format!("{thing:?}, {wanted:?}, {fault:?} of {route}");
                    let failed = thing.ensure(&client, wanted).await;
                    // Where a later step brought it about all the same, it is done.
                    let error =
                        failed.err().filter(|error| !error.is_retryable() && !error.outcome_unknown());
                    assert!(error.is_none(), "{at}: {error:?}");
                    thing.ensure(&client, wanted).await.unwrap_or_else(|error| panic!("{at}: {error}"));
                    assert_eq!(thing.ensure(&client, wanted).await.unwrap(), "unchanged", "{at}");
                    assert_eq!(thing.count(&client).await, 1, "{at}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_mailcow_would_make_twice_is_made_once_by_calls_at_the_same_time() {
    for thing in Thing::ALL {
        let (mailcow, client) = ground().await;
        let builder = Client::builder("https://mail.example.com", mailcow.api_key());
        let slow = builder.http_client(Arc::new(Slow(mailcow))).build().unwrap();
        // Until the key is known to be right, calls go one after the other.
        slow.version().await.unwrap();
        let all = (0..8).map(|_| {
            let client = slow.clone();
            async move { thing.ensure(&client, Wanted::First).await }
        });
        for done in futures_util::future::join_all(all).await {
            done.unwrap();
        }
        assert_eq!(thing.count(&client).await, 1, "{thing:?}");
    }
}

async fn prepared(thing: Thing, wanted: Wanted) -> (FakeMailcow, Client) {
    let (mailcow, client) = ground().await;
    if wanted == Wanted::Other {
        thing.ensure(&client, Wanted::First).await.unwrap();
    }
    (mailcow, client)
}

/// The routes that an undisturbed call writes to.
async fn routes(thing: Thing, wanted: Wanted) -> Vec<String> {
    let (mailcow, client) = prepared(thing, wanted).await;
    let before = mailcow.calls().len();
    thing.ensure(&client, wanted).await.unwrap();
    written(&mailcow, before)
}
