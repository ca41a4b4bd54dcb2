//! Secrets are marker strings here, everything is traced at TRACE, and no marker comes out anywhere.

use std::{
    fmt::{Debug, Write as _},
    sync::{Arc, Mutex},
};

use mailcow_api::{
    AppPasswordChange, Client, FakeMailcow, Fault, MailboxChange, Mib, NewAppPassword, NewDomain, NewMailbox,
    Protocol, RawAction, RawCall, RetryPolicy,
};
use serde_json::json;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

const PASSWORD: &str = "CANARY-Passw0rd";
const PROXY: &str = "CANARY-Proxy";

/// Writes down every span and event of every crate.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<String>>);

impl Diary {
    fn note(&self, value: &dyn Debug) {
        writeln!(self.0.lock().unwrap(), "{value:?} {value:#?}").unwrap();
    }
}

impl Visit for Diary {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.note(&(field.name(), value));
    }
}

impl Subscriber for Diary {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.note(&event.metadata().target());
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn no_secret_comes_out_anywhere() {
    let diary = Diary::default();
    // For all threads: with one for this thread only, the other tests would decide what is traced at all.
    tracing::subscriber::set_global_default(diary.clone()).unwrap();
    let mailcow = FakeMailcow::new();
    let server = mailcow.serve().await;
    let builder = Client::builder(&server.uri(), mailcow.api_key())
        .proxy_credentials("door", PROXY.into())
        .retries(RetryPolicy::none());
    diary.note(&builder);
    let client = builder.build().unwrap();
    diary.note(&client);
    client.add_domain(&NewDomain::new("agents.example.com".parse().unwrap())).await.unwrap();

    let new = NewMailbox::new("agent@agents.example.com".parse().unwrap(), PASSWORD.into(), Mib::new(64));
    let address = new.address().clone();
    let change = MailboxChange::new().with_password(PASSWORD.into());
    let app = NewAppPassword::new(address.clone(), "runtime", PASSWORD.into(), [Protocol::Imap]);
    let raw = RawCall::new(RawAction::Edit, "mailbox")
        .with_body(
            json!({"items": [address.as_str()], "attr": {"password": PASSWORD, "password2": PASSWORD}}),
        )
        .with_success(["mailbox_modified"]);
    diary.note(&(&new, &change, &app, &raw, AppPasswordChange::new().with_password(PASSWORD.into())));
    for fault in
        [Fault::NotDone500, Fault::Unreachable, Fault::DoneButEmpty, Fault::DoneBut500, Fault::DoneButLost]
    {
        for route in ["add/mailbox", "edit/mailbox", "add/app-passwd"] {
            mailcow.fail_next(route, fault);
        }
        diary.note(&client.add_mailbox(&new).await);
        diary.note(&client.edit_mailbox(&address, &change).await);
        diary.note(&client.edit_mailboxes(std::slice::from_ref(&address), &change).await);
        diary.note(&client.add_app_password(&app).await);
        diary.note(&client.raw(&raw).await);
    }
    diary.note(&client.ensure_mailbox(&new).await.unwrap());
    diary.note(&client.ensure_app_password(&app).await.unwrap());
    diary.note(&client.generate_password().await.unwrap());
    diary.note(&client.replace_key("CANARY KEY".into()));
    client.replace_key("CANARY-KEY".into()).unwrap();
    diary.note(&client.version().await);
    diary.note(&client.version().await);
    diary.note(&(&mailcow, mailcow.calls(), mailcow.logins(), client));

    let key = secrecy::ExposeSecret::expose_secret(&mailcow.api_key()).to_owned();
    let text = diary.0.lock().unwrap().clone();
    assert!(text.contains("mailcow call") && text.contains("edit/mailbox"), "the diary holds nothing");
    // `CANARY` is in all passwords; the proxy's would also be base64.
    for secret in ["CANARY", &key, "Q0FOQVJZ", "ZG9vcjp"] {
        assert!(!text.contains(secret), "{secret} came out");
    }
}
