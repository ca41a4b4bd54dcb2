//! What others keep at Mailcow stays.

use std::sync::Arc;

use agent_mail::backend::{MailAdmin, MailChange};
use agent_mail::{AliasEntry, ErrorKind, ForwardEntry, MailboxEntry, Mailcow};
use async_trait::async_trait;
use mailcow_api::{
    AliasAddress, AliasTarget, Client, FakeMailcow, FilterKind, HttpClient, HttpError, HttpRequest,
    HttpResponse, MailboxAddress, NewAlias, NewDomain, NewFilter, SpamList,
};

use super::{add_domain, at, change, domain, elsewhere, people};

fn api(local_part: &str) -> MailboxAddress {
    at(local_part).to_string().parse().unwrap()
}

#[tokio::test]
async fn a_filter_of_somebody_else_is_not_switched_off() {
    let fake = people().await;
    let (client, admin) = (fake.client(), Mailcow::new(fake.client()));
    for (kind, active) in [(FilterKind::After, true), (FilterKind::Before, false)] {
        let theirs = NewFilter::new(api("ada"), kind, "theirs", "keep;").with_active(active);
        client.add_filter(&theirs).await.unwrap();
    }
    let forward = MailChange::SetForward { forward: ForwardEntry::new(at("ada"), [elsewhere()]) };
    change(&admin, &forward).await;
    change(&admin, &MailChange::RemoveForward { address: at("ada") }).await;
    let shown = async || {
        let all = client.mailbox_filters(&api("ada")).await.unwrap();
        all.into_iter().map(|filter| (filter.description, filter.active)).collect::<Vec<_>>()
    };
    assert_eq!(shown().await, [("theirs".to_owned(), true), ("theirs".to_owned(), false)]);

    client.add_filter(&NewFilter::new(api("ada"), FilterKind::Before, "runs", "keep;")).await.unwrap();
    let error = admin.change(&domain(), &forward, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(error.to_string().contains("\"runs\""), "{error}");
    assert_eq!(shown().await.last(), Some(&("runs".to_owned(), true)));
}

/// A write that was given up may be carried out late, when the next one has been.
#[tokio::test]
async fn a_forward_too_many_is_removed() {
    let fake = people().await;
    let (client, admin) = (fake.client(), Mailcow::new(fake.client()));
    let late = client.mailbox_filters(&api("bob")).await.unwrap().remove(0);
    let late = NewFilter::new(api("bob"), late.kind, &late.description, &late.script);
    client.add_filter(&late).await.unwrap();
    assert_eq!(client.filters().await.unwrap().len(), 2);
    let forward = MailChange::SetForward { forward: ForwardEntry::new(at("bob"), [at("ada")]) };
    change(&admin, &forward).await;
    assert_eq!(client.filters().await.unwrap().len(), 1);
    assert_eq!(admin.survey(&domain()).await.unwrap().unwrap().forwards[0].targets, [at("ada")]);
    client.add_filter(&late).await.unwrap();
    change(&admin, &MailChange::RemoveForward { address: at("bob") }).await;
    assert_eq!(client.filters().await.unwrap().len(), 0);
}

#[tokio::test]
async fn an_alias_keeps_who_sees_it_and_sends_from_it() {
    let fake = people().await;
    let (client, admin) = (fake.client(), Mailcow::new(fake.client()));
    let address: AliasAddress = api("theirs").into();
    let theirs = NewAlias::new(address.clone(), AliasTarget::Discard)
        .with_active(false)
        .with_sender_allowed(false)
        .with_webmail_visible(false)
        .with_internal(true)
        .with_public_comment("theirs");
    client.add_alias(&theirs).await.unwrap();
    assert_eq!(admin.survey(&domain()).await.unwrap().unwrap().aliases.len(), 1, "it is off");
    let alias = AliasEntry::new(at("theirs"), [elsewhere()]);
    change(&admin, &MailChange::SetAlias { alias }).await;
    let now = client.get_alias(&address).await.unwrap().unwrap();
    assert_eq!(
        (now.active, now.sender_allowed, now.webmail_visible, now.internal),
        (true, false, false, true)
    );
    assert_eq!((now.targets, now.public_comment.as_str()), (vec![elsewhere().to_string()], "theirs"));
}

#[tokio::test]
async fn a_domain_keeps_what_a_change_does_not_speak_of() {
    let fake = FakeMailcow::new();
    let (client, admin) = (fake.client(), Mailcow::new(fake.client()));
    let name: mailcow_api::DomainName = "agents.example".parse().unwrap();
    let theirs = NewDomain::new(name.clone())
        .with_global_address_list(false)
        .with_relaying(true, true, false)
        .with_tags(["theirs"]);
    client.add_domain(&theirs).await.unwrap();
    change(&admin, &add_domain()).await;
    let policy = agent_mail::spec::SpamPolicy::new(["*@good.example"], [""; 0]);
    change(&admin, &MailChange::AddMailbox { mailbox: MailboxEntry::new(at("ada")) }).await;
    let own = "*@own.example".parse().unwrap();
    client.add_mailbox_spam_policy(&api("ada"), SpamList::Deny, &own).await.unwrap();
    change(&admin, &MailChange::SetSpamPolicy { policy }).await;
    let now = client.get_domain(&name).await.unwrap().unwrap();
    assert_eq!((now.global_address_list, now.backup_mx, now.relay_all_recipients), (false, true, true));
    assert_eq!((now.tags, now.description.as_str()), (vec!["theirs".to_owned()], "Agents"));
    let denied = client.mailbox_spam_policies(&api("ada"), SpamList::Deny).await.unwrap();
    assert_eq!(denied.len(), 1, "the mailbox's own entry");
}

/// Keeps the name of a mailbox, whatever is said.
#[derive(Debug)]
struct Stubborn(FakeMailcow);

#[async_trait]
impl HttpClient for Stubborn {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if request.url.path().ends_with("edit/mailbox") {
            let said = r#"[{"type":"success","log":[],"msg":["mailbox_modified","ada@agents.example"]}]"#;
            return Ok(HttpResponse::new(200, said));
        }
        self.0.handle(&request)
    }
}

#[tokio::test]
async fn a_name_that_is_not_taken_is_told() {
    let fake = people().await;
    let client = Client::builder("https://mail.example.com", fake.api_key());
    let client = client.http_client(Arc::new(Stubborn(fake.clone()))).build().unwrap();
    let mailbox = MailboxEntry::new(at("ada")).with_quota_mib(100);
    let set = MailChange::SetMailbox { mailbox };
    let error = Mailcow::new(client).change(&domain(), &set, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(
        error.to_string(),
        "change mailbox ada@agents.example: the mail system keeps the name \"Ada\""
    );
}
