//! What deSEC tells of the own address.

use std::{error::Error as _, sync::Arc};

use desec_api::{
    AddressError, AddressSource, Agreement, CheckIp, Client, Error, FakeDesec, HttpResponse,
    PublicAddress::{Found, Unknown},
};

use crate::recording::Script;

fn answers(texts: &[&[u8]]) -> (Arc<Script>, CheckIp) {
    let script = Script::new(texts.iter().map(|text| HttpResponse::new(200).with_body(text.to_vec())));
    let source = CheckIp::new(script.client());
    (script, source)
}

#[tokio::test(start_paused = true)]
async fn each_family_is_asked_at_its_own_host_without_the_token() {
    let (script, source) = answers(&[b"9.9.9.9\n", b" 2a00::9 "]);
    let found = source.addresses().await.unwrap();
    assert_eq!((found.v4, found.v6), (Found([9, 9, 9, 9].into()), Found("2a00::9".parse().unwrap())));
    let requests = script.requests();
    let urls: Vec<_> = requests.iter().map(|request| request.url().as_str()).collect();
    assert_eq!(urls, ["https://checkipv4.dedyn.io/", "https://checkipv6.dedyn.io/"]);
    assert!(requests.iter().all(|request| request.authorization().is_none()));
}

#[tokio::test(start_paused = true)]
async fn only_one_public_address_of_the_family_is_an_answer() {
    for (text, reason) in [
        (&b"192.168.1.1"[..], "checkip answers 192.168.1.1, which is not globally routable"),
        (b"100.64.0.1", "which is not globally routable"),
        (b"2a00::9", "is no IPv4 address"),
        (b"9.9.9.9 9.9.9.8", "is no IPv4 address"),
        (b"009.9.9.9", "is no IPv4 address"),
        (b"<html>9.9.9.9</html>", "is no IPv4 address"),
        (b"\xff", "is no IPv4 address"),
        (b"", "is no IPv4 address"),
    ] {
        let (_, source) = answers(&[text]);
        let error = source.without_v6().addresses().await.unwrap_err();
        assert!(matches!(error, AddressError::Failed { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_family_that_does_not_answer_is_unknown() {
    let fake = FakeDesec::new();
    let source = CheckIp::new(fake.client().unwrap());
    fake.set_client_address("9.9.9.9".parse().unwrap());
    let found = source.addresses().await.unwrap();
    assert_eq!((found.v4, found.v6), (Found([9, 9, 9, 9].into()), Unknown));
    fake.set_second_client_address(Some("2a00::9".parse().unwrap()));
    let both = source.addresses().await.unwrap();
    assert_eq!((both.v4, both.v6), (found.v4, Found("2a00::9".parse().unwrap())));
    fake.set_client_address("2a00::9".parse().unwrap());
    fake.set_second_client_address(None);
    let found = source.addresses().await.unwrap();
    assert_eq!((found.v4, found.v6), (Unknown, both.v6));

    let error = source.clone().without_v6().addresses().await.unwrap_err();
    let cause = error.source().unwrap().downcast_ref::<Error>().unwrap();
    assert!(matches!(cause, Error::Unavailable { .. }), "{cause:?}");
    assert!(!error.to_string().contains(&cause.to_string()), "{error}");
    let nobody = source.without_v4().without_v6().addresses().await.unwrap_err();
    assert!(nobody.to_string().contains("no family is asked for"), "{nobody}");
}

#[tokio::test(start_paused = true)]
async fn questions_keep_the_limit_of_three_a_minute() {
    let fake = FakeDesec::new();
    fake.set_client_address("9.9.9.9".parse().unwrap());
    fake.throttle(true);
    let source = CheckIp::new(fake.client().unwrap()).without_v6();
    let start = tokio::time::Instant::now();
    for _ in 0..10 {
        source.addresses().await.unwrap();
    }
    assert!(start.elapsed().as_secs() >= 180, "{:?}", start.elapsed());
    assert!(fake.calls().iter().all(|call| call.status == Some(200)));
}

#[tokio::test(start_paused = true)]
async fn other_hosts_follow_the_rules_of_the_base() {
    let source = || CheckIp::new(Client::anonymous().build().unwrap());
    source().with_v4_url("https://ip.example/").unwrap().with_v6_url("http://[::1]/ip").unwrap();
    for bad in ["http://ip.example/", "ip.example", "https://a:b@ip.example/"] {
        for refused in [source().with_v4_url(bad), source().with_v6_url(bad)] {
            assert!(matches!(refused.unwrap_err(), Error::InvalidInput { .. }), "{bad}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn checkip_must_agree_with_others() {
    let (_, source) = answers(&[b"9.9.9.9"]);
    let other = desec_api::PublicAddresses { v4: Found([9, 9, 9, 8].into()), v6: Unknown };
    let both = Agreement::of([Arc::new(source.without_v6()) as Arc<dyn AddressSource>, Arc::new(other)]);
    let error = both.addresses().await.unwrap_err();
    assert!(matches!(error, AddressError::Disagreement { family: "IPv4", .. }), "{error:?}");
}
