//! For each change, each of its calls goes wrong in each way; after a repetition all is as it has to be.

use std::error::Error as _;

use agent_mail::backend::{MailAdmin, MailChange};
use agent_mail::spec::{DkimOptions, DomainLimits, SpamPolicy};
use agent_mail::{AliasEntry, Error, ErrorKind, ForwardEntry, MailboxEntry, Mailcow};
use mailcow_api::FakeMailcow;
use secrecy::ExposeSecret;

use super::breaking::{Breaking, Trouble};
use super::{CANARY, add_domain, at, domain, elsewhere, name, password, relay, served};

#[tokio::test(start_paused = true)]
async fn changes_of_a_domain_are_finished_by_the_next_run() {
    let mut limits = DomainLimits::default();
    limits.mailboxes = 7;
    let set = MailChange::SetDomain { description: String::new(), active: false, limits };
    sweep(empty, add_domain()).await;
    sweep(served, set).await;
    sweep(lone, MailChange::RemoveDomain).await;
    sweep(lone, MailChange::AddDkim { key: DkimOptions::default() }).await;
    sweep(served, MailChange::AddAliasDomain { name: name("new.example") }).await;
    sweep(served, MailChange::RemoveAliasDomain { name: name("old.example") }).await;
    let policy = SpamPolicy::new(["*@bad.example", "a@b.example"], ["c@d.example"]);
    sweep(served, MailChange::SetSpamPolicy { policy }).await;
}

#[tokio::test(start_paused = true)]
async fn changes_of_mailboxes_are_finished_by_the_next_run() {
    let mut mailbox = MailboxEntry::new(at("new")).with_name("New").with_hourly_limit(9);
    sweep(served, MailChange::AddMailbox { mailbox: mailbox.clone() }).await;
    mailbox.address = at("bob");
    sweep(served, MailChange::AddMailbox { mailbox: mailbox.clone() }).await;
    mailbox.active = false;
    sweep(served, MailChange::SetMailbox { mailbox }).await;
    sweep(served, MailChange::SetPassword { address: at("ada"), must_change: true }).await;
    sweep(served, MailChange::RemoveMailbox { address: at("ada") }).await;
    sweep(served, MailChange::RemoveMailbox { address: at("bob") }).await;
}

#[tokio::test(start_paused = true)]
async fn changes_of_what_leads_elsewhere_are_finished_by_the_next_run() {
    let new = AliasEntry::new(at("new"), [elsewhere()]);
    sweep(served, MailChange::SetAlias { alias: new }).await;
    let known = AliasEntry::new(at("info"), [at("bob"), elsewhere()]);
    sweep(served, MailChange::SetAlias { alias: known }).await;
    sweep(served, MailChange::RemoveAlias { address: at("info") }).await;
    sweep(served, MailChange::SetForward { forward: ForwardEntry::new(at("ada"), [elsewhere()]) }).await;
    let other = ForwardEntry::new(at("bob"), [at("ada")]).without_copy();
    sweep(served, MailChange::SetForward { forward: other }).await;
    sweep(served, MailChange::RemoveForward { address: at("bob") }).await;
    sweep(served, MailChange::SetCatchAll { targets: vec![at("bob"), elsewhere()] }).await;
    sweep(lone, MailChange::SetCatchAll { targets: vec![elsewhere()] }).await;
    sweep(served, MailChange::SetCatchAll { targets: vec![] }).await;
}

#[tokio::test(start_paused = true)]
async fn changes_of_relays_are_finished_by_the_next_run() {
    for (mailbox, to) in [
        (None, Some(relay("new"))),
        (None, Some(relay("two"))),
        (None, None),
        (Some(at("ada")), Some(relay("new"))),
        (Some(at("bob")), Some(relay("one"))),
        (Some(at("bob")), None),
    ] {
        sweep(served, MailChange::SetRelay { mailbox, relay: to }).await;
    }
}

