//! The settings of mailboxes: recordings played back, and the fake.

use mailcow_api::{
    FakeMailcow, LastLogins, MailboxAddress, Mib, NewDomain, NewMailbox, PushoverSettings,
    QuarantineCategory, QuarantineNotification, SpamScore, TaggedMail, UserPermission,
};
use serde_json::json;

use crate::{
    replay,
    tape::{Tape, outcome},
};

fn address(text: &str) -> MailboxAddress {
    text.parse().unwrap()
}

fn agent() -> MailboxAddress {
    address("agent-0001@agents.example.com")
}

#[tokio::test]
async fn every_exchange_is_as_its_note_says() {
    let tape = Tape::load("mailboxes/user-settings.json");
    let allowed = [
        UserPermission::TemporaryAliases,
        UserPermission::TlsPolicy,
        UserPermission::SpamScore,
        UserPermission::AppPasswords,
    ];
    assert_eq!(outcome(tape.play(0).set_user_permissions(&agent(), &allowed).await), "ok");
    let nobody = address("nope@agents.example.com");
    let said = outcome(tape.play(1).set_user_permissions(&nobody, &[]).await);
    assert_eq!(said, "refused: access_denied");
    let score = |text: &str| text.parse::<SpamScore>();
    let low = score("8, 15").unwrap();
    assert_eq!(outcome(tape.play(2).set_spam_score(&agent(), Some(&low)).await), "ok");
    assert!(score("15,8").is_err());
    tape.impossible(3, "the lower score comes first");
    assert_eq!(outcome(tape.play(4).set_spam_score(&agent(), None).await), "ok");
    assert!(
        score("abc").is_err() && score("1").is_err() && score("1,2,3").is_err() && score("inf,inf").is_err()
    );
    tape.impossible(5, "a score is two numbers");
    let again = score("5,9").unwrap();
    assert_eq!(outcome(tape.play(6).set_spam_score(&agent(), Some(&again)).await), "ok");
    assert_eq!(tape.play(7).spam_score(&agent()).await.unwrap(), Some(again));
    let other = address("agent-0003@agents.example.com");
    assert_eq!(tape.play(8).spam_score(&other).await.unwrap(), Some(low));
    assert_eq!(outcome(tape.play(9).set_tagged_mail(&agent(), &TaggedMail::Subject).await), "ok");
    let odd = TaggedMail::Other("nope".to_owned());
    assert_eq!(outcome(tape.play(10).set_tagged_mail(&agent(), &odd).await), "ok");
    let daily = QuarantineNotification::Daily;
    assert_eq!(outcome(tape.play(11).set_quarantine_notification(&agent(), &daily).await), "ok");
    let yearly = QuarantineNotification::Other("yearly".to_owned());
    let said = outcome(tape.play(12).set_quarantine_notification(&agent(), &yearly).await);
    assert_eq!(said, "refused: access_denied");
    let all = QuarantineCategory::All;
    assert_eq!(outcome(tape.play(13).set_quarantine_category(&agent(), &all).await), "ok");
    let settings = PushoverSettings::new("u".repeat(30).into(), "t".repeat(30).into()).with_words("Mail", "");
    assert_eq!(outcome(tape.play(14).set_pushover(&agent(), &settings).await), "ok");
    let bad = PushoverSettings::new("short".into(), "bad".into());
    let whole = json!({"title": "", "text": "", "sound": "pushover", "senders": "", "senders_regex": "",
        "evaluate_x_prio": 0, "only_x_prio": 0});
    let said = outcome(tape.sending(15, whole).set_pushover(&agent(), &bad).await);
    assert_eq!(said, "refused: pushover_key");
    assert!(!format!("{settings:?} {bad:?}").contains("uuu") && !format!("{bad:?}").contains("short"));
    assert_eq!(outcome(tape.play(16).reset_webmail_profiles(&[agent()]).await), "ok");
    assert_eq!(tape.play(17).last_logins(&agent(), None).await.unwrap(), LastLogins::default());
    assert_eq!(tape.play(18).last_logins(&agent(), Some(7)).await.unwrap(), LastLogins::default());
    assert_eq!(outcome(tape.play(19).reset_last_logins(&agent()).await), "ok");
}

/// Plays one write that was not recorded; its code is that of Mailcow's source.
fn unrecorded(path: &str, body: serde_json::Value, msg: &serde_json::Value) -> mailcow_api::Client {
    let mut exchange = replay::load("mailboxes/user-settings.json").swap_remove(0);
    exchange.path = format!("/api/v1/{path}");
    exchange.body = body;
    exchange.response.body = json!([{"type": "success", "log": [], "msg": msg}]).to_string().into_bytes();
    replay::client([exchange])
}

