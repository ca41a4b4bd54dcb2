//! What was recorded about mailboxes as such, played back: creates, reads, edits, deletes, tags, templates.

use mailcow_api::{
    AliasAddress, Bytes, DomainChange, DomainName, Mailbox, MailboxAddress, MailboxChange, MailboxStatus,
    MailboxTemplateSpec, Mib, NewMailbox, Protocol, QuarantineCategory, QuarantineNotification, RateFrame,
    RateLimit, TaggedMail, UserPermission,
};
use serde_json::{Value, json};

use crate::tape::{Tape, outcome};

const PASSWORD: &str = "Fake-Passw0rd-123";

fn address(text: &str) -> MailboxAddress {
    text.parse().unwrap()
}

fn agent() -> MailboxAddress {
    address("agent-0001@agents.example.com")
}

fn domain(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn with_password(text: &str, password: &str, mib: u32) -> NewMailbox {
    NewMailbox::new(address(text), password.into(), Mib::new(mib))
        .with_name("Agent 0001")
        .with_forced_tfa(false)
        .with_tls(true, true)
}

fn new(text: &str, mib: u32) -> NewMailbox {
    with_password(text, PASSWORD, mib)
}

fn tagged(text: &str, mib: u32) -> NewMailbox {
    new(text, mib).with_tags(["pool-a", "gen-1"])
}

async fn read(tape: &Tape, at: usize, text: &str) -> Mailbox {
    tape.play(at).get_mailbox(&address(text)).await.unwrap().unwrap()
}

#[tokio::test]
async fn creates() {
    let tape = Tape::load("mailboxes/add.json");
    let first = "agent-0001@agents.example.com";
    assert_eq!(outcome(tape.play(0).add_mailbox(&tagged(first, 64)).await), "ok");
    let said = outcome(tape.play(1).add_mailbox(&tagged(first, 64)).await);
    assert_eq!(said, format!("refused: object_exists ({first})"));
    let lower = tape.sending(2, json!({"local_part": "agent-0002"}));
    let second = new("AGENT-0002@agents.example.com", 64).with_tags(["pool-a"]);
    assert_eq!(outcome(lower.add_mailbox(&second).await), "ok");
    let weak =
        |password| with_password("weak@agents.example.com", password, 64).with_tags(["pool-a", "gen-1"]);
    assert_eq!(outcome(tape.play(3).add_mailbox(&weak("abc")).await), "refused: password_complexity");
    assert_eq!(outcome(tape.unsent(4).add_mailbox(&weak("")).await), "invalid input");
    tape.impossible(5, "the password is sent twice, always the same one");
    tape.impossible(6, "the password is sent twice, always the same one");
    let lost = tagged("x@nope.example.com", 64);
    assert_eq!(outcome(tape.play(7).add_mailbox(&lost).await), "refused: access_denied");
    assert!("bad local@agents.example.com".parse::<MailboxAddress>().is_err());
    tape.impossible(8, "an address with a blank is none");
    assert!("@agents.example.com".parse::<MailboxAddress>().is_err());
    tape.impossible(9, "an address has a local part");
    tape.impossible(10, "a mailbox has an address");
    let said = outcome(tape.play(11).add_mailbox(&tagged("big@agents.example.com", 4096)).await);
    assert_eq!(said, "refused: mailbox_quota_exceeded (1024)");
    let no_tags = || json!({"tags": null});
    let (sum, sum2) = (new("sum@xn--bcher-kva.example", 10), new("sum2@xn--bcher-kva.example", 10));
    assert_eq!(outcome(tape.sending(12, no_tags()).add_mailbox(&sum).await), "ok");
    let said = outcome(tape.sending(13, no_tags()).add_mailbox(&sum2).await);
    assert_eq!(said, "refused: max_mailbox_exceeded (5, 5)");
    let limits = DomainChange::new()
        .with_max_mailboxes(20)
        .with_quota(Mib::new(55))
        .with_max_mailbox_quota(Mib::new(10));
    assert_eq!(outcome(tape.play(14).edit_domain(&domain("xn--bcher-kva.example"), &limits).await), "ok");
    let said = outcome(tape.sending(15, no_tags()).add_mailbox(&sum2).await);
    assert_eq!(said, "refused: mailbox_quota_left_exceeded (5)");
    let unlimited = new("unlim@example.net", 0);
    assert_eq!(outcome(tape.sending(16, no_tags()).add_mailbox(&unlimited).await), "ok");
    let full = new("protos@agents.example.com", 64)
        .with_tags(["pool-b"])
        .with_protocols([Protocol::Imap, Protocol::Smtp])
        .with_rate_limit(RateLimit::new(5.try_into().unwrap(), RateFrame::Minute))
        .with_quarantine(QuarantineNotification::Never, QuarantineCategory::All)
        .with_webmail(false)
        .with_permissions([UserPermission::SpamScore, UserPermission::AppPasswords])
        .with_tagged_mail(TaggedMail::Subfolder);
    assert_eq!(outcome(tape.play(17).add_mailbox(&full).await), "ok");
    let odd = tagged("badcat@agents.example.com", 64)
        .with_quarantine(QuarantineNotification::Never, QuarantineCategory::Other("nope".to_owned()));
    let client = tape.sending(18, json!({"quarantine_notification": "never"}));
    assert_eq!(outcome(client.add_mailbox(&odd).await), "refused: quarantine_category_invalid");
    let twice = new("duptag@agents.example.com", 64).with_tags(["a", "a"]);
    assert_eq!(outcome(tape.unsent(19).add_mailbox(&twice).await), "invalid input");
    tape.impossible(20, "tags are sent as a list");
    assert!(read(&tape, 21, "strtag@agents.example.com").await.tags.is_empty());
    let unicode = new("uni@agents.example.com", 64)
        .with_name("Agént <script>\"x\"</script> & Söhne")
        .with_tags(["ümläut"]);
    assert_eq!(outcome(tape.play(22).add_mailbox(&unicode).await), "ok");
    tape.impossible(23, "one mailbox is created per call");
}

#[tokio::test]
async fn of_eight_at_once_one_wins_and_the_others_do_not_know() {
    let tape = Tape::load("mailboxes/race.json");
    let new =
        NewMailbox::new(address("samerec@race.example.com"), PASSWORD.into(), Mib::new(10)).with_name("A");
    let always = || json!({"authsource": "mailcow", "active": 1, "force_pw_update": 0});
    for at in 0..7 {
        let said = outcome(tape.sending(at, always()).add_mailbox(&new.clone().with_tags(["x"])).await);
        assert_eq!(said, "unknown");
    }
    assert_eq!(read(&tape, 7, "samerec@race.example.com").await.quota, Mib::new(10).into());
    let said = outcome(tape.sending(8, always()).add_mailbox(&new).await);
    assert_eq!(said, "refused: object_exists (samerec@race.example.com)");
}

#[tokio::test]
async fn what_php_makes_of_numbers_and_flags_cannot_be_sent_but_is_read() {
    let tape = Tape::load("mailboxes/types-coercion.json");
    let new =
        |mib| NewMailbox::new(address("qq@race.example.com"), PASSWORD.into(), Mib::new(mib)).with_name("A");
    let always =
        |active: i64| json!({"tags": null, "authsource": "mailcow", "active": active, "force_pw_update": 0});
    assert_eq!(outcome(tape.sending(0, always(1)).add_mailbox(&new(0)).await), "ok");
    for at in [2, 4, 6, 8, 10, 12] {
        tape.impossible(at, "a quota is a number of MiB from 0 on");
    }
    for at in [14, 21] {
        tape.impossible(at, "a status is sent as a number");
    }
    assert_eq!(outcome(tape.sending(16, always(1)).add_mailbox(&new(10)).await), "ok");
    let status = |status| new(10).with_status(status);
    assert_eq!(
        outcome(tape.sending(18, always(0)).add_mailbox(&status(MailboxStatus::Inactive)).await),
        "ok"
    );
    let denied = status(MailboxStatus::LoginDenied);
    assert_eq!(outcome(tape.sending(20, always(2)).add_mailbox(&denied).await), "ok");
    for (at, mib) in [(1, 0), (3, 10), (5, 10), (7, -5), (9, 0), (11, 0), (13, 1)] {
        let found = read(&tape, at, "qq@race.example.com").await;
        assert_eq!(found.quota, Bytes::new(mib * 1_048_576), "exchange {at}");
        assert_eq!(found.percent_in_use.is_none(), mib == 0, "exchange {at}");
    }
    for (at, status) in [
        (15, MailboxStatus::Inactive),
        (17, MailboxStatus::Active),
        (19, MailboxStatus::Inactive),
        (22, MailboxStatus::Active),
    ] {
        assert_eq!(read(&tape, at, "qq@race.example.com").await.status, status, "exchange {at}");
    }
    Tape::load("mailboxes/names-and-encoding.json").impossible(0, "a domain has a name");
}

#[tokio::test]
async fn reads_and_lists() {
    let tape = Tape::load("mailboxes/get.json");
    let one = read(&tape, 0, "agent-0001@agents.example.com").await;
    assert!(one.settings.tls_in && one.settings.tls_out && one.settings.webmail && !one.settings.forced_tfa);
    assert_eq!(one.settings.quarantine_notification, Some(QuarantineNotification::Hourly));
    assert_eq!((one.settings.relayhost, one.authsource.as_str()), (None, "mailcow"));
    assert!(!one.rate_limit_is_own && one.rate_limit.is_some() && one.custom_attributes.is_empty());
    let lower = tape.with_path(1, "get/mailbox/agent-0001@agents.example.com");
    let upper = address("AGENT-0001@agents.example.com");
    assert_eq!(lower.get_mailbox(&upper).await.unwrap(), Some(one.clone()));
    assert!(read(&tape, 2, "agent-0003@agents.example.com").await.tags.is_empty());
    assert_eq!(read(&tape, 3, "unlim@example.net").await.percent_in_use, None);
    assert!(read(&tape, 4, "uni@agents.example.com").await.name.ends_with("& Söhne"));
    let protos = read(&tape, 5, "protos@agents.example.com").await;
    assert!(protos.rate_limit_is_own && protos.protocols == [Protocol::Imap, Protocol::Smtp]);
    assert_eq!(protos.settings.quarantine_category, Some(QuarantineCategory::All));

    let net = domain("example.net");
    let unlimited = tape.play(6).mailboxes_of(std::slice::from_ref(&net)).await.unwrap();
    assert_eq!((unlimited.len(), unlimited[0].address.as_str()), (1, "unlim@example.net"));
    let two = [net.clone(), domain("xn--bcher-kva.example")];
    assert_eq!(tape.play(7).mailboxes_of(&two).await.unwrap().len(), 6);
    assert_eq!(tape.play(8).mailboxes_of(&[domain("example.org")]).await.unwrap(), []);
    let reduced = tape.play(9).mailboxes_reduced_of(&[net]).await.unwrap();
    assert_eq!((reduced[0].address.as_str(), reduced[0].max_quota), ("unlim@example.net", Bytes::new(0)));
    assert_eq!(tape.play(10).mailboxes_tagged(&["pool-b"]).await.unwrap()[0].address, protos.address);
    assert_eq!(tape.play(11).mailboxes_tagged(&["pool-b", "gen-1"]).await.unwrap().len(), 2);
    assert_eq!(tape.play(12).mailboxes_tagged(&["nosuch"]).await.unwrap(), []);
    let agents = domain("agents.example.com");
    assert_eq!(tape.play(13).mailboxes_of_tagged(&agents, &["pool-b"]).await.unwrap(), [protos]);
    assert_eq!(tape.play(14).mailboxes_of_tagged(&agents, &["nosuch"]).await.unwrap(), []);
    tape.impossible(15, "there is no paging, and none is asked for");
    let client = crate::replay::client([]);
    assert_eq!(outcome(client.mailboxes_of(&[]).await), "invalid input");
    assert_eq!(outcome(client.mailboxes_tagged(&[]).await), "invalid input");
}

#[tokio::test]
async fn usage_is_read_from_numbers_and_texts() {
    let tape = Tape::load("mailboxes/usage.json");
    let found = tape.play(0).get_domain(&domain("agents.example.com")).await.unwrap().unwrap();
    assert_eq!((found.stored, found.messages), (Bytes::new(116_182_220), 15));
    let full = read(&tape, 1, "agent-0001@agents.example.com").await;
    assert_eq!((full.messages, full.percent_in_use), (12, Some(95)));
    assert_eq!(read(&tape, 2, "agent-0002@agents.example.com").await.percent_in_use, Some(78));
    let reduced = tape.play(3).mailboxes_reduced_of(&[domain("agents.example.com")]).await.unwrap();
    assert_eq!((reduced.len(), reduced[0].quota_used), (3, full.quota_used));
}

#[tokio::test]
async fn edits() {
    let tape = Tape::load("mailboxes/edit.json");
    let name = agent().to_string();
    let change = MailboxChange::new()
        .with_name("Renamed")
        .with_quota(Mib::new(128))
        .with_status(MailboxStatus::Active)
        .with_webmail(false)
        .with_forced_password_change(true)
        .with_protocols([Protocol::Imap, Protocol::Smtp]);
    let by_list = tape.sending(
        0,
        json!({"imap_access": null, "smtp_access": null, "pop3_access": null, "sieve_access": null,
            "eas_access": null, "dav_access": null, "protocol_access": ["imap", "smtp"]}),
    );
    assert_eq!(outcome(by_list.edit_mailbox(&agent(), &change).await), "ok");
    let found = read(&tape, 1, &name).await;
    assert!(found.settings.forced_password_change && !found.settings.webmail);
    assert_eq!((found.protocols.len(), found.settings.recovery_email.as_str()), (2, ""));
    let password =
        MailboxChange::new().with_password("New-Passw0rd-456".into()).with_forced_password_change(false);
    assert_eq!(outcome(tape.play(2).edit_mailbox(&agent(), &password).await), "ok");
    tape.impossible(3, "the password is sent twice");
    let empty = MailboxChange::new().with_password("".into());
    assert_eq!(outcome(tape.unsent(4).edit_mailbox(&agent(), &empty).await), "invalid input");
    let weak = MailboxChange::new().with_password("abc".into());
    assert_eq!(outcome(tape.play(5).edit_mailbox(&agent(), &weak).await), "refused: password_complexity");
    let status = |status| MailboxChange::new().with_status(status);
    let in_a_list = tape.altered(6, |exchange| exchange.body["items"] = json!([name]));
    assert_eq!(outcome(in_a_list.edit_mailbox(&agent(), &status(MailboxStatus::Inactive)).await), "ok");
    assert_eq!(read(&tape, 7, &name).await.status, MailboxStatus::Inactive);
    assert_eq!(outcome(tape.play(8).edit_mailbox(&agent(), &status(MailboxStatus::LoginDenied)).await), "ok");
    assert_eq!(read(&tape, 9, &name).await.status, MailboxStatus::LoginDenied);
    let as_number = tape.sending(10, json!({"active": 1}));
    assert_eq!(outcome(as_number.edit_mailbox(&agent(), &status(MailboxStatus::Active)).await), "ok");
    let three =
        ["agent-0001", "nope", "agent-0002"].map(|local| address(&format!("{local}@agents.example.com")));
    let without_the_bad_one =
        tape.altered(11, |exchange| drop(exchange.body["items"].as_array_mut().unwrap().pop()));
    let bulk = MailboxChange::new().with_added_tags(["bulk"]);
    let said = outcome(without_the_bad_one.edit_mailboxes(&three, &bulk).await);
    assert!(said.contains("access_denied") && said.contains("nope@agents.example.com"), "{said}");
    let large = MailboxChange::new().with_quota(Mib::new(999_999));
    let said = outcome(tape.play(12).edit_mailbox(&agent(), &large).await);
    assert_eq!(said, "refused: mailbox_quota_left_exceeded (1024)");
    let at = |text: &str| text.parse::<AliasAddress>().unwrap();
    let senders = ["info@example.net", "@example.net", "@nope.example.com"];
    let marked = tape.sending(13, json!({"sender_acl": senders}));
    let said =
        outcome(marked.edit_mailbox(&agent(), &MailboxChange::new().with_senders(senders.map(at))).await);
    assert_eq!(said, "partial: sender_acl_invalid (info@example.net)");
    let external = MailboxChange::new().with_external_senders(["ext@partner.test", "@other.test"].map(at));
    assert_eq!(outcome(tape.play(14).edit_mailbox(&agent(), &external).await), "ok");
    assert_eq!(read(&tape, 15, &name).await.senders, ["@example.net"]);
    assert_eq!(
        outcome(tape.play(16).edit_mailbox(&agent(), &MailboxChange::new().with_senders([])).await),
        "ok"
    );
    tape.impossible(17, "there are no fields that the server does not know");
    let notes = [("role", "worker"), ("agent_id", "17")];
    assert_eq!(outcome(tape.play(18).set_custom_attributes(&agent(), &notes).await), "ok");
    let found = read(&tape, 19, &name).await.custom_attributes;
    assert_eq!((found.len(), found["agent_id"].as_str()), (2, "17"));
    tape.impossible(20, "each attribute has a value");
    assert_eq!(outcome(tape.play(21).set_custom_attributes(&agent(), &[]).await), "ok");
    assert!(read(&tape, 22, &name).await.custom_attributes.is_empty());
}

#[tokio::test]
async fn what_an_edit_ignores_is_not_among_its_fields() {
    let tape = Tape::load("mailboxes/edit-ignored-fields.json");
    tape.impossible(0, "these fields have methods of their own, as set_mailbox_tls");
    let found = read(&tape, 1, "same0@race.example.com").await;
    assert!(!found.settings.tls_in && found.rate_limit.is_none());
    let same = address("same0@race.example.com");
    assert_eq!(tape.play(2).mailbox_rate_limit(&same).await.unwrap(), None);
}

#[tokio::test]
async fn deletes() {
    let tape = Tape::load("mailboxes/delete.json");
    let one = address("del1@agents.example.com");
    assert_eq!(outcome(tape.play(0).delete_mailbox(&one).await), "ok");
    assert_eq!(outcome(tape.play(1).delete_mailbox(&one).await), "refused: access_denied");
    let two = [address("del2@agents.example.com"), address("nope@agents.example.com")];
    let without_the_bad_one = tape.with_body(2, json!(two.each_ref().map(MailboxAddress::as_str)));
    let said = outcome(without_the_bad_one.delete_mailboxes(&two).await);
    assert!(
        said.starts_with(r#"done ["del2@agents.example.com"], unknown ["nope@agents.example.com"]"#),
        "{said}"
    );
    let shared = "shared@agents.example.com".parse().unwrap();
    let alias = tape.play(3).get_alias(&shared).await.unwrap().unwrap();
    assert_eq!(alias.targets, ["agent-0001@agents.example.com"]);
    let in_a_list = tape.with_body(4, json!(["strtag@agents.example.com"]));
    assert_eq!(outcome(in_a_list.delete_mailbox(&address("strtag@agents.example.com")).await), "ok");
    tape.impossible(5, "items are sent as a list");
}

#[tokio::test]
async fn tags_are_removed() {
    let tape = Tape::load("mailboxes/tag-delete.json");
    assert_eq!(outcome(tape.play(0).remove_mailbox_tags(&agent(), &["pool-a", "nosuch"]).await), "ok");
    assert_eq!(outcome(tape.play(1).remove_mailbox_tags(&agent(), &["nosuch"]).await), "ok");
    let nobody = address("nope@agents.example.com");
    let said = outcome(tape.play(2).remove_mailbox_tags(&nobody, &["x"]).await);
    assert_eq!(said, "refused: access_denied");
}

#[tokio::test]
async fn templates() {
    let tape = Tape::load("mailboxes/template.json");
    let four = "4".parse().unwrap();
    let always = |name: &str, mib: u32| -> Value {
        json!({"template": name, "quota": mib, "active": 1, "protocol_access": ["imap", "smtp"],
            "sogo_access": 0, "force_pw_update": 0, "force_tfa": 0, "tls_enforce_in": 0, "tls_enforce_out": 0,
            "quarantine_notification": "never", "quarantine_category": "reject", "tagged_mail_handler": "none",
            "acl": [], "tags": []})
    };
    let spec = MailboxTemplateSpec::new("Agent", Mib::new(32))
        .with_rate_limit(&RateLimit::new(5.try_into().unwrap(), RateFrame::Minute))
        .with_permissions([UserPermission::SpamScore])
        .with_tags(["tpl"]);
    let more = tape.sending(0, json!({"force_tfa": 0, "tls_enforce_in": 0, "tls_enforce_out": 0}));
    assert_eq!(outcome(more.add_mailbox_template(&spec).await), "ok");
    let plain = MailboxTemplateSpec::new("Agent", Mib::new(48));
    let said = outcome(tape.with_body(1, always("Agent", 48)).add_mailbox_template(&plain).await);
    assert_eq!(said, "refused: template_exists (Agent)");
    let all = tape.play(2).mailbox_templates().await.unwrap();
    assert_eq!((all[0].name.as_str(), all[0].attributes.protocols().len()), ("Default", 6));
    assert_eq!((all[0].attributes.rate_limit_value, all[0].attributes.tagged_mail.clone()), (None, None));
    let made = NewMailbox::new(address("fromtpl@agents.example.com"), PASSWORD.into(), Mib::new(32))
        .with_name("from template")
        .with_template(four);
    let more = json!({"authsource": "mailcow", "quota": 32, "active": 1, "force_pw_update": 0});
    assert_eq!(outcome(tape.sending(3, more).add_mailbox(&made).await), "ok");
    assert_eq!(read(&tape, 4, "fromtpl@agents.example.com").await.protocols.len(), 2);
    let whole = tape.altered(5, |exchange| exchange.body["attr"] = always("Agent", 48));
    let said = outcome(whole.replace_mailbox_template(four, &plain).await);
    assert_eq!(said, "partial: quarantine_category_invalid");
    let one = tape.play(6).get_mailbox_template(four).await.unwrap().unwrap().attributes;
    assert_eq!((one.quota, one.tags.as_slice()), (Mib::new(32).into(), &["tpl".to_owned()][..]));
    assert_eq!(one.permissions(), [UserPermission::SpamScore]);
    assert_eq!((one.protocols(), one.webmail), (vec![Protocol::Imap, Protocol::Smtp], false));
    assert_eq!(outcome(tape.play(7).delete_mailbox_template(four).await), "ok");
}
