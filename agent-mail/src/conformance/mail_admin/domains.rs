//! Domains as such.

use mail_access::{Address, DomainName};

use super::{Subject, add, at, below, change, changes, elsewhere, full, limits, refused, serve, survey};
use crate::ErrorKind;
use crate::backend::{MailChange, ServedDomain};
use crate::spec::{AliasEntry, DkimOptions, MailboxEntry, SpamPolicy};

pub(super) async fn a_domain_is_served_without_a_key(mail: Subject) {
    assert_eq!(mail.admin().survey(&mail.domain()).await.expect("it can be read"), None);
    let limits = limits();
    let add = MailChange::AddDomain { description: "Shop".into(), active: true, limits: limits.clone() };
    for _ in 0..2 {
        change(&mail, &add).await;
        let mut wanted = ServedDomain::new(limits.clone());
        wanted.description = "Shop".into();
        assert_eq!(survey(&mail).await, wanted);
    }
}

pub(super) async fn a_domain_that_is_served_gets_what_is_said(mail: Subject) {
    full(&mail).await;
    let mut limits = limits();
    limits.mailboxes = 9;
    limits.hourly_limit = None;
    for (description, active) in [("Another shop", false), ("", true)] {
        let description = description.to_owned();
        let set = MailChange::SetDomain { description: description.clone(), active, limits: limits.clone() };
        changes(&mail, &set, |served| {
            (served.description, served.active, served.limits) = (description, active, limits.clone());
        })
        .await;
        limits.hourly_limit = Some(70);
        limits.total_quota_mib += 1;
    }
    let add = MailChange::AddDomain { description: "Again".into(), active: true, limits: limits.clone() };
    changes(&mail, &add, |served| {
        (served.description, served.active, served.limits) = ("Again".into(), true, limits);
    })
    .await;
}

pub(super) async fn a_domain_s_limits_count(mail: Subject) {
    let mut limits = limits();
    (limits.mailboxes, limits.max_quota_mib, limits.aliases) = (1, 500, 1);
    serve(&mail, limits.clone()).await;
    let large = MailboxEntry::new(at(&mail, "ada")).with_quota_mib(501);
    refused(&mail, &MailChange::AddMailbox { mailbox: large }, ErrorKind::Rejected).await;
    let alias = |name| MailChange::SetAlias { alias: AliasEntry::new(at(&mail, name), [elsewhere()]) };
    change(&mail, &alias("one")).await;
    refused(&mail, &alias("two"), ErrorKind::Rejected).await;
    change(&mail, &add("ada", &mail)).await;
    refused(&mail, &add("bob", &mail), ErrorKind::Rejected).await;
    limits.mailboxes = 0;
    let set = MailChange::SetDomain { description: String::new(), active: true, limits };
    refused(&mail, &set, ErrorKind::Rejected).await;
}

pub(super) async fn the_name_of_an_alias_domain_is_not_served(mail: Subject) {
    full(&mail).await;
    let name = below(&mail, "old");
    assert_eq!(mail.admin().survey(&name).await.expect("it can be read"), None);
    let add = MailChange::AddDomain { description: String::new(), active: true, limits: limits() };
    let error = mail.admin().change(&name, &add, None).await.expect_err("it is an alias domain");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}");
    assert_eq!(survey(&mail).await.alias_domains, [name]);
}

pub(super) async fn a_key_is_made_once_and_stays(mail: Subject) {
    serve(&mail, limits()).await;
    let mut key = DkimOptions { selector: "mail2026".into(), ..DkimOptions::default() };
    change(&mail, &MailChange::AddDkim { key: key.clone() }).await;
    let made = survey(&mail).await.dkim.expect("there is a key");
    assert_eq!(made.selector, "mail2026");
    assert!(made.record.starts_with("v=DKIM1") && made.record.contains("p="), "{made:?}");
    key.selector = "other".into();
    changes(&mail, &MailChange::AddDkim { key }, |_| {}).await;
}

