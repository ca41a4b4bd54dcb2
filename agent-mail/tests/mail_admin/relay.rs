//! Relays, from the change to what Mailcow would do with it.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use agent_mail::backend::{MailAdmin, MailChange};
use agent_mail::{ErrorKind, Mailcow, Relay};
use async_trait::async_trait;
use mailcow_api::{
    Client, FakeMailcow, HttpClient, HttpError, HttpRequest, HttpResponse, NewRelayhost, Outcome,
};

use super::{CANARY, add_domain, at, change, domain, name, password, relay, relayed, words};

fn set(to: Option<Relay>) -> MailChange {
    MailChange::SetRelay { mailbox: None, relay: to }
}

async fn hosts(fake: &FakeMailcow) -> Vec<String> {
    let all = fake.client().relayhosts().await.unwrap();
    all.into_iter().map(|found| format!("{} {}", found.hostname, found.username)).collect()
}

#[tokio::test]
async fn a_relay_is_a_relay_host_with_the_password_that_was_given() {
    let fake = relayed().await;
    assert_eq!(hosts(&fake).await, ["[one.relay.example]:587 us:er", "[two.relay.example]:587 us:er"]);
    let domain = fake.client().get_domain(&"agents.example".parse().unwrap()).await.unwrap().unwrap();
    let used = fake.client().get_relayhost(domain.relayhost.unwrap()).await.unwrap().unwrap();
    assert_eq!((used.used_by_domains, used.active), (vec!["agents.example".to_owned()], true));
    let wanted = NewRelayhost::new("[one.relay.example]:587").with_login("us:er", password());
    assert_eq!(fake.client().ensure_relayhost(&wanted).await.unwrap().outcome(), Outcome::Unchanged);

    // A new password takes the place of the old one.
    let admin = Mailcow::new(fake.client());
    let other = "An0ther:password".into();
    admin.change(&super::domain(), &set(Some(relay("one"))), Some(&other)).await.unwrap();
    let wanted = NewRelayhost::new("[one.relay.example]:587").with_login("us:er", other);
    assert_eq!(fake.client().ensure_relayhost(&wanted).await.unwrap().outcome(), Outcome::Unchanged);
    assert_eq!(hosts(&fake).await.len(), 2);
}

#[tokio::test]
async fn a_relay_that_domains_share_goes_with_the_last_of_them() {
    let fake = relayed().await;
    let (admin, second) = (Mailcow::new(fake.client()), name("second.example"));
    admin.change(&second, &add_domain(), None).await.unwrap();
    admin.change(&second, &set(Some(relay("one"))), Some(&password())).await.unwrap();
    assert_eq!(hosts(&fake).await.len(), 2, "they share it");
    change(&admin, &set(None)).await;
    assert_eq!(hosts(&fake).await.len(), 2, "the second uses it");
    admin.change(&second, &MailChange::RemoveDomain, None).await.unwrap();
    assert_eq!(hosts(&fake).await, ["[two.relay.example]:587 us:er"]);
    let own = MailChange::SetRelay { mailbox: Some(at("bob")), relay: Some(relay("three")) };
    change(&admin, &own).await;
    assert_eq!(hosts(&fake).await, ["[three.relay.example]:587 us:er"]);
    change(&admin, &MailChange::RemoveMailbox { address: at("bob") }).await;
    assert_eq!(hosts(&fake).await, [""; 0]);
    let left = fake.client().get_domain(&"agents.example".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(left.tags, [""; 0], "its notes are gone too");
}

#[tokio::test]
async fn a_relay_host_that_others_made_is_used_and_stays() {
    let fake = FakeMailcow::new();
    let admin = Mailcow::new(fake.client());
    change(&admin, &add_domain()).await;
    let theirs = NewRelayhost::new("[one.relay.example]:587").with_login("us:er", password());
    let unused = NewRelayhost::new("[unused.example]:587").with_login("us:er", password());
    fake.client().add_relayhost(&theirs).await.unwrap();
    fake.client().add_relayhost(&unused).await.unwrap();
    change(&admin, &set(Some(relay("one")))).await;
    assert_eq!(hosts(&fake).await.len(), 2);
    assert_eq!(admin.survey(&domain()).await.unwrap().unwrap().relay, Some(relay("one")));
    change(&admin, &set(Some(relay("two")))).await;
    change(&admin, &set(None)).await;
    assert_eq!(hosts(&fake).await, ["[one.relay.example]:587 us:er", "[unused.example]:587 us:er"]);
}

/// Refuses to make relay hosts, and says the request again as Mailcow does, with the password.
#[derive(Debug)]
struct Echo(FakeMailcow);

#[async_trait]
impl HttpClient for Echo {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if !request.url.path().ends_with("add/relayhost") {
            return self.0.handle(&request);
        }
        let log = format!(
            r#"["relayhost","add",{{"hostname":"[x]:587","username":"us:er","password":"{CANARY}"}}]"#
        );
        let body =
            format!(r#"[{{"type":"danger","log":{log},"msg":["invalid_host","[one.relay.example]:587"]}}]"#);
        Ok(HttpResponse::new(200, body))
    }
}

#[tokio::test]
async fn a_refused_relay_shows_no_password_anywhere() {
    let fake = FakeMailcow::new();
    let seen = Seen::default();
    let subscriber = tracing_subscriber(seen.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let client = Client::builder("https://mail.example.com", fake.api_key());
    let admin = Mailcow::new(client.http_client(Arc::new(Echo(fake.clone()))).build().unwrap());
    change(&admin, &add_domain()).await;
    let error = admin.change(&domain(), &set(Some(relay("one"))), Some(&password())).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Rejected, Some("invalid_host")));
    let words = format!("{} {admin:?} {}", words(&error), seen.0.lock().unwrap());
    assert!(words.contains("add/relayhost"), "the trace was seen: {words}");
    assert!(!words.contains("Canary") && !words.contains("Passw0rd"), "{words}");
}

/// All that is traced, as text.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<String>>);

fn tracing_subscriber(seen: Seen) -> impl tracing::Subscriber + Send + Sync {
    Tracer(seen)
}

struct Tracer(Seen);

impl tracing::Subscriber for Tracer {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        span.record(&mut Recorder(&self.0));
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        values.record(&mut Recorder(&self.0));
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Recorder(&self.0));
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

struct Recorder<'a>(&'a Seen);

impl tracing::field::Visit for Recorder<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0.0.lock().unwrap(), " {field}={value:?}");
    }
}
