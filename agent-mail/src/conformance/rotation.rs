use std::sync::Arc;

use async_trait::async_trait;
use mail_access::Address;
use secrecy::SecretString;

use super::{Case, ProvisionerHarness, cases};
use crate::ErrorKind;
use crate::backend::{Claim, LoginRotation, MailboxSpec};

/// A mail system whose mailboxes get second passwords, and the means to look at them.
#[async_trait]
pub trait RotationHarness: ProvisionerHarness {
    /// Returns the backend.
    fn rotation(&self) -> Arc<dyn LoginRotation>;

    /// Gives a mailbox a password that is not of this program's making, for submission and reading.
    async fn foreign_password(&self, address: &Address, password: &SecretString);
}

/// The cases of [`LoginRotation`]. One that is not listed here is dead code, and the compiler says so.
pub const ROTATION_CASES: &[Case<Arc<dyn RotationHarness>>] = cases! {
    a_second_password_works_beside_the_first
    adding_is_safe_to_repeat_and_sets_the_password
    only_the_one_is_kept_and_it_is_safe_to_repeat
    nothing_is_taken_away_for_a_label_that_is_not_there
    passwords_of_others_are_left_untouched
    mailboxes_of_others_and_none_are_told_apart
};

type Harness = Arc<dyn RotationHarness>;

async fn a_second_password_works_beside_the_first(harness: Harness) {
    let (ada, claim) = provisioned(&harness).await;
    add(&harness, &ada, &claim, "two", SECOND).await;
    add(&harness, &ada, &claim, "three", THIRD).await;
    assert_eq!(working(&harness, &ada).await, [FIRST, SECOND, THIRD]);
}

async fn adding_is_safe_to_repeat_and_sets_the_password(harness: Harness) {
    let (ada, claim) = provisioned(&harness).await;
    add(&harness, &ada, &claim, "two", SECOND).await;
    add(&harness, &ada, &claim, "two", SECOND).await;
    assert_eq!(working(&harness, &ada).await, [FIRST, SECOND]);
    add(&harness, &ada, &claim, "two", THIRD).await;
    assert_eq!(working(&harness, &ada).await, [FIRST, THIRD]);
}

async fn only_the_one_is_kept_and_it_is_safe_to_repeat(harness: Harness) {
    let (ada, claim) = provisioned(&harness).await;
    add(&harness, &ada, &claim, "two", SECOND).await;
    add(&harness, &ada, &claim, "three", THIRD).await;
    for _ in 0..2 {
        harness.rotation().keep_only_login(&ada, &claim, "three").await.expect("it is there");
        assert_eq!(working(&harness, &ada).await, [THIRD]);
    }
}

async fn nothing_is_taken_away_for_a_label_that_is_not_there(harness: Harness) {
    let (ada, claim) = provisioned(&harness).await;
    add(&harness, &ada, &claim, "two", SECOND).await;
    let error = harness.rotation().keep_only_login(&ada, &claim, "tw").await.expect_err("it is not there");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(working(&harness, &ada).await, [FIRST, SECOND]);
}

async fn passwords_of_others_are_left_untouched(harness: Harness) {
    let (ada, claim) = provisioned(&harness).await;
    let phone = SecretString::from("Phone-Passw0rd-of-a-human");
    harness.foreign_password(&ada, &phone).await;
    add(&harness, &ada, &claim, "two", SECOND).await;
    harness.rotation().keep_only_login(&ada, &claim, "two").await.expect("it is there");
    assert_eq!(working(&harness, &ada).await, [SECOND]);
    assert!(harness.opens(&ada, &phone).await);
}

async fn mailboxes_of_others_and_none_are_told_apart(harness: Harness) {
    let (ada, _) = provisioned(&harness).await;
    let other = Claim::generate();
    let nobody: Address = format!("agent_nobody@{}", harness.domain()).parse().expect("it is an address");
    for (address, kind) in [(&ada, ErrorKind::AlreadyExists), (&nobody, ErrorKind::NotFound)] {
        let rotation = harness.rotation();
        let added = rotation.add_login(address, &other, "two", &SECOND.into()).await;
        assert_eq!(added.expect_err("it is not ours").kind(), kind);
        let kept = rotation.keep_only_login(address, &other, "two").await;
        assert_eq!(kept.expect_err("it is not ours").kind(), kind);
    }
    assert_eq!(working(&harness, &ada).await, [FIRST]);
}

async fn provisioned(harness: &Harness) -> (Address, Claim) {
    let address: Address = format!("agent_ada@{}", harness.domain()).parse().expect("it is an address");
    let claim = Claim::generate();
    let provisioner = harness.provisioner();
    provisioner.ensure_domain(&harness.domain()).await.expect("it can be made");
    let spec = MailboxSpec::new(address.clone(), FIRST.into(), claim.clone());
    provisioner.ensure_mailbox(&spec).await.expect("it can be made");
    (address, claim)
}

async fn add(harness: &Harness, address: &Address, claim: &Claim, label: &str, password: &str) {
    let added = harness.rotation().add_login(address, claim, label, &password.into()).await;
    added.expect("it can be added");
}

async fn working(harness: &Harness, address: &Address) -> Vec<&'static str> {
    let mut working = Vec::new();
    for password in [FIRST, SECOND, THIRD] {
        if harness.opens(address, &password.into()).await {
            working.push(password);
        }
    }
    working
}

const FIRST: &str = "First-Passw0rd-of-the-agent";
const SECOND: &str = "Second-Passw0rd-of-the-agent";
const THIRD: &str = "Third-Passw0rd-of-the-agent";
