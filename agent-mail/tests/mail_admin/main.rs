//! The administrators of mail systems beyond their contract: faults, costs, and what shows in the mail.

mod breaking;
mod embedded;
mod others;
mod relay;
mod survey;
mod sweep;

use std::error::Error as _;

use agent_mail::backend::{MailAdmin, MailChange};
use agent_mail::spec::{DkimOptions, DomainLimits, SpamPolicy};
use agent_mail::{Address, AliasEntry, DomainName, ForwardEntry, MailboxEntry, Mailcow, Relay};
use mailcow_api::FakeMailcow;
use secrecy::SecretString;

/// A Mailcow that serves `agents.example` with something of everything but relays.
async fn people() -> FakeMailcow {
    let ada = MailboxEntry::new(at("ada")).with_name("Ada").with_quota_mib(100);
    served(&[
        MailChange::AddDkim { key: DkimOptions::default() },
        MailChange::AddMailbox { mailbox: ada },
        MailChange::AddMailbox { mailbox: MailboxEntry::new(at("bob")).with_quota_mib(64) },
        MailChange::SetAlias { alias: AliasEntry::new(at("info"), [at("ada"), at("bob")]) },
        MailChange::SetForward { forward: ForwardEntry::new(at("bob"), [elsewhere()]) },
        MailChange::SetCatchAll { targets: vec![at("ada")] },
        MailChange::AddAliasDomain { name: name("old.example") },
        MailChange::SetSpamPolicy { policy: SpamPolicy::new(["*@good.example"], ["*@bad.example"]) },
    ])
    .await
}

/// A Mailcow that serves `agents.example` with a relay of its own and one of `bob`.
async fn relayed() -> FakeMailcow {
    served(&[
        MailChange::AddMailbox { mailbox: MailboxEntry::new(at("ada")).with_quota_mib(64) },
        MailChange::AddMailbox { mailbox: MailboxEntry::new(at("bob")).with_quota_mib(64) },
        MailChange::SetRelay { mailbox: None, relay: Some(relay("one")) },
        MailChange::SetRelay { mailbox: Some(at("bob")), relay: Some(relay("two")) },
    ])
    .await
}

async fn served(changes: &[MailChange]) -> FakeMailcow {
    let fake = FakeMailcow::new();
    let admin = Mailcow::new(fake.client());
    change(&admin, &add_domain()).await;
    for next in changes {
        change(&admin, next).await;
    }
    fake
}

async fn change(admin: &dyn MailAdmin, wanted: &MailChange) {
    let done = admin.change(&domain(), wanted, Some(&password())).await;
    done.unwrap_or_else(|error| panic!("{wanted:?}: {error:?}"));
}

/// All that an error says, with what caused it.
fn words(error: &agent_mail::Error) -> String {
    let mut words = vec![format!("{error} {error:?}")];
    let mut source = error.source();
    while let Some(cause) = source {
        words.push(format!("{cause} {cause:?}"));
        source = cause.source();
    }
    words.join(" ")
}

fn add_domain() -> MailChange {
    let mut limits = DomainLimits::default();
    (limits.mailboxes, limits.hourly_limit) = (20, Some(50));
    MailChange::AddDomain { description: "Agents".into(), active: true, limits }
}

fn relay(label: &str) -> Relay {
    Relay::new(name(&format!("{label}.relay.example")), "us:er")
}

fn domain() -> DomainName {
    name("agents.example")
}

fn at(local_part: &str) -> Address {
    Address::new(local_part, domain()).unwrap()
}

fn elsewhere() -> Address {
    "archive@elsewhere.example".parse().unwrap()
}

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn password() -> SecretString {
    CANARY.into()
}

/// A password that has to show nowhere.
const CANARY: &str = "Canary:Passw0rd-7731";
