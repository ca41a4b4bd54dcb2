//! BCC maps, recipient maps and TLS policy maps: recordings played back.

use mailcow_api::{
    AliasAddress, BccKind, BccMapChange, BccMapId, MailboxAddress, NewBccMap, NewRecipientMap,
    NewTlsPolicyMap, RecipientMapChange, TlsPolicy, TlsPolicyMapChange, TlsPolicyMapId,
};
use serde_json::{Value, json};

use crate::{
    replay,
    tape::{Tape, outcome},
};

fn at(text: &str) -> AliasAddress {
    text.parse().unwrap()
}

fn mailbox(text: &str) -> MailboxAddress {
    text.parse().unwrap()
}

fn bcc(number: u32) -> BccMapId {
    number.to_string().parse().unwrap()
}

fn tls(number: u32) -> TlsPolicyMapId {
    number.to_string().parse().unwrap()
}

#[tokio::test]
async fn bcc_maps_are_as_their_notes_say() {
    let tape = Tape::load("bcc_maps/all.json");
    let archive = mailbox("archive@example.net");
    let domain = NewBccMap::new(at("@agents.example.com"), archive.clone(), BccKind::Sent);
    assert_eq!(outcome(tape.play(0).add_bcc_map(&domain).await), "ok");
    let said = outcome(tape.play(1).add_bcc_map(&domain).await);
    assert_eq!(said, "refused: bcc_exists (@agents.example.com, sender)");
    let agent = at("agent-0001@agents.example.com");
    let one = NewBccMap::new(agent.clone(), archive, BccKind::Received);
    assert_eq!(outcome(tape.play(2).add_bcc_map(&one).await), "ok");
    assert!("not-an-address".parse::<MailboxAddress>().is_err());
    tape.impossible(3, "what is no address cannot get copies");
    let odd = NewBccMap::new(agent, mailbox("x@y.test"), BccKind::Other("zz".to_owned()));
    assert_eq!(outcome(tape.play(4).add_bcc_map(&odd).await), "refused: invalid_bcc_map_type");
    let unknown = NewBccMap::new(at("nope@nope.example.com"), mailbox("x@y.test"), BccKind::Received);
    assert_eq!(outcome(tape.play(5).add_bcc_map(&unknown).await), "refused: access_denied");
    let shown = tape.play(6).get_bcc_map(bcc(1)).await.unwrap().unwrap();
    assert_eq!((shown.id, shown.local.as_str()), (bcc(1), "@agents.example.com"));
    assert_eq!(
        (shown.kind, shown.copy_to.as_str(), shown.active),
        (BccKind::Sent, "archive@example.net", true)
    );
    tape.impossible(7, "it belongs to the options of a BCC map, and is played there");
    let change = BccMapChange::new().with_active(false).with_copy_to(mailbox("other@example.net"));
    assert_eq!(outcome(tape.play(8).edit_bcc_map(bcc(1), &change).await), "ok");
    let delete = tape.with_body(9, json!([1, 2, 999]));
    let said = outcome(delete.delete_bcc_maps(&[bcc(1), bcc(2), bcc(999)]).await);
    assert_eq!(said, r#"done ["1", "2"], unknown ["999"], problem: access_denied"#);
}

#[tokio::test]
async fn tls_policy_maps_are_as_their_notes_say() {
    let tape = Tape::load("tls_policy_maps/all.json");
    let partner = NewTlsPolicyMap::new("partner.test", TlsPolicy::Encrypt);
    assert_eq!(outcome(tape.play(0).add_tls_policy_map(&partner).await), "ok");
    let said = outcome(tape.play(1).add_tls_policy_map(&partner).await);
    assert_eq!(said, "refused: tls_policy_map_entry_exists (partner.test)");
    let any = NewTlsPolicyMap::new("*", TlsPolicy::Encrypt);
    let said = outcome(tape.sending(2, json!({"parameters": ""})).add_tls_policy_map(&any).await);
    assert_eq!(said, "refused: tls_policy_map_dest_invalid");
    let odd = NewTlsPolicyMap::new("p2.test", TlsPolicy::Secure).with_parameters("match nexthop");
    let said = outcome(tape.play(3).add_tls_policy_map(&odd).await);
    assert_eq!(said, "refused: tls_policy_map_parameter_invalid");
    let bogus = NewTlsPolicyMap::new("p3.test", TlsPolicy::Other("bogus".to_owned()));
    assert_eq!(outcome(tape.unsent(4).add_tls_policy_map(&bogus).await), "invalid input");
    let shown = tape.play(5).get_tls_policy_map(tls(1)).await.unwrap().unwrap();
    assert_eq!(
        (shown.destination.as_str(), shown.policy, shown.active),
        ("partner.test", TlsPolicy::Encrypt, true)
    );
    let may = TlsPolicyMapChange::new().with_policy(TlsPolicy::May);
    assert_eq!(outcome(tape.play(6).edit_tls_policy_map(tls(1), &may).await), "ok");
    let moved = may.with_destination("new.partner.test").with_active(false);
    assert_eq!(outcome(tape.play(7).edit_tls_policy_map(tls(1), &moved).await), "ok");
    assert_eq!(outcome(tape.play(8).delete_tls_policy_maps(&[tls(1), tls(999)]).await), "ok");
}

/// Recipient maps were not recorded; the codes are those of Mailcow's source.
#[tokio::test]
async fn recipient_maps_speak_as_the_other_maps_do() {
    let exchange = |path: &str, body: Value, msg: Value, kind: &str| {
        let mut exchange = replay::load("bcc_maps/all.json").swap_remove(0);
        exchange.path = format!("/api/v1/{path}");
        exchange.body = body;
        exchange.response.body = json!([{"type": kind, "log": [], "msg": msg}]).to_string().into_bytes();
        replay::client([exchange])
    };
    let new = NewRecipientMap::new(at("@old.example.com"), mailbox("new@example.net"));
    let body =
        json!({"recipient_map_old": "@old.example.com", "recipient_map_new": "new@example.net", "active": 1});
    let saved = json!(["recipient_map_entry_saved", "@old.example.com"]);
    let client = exchange("add/recipient_map", body.clone(), saved.clone(), "success");
    assert_eq!(outcome(client.add_recipient_map(&new).await), "ok");
    let exists = json!(["recipient_map_entry_exists", "@old.example.com"]);
    let client = exchange("add/recipient_map", body, exists, "danger");
    let said = outcome(client.add_recipient_map(&new).await);
    assert_eq!(said, "refused: recipient_map_entry_exists (@old.example.com)");
    let id = "7".parse().unwrap();
    let body = json!({"items": [7], "attr": {"active": 0}});
    let client = exchange("edit/recipient_map", body, saved, "success");
    let off = RecipientMapChange::new().with_active(false);
    assert_eq!(outcome(client.edit_recipient_map(id, &off).await), "ok");
    let gone = json!(["recipient_map_entry_deleted", "7"]);
    let client = exchange("delete/recipient_map", json!([7]), gone, "success");
    assert_eq!(outcome(client.delete_recipient_map(id).await), "ok");
    let client = replay::one("server/get-nonexistent.json", 10, &[]);
    assert_eq!(client.get_recipient_map("999".parse().unwrap()).await.unwrap(), None);
}
