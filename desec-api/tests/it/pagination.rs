use std::time::Duration;

use desec_api::{DomainName, Error, FakeDesec, HttpResponse, Method, RecordType, RrSetFilter, SubName, Ttl};
use futures_util::{StreamExt, TryStreamExt};
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
async fn a_refused_cursor_is_told() {
    let refused = recording("pagination_small")[8].response();
    let error = Script::new([refused]).client().zone(&name("x.example")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the RRsets of x.example: the server does not know the next page any more; start the list again"
    );
}

#[tokio::test]
async fn the_first_page_that_a_refusal_names_is_read() {
    let recorded = recording("pagination_small");
    let filter = RrSetFilter::default().with_rtype(RecordType::A);
    let too_long = recorded[7].response();
    let last = recorded[6].response();
    let script = Script::new([too_long.clone(), recorded[5].response(), last]);
    let sets: Vec<_> = script.client().rrsets(&name("many.example"), &filter).try_collect().await.unwrap();
    assert!(sets.len() > 5);
    // The filter is kept on each page, whatever the link says.
    let cursor = "cD0yMDI2LTExLTIwKzA4JTNBMzMlM0EwMC45NTgwNjglMkIwMCUzQTAw";
    let path = |cursor: &str| format!("/api/v1/domains/many.example/rrsets/?type=A&cursor={cursor}");
    let paths: Vec<_> = script.seen().into_iter().map(|(_, path, _)| path).collect();
    assert_eq!(paths, [path(""), path(""), path(cursor)]);

    let script = Script::new([too_long.clone(), too_long]);
    let error = script.client().zone(&name("many.example")).await.unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }) && script.calls() == 2, "followed once: {error:?}");
}

#[tokio::test]
async fn a_page_is_read_when_it_is_needed() {
    fn is_send<T: Send>(stream: T) -> T {
        stream
    }
    let recorded = recording("pagination_small");
    let script = Script::new([recorded[11].response(), recorded[12].response()]);
    let mut domains = Box::pin(is_send(script.client().domains()));
    assert_eq!(script.calls(), 0, "a stream is lazy");
    for n in 0..5 {
        let domain = domains.try_next().await.unwrap().unwrap();
        assert!(domain.keys.is_empty());
        assert_eq!(script.calls(), 1, "item {n}");
    }
    assert!(domains.try_next().await.unwrap().is_some());
    assert_eq!(script.calls(), 2);
    let rest: Vec<_> = domains.try_collect().await.unwrap();
    let all = recorded[12].body.as_array().unwrap();
    assert_eq!((rest.len() + 1, script.calls()), (all.len(), 2));
}

#[tokio::test]
async fn a_stream_ends_after_its_first_error() {
    let recorded = recording("pagination_small");
    let script = Script::new([recorded[11].response(), HttpResponse::new(500)]);
    let mut domains = Box::pin(script.client().domains());
    let mut read = 0;
    while let Some(result) = domains.next().await {
        match result {
            Ok(_) => read += 1,
            Err(error) => assert!(error.is_retryable() && read == 5, "{error:?}"),
        }
    }
    assert_eq!((read, script.calls()), (5, 2));
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