/// Runs a change against a world of its own for each call of it and each way that one goes wrong.
async fn sweep(world: impl AsyncFn() -> FakeMailcow, change: MailChange) {
    let whole = world().await;
    run(&Mailcow::new(whole.client()), &change).await.unwrap_or_else(|error| panic!("{change:?}: {error:?}"));
    let wanted = shown(&whole).await;
    let mut met = 0;
    for trouble in Trouble::ALL {
        for at in 0.. {
            let fake = world().await;
            let breaking = Breaking::new(&fake, at, trouble);
            let mailcow = breaking.mailcow();
            let first = breaking.run(run(&mailcow, &change)).await;
            if !breaking.was_met() {
                break;
            }
            met += 1;
            let told = format!("{change:?}, call {at} {trouble:?}: {first:?}");
            if let Some(Err(error)) = &first {
                check(error, &told);
            }
            // The same program, and one that is started anew.
            for program in [&mailcow, &Mailcow::new(fake.client())] {
                run(program, &change).await.unwrap_or_else(|error| panic!("{told}, then {error:?}"));
                assert_eq!(shown(&fake).await, wanted, "{told}");
            }
        }
    }
    assert!(met >= Trouble::ALL.len() * 2, "{change:?} met {met} troubles");
}

async fn run(mailcow: &Mailcow, change: &MailChange) -> Result<(), Error> {
    mailcow.change(&domain(), change, Some(&password())).await
}

fn check(error: &Error, told: &str) {
    let kinds = [ErrorKind::Interrupted, ErrorKind::Unavailable, ErrorKind::Unexpected];
    assert!(kinds.contains(&error.kind()), "{told}");
    assert!(error.is_retryable() || error.kind() == ErrorKind::Unexpected, "{told}");
    let (mut words, mut source) = (format!("{error} {error:?}"), error.source());
    while let Some(cause) = source {
        words.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    assert!(!words.contains("Passw0rd"), "{words}");
}

/// Shows all that a change can leave behind, without the numbers of rows.
async fn shown(fake: &FakeMailcow) -> String {
    let (client, api) = (fake.client(), "agents.example".parse().unwrap());
    let survey = Mailcow::new(fake.client()).survey(&domain()).await.unwrap();
    let mut lines = vec![format!("{survey:#?}")];
    for login in fake.logins() {
        lines.push(format!("{} {}", login.address, login.password.expose_secret() == CANARY));
    }
    for found in client.relayhosts().await.unwrap() {
        let users = [found.used_by_domains, found.used_by_mailboxes];
        lines.push(format!("{} {} {users:?}", found.hostname, found.username));
    }
    for found in client.filters().await.unwrap() {
        lines.push(format!("{} {} {} {}", found.mailbox, found.description, found.script, found.active));
    }
    for found in client.domains().await.unwrap() {
        lines.push(format!("{} {:?}", found.name, found.tags));
    }
    for found in client.mailboxes().await.unwrap() {
        lines.push(format!("{} {:?} {:?}", found.address, found.tags, found.settings.forced_password_change));
    }
    for found in client.aliases_of(&api).await.unwrap() {
        let flags = [found.active, found.webmail_visible, found.sender_allowed];
        lines.push(format!("{} {:?} {flags:?}", found.address, found.targets));
    }
    for other in ["old.example", "new.example"] {
        let key = client.get_dkim(&other.parse().unwrap()).await.unwrap();
        lines.push(format!("{other} {:?}", key.map(|key| key.selector)));
    }
    lines[1..].sort();
    lines.join("\n")
}

async fn empty() -> FakeMailcow {
    FakeMailcow::new()
}

/// A domain with a relay and another name, and nobody in it.
async fn lone() -> FakeMailcow {
    let fake = FakeMailcow::new();
    let admin = Mailcow::new(fake.client());
    super::change(&admin, &add_domain()).await;
    super::change(&admin, &MailChange::SetRelay { mailbox: None, relay: Some(relay("one")) }).await;
    fake
}
