//! For each change, each of its calls goes wrong in each way; after a repetition all is as it has to be.

use agent_mail::backend::{MailAdmin, MailChange};
use agent_mail::spec::{DkimOptions, DomainLimits, SpamPolicy};
use agent_mail::{AliasEntry, Error, ErrorKind, ForwardEntry, MailboxEntry, Mailcow};
use mailcow_api::{FakeMailcow, Method};
use secrecy::ExposeSecret;

use super::breaking::{Breaking, Trouble};
use super::{CANARY, add_domain, at, domain, elsewhere, name, password, people, relay, relayed, words};

#[tokio::test(start_paused = true)]
async fn changes_of_a_domain_are_finished_by_the_next_run() {
    let mut limits = DomainLimits::default();
    limits.mailboxes = 7;
    let set = MailChange::SetDomain { description: String::new(), active: false, limits };
    sweep(empty, add_domain()).await;
    sweep(people, set).await;
    sweep(lone, MailChange::RemoveDomain).await;
    sweep(lone, MailChange::AddDkim { key: DkimOptions::default() }).await;
    sweep(people, MailChange::AddAliasDomain { name: name("new.example") }).await;
    sweep(people, MailChange::RemoveAliasDomain { name: name("old.example") }).await;
    let policy = SpamPolicy::new(["*@bad.example", "a@b.example"], ["c@d.example"]);
    sweep(people, MailChange::SetSpamPolicy { policy }).await;
}

#[tokio::test(start_paused = true)]
async fn changes_of_mailboxes_are_finished_by_the_next_run() {
    let mut mailbox = MailboxEntry::new(at("new")).with_name("New").with_hourly_limit(9);
    sweep(people, MailChange::AddMailbox { mailbox: mailbox.clone() }).await;
    mailbox.address = at("bob");
    sweep(people, MailChange::AddMailbox { mailbox: mailbox.clone() }).await;
    mailbox.active = false;
    sweep(people, MailChange::SetMailbox { mailbox }).await;
    sweep(people, MailChange::SetPassword { address: at("ada"), must_change: true }).await;
    sweep(people, MailChange::RemoveMailbox { address: at("ada") }).await;
    sweep(relayed, MailChange::RemoveMailbox { address: at("bob") }).await;
    sweep(relayed, MailChange::SetMailbox { mailbox: MailboxEntry::new(at("bob")) }).await;
}

#[tokio::test(start_paused = true)]
async fn changes_of_what_leads_elsewhere_are_finished_by_the_next_run() {
    let new = AliasEntry::new(at("new"), [elsewhere()]);
    sweep(people, MailChange::SetAlias { alias: new }).await;
    let known = AliasEntry::new(at("info"), [at("bob"), elsewhere()]);
    sweep(people, MailChange::SetAlias { alias: known }).await;
    sweep(people, MailChange::RemoveAlias { address: at("info") }).await;
    sweep(people, MailChange::SetForward { forward: ForwardEntry::new(at("ada"), [elsewhere()]) }).await;
    let other = ForwardEntry::new(at("bob"), [at("ada")]).without_copy();
    sweep(people, MailChange::SetForward { forward: other }).await;
    sweep(people, MailChange::RemoveForward { address: at("bob") }).await;
    sweep(people, MailChange::SetCatchAll { targets: vec![at("bob"), elsewhere()] }).await;
    sweep(lone, MailChange::SetCatchAll { targets: vec![elsewhere()] }).await;
    sweep(people, MailChange::SetCatchAll { targets: vec![] }).await;
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
        sweep(relayed, MailChange::SetRelay { mailbox, relay: to }).await;
    }
}

/// Runs a change against a world of its own for each call of it and each way that one goes wrong.
async fn sweep(world: impl AsyncFn() -> FakeMailcow, change: MailChange) {
    let whole = world().await;
    let before = whole.calls().len();
    run(&Mailcow::new(whole.client()), &change).await.unwrap_or_else(|error| panic!("{change:?}: {error:?}"));
    let calls = whole.calls().split_off(before);
    let wanted = shown(&whole).await;
    assert!(calls.iter().any(|call| call.method == Method::Post), "{change:?} writes");
    for (at, call) in calls.iter().enumerate() {
        // Of a read it makes no difference whether it was carried out.
        let troubles = if call.method == Method::Post { &Trouble::ALL[..] } else { &Trouble::OF_READS };
        for trouble in troubles {
            let fake = world().await;
            let breaking = Breaking::new(&fake, at, *trouble);
            let mailcow = breaking.mailcow();
            let first = breaking.run(run(&mailcow, &change)).await;
            let told = format!("{change:?}, {} {trouble:?}: {first:?}", call.path);
            assert!(breaking.was_met(), "{told}");
            if let Some(Err(error)) = &first {
                check(error, &told);
            }
            // The same program, and one that is started anew.
            for program in [&mailcow, &Mailcow::new(fake.client())] {
                run(program, &change).await.unwrap_or_else(|error| panic!("{told}, then {error:?}"));
            }
            assert_eq!(shown(&fake).await, wanted, "{told}");
        }
    }
}

async fn run(mailcow: &Mailcow, change: &MailChange) -> Result<(), Error> {
    mailcow.change(&domain(), change, Some(&password())).await
}

fn check(error: &Error, told: &str) {
    let kinds = [ErrorKind::Interrupted, ErrorKind::Unavailable, ErrorKind::Unexpected];
    assert!(kinds.contains(&error.kind()), "{told}");
    assert!(error.is_retryable() || error.kind() == ErrorKind::Unexpected, "{told}");
    assert!(!words(error).contains("Passw0rd"), "{told}");
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
