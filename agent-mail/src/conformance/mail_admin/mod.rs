mod domains;
mod mailboxes;
mod refusals;
mod ways;

use std::sync::Arc;

use mail_access::{Address, DomainName};
use secrecy::SecretString;

use self::domains::{
    a_domain_is_removed_when_it_is_empty, a_domain_is_served_without_a_key, a_domain_s_limits_count,
    a_domain_that_is_served_gets_what_is_said, a_key_is_made_once_and_stays,
    a_spam_policy_takes_the_place_of_all_entries, a_survey_shows_all_in_order_and_reads_only,
    an_alias_domain_is_added_and_removed, the_name_of_an_alias_domain_is_not_served,
};
use self::mailboxes::{
    a_mailbox_is_changed_but_for_its_password, a_mailbox_is_made_with_its_password_and_its_mark,
    a_mailbox_is_removed_and_nothing_leads_to_it, a_mailbox_with_the_mark_gets_the_password_and_what_is_said,
    a_mailbox_without_the_mark_is_left_untouched, a_password_is_replaced,
    a_password_that_breaks_the_rules_is_refused, an_alias_in_the_place_of_a_mailbox_is_left_untouched,
    what_is_off_does_not_open,
};
use self::refusals::{
    what_can_t_be_is_invalid, what_is_not_there_is_not_found,
    where_no_domain_is_served_only_removing_is_fine, without_a_password_it_is_invalid,
};
use self::ways::{
    a_catch_all_is_set_and_ended, a_forward_takes_the_place_of_the_one_before,
    a_relay_of_a_mailbox_is_its_own, a_relay_of_the_domain_is_set_and_ended, an_alias_leads_where_it_is_said,
};
use super::{Case, ProvisionerHarness, cases};
use crate::ErrorKind;
use crate::backend::{MailAdmin, MailChange, ServedDomain, ServedMailbox};
use crate::spec::{AliasEntry, DkimOptions, DomainLimits, ForwardEntry, MailboxEntry, Relay, SpamPolicy};

/// A mail system that serves no domain yet, and what is seen of it from elsewhere.
pub trait MailAdminHarness: ProvisionerHarness {
    /// Returns the implementation to be tested.
    fn admin(&self) -> Arc<dyn MailAdmin>;
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
