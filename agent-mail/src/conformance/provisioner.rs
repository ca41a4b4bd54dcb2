use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use mail_access::{Address, DomainName};
use secrecy::SecretString;

use super::{Case, cases};
use crate::ErrorKind;
use crate::backend::{Claim, MailboxSpec, Provisioner};

/// A mail system that serves no domain yet, and what its administrator sees of it.
#[async_trait]
pub trait ProvisionerHarness: Debug + Send + Sync + 'static {
    /// Returns the implementation to be tested.
    fn provisioner(&self) -> Arc<dyn Provisioner>;

    /// Returns a domain that can be served, and below which others can.
    fn domain(&self) -> DomainName;

    /// Makes a mailbox behind the implementation's back, in a domain that is served.
    async fn foreign_mailbox(&self, address: &Address);

    /// Tells whether there is a mailbox of this address.
    async fn has_mailbox(&self, address: &Address) -> bool;

    /// Tells whether this password opens the mailbox for submission and for reading.
    async fn opens(&self, address: &Address, password: &SecretString) -> bool;

    /// Returns how many writes the mail system has seen.
    async fn writes(&self) -> usize;
}

/// The cases of [`Provisioner`]. One that is not listed here is dead code, and the compiler says so.
pub const PROVISIONER_CASES: &[Case<Arc<dyn ProvisionerHarness>>] = cases! {
    a_domain_is_made_once_and_has_a_key
    the_key_of_a_domain_that_is_not_served_is_not_found
    a_mailbox_opens_with_its_password
    a_mailbox_that_is_ours_gets_the_password_of_the_spec
    a_mailbox_with_another_claim_is_left_untouched
    a_mailbox_of_somebody_else_is_left_untouched
    in_a_domain_that_is_not_served_there_are_no_mailboxes
    a_mailbox_is_removed_once
    only_a_mailbox_with_the_claim_is_removed
};

type Subject = Arc<dyn ProvisionerHarness>;

async fn a_domain_is_made_once_and_has_a_key(mail: Subject) {
    served(&mail).await;
    let key = mail.provisioner().dkim(&mail.domain()).await.expect("there is a key");
    assert!(key.record.starts_with("v=DKIM1") && key.record.contains("p="), "{key:?}");
    assert!(!key.selector.is_empty());
    let writes = mail.writes().await;
    served(&mail).await;
    assert_eq!(mail.writes().await, writes, "the second time writes nothing");
    assert_eq!(mail.provisioner().dkim(&mail.domain()).await.expect("there is a key"), key);
}

async fn the_key_of_a_domain_that_is_not_served_is_not_found(mail: Subject) {
    let error = mail.provisioner().dkim(&mail.domain()).await.expect_err("there is none");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

async fn a_mailbox_opens_with_its_password(mail: Subject) {
    served(&mail).await;
    let spec = spec(&mail, "ada");
    ensure(&mail, &spec).await;
    assert!(mail.opens(&spec.address, &spec.password).await);
    assert!(!mail.opens(&spec.address, &password("Wr0ng-password-of-32-characters-x")).await);
}

async fn a_mailbox_that_is_ours_gets_the_password_of_the_spec(mail: Subject) {
    served(&mail).await;
    let mut spec = spec(&mail, "ada");
    ensure(&mail, &spec).await;
    ensure(&mail, &spec).await;
    let old = std::mem::replace(&mut spec.password, password("An0ther-password-of-32-characters"));
    ensure(&mail, &spec).await;
    assert!(mail.opens(&spec.address, &spec.password).await);
    assert!(!mail.opens(&spec.address, &old).await);
}

async fn a_mailbox_with_another_claim_is_left_untouched(mail: Subject) {
    served(&mail).await;
    let theirs = spec(&mail, "ada");
    ensure(&mail, &theirs).await;
    let mut ours = spec(&mail, "ada");
    ours.password = password("An0ther-password-of-32-characters");
    let error = mail.provisioner().ensure_mailbox(&ours).await.expect_err("it is theirs");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(mail.opens(&theirs.address, &theirs.password).await);
    assert!(!mail.opens(&ours.address, &ours.password).await);
}

async fn a_mailbox_of_somebody_else_is_left_untouched(mail: Subject) {
    served(&mail).await;
    let spec = spec(&mail, "ada");
    mail.foreign_mailbox(&spec.address).await;
    let error = mail.provisioner().ensure_mailbox(&spec).await.expect_err("it is theirs");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(!mail.opens(&spec.address, &spec.password).await);
}

async fn in_a_domain_that_is_not_served_there_are_no_mailboxes(mail: Subject) {
    let spec = spec(&mail, "ada");
    let error = mail.provisioner().ensure_mailbox(&spec).await.expect_err("there is no domain");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(!mail.has_mailbox(&spec.address).await);
}

async fn a_mailbox_is_removed_once(mail: Subject) {
    served(&mail).await;
    let spec = spec(&mail, "ada");
    ensure(&mail, &spec).await;
    for _ in 0..2 {
        mail.provisioner().remove_mailbox(&spec.address, &spec.claim).await.expect("it can be removed");
        assert!(!mail.has_mailbox(&spec.address).await);
    }
    assert!(!mail.opens(&spec.address, &spec.password).await);
}

async fn only_a_mailbox_with_the_claim_is_removed(mail: Subject) {
    served(&mail).await;
    let (theirs, ours) = (spec(&mail, "ada"), spec(&mail, "bob"));
    ensure(&mail, &theirs).await;
    mail.foreign_mailbox(&ours.address).await;
    for address in [&theirs.address, &ours.address] {
        let error =
            mail.provisioner().remove_mailbox(address, &ours.claim).await.expect_err("it is not ours");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert!(mail.has_mailbox(address).await);
    }
}

async fn served(mail: &Subject) {
    mail.provisioner().ensure_domain(&mail.domain()).await.expect("the domain can be served");
}

async fn ensure(mail: &Subject, spec: &MailboxSpec) {
    mail.provisioner().ensure_mailbox(spec).await.expect("the mailbox can be made");
}

fn spec(mail: &Subject, local_part: &str) -> MailboxSpec {
    let address = Address::new(local_part, mail.domain()).expect("it is an address");
    MailboxSpec::new(address, password("Passw0rd-of-32-or-more-characters"), Claim::generate())
}

fn password(text: &str) -> SecretString {
    text.to_owned().into()
}