#[tokio::test]
async fn routes_without_a_recording_send_what_the_server_reads() {
    let name = agent().to_string();
    let modified = json!(["mailbox_modified", name]);
    let body = json!({"items": [name], "attr": {"tls_enforce_in": 1, "tls_enforce_out": 0}});
    let client = unrecorded("edit/tls_policy", body, &modified);
    assert_eq!(outcome(client.set_mailbox_tls(&agent(), true, false).await), "ok");
    let client = unrecorded("delete/eas_cache", json!([name]), &json!(["eas_reset", name]));
    assert_eq!(outcome(client.reset_eas_cache(&[agent()]).await), "ok");
    let to = address("agent-9@agents.example.com");
    let attr = json!({"domain": "agents.example.com", "old_local_part": "agent-0001",
        "new_local_part": "agent-9", "create_alias": 1});
    let renamed = json!(["mailbox_renamed", name, to.as_str()]);
    let client = unrecorded("edit/rename-mbox", json!({"items": [name], "attr": attr}), &renamed);
    assert_eq!(outcome(client.rename_mailbox(&agent(), &to, true).await), "ok");
    let elsewhere = address("agent-9@example.net");
    assert_eq!(outcome(replay::client([]).rename_mailbox(&agent(), &elsewhere, true).await), "invalid input");
    let body = json!({"items": [name], "attr": {"delete": "true"}});
    let client = unrecorded("edit/pushover", body, &json!("pushover_settings_edited"));
    assert_eq!(outcome(client.remove_pushover(&agent()).await), "ok");
}

#[tokio::test]
async fn logins_are_read_with_what_is_known_of_them() {
    let mut exchange = replay::load("mailboxes/user-settings.json").swap_remove(17);
    let answer = json!({"ui": {"remote": "192.0.2.9", "time": 1_795_166_875}, "sasl": [
        {"real_rip": "192.0.2.7", "datetime": "2026-11-20 09:27:55", "service": "imap", "app_password": 3},
        {"real_rip": "192.0.2.8", "datetime": "2026-11-20 09:27:56", "service": "smtp", "app_password": null}]});
    exchange.response.body = answer.to_string().into_bytes();
    let logins = replay::client([exchange]).last_logins(&agent(), None).await.unwrap();
    assert_eq!(logins.web.unwrap().remote, "192.0.2.9");
    let shown: Vec<_> =
        logins.sasl.iter().map(|login| (login.service.as_str(), login.app_password)).collect();
    assert_eq!(shown, [("imap", Some(3)), ("smtp", None)]);
}

#[tokio::test]
async fn the_fake_keeps_settings_tags_and_notes() {
    let mailcow = FakeMailcow::new();
    let client = mailcow.client();
    client.add_domain(&NewDomain::new("agents.example.com".parse().unwrap())).await.unwrap();
    let new = NewMailbox::new(agent(), "Fake-Passw0rd-1".into(), Mib::new(64)).with_tags(["a", "b"]);
    client.add_mailbox(&new.with_tls(true, false)).await.unwrap();
    client.set_custom_attributes(&agent(), &[("role", "worker")]).await.unwrap();
    client.set_quarantine_notification(&agent(), &QuarantineNotification::Daily).await.unwrap();
    client.remove_mailbox_tags(&agent(), &["a", "nosuch"]).await.unwrap();
    let found = client.get_mailbox(&agent()).await.unwrap().unwrap();
    assert!(found.settings.tls_in && !found.settings.tls_out && found.tags == ["b"]);
    assert_eq!(found.settings.quarantine_notification, Some(QuarantineNotification::Daily));
    assert_eq!(found.custom_attributes["role"], "worker");
    let domains = ["agents.example.com".parse().unwrap()];
    assert_eq!(client.mailboxes().await.unwrap(), std::slice::from_ref(&found));
    assert_eq!(client.mailboxes_of(&domains).await.unwrap(), client.mailboxes_tagged(&["b"]).await.unwrap());
    assert_eq!(client.mailboxes_of_tagged(&domains[0], &["a"]).await.unwrap(), []);
    let reduced = client.mailboxes_reduced().await.unwrap();
    assert_eq!((reduced.len(), reduced[0].settings.clone()), (1, found.settings));
    let yearly = QuarantineNotification::Other("yearly".to_owned());
    let said = outcome(client.set_quarantine_notification(&agent(), &yearly).await);
    assert_eq!(said, "refused: access_denied");
}

#[tokio::test]
async fn ensure_names_the_settings_that_differ() {
    let client = FakeMailcow::new().client();
    client.add_domain(&NewDomain::new("agents.example.com".parse().unwrap())).await.unwrap();
    let plain = NewMailbox::new(agent(), "Fake-Passw0rd-1".into(), Mib::new(64));
    client.add_mailbox(&plain).await.unwrap();
    assert_eq!(client.ensure_mailbox(&plain).await.unwrap().differs, Vec::<&str>::new());
    let strict = plain
        .with_tls(true, true)
        .with_webmail(false)
        .with_relayhost("7".parse().unwrap())
        .with_quarantine(QuarantineNotification::Never, QuarantineCategory::Reject);
    assert_eq!(
        client.ensure_mailbox(&strict).await.unwrap().differs,
        ["tls_enforce_in", "tls_enforce_out", "sogo_access", "relayhost", "quarantine_notification"]
    );
}
