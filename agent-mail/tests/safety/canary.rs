//! No secret shows, wherever one looks.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use agent_mail::safety::{Letter, OutboundCheck, Policy, Redaction, Ruling};
use agent_mail::{Error, MemorySecrets, NewMessage, Sending};
use async_trait::async_trait;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::rules::secret_of;
use crate::world::{agent, eve, next, world};

/// Writes down all that is traced.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<String>>);

struct Writer<'a>(&'a mut String);

impl Visit for Writer<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut log = self.0.lock().unwrap();
        write!(log, "\nspan {}", span.metadata().name()).unwrap();
        span.record(&mut Writer(&mut log));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Writer(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut log = self.0.lock().unwrap();
        write!(log, "\n{} {}", event.metadata().level(), event.metadata().target()).unwrap();
        event.record(&mut Writer(&mut log));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Debug)]
struct Holder;

#[async_trait]
impl OutboundCheck for Holder {
    fn name(&self) -> &'static str {
        "holder"
    }
    async fn check(&self, letter: &Letter) -> Result<Ruling, Error> {
        let holds = letter.message.subject() == "hold me";
        Ok(if holds { Ruling::Hold("somebody has to look at it".into()) } else { Ruling::Pass })
    }
}

#[tokio::test(start_paused = true)]
async fn no_secret_and_no_content_shows() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let world = world();
    let policy = Policy::new().with_redaction(Redaction::new().with_secret("CANARY-exact".to_owned().into()));
    let secrets = Arc::new(MemorySecrets::default());
    let mail = world
        .system()
        .secrets(secrets.clone())
        .policy(policy)
        .outbound_check(Arc::new(Holder))
        .build()
        .unwrap();
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    let passwords = [secret_of(&secrets, ada.address()).await, secret_of(&secrets, bob.address()).await];
    let mut shown = String::new();
    let mut show = |value: &dyn fmt::Debug| writeln!(shown, "{value:?}").unwrap();
    let text = |extra: &str| NewMessage::to(bob.address()).with_text(format!("CANARY-body {extra}"));

    show(&ada.send(text(&passwords[0])).await.unwrap());
    show(&ada.send(text("CANARY-exact")).await.unwrap());
    show(&ada.send(text("").with_subject("hold me")).await.unwrap_err());
    let spilled = ada.send(text("").with_header("X-Key", passwords[0].clone())).await.unwrap_err();
    show(&spilled);
    show(&spilled.to_string());
    let queued = Sending::new(text("").with_html("<b>CANARY-html</b>")).with_key("once");
    show(&queued);
    show(&ada.enqueue(queued).await.unwrap());
    let courier = mail.courier();
    let _ended =
        tokio::time::timeout(std::time::Duration::from_mins(5), courier.run(std::future::pending::<()>()))
            .await;

    let mut events = bob.events();
    for _ in 0..3 {
        let event = next(&mut events).await;
        show(&event);
        show(&event.kind());
        let Some(message) = event.received() else { continue };
        show(&message);
        show(&message.verdict());
        show(&bob.reply(message, "CANARY-answer").await.unwrap());
        event.ack().await.unwrap();
    }
    world.post_office().set_password(bob.address(), "another".into()).unwrap();
    show(&bob.send(NewMessage::to(eve()).with_text("CANARY-body")).await.unwrap_err());
    show(&bob.fetch_unseen(9).await.unwrap_err());
    show(&(&mail, &ada, &events, &world, mail.agents().await.unwrap()));
    mail.retire(ada.id()).await.unwrap();

    let log = recorder.0.lock().unwrap().clone();
    assert!(log.contains("provisioned") && log.contains("retired"), "it is recorded: {log}");
    for (where_, all) in [("traces", &log), ("forms", &shown)] {
        for secret in passwords.iter().map(String::as_str).chain(["CANARY", "eves secret"]) {
            assert!(!all.contains(secret), "{secret} is among the {where_}: {all}");
        }
    }
}
