use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use mail_access::{Address, DomainName};
use secrecy::SecretString;

use super::{Case, cases};
use crate::ErrorKind;
use crate::backend::{MailAdmin, MailChange, ServedDomain, ServedMailbox};
use crate::spec::{AliasEntry, DkimOptions, DomainLimits, ForwardEntry, MailboxEntry, Relay, SpamPolicy};

/// A mail system that serves no domain yet, and what is seen of it from elsewhere.
#[async_trait]
pub trait MailAdminHarness: Debug + Send + Sync + 'static {
    /// Returns the implementation to be tested.
    fn admin(&self) -> Arc<dyn MailAdmin>;

    /// Returns a domain that can be served, and below which others can.
    fn domain(&self) -> DomainName;

    /// Makes a mailbox behind the implementation's back, in a domain that is served.
    async fn foreign_mailbox(&self, address: &Address);

    /// Tells whether this password opens the mailbox for submission and for reading.
    async fn opens(&self, address: &Address, password: &SecretString) -> bool;

    /// Returns how many writes the mail system has seen, as far as it counts them.
    async fn writes(&self) -> usize;
}

/// The cases of [`MailAdmin`]. One that is not listed here is dead code, and the compiler says so.
pub const MAIL_ADMIN_CASES: &[Case<Arc<dyn MailAdminHarness>>] = cases! {
    a_domain_is_served_without_a_key
    a_domain_that_is_served_gets_what_is_said
    a_domain_s_limits_count
    the_name_of_an_alias_domain_is_not_served
    a_key_is_made_once_and_stays
    a_mailbox_is_made_with_its_password_and_its_mark
    a_mailbox_with_the_mark_gets_the_password_and_what_is_said
    a_mailbox_without_the_mark_is_left_untouched
    an_alias_in_the_place_of_a_mailbox_is_left_untouched
    a_mailbox_is_changed_but_for_its_password
    what_is_off_does_not_open
    a_password_is_replaced
    a_password_that_breaks_the_rules_is_refused
    a_mailbox_is_removed_and_nothing_leads_to_it
    an_alias_leads_where_it_is_said
    a_forward_takes_the_place_of_the_one_before
    a_catch_all_is_set_and_ended
    an_alias_domain_is_added_and_removed
    a_relay_of_the_domain_is_set_and_ended
    a_relay_of_a_mailbox_is_its_own
    a_spam_policy_takes_the_place_of_all_entries
    a_domain_is_removed_when_it_is_empty
    where_no_domain_is_served_only_removing_is_fine
    what_is_not_there_is_not_found
    without_a_password_it_is_invalid
    what_can_t_be_is_invalid
    a_survey_shows_all_in_order_and_reads_only
};

type Subject = Arc<dyn MailAdminHarness>;