pub(super) async fn an_alias_domain_is_added_and_removed(mail: Subject) {
    full(&mail).await;
    let (other, name) = (below(&mail, "other"), below(&mail, "second"));
    let serve = MailChange::AddDomain { description: String::new(), active: true, limits: limits() };
    mail.admin().change(&other, &serve, None).await.expect("it can be served");
    let add = |name: &DomainName| MailChange::AddAliasDomain { name: name.clone() };
    changes(&mail, &add(&name), |served| served.alias_domains.push(name.clone())).await;
    refused(&mail, &add(&other), ErrorKind::AlreadyExists).await;
    let error = mail.admin().change(&other, &add(&name), None).await.expect_err("it is of the other");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}");
    let remove = MailChange::RemoveAliasDomain { name: name.clone() };
    mail.admin().change(&other, &remove, None).await.expect("there is none such of it");
    changes(&mail, &remove, |served| drop(served.alias_domains.pop())).await;
}

pub(super) async fn a_spam_policy_takes_the_place_of_all_entries(mail: Subject) {
    full(&mail).await;
    let policy = SpamPolicy::new(
        ["*@spam.example", "Friend@good.example", "friend@good.example"],
        ["boss@good.example", "*@bad.example"],
    );
    changes(&mail, &MailChange::SetSpamPolicy { policy }, |served| {
        served.spam = SpamPolicy::new(
            ["*@spam.example", "friend@good.example"],
            ["*@bad.example", "boss@good.example"],
        );
    })
    .await;
    let none = MailChange::SetSpamPolicy { policy: SpamPolicy::default() };
    changes(&mail, &none, |served| served.spam = SpamPolicy::default()).await;
}

pub(super) async fn a_domain_is_removed_when_it_is_empty(mail: Subject) {
    full(&mail).await;
    let remove = MailChange::RemoveDomain;
    for next in [
        MailChange::RemoveMailbox { address: at(&mail, "ada") },
        MailChange::RemoveMailbox { address: at(&mail, "bob") },
        MailChange::RemoveAlias { address: at(&mail, "info") },
        MailChange::SetCatchAll { targets: vec![] },
        MailChange::RemoveAliasDomain { name: below(&mail, "old") },
    ] {
        refused(&mail, &remove, ErrorKind::Rejected).await;
        change(&mail, &next).await;
    }
    for _ in 0..2 {
        change(&mail, &remove).await;
        assert_eq!(mail.admin().survey(&mail.domain()).await.expect("it can be read"), None);
    }
    serve(&mail, limits()).await;
    let mut fresh = ServedDomain::new(limits());
    fresh.description = "Agents".into();
    assert_eq!(survey(&mail).await, fresh, "nothing is left of the old one");
}

pub(super) async fn a_survey_shows_all_in_order_and_reads_only(mail: Subject) {
    full(&mail).await;
    for name in ["zoe", "cid", "aaa"] {
        change(&mail, &add(name, &mail)).await;
        let address = at(&mail, &format!("{name}-alias"));
        change(&mail, &MailChange::SetAlias { alias: AliasEntry::new(address, [elsewhere()]) }).await;
    }
    let writes = mail.writes().await;
    let served = survey(&mail).await;
    assert_eq!(survey(&mail).await, served);
    assert_eq!(mail.writes().await, writes);
    let names = |addresses: Vec<&Address>| -> Vec<String> {
        addresses.into_iter().map(|address| address.local_part().to_owned()).collect()
    };
    let mailboxes = served.mailboxes.iter().map(|mailbox| &mailbox.address).collect();
    assert_eq!(names(mailboxes), ["aaa", "ada", "bob", "cid", "zoe"]);
    let aliases = served.aliases.iter().map(|alias| &alias.address).collect();
    assert_eq!(names(aliases), ["aaa-alias", "cid-alias", "info", "zoe-alias"]);
}
