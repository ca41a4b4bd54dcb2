//! The hub: what it writes is what was recorded, and what is somebody else's is left alone.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mailcow_api::{
    AliasAddress, Client, DkimKeySpec, DomainName, FakeMailcow, FilterKind, How, HttpClient, HttpError,
    HttpRequest, HttpResponse, MailboxAddress, Method, Mib, NewDomain, NewFilter, NewHub, NewMailbox,
};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::{replay, tape::Tape};

/// A fake that notes the bodies of the writes.
#[derive(Debug)]
struct Noting {
    mailcow: FakeMailcow,
    written: Mutex<Vec<(String, Value)>>,
}

#[async_trait]
impl HttpClient for Noting {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if let (Method::Post, Some(body)) = (request.method, &request.body) {
            let body = serde_json::from_str(body.expose_secret()).unwrap();
            self.written.lock().unwrap().push((request.url.path().to_owned(), body));
        }
        self.mailcow.send(request).await
    }
}

fn hub(owner: &str) -> NewHub {
    let address: MailboxAddress = "hub@hub2.example.com".parse().unwrap();
    let mailbox = NewMailbox::new(address, "Fake-Passw0rd-123".into(), Mib::new(1000)).with_name("Hub");
    NewHub::new(mailbox.with_tags([owner]))
}

async fn ground() -> (Arc<Noting>, Client) {
    let noting = Arc::new(Noting { mailcow: FakeMailcow::new(), written: Mutex::default() });
    let builder = Client::builder("https://mail.example.com", noting.mailcow.api_key());
    let client = builder.http_client(noting.clone()).build().unwrap();
    client.add_domain(&NewDomain::new("hub2.example.com".parse().unwrap())).await.unwrap();
    noting.written.lock().unwrap().clear();
    (noting, client)
}

#[tokio::test]
async fn a_hub_is_written_as_it_was_recorded() {
    let (noting, client) = ground().await;
    let made = client.ensure_hub(&hub("ours")).await.unwrap();
    assert_eq!(
        (made.mailbox.how, made.alias.how, made.filter.how),
        (How::Created, How::Created, How::Created)
    );
    assert_eq!(made.mailbox.changed, ["sender_acl"]);
    let written = std::mem::take(&mut *noting.written.lock().unwrap());
    assert_eq!(written.len(), 4);
    let recorded = replay::load("hub/setup.json");
    for (path, body) in &written {
        let wanted = &recorded.iter().find(|exchange| exchange.path == *path).unwrap().body;
        // The recording sends fewer fields, none of them otherwise.
        for (name, value) in wanted.as_object().unwrap() {
            assert_eq!(&body[name], value, "{name} of {path}");
        }
    }
}

#[tokio::test]
async fn a_recorded_hub_is_read_as_it_is() {
    let tape = Tape::load("hub/setup.json");
    let domain: DomainName = "hub2.example.com".parse().unwrap();
    let address: MailboxAddress = "hub@hub2.example.com".parse().unwrap();
    let new = NewDomain::new(domain.clone())
        .with_description("agents on a hub")
        .with_max_aliases(50)
        .with_max_mailboxes(50)
        .with_quotas(Mib::new(100), Mib::new(1000), Mib::new(10_000))
        .with_dkim(DkimKeySpec::new("dkim").unwrap());
    tape.play(0).add_domain(&new).await.unwrap();
    for at in 1..=4 {
        tape.impossible(at, "a part of ensure_hub, compared with what that writes");
    }
    let filters = tape.play(5).mailbox_filters(&address).await.unwrap();
    assert_eq!((filters.len(), &filters[0].kind, filters[0].active), (1, &FilterKind::Before, true));
    let mailbox = tape.play(6).get_mailbox(&address).await.unwrap().unwrap();
    assert_eq!(mailbox.senders, ["@hub2.example.com"]);
    let alias = tape.play(7).get_alias(&AliasAddress::catch_all(&domain)).await.unwrap().unwrap();
    assert!(alias.catch_all && alias.active && !alias.webmail_visible);
    assert_eq!(alias.targets, ["hub@hub2.example.com"]);
    assert_eq!(tape.play(8).get_dkim(&domain).await.unwrap().unwrap().selector, "dkim");
}

#[tokio::test]
async fn the_mailbox_of_somebody_else_and_its_domain_are_left_alone() {
    let (noting, client) = ground().await;
    client.ensure_hub(&hub("theirs")).await.unwrap();
    let writes = noting.mailcow.writes();
    let error = client.ensure_hub(&hub("ours")).await.unwrap_err();
    assert_eq!(error.code(), "object_exists");
    assert_eq!(noting.mailcow.writes(), writes);
}

#[tokio::test]
async fn a_part_that_was_lost_or_turned_off_is_brought_back() {
    let (noting, client) = ground().await;
    let made = client.ensure_hub(&hub("ours")).await.unwrap();
    client.delete_alias(made.alias.value.id).await.unwrap();
    // Another active filter of the same kind turns ours off.
    let address = "hub@hub2.example.com".parse().unwrap();
    client.add_filter(&NewFilter::new(address, FilterKind::Before, "theirs", "keep;")).await.unwrap();
    let again = client.ensure_hub(&hub("ours")).await.unwrap();
    assert_eq!(
        (again.mailbox.how, again.alias.how, again.filter.how),
        (How::Existed, How::Created, How::Existed)
    );
    assert_eq!((again.mailbox.changed.len(), again.filter.changed), (0, vec!["active"]));
    let writes = noting.mailcow.writes();
    assert!(client.ensure_hub(&hub("ours")).await.unwrap().is_unchanged());
    assert_eq!(noting.mailcow.writes(), writes);
}
