use std::{fmt::Write as _, sync::Arc, time::Duration};

use desec_api::{
    AddressChange, AddressSource, CheckIp, Client, DynDns, DynDnsUpdate, FakeDesec, Fault, HttpResponse,
    Refresher, Ttl,
};
use futures_util::StreamExt;
use secrecy::ExposeSecret;

use crate::{
    recording::Script,
    secrets::{Log, shown},
};

#[tokio::test]
async fn the_token_of_a_dyndns_update_is_shown_nowhere() {
    let (log, guard) = Log::listen().await;
    let update = DynDnsUpdate::new(AddressChange::Set(vec![[9, 9, 9, 9].into()]), AddressChange::Delete);
    let domain = || "example.com".parse().unwrap();
    let mut text = String::new();

    let answers = ["good", "nochg"].map(|body| HttpResponse::new(200).with_body(body.into()));
    let script = Script::new(answers);
    let client = Client::builder(CANARY.into()).http_client(script.clone()).build().unwrap();
    let dyndns = DynDns::new(client, domain()).with_update_url("https://update.dedyn.io").unwrap();
    write!(text, "{dyndns:?}").unwrap();
    dyndns.update(&update).await.unwrap();
    text += &shown(&dyndns.update(&update).await.unwrap_err());
    for request in script.requests() {
        assert_eq!(request.authorization().unwrap().expose_secret(), format!("Token {CANARY}"));
        write!(text, "{} {request:?}", request.url()).unwrap();
    }

    let fake = FakeDesec::new();
    fake.add_domain(&domain(), Ttl::new(3600).unwrap());
    let server = fake.serve().await;
    let builder = Client::builder(CANARY.into()).base_url(server.uri()).max_wait(Duration::ZERO);
    let client = builder.build().unwrap();
    let dyndns = DynDns::new(client.clone(), domain());
    text += &shown(&dyndns.update(&update).await.unwrap_err());
    for fault in [Fault::FailsStored, Fault::Throttled { retry_after: None }] {
        fake.inject(fault);
        text += &shown(&dyndns.update(&update).await.unwrap_err());
    }
    let checkip = CheckIp::new(client).with_v4_url(&server.uri()).unwrap().without_v6();
    write!(text, "{checkip:?} {:?}", checkip.addresses().await.unwrap_err()).unwrap();
    let (handle, mut events) = Refresher::new(dyndns, Arc::new(checkip)).start().unwrap();
    write!(text, "{handle:?} {:?}", events.next().await.unwrap()).unwrap();
    handle.stop().await;
    drop(guard);

    let log = log.0.lock().unwrap();
    assert!(
        log.contains("operation=\"update the addresses of\"") && log.contains("outcome=\"done\""),
        "{log}"
    );
    assert!(
        text.contains("refuses the token") && text.contains("not \"good\"") && text.contains("LookUp"),
        "{text}"
    );
    for place in [&text, &*log] {
        assert!(!place.contains("canary"), "{place}");
    }
}

const CANARY: &str = "canary-7c1f20";
