//! Mailboxes and their passwords.

use super::{
    Subject, add, at, change, changes, elsewhere, full, limits, mailbox, other_password, password, refused,
    relay, survey,
};
use crate::ErrorKind;
use crate::backend::{MailChange, ServedMailbox};
use crate::spec::{AliasEntry, MailboxEntry};

pub(super) async fn a_mailbox_is_made_with_its_password_and_its_mark(mail: Subject) {
    full(&mail).await;
    let mut entry = MailboxEntry::new(at(&mail, "new")).with_name("Ñew \"<One>\"").with_quota_mib(32);
    entry.hourly_limit = Some(5);
    changes(&mail, &MailChange::AddMailbox { mailbox: entry.clone() }, |served| {
        let mut made = ServedMailbox::new(entry.address, 32);
        (made.name, made.hourly_limit, made.by_plan) = (entry.name, Some(5), true);
        served.mailboxes.insert(2, made);
    })
    .await;
    assert!(mail.opens(&at(&mail, "new"), &password()).await);
    assert!(!mail.opens(&at(&mail, "new"), &other_password()).await);
    // Without a size of its own it has that of the domain, and 0 is none at all.
    change(&mail, &add("usual", &mail)).await;
    let unlimited = MailboxEntry::new(at(&mail, "zero")).with_quota_mib(0);
    change(&mail, &MailChange::AddMailbox { mailbox: unlimited }).await;
    let served = survey(&mail).await;
    assert_eq!(mailbox(&served, "usual").quota_mib, limits().default_quota_mib);
    assert_eq!(mailbox(&served, "zero").quota_mib, 0);
}

pub(super) async fn a_mailbox_with_the_mark_gets_the_password_and_what_is_said(mail: Subject) {
    full(&mail).await;
    let mut entry = MailboxEntry::new(at(&mail, "ada")).with_name("Ada L.").with_quota_mib(33);
    entry.relay = Some(relay());
    let again = MailChange::AddMailbox { mailbox: entry };
    mail.admin().change(&mail.domain(), &again, Some(&other_password())).await.expect("it is by a plan");
    assert!(mail.opens(&at(&mail, "ada"), &other_password()).await);
    assert!(!mail.opens(&at(&mail, "ada"), &password()).await);
    let served = survey(&mail).await;
    let ada = mailbox(&served, "ada");
    assert_eq!((ada.name.as_str(), ada.quota_mib, ada.hourly_limit, ada.by_plan), ("Ada L.", 33, None, true));
}

pub(super) async fn a_mailbox_without_the_mark_is_left_untouched(mail: Subject) {
    full(&mail).await;
    mail.foreign_mailbox(&at(&mail, "eve")).await;
    let before = survey(&mail).await;
    assert!(!mailbox(&before, "eve").by_plan);
    refused(&mail, &add("eve", &mail), ErrorKind::AlreadyExists).await;
    let remove = MailChange::RemoveMailbox { address: at(&mail, "eve") };
    refused(&mail, &remove, ErrorKind::AlreadyExists).await;
    assert!(!mail.opens(&at(&mail, "eve"), &password()).await);
    assert_eq!(survey(&mail).await, before);
}

pub(super) async fn an_alias_in_the_place_of_a_mailbox_is_left_untouched(mail: Subject) {
    full(&mail).await;
    refused(&mail, &add("info", &mail), ErrorKind::AlreadyExists).await;
    let alias = AliasEntry::new(at(&mail, "ada"), [elsewhere()]);
    refused(&mail, &MailChange::SetAlias { alias }, ErrorKind::AlreadyExists).await;
}

