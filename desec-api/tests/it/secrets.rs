use std::{
    error::Error as _,
    fmt::{Debug, Write as _},
    sync::{Arc, Mutex},
    time::Duration,
};

use desec_api::{
    Client, DomainName, Error, FakeDesec, Fault, HttpError, HttpRequest, Method, RecordType, RrSetPatch, Ttl,
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::DefaultGuard,
};

use crate::recording::Script;

#[derive(Clone, Default)]
pub(crate) struct Log(pub(crate) Arc<Mutex<String>>);

impl Log {
    /// Returns a log of what this thread says from now on, until the guard is dropped.
    pub(crate) async fn listen() -> (Self, DefaultGuard) {
        let log = Self::default();
        let guard = tracing::subscriber::set_default(log.clone());
        // A place that logs for the first time asks its own thread alone whether anyone listens, and keeps the
        // answer. That may be the thread of another test: so it is asked again once it was there.
        let domain = "example.com".parse().unwrap();
        let script = Script::of([Err(HttpError::not_sent("nothing to say yet"))]);
        script.client().domain(&domain).await.unwrap_err();
        tokio::time::sleep(Duration::from_millis(5)).await;
        tracing::callsite::rebuild_interest_cache();
        (log, guard)
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut self.clone());
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut self.clone());
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(self.0.lock().unwrap(), "{field}={value:?}").unwrap();
    }
}

pub(crate) fn shown(error: &Error) -> String {
    let mut text = format!("{error:?}\n{error}\n");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, "{error:?}\n{error}\n").unwrap();
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn the_token_is_shown_nowhere() {
    let (log, guard) = Log::listen().await;
    let (fake, domain): (_, DomainName) = (FakeDesec::new(), "example.com".parse().unwrap());
    fake.add_domain(&domain, Ttl::new(3600).unwrap());
    let server = fake.serve().await;
    let mut text = String::new();

    let builder = Client::builder(CANARY.into()).base_url(server.uri()).max_wait(Duration::ZERO);
    write!(text, "{builder:?}").unwrap();
    let client = builder.build().unwrap();
    write!(text, "{client:?}").unwrap();
    let request = HttpRequest::new(Method::Get, "https://desec.io/?cursor=x".parse().unwrap());
    write!(text, "{:?}", request.with_authorization(CANARY.into())).unwrap();

    let patch = RrSetPatch::delete("x".parse().unwrap(), RecordType::A);
    text += &shown(&client.domain(&domain).await.unwrap_err());
    for fault in [Fault::FailsStored, Fault::AnswerLost, Fault::Throttled { retry_after: None }] {
        fake.inject(fault);
        text += &shown(&client.patch_rrsets(&domain, std::slice::from_ref(&patch)).await.unwrap_err());
    }
    drop(server);
    let unreachable = Client::builder(CANARY.into()).base_url("http://127.0.0.1:9").build().unwrap();
    text += &shown(&unreachable.domain(&domain).await.unwrap_err());
    let refused = Client::builder(format!("{CANARY} with blanks").into()).build().unwrap_err();
    text += &shown(&refused);
    drop(guard);

    let log = log.0.lock().unwrap();
    assert!(log.contains("operation=\"write RRsets of\"") && log.contains("outcome=\"unknown\""), "{log}");
    assert!(text.contains("refuses the token") && text.contains("invalid token"), "{text}");
    for place in [&text, &*log] {
        assert!(!place.contains("canary"), "{place}");
        assert!(!place.contains("cursor="), "{place}");
    }
}

#[tokio::test]
async fn no_error_repeats_its_source() {
    let fake = FakeDesec::new();
    fake.inject(Fault::AnswerLost);
    let patch = RrSetPatch::delete("x".parse().unwrap(), RecordType::A);
    let error =
        fake.client().unwrap().patch_rrsets(&"a.example".parse().unwrap(), &[patch]).await.unwrap_err();
    let source = error.source().expect("the lost link").to_string();
    assert!(!error.to_string().contains(&source), "{error} / {source}");
}

const CANARY: &str = "canary-7c1f20";
