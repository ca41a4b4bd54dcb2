//! What is refused.

use secrecy::SecretString;

use super::{Subject, add, at, below, change, elsewhere, full, limits, refused, relay, survey};
use crate::ErrorKind;
use crate::backend::MailChange;
use crate::spec::{AliasEntry, DkimOptions, DomainLimits, ForwardEntry, MailboxEntry, Relay, SpamPolicy};

pub(super) async fn where_no_domain_is_served_only_removing_is_fine(mail: Subject) {
    let (address, name) = (at(&mail, "ada"), below(&mail, "old"));
    for removing in [
        MailChange::RemoveDomain,
        MailChange::RemoveMailbox { address: address.clone() },
        MailChange::RemoveAlias { address: address.clone() },
        MailChange::RemoveForward { address: address.clone() },
        MailChange::RemoveAliasDomain { name: name.clone() },
    ] {
        change(&mail, &removing).await;
    }
    let entry = MailboxEntry::new(address.clone());
    for other in [
        MailChange::SetDomain { description: String::new(), active: true, limits: limits() },
        MailChange::AddDkim { key: DkimOptions::default() },
        MailChange::AddMailbox { mailbox: entry.clone() },
        MailChange::SetMailbox { mailbox: entry },
        MailChange::SetPassword { address: address.clone(), must_change: false },
        MailChange::SetAlias { alias: AliasEntry::new(address.clone(), [elsewhere()]) },
        MailChange::SetForward { forward: ForwardEntry::new(address.clone(), [elsewhere()]) },
        MailChange::SetCatchAll { targets: vec![elsewhere()] },
        MailChange::AddAliasDomain { name },
        MailChange::SetRelay { mailbox: None, relay: Some(relay()) },
        MailChange::SetRelay { mailbox: Some(address), relay: Some(relay()) },
        MailChange::SetSpamPolicy { policy: SpamPolicy::new(["*@a.example"], ["*@b.example"]) },
    ] {
        refused(&mail, &other, ErrorKind::NotFound).await;
    }
    assert_eq!(mail.admin().survey(&mail.domain()).await.expect("it can be read"), None);
}

pub(super) async fn what_is_not_there_is_not_found(mail: Subject) {
    full(&mail).await;
    let (nobody, before) = (at(&mail, "nobody"), survey(&mail).await);
    for wrong in [
        MailChange::SetMailbox { mailbox: MailboxEntry::new(nobody.clone()) },
        MailChange::SetPassword { address: nobody.clone(), must_change: false },
        MailChange::SetForward { forward: ForwardEntry::new(nobody.clone(), [elsewhere()]) },
        MailChange::SetRelay { mailbox: Some(nobody.clone()), relay: Some(relay()) },
    ] {
        refused(&mail, &wrong, ErrorKind::NotFound).await;
    }
    for fine in [
        MailChange::RemoveMailbox { address: nobody.clone() },
        MailChange::RemoveAlias { address: nobody.clone() },
        MailChange::RemoveForward { address: nobody },
        MailChange::RemoveAliasDomain { name: below(&mail, "never") },
    ] {
        change(&mail, &fine).await;
    }
    assert_eq!(survey(&mail).await, before);
}

pub(super) async fn without_a_password_it_is_invalid(mail: Subject) {
    full(&mail).await;
    let before = survey(&mail).await;
    for change in [
        add("new", &mail),
        MailChange::SetPassword { address: at(&mail, "ada"), must_change: false },
        MailChange::SetRelay { mailbox: None, relay: Some(relay()) },
    ] {
        for secret in [None, Some(SecretString::default()), Some("a\nb-Passw0rd-of-many".into())] {
            let error = mail.admin().change(&mail.domain(), &change, secret.as_ref()).await;
            let error = error.expect_err("there is no password");
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
        }
    }
    assert_eq!(survey(&mail).await, before);
    // Others have no use for one.
    mail.admin()
        .change(&mail.domain(), &MailChange::SetRelay { mailbox: None, relay: None }, None)
        .await
        .expect("nothing is needed to end it");
}

pub(super) async fn what_can_t_be_is_invalid(mail: Subject) {
    full(&mail).await;
    let (before, ada) = (survey(&mail).await, at(&mail, "ada"));
    let entry = |edit: fn(&mut MailboxEntry)| {
        let mut mailbox = MailboxEntry::new(at(&mail, "new"));
        edit(&mut mailbox);
        MailChange::AddMailbox { mailbox }
    };
    let domain = |edit: fn(&mut DomainLimits)| {
        let mut limits = limits();
        edit(&mut limits);
        MailChange::SetDomain { description: String::new(), active: true, limits }
    };
    let key = |selector: &str, bits| MailChange::AddDkim {
        key: DkimOptions { selector: selector.to_owned(), bits },
    };
    let policy =
        |allow: &str, block: &str| MailChange::SetSpamPolicy { policy: SpamPolicy::new([allow], [block]) };
    for wrong in [
        MailChange::AddMailbox { mailbox: MailboxEntry::new(elsewhere()) },
        entry(|mailbox| mailbox.name = "two\nlines".into()),
        entry(|mailbox| mailbox.hourly_limit = Some(0)),
        domain(|limits| limits.hourly_limit = Some(0)),
        domain(|limits| limits.default_quota_mib = 0),
        domain(|limits| limits.max_quota_mib = limits.total_quota_mib + 1),
        MailChange::SetAlias { alias: AliasEntry::new(at(&mail, "team"), []) },
        MailChange::SetAlias { alias: AliasEntry::new(at(&mail, "team"), [at(&mail, "Team")]) },
        MailChange::SetForward { forward: ForwardEntry::new(ada.clone(), []) },
        MailChange::SetForward { forward: ForwardEntry::new(ada.clone(), [elsewhere(), ada.clone()]) },
        MailChange::AddAliasDomain { name: mail.domain() },
        MailChange::SetRelay { mailbox: None, relay: Some(relay().with_port(0)) },
        MailChange::SetRelay { mailbox: None, relay: Some(Relay::new(relay().host, "")) },
        MailChange::SetRelay { mailbox: Some(elsewhere()), relay: Some(relay()) },
        key("bad selector", 2048),
        key("dkim", 1024),
        policy("not an address", "*@b.example"),
        policy("*@B.example", "*@b.example"),
    ] {
        refused(&mail, &wrong, ErrorKind::InvalidInput).await;
    }
    assert_eq!(survey(&mail).await, before);
}
