use std::time::Duration;

use desec_api::{DomainName, Error, FakeDesec, HttpResponse, Method, RecordType, SubName, Ttl};
use serde_json::Value;

use crate::recording::{Exchange, Script, recording};

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

async fn replay(domain: &str, pages: &[Exchange]) -> Vec<desec_api::RrSet> {
    let script = Script::new(pages.iter().map(Exchange::response));
    let sets = script.client().zone(&name(domain)).await.unwrap();
    let expected: Vec<_> = pages.iter().map(|page| (Method::Get, page.path.clone(), Value::Null)).collect();
    assert_eq!(script.seen(), expected);
    sets
}

#[tokio::test]
async fn pages_are_followed_to_the_last() {
    let sets = replay("many.example", &recording("pagination_small")[1..4]).await;
    assert_eq!(sets.len(), 13);
    let mut names: Vec<_> = sets.iter().map(|set| (&set.subname, &set.rtype)).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 13, "nothing twice");
    assert_eq!(replay("huge.example", &recording("pagination_500")[1..3]).await.len(), 503);
}

#[tokio::test]
async fn a_short_list_is_one_page() {
    let mut exchange = recording("rrsets_list")[1].clone();
    // Recorded without a cursor; a short list is answered alike with one.
    exchange.path += "?cursor=";
    let sets = replay("example.com", &[exchange]).await;
    let alias = sets.iter().find(|set| set.subname.as_str() == "alias").unwrap();
    assert_eq!((alias.rtype.clone(), alias.ttl.seconds()), (RecordType::Cname, 3600));
    assert_eq!(alias.records, ["WWW.Example.Com."]);
}

#[tokio::test]
async fn an_empty_zone_is_an_empty_list() {
    let mut exchange = recording("rrsets_bulk_limits")[0].clone();
    exchange.path += "?cursor=";
    assert_eq!(replay("xn--bcher-kva.example", &[exchange]).await, []);
}

#[tokio::test]
async fn the_host_of_a_link_is_not_followed() {
    let evil = r#"<https://evil.example/api/v1/domains/x.example/rrsets/?cursor=abc>; rel="next""#;
    let script = Script::new([
        HttpResponse::new(200).with_header("Link", evil).with_body(b"[]".to_vec()),
        HttpResponse::new(200).with_body(b"[]".to_vec()),
    ]);
    script.client().zone(&name("x.example")).await.unwrap();
    // `seen` checks that the host stays the same.
    assert_eq!(script.seen()[1].1, "/api/v1/domains/x.example/rrsets/?cursor=abc");
}

#[tokio::test(start_paused = true)]
async fn pages_without_end_are_an_error() {
    let page = |cursor: usize| {
        let link = format!("<?cursor=c{cursor}>; rel=next");
        HttpResponse::new(200).with_header("Link", &link).with_body(b"[]".to_vec())
    };
    for script in [Script::new((0..1_000).map(page)), Script::new((0..1_000).map(|_| page(1)))] {
        let client = script.client();
        let error = client.zone(&name("x.example")).await.unwrap_err();
        assert!(matches!(error, Error::Other { .. }), "{error:?}");
        assert!(script.seen().len() <= 200);
    }
}

#[tokio::test]
async fn a_refused_cursor_is_unexpected() {
    let refused = recording("pagination_small")[8].response();
    let error = Script::new([refused]).client().zone(&name("x.example")).await.unwrap_err();
    assert!(matches!(error, Error::Other { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn the_fake_pages_like_the_server() {
    let (fake, domain) = (FakeDesec::new(), name("many.example"));
    let ttl = Ttl::new(3600).unwrap();
    fake.add_domain(&domain, ttl);
    let put = |n: usize| {
        let subname: SubName = format!("h{n:02}").parse().unwrap();
        fake.put(&domain, &subname, &RecordType::A, ttl, &["192.0.2.1".into()]);
    };
    (0..12).for_each(put);
    fake.set_page_size(5);
    let client = fake.client_builder().max_wait(Duration::ZERO).build().unwrap();
    let sets = client.zone(&domain).await.unwrap();
    assert_eq!(fake.calls().len(), 3);
    let names: Vec<&str> = sets.iter().map(|set| set.subname.as_str()).collect();
    let newest_first =
        ["h11", "h10", "h09", "h08", "h07", "h06", "h05", "h04", "h03", "h02", "h01", "h00", ""];
    assert_eq!(names, newest_first);

    let url = "https://desec.io/api/v1/domains/many.example/rrsets/".parse().unwrap();
    let request = desec_api::HttpRequest::new(Method::Get, url)
        .with_authorization("Token token-of-the-fake-account".into());
    let (ours, real) = (fake.handle(&request), recording("pagination_small")[0].response());
    assert_eq!(ours.status(), real.status());
    assert_eq!(ours.header("link"), real.header("link"));
    assert_eq!(
        serde_json::from_slice::<Value>(ours.body()).unwrap(),
        serde_json::from_slice::<Value>(real.body()).unwrap()
    );
}