async fn a_domain_is_served_without_a_key(mail: Subject) {
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

async fn a_domain_that_is_served_gets_what_is_said(mail: Subject) {
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

async fn a_domain_s_limits_count(mail: Subject) {
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

async fn the_name_of_an_alias_domain_is_not_served(mail: Subject) {
    full(&mail).await;
    let name = below(&mail, "old");
    assert_eq!(mail.admin().survey(&name).await.expect("it can be read"), None);
    let add = MailChange::AddDomain { description: String::new(), active: true, limits: limits() };
    let error = mail.admin().change(&name, &add, None).await.expect_err("it is an alias domain");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}");
    assert_eq!(survey(&mail).await.alias_domains, [name]);
}

async fn a_key_is_made_once_and_stays(mail: Subject) {
    serve(&mail, limits()).await;
    let mut key = DkimOptions::default();
    key.selector = "mail2026".into();
    change(&mail, &MailChange::AddDkim { key: key.clone() }).await;
    let made = survey(&mail).await.dkim.expect("there is a key");
    assert_eq!(made.selector, "mail2026");
    assert!(made.record.starts_with("v=DKIM1") && made.record.contains("p="), "{made:?}");
    key.selector = "other".into();
    changes(&mail, &MailChange::AddDkim { key }, |_| {}).await;
}

async fn a_mailbox_is_made_with_its_password_and_its_mark(mail: Subject) {
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

async fn a_mailbox_with_the_mark_gets_the_password_and_what_is_said(mail: Subject) {
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

async fn a_mailbox_without_the_mark_is_left_untouched(mail: Subject) {
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

async fn an_alias_in_the_place_of_a_mailbox_is_left_untouched(mail: Subject) {
    full(&mail).await;
    refused(&mail, &add("info", &mail), ErrorKind::AlreadyExists).await;
    let alias = AliasEntry::new(at(&mail, "ada"), [elsewhere()]);
    refused(&mail, &MailChange::SetAlias { alias }, ErrorKind::AlreadyExists).await;
}

async fn a_mailbox_is_changed_but_for_its_password(mail: Subject) {
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

async fn what_is_off_does_not_open(mail: Subject) {
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

async fn a_password_is_replaced(mail: Subject) {
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

async fn a_password_that_breaks_the_rules_is_refused(mail: Subject) {
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

async fn a_mailbox_is_removed_and_nothing_leads_to_it(mail: Subject) {
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

async fn an_alias_leads_where_it_is_said(mail: Subject) {
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

async fn a_forward_takes_the_place_of_the_one_before(mail: Subject) {
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

async fn a_catch_all_is_set_and_ended(mail: Subject) {
    full(&mail).await;
    for targets in [vec![at(&mail, "bob"), elsewhere()], vec![at(&mail, "bob")], vec![]] {
        let set = MailChange::SetCatchAll { targets: targets.clone() };
        changes(&mail, &set, |served| served.catch_all = targets).await;
    }
}

async fn an_alias_domain_is_added_and_removed(mail: Subject) {
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

async fn a_relay_of_the_domain_is_set_and_ended(mail: Subject) {
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

async fn a_relay_of_a_mailbox_is_its_own(mail: Subject) {
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

async fn a_spam_policy_takes_the_place_of_all_entries(mail: Subject) {
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

async fn a_domain_is_removed_when_it_is_empty(mail: Subject) {
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

async fn where_no_domain_is_served_only_removing_is_fine(mail: Subject) {
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

async fn what_is_not_there_is_not_found(mail: Subject) {
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

async fn without_a_password_it_is_invalid(mail: Subject) {
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

async fn what_can_t_be_is_invalid(mail: Subject) {
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
    let key = |selector: &str, bits| {
        let mut key = DkimOptions::default();
        (key.selector, key.bits) = (selector.to_owned(), bits);
        MailChange::AddDkim { key }
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

async fn a_survey_shows_all_in_order_and_reads_only(mail: Subject) {
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

/// Serves the domain with something of everything.
async fn full(mail: &Subject) {
    serve(mail, limits()).await;
    let ada = MailboxEntry::new(at(mail, "ada")).with_name("Ada Lovelace").with_quota_mib(100);
    let bob = MailboxEntry::new(at(mail, "bob")).with_hourly_limit(20);
    for next in [
        MailChange::AddDkim { key: DkimOptions::default() },
        MailChange::AddMailbox { mailbox: ada },
        MailChange::AddMailbox { mailbox: bob },
        MailChange::SetAlias { alias: AliasEntry::new(at(mail, "info"), [at(mail, "ada"), at(mail, "bob")]) },
        MailChange::SetForward { forward: ForwardEntry::new(at(mail, "bob"), [elsewhere()]) },
        MailChange::SetCatchAll { targets: vec![at(mail, "ada")] },
        MailChange::AddAliasDomain { name: below(mail, "old") },
        MailChange::SetSpamPolicy { policy: SpamPolicy::new(["*@good.example"], ["*@spam.example"]) },
    ] {
        change(mail, &next).await;
    }
}

async fn serve(mail: &Subject, limits: DomainLimits) {
    change(mail, &MailChange::AddDomain { description: "Agents".into(), active: true, limits }).await;
}

async fn survey(mail: &Subject) -> ServedDomain {
    mail.admin().survey(&mail.domain()).await.expect("it can be read").expect("it is served")
}

async fn change(mail: &Subject, change: &MailChange) {
    let done = mail.admin().change(&mail.domain(), change, Some(&password())).await;
    done.unwrap_or_else(|error| panic!("{change:?} can be made: {error:?}"));
}

/// Makes a change twice; each time the domain is as before but for what the change says.
async fn changes(mail: &Subject, wanted: &MailChange, edit: impl FnOnce(&mut ServedDomain)) {
    let mut expected = survey(mail).await;
    edit(&mut expected);
    for _ in 0..2 {
        change(mail, wanted).await;
        assert_eq!(survey(mail).await, expected, "{wanted:?}");
    }
}

async fn refused(mail: &Subject, change: &MailChange, kind: ErrorKind) {
    let error = mail.admin().change(&mail.domain(), change, Some(&password())).await;
    let error = error.expect_err("it can't be made");
    assert_eq!(error.kind(), kind, "{change:?}: {error:?}");
}

fn add(local_part: &str, mail: &Subject) -> MailChange {
    MailChange::AddMailbox { mailbox: MailboxEntry::new(at(mail, local_part)) }
}

fn mailbox<'a>(served: &'a ServedDomain, local_part: &str) -> &'a ServedMailbox {
    let found = served.mailboxes.iter().find(|mailbox| mailbox.address.local_part() == local_part);
    found.expect("the mailbox is there")
}

fn at(mail: &Subject, local_part: &str) -> Address {
    Address::new(local_part, mail.domain()).expect("it is an address")
}

fn below(mail: &Subject, label: &str) -> DomainName {
    format!("{label}.{}", mail.domain()).parse().expect("it is a name")
}

fn elsewhere() -> Address {
    "archive@elsewhere.example".parse().expect("it is an address")
}

fn relay() -> Relay {
    Relay::new("smtp.relay.example".parse().expect("it is a name"), "agents")
}

fn limits() -> DomainLimits {
    let mut limits = DomainLimits::default();
    (limits.mailboxes, limits.default_quota_mib, limits.hourly_limit) = (20, 64, Some(50));
    limits
}

fn password() -> SecretString {
    "Passw0rd-of-16-or-more".into()
}

fn other_password() -> SecretString {
    "An0ther-of-16-or-more".into()
}
