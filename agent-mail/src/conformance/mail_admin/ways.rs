//! Where mail goes on to: aliases, forwards, catch-alls, relays.

use mail_access::Address;

use super::{Subject, at, change, changes, elsewhere, full, relay};
use crate::backend::MailChange;
use crate::spec::{AliasEntry, ForwardEntry, MailboxEntry, Relay};

pub(super) async fn an_alias_leads_where_it_is_said(mail: Subject) {
    full(&mail).await;
    let mut alias = AliasEntry::new(at(&mail, "team"), [elsewhere(), at(&mail, "ada")]);
    changes(&mail, &MailChange::SetAlias { alias: alias.clone() }, |served| {
        served.aliases.push(alias.clone());
    })
    .await;
    alias.targets = vec![at(&mail, "bob")];
    changes(&mail, &MailChange::SetAlias { alias: alias.clone() }, |served| {
        served.aliases[1].targets = alias.targets;
    })
    .await;
    let remove = MailChange::RemoveAlias { address: at(&mail, "team") };
    changes(&mail, &remove, |served| drop(served.aliases.pop())).await;
    let mailbox = MailChange::RemoveAlias { address: at(&mail, "ada") };
    changes(&mail, &mailbox, |_| {}).await;
}

pub(super) async fn a_forward_takes_the_place_of_the_one_before(mail: Subject) {
    full(&mail).await;
    let odd: Address = "o'brien+x{y}@elsewhere.example".parse().expect("it is an address");
    for entry in [
        ForwardEntry::new(at(&mail, "bob"), [at(&mail, "ada")]),
        ForwardEntry::new(at(&mail, "bob"), [elsewhere(), odd]).without_copy(),
    ] {
        let set = MailChange::SetForward { forward: entry.clone() };
        changes(&mail, &set, |served| served.forwards = vec![entry]).await;
    }
    let another = ForwardEntry::new(at(&mail, "ada"), [elsewhere()]);
    let set = MailChange::SetForward { forward: another.clone() };
    changes(&mail, &set, |served| served.forwards.insert(0, another)).await;
    let remove = MailChange::RemoveForward { address: at(&mail, "bob") };
    changes(&mail, &remove, |served| drop(served.forwards.pop())).await;
}

pub(super) async fn a_catch_all_is_set_and_ended(mail: Subject) {
    full(&mail).await;
    for targets in [vec![at(&mail, "bob"), elsewhere()], vec![at(&mail, "bob")], vec![]] {
        let set = MailChange::SetCatchAll { targets: targets.clone() };
        changes(&mail, &set, |served| served.catch_all = targets).await;
    }
}

pub(super) async fn a_relay_of_the_domain_is_set_and_ended(mail: Subject) {
    full(&mail).await;
    let other = Relay::new("smtp.other.example".parse().expect("it is a name"), "us:er").with_port(2525);
    for relay in [relay(), other] {
        let set = MailChange::SetRelay { mailbox: None, relay: Some(relay.clone()) };
        changes(&mail, &set, |served| served.relay = Some(relay)).await;
    }
    // What the policy of the DNS says of it is not the mail system's.
    let with_include = relay().with_spf_include("spf.relay.example".parse().expect("it is a name"));
    let set = MailChange::SetRelay { mailbox: None, relay: Some(with_include) };
    changes(&mail, &set, |served| served.relay = Some(relay())).await;
    changes(&mail, &MailChange::SetRelay { mailbox: None, relay: None }, |served| served.relay = None).await;
}

pub(super) async fn a_relay_of_a_mailbox_is_its_own(mail: Subject) {
    full(&mail).await;
    let own = MailChange::SetRelay { mailbox: Some(at(&mail, "ada")), relay: Some(relay()) };
    changes(&mail, &own, |served| served.mailboxes[0].relay = Some(relay())).await;
    let mut entry = MailboxEntry::new(at(&mail, "ada")).with_quota_mib(100).with_relay(relay());
    changes(&mail, &MailChange::SetMailbox { mailbox: entry.clone() }, |served| {
        served.mailboxes[0].name = String::new();
    })
    .await;
    entry.relay = None;
    let without = MailChange::SetMailbox { mailbox: entry };
    changes(&mail, &without, |served| served.mailboxes[0].relay = None).await;
    change(&mail, &own).await;
    let end = MailChange::SetRelay { mailbox: Some(at(&mail, "ada")), relay: None };
    changes(&mail, &end, |served| served.mailboxes[0].relay = None).await;
}
