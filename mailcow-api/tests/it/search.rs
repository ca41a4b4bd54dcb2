//! Lists in pages.

use futures_util::{StreamExt, TryStreamExt};
use mailcow_api::{Client, Error, FakeMailcow, Fault, Method, Mib, NewDomain, NewMailbox, SearchQuery};

use crate::replay::{self, Exchange};

/// A recorded page, whose request had other columns or another length than ours.
fn recorded(at: usize) -> Exchange {
    replay::load("search/mailbox-search.json").swap_remove(at)
}

/// As [`recorded`], with the request that this crate sends.
fn adapted(at: usize, start: u64, length: u16, text: &str) -> Exchange {
    let mut exchange = recorded(at);
    let mut body = recorded(7).body;
    body["draw"] = 1.into();
    body["start"] = start.into();
    body["length"] = length.into();
    body["search"]["value"] = text.into();
    if exchange.path.ends_with("search/domain") {
        body["columns"] = recorded(10).body["columns"].clone();
    }
    exchange.body = body;
    exchange
}

fn query(text: &str, page: u16) -> SearchQuery {
    SearchQuery::all().with_text(text).with_page_size(page.try_into().unwrap())
}

#[tokio::test]
async fn recorded_pages_are_read() {
    let client = replay::client([adapted(0, 0, 3, "")]);
    let page = client.mailbox_page(&query("", 3), 0).await.unwrap();
    let names: Vec<_> = page.rows.iter().map(|mailbox| mailbox.address.as_str()).collect();
    assert_eq!((names.len(), page.matching), (3, 14));
    assert_eq!(names[0], "agent-0001@agents.example.com");

    let client = replay::client([adapted(1, 3, 3, "")]);
    let page = client.mailbox_page(&query("", 3), 3).await.unwrap();
    assert_eq!(page.rows[0].address, "badrl@agents.example.com");

    let client = replay::client([adapted(7, 0, 5, "pool-b")]);
    let page = client.mailbox_page(&query("pool-b", 5), 0).await.unwrap();
    assert_eq!((page.rows[0].address.as_str(), page.matching), ("protos@agents.example.com", 1));

    let client = replay::client([adapted(8, 0, 5, "nosuchthing")]);
    assert!(client.mailbox_page(&query("nosuchthing", 5), 0).await.unwrap().rows.is_empty());

    let client = replay::client([adapted(10, 0, 5, "agents")]);
    let page = client.domain_page(&query("agents", 5), 0).await.unwrap();
    assert_eq!((page.rows[0].name.as_str(), page.matching), ("agents.example.com", 1));

    let client = replay::client([adapted(5, 0, 3, "")]);
    assert_eq!(client.domain_page(&query("", 3), 0).await.unwrap().rows.len(), 3);
}

#[tokio::test]
async fn the_recorded_empty_answer_is_no_empty_list() {
    let client = replay::client([adapted(2, 0, 10, "agent-0001")]);
    let error = client.mailbox_page(&query("agent-0001", 10), 0).await.unwrap_err();
    assert!(matches!(error, Error::Unexpected { .. }), "{error}");
}

#[tokio::test]
async fn everything_at_once_and_short_forms_hold_the_same_rows() {
    for (at, rows) in [(3, 2), (4, 2), (9, 15)] {
        let client = replay::client([adapted(at, 0, 100, "")]);
        assert_eq!(client.mailbox_page(&SearchQuery::all(), 0).await.unwrap().rows.len(), rows);
    }
}

async fn fleet(count: usize) -> (FakeMailcow, Client) {
    let mailcow = FakeMailcow::new();
    let client = mailcow.client();
    for domain in ["a.example", "b.example"] {
        let new = NewDomain::new(domain.parse().unwrap()).with_max_mailboxes(100);
        client.add_domain(&new).await.unwrap();
    }
    for number in 0..count {
        let address = format!("agent-{number:03}@a.example").parse().unwrap();
        let new = NewMailbox::new(address, "Fake-Passw0rd-1".into(), Mib::new(1));
        let tags = if number % 2 == 0 { vec!["even"] } else { vec![] };
        client.add_mailbox(&new.with_tags(tags)).await.unwrap();
    }
    (mailcow, client)
}

#[tokio::test]
async fn a_stream_reads_page_by_page_and_no_page_too_many() {
    let (mailcow, client) = fleet(10).await;
    let searches = |mailcow: &FakeMailcow| {
        let calls = mailcow.calls().into_iter();
        calls.filter(|call| call.method == Method::Post && call.path.contains("/search/")).count()
    };
    let all: Vec<_> = client.search_mailboxes(query("", 4)).try_collect().await.unwrap();
    let expected: Vec<_> = (0..10).map(|number| format!("agent-{number:03}@a.example")).collect();
    assert_eq!(all.into_iter().map(|mailbox| mailbox.address).collect::<Vec<_>>(), expected);
    assert_eq!(searches(&mailcow), 3);
    let first: Vec<_> = client.search_mailboxes(query("", 4)).take(4).try_collect().await.unwrap();
    assert_eq!((first.len(), searches(&mailcow)), (4, 4));
    // A full last page is only known by an empty one.
    let all: Vec<_> = client.search_mailboxes(query("", 5)).try_collect().await.unwrap();
    assert_eq!((all.len(), searches(&mailcow)), (10, 7));
    let even: Vec<_> = client.search_mailboxes(query("even", 2)).try_collect().await.unwrap();
    assert_eq!(even.len(), 5);
    let domains: Vec<_> = client.search_domains(query("", 1)).try_collect().await.unwrap();
    assert_eq!(domains.into_iter().map(|domain| domain.name).collect::<Vec<_>>(), ["a.example", "b.example"]);
}

#[tokio::test]
async fn a_stream_ends_after_its_first_error() {
    let (mailcow, client) = fleet(5).await;
    let mut stream = std::pin::pin!(client.search_mailboxes(query("", 2)));
    stream.next().await.unwrap().unwrap();
    stream.next().await.unwrap().unwrap();
    mailcow.fail_next("search/mailbox", Fault::NotDone500);
    assert!(stream.next().await.unwrap().unwrap_err().is_retryable());
    assert!(stream.next().await.is_none());
    let error = client.mailbox_page(&query("a\nb", 2), 0).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput { .. }));
}