pub(super) async fn a_mailbox_is_changed_but_for_its_password(mail: Subject) {
    full(&mail).await;
    let mut entry = MailboxEntry::new(at(&mail, "ada")).with_name("Ada").with_hourly_limit(9);
    changes(&mail, &MailChange::SetMailbox { mailbox: entry.clone() }, |served| {
        let ada = &mut served.mailboxes[0];
        (ada.name, ada.quota_mib) = ("Ada".into(), limits().default_quota_mib);
        ada.hourly_limit = Some(9);
    })
    .await;
    (entry.hourly_limit, entry.name) = (None, String::new());
    changes(&mail, &MailChange::SetMailbox { mailbox: entry }, |served| {
        let ada = &mut served.mailboxes[0];
        (ada.name, ada.hourly_limit) = (String::new(), None);
    })
    .await;
    assert!(mail.opens(&at(&mail, "ada"), &password()).await);
    mail.foreign_mailbox(&at(&mail, "eve")).await;
    let eve = MailboxEntry::new(at(&mail, "eve")).with_quota_mib(3);
    change(&mail, &MailChange::SetMailbox { mailbox: eve }).await;
    let served = survey(&mail).await;
    assert_eq!((mailbox(&served, "eve").quota_mib, mailbox(&served, "eve").by_plan), (3, false));
}

pub(super) async fn what_is_off_does_not_open(mail: Subject) {
    full(&mail).await;
    let mut entry = MailboxEntry::new(at(&mail, "ada"));
    for active in [false, true] {
        entry.active = active;
        change(&mail, &MailChange::SetMailbox { mailbox: entry.clone() }).await;
        assert_eq!(mailbox(&survey(&mail).await, "ada").active, active);
        assert_eq!(mail.opens(&at(&mail, "ada"), &password()).await, active);
    }
    for active in [false, true] {
        let set = MailChange::SetDomain { description: String::new(), active, limits: limits() };
        change(&mail, &set).await;
        assert_eq!(mail.opens(&at(&mail, "ada"), &password()).await, active);
    }
}

pub(super) async fn a_password_is_replaced(mail: Subject) {
    full(&mail).await;
    let before = survey(&mail).await;
    for must_change in [true, false] {
        let set = MailChange::SetPassword { address: at(&mail, "ada"), must_change };
        mail.admin().change(&mail.domain(), &set, Some(&other_password())).await.expect("it can be set");
        assert!(mail.opens(&at(&mail, "ada"), &other_password()).await);
        assert!(!mail.opens(&at(&mail, "ada"), &password()).await);
    }
    assert_eq!(survey(&mail).await, before);
}

pub(super) async fn a_password_that_breaks_the_rules_is_refused(mail: Subject) {
    full(&mail).await;
    let rules = mail.admin().password_rules().await.expect("they can be read");
    assert!(rules.length > 1, "{rules:?}");
    let short = "aB3-".repeat(rules.length).split_off(3 * rules.length + 1).into();
    for bad in [add("new", &mail), MailChange::SetPassword { address: at(&mail, "ada"), must_change: true }] {
        let error = mail.admin().change(&mail.domain(), &bad, Some(&short)).await.expect_err("too short");
        assert_eq!(error.kind(), ErrorKind::Rejected, "{error:?}");
    }
    assert!(!survey(&mail).await.mailboxes.iter().any(|mailbox| mailbox.address.local_part() == "new"));
    assert!(mail.opens(&at(&mail, "ada"), &password()).await);
}

pub(super) async fn a_mailbox_is_removed_and_nothing_leads_to_it(mail: Subject) {
    full(&mail).await;
    let only = AliasEntry::new(at(&mail, "only"), [at(&mail, "bob")]);
    change(&mail, &MailChange::SetAlias { alias: only }).await;
    let remove = MailChange::RemoveMailbox { address: at(&mail, "bob") };
    changes(&mail, &remove, |served| {
        served.mailboxes.remove(1);
        served.forwards.clear();
        served.aliases.retain(|alias| alias.address.local_part() != "only");
        for alias in &mut served.aliases {
            alias.targets.retain(|target| target.local_part() != "bob");
        }
    })
    .await;
    assert!(!mail.opens(&at(&mail, "bob"), &password()).await);
}
