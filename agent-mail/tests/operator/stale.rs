//! A plan that no longer holds is refused.

use agent_mail::backend::{MailChange, RrSet};
use agent_mail::spec::{AliasEntry, MailboxEntry};
use agent_mail::{DomainSpec, ErrorKind, Operator, Plan};

use super::faults::How;
use super::plans::apply;
use super::world::{World, at, changed, domain, full};

async fn refused(operator: &Operator, plan: &Plan, subject: &str) {
    let error = operator.apply(plan).await.unwrap_err();
    assert_eq!((error.kind(), error.subject()), (ErrorKind::Stale, subject));
    assert_eq!(error.fix(), "plan anew and apply that");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn what_somebody_changed_meanwhile_is_not_overwritten() {
    let mut ada = MailboxEntry::new(at("ada"));
    ada.quota_mib = Some(100);
    let changes = [
        (MailChange::SetMailbox { mailbox: ada }, "mailbox ada@shop.example"),
        (MailChange::SetAlias { alias: AliasEntry::new(at("info"), [at("bob")]) }, "alias info@shop.example"),
        (MailChange::RemoveForward { address: at("bob") }, "forward bob@shop.example"),
        (MailChange::SetCatchAll { targets: vec![at("bob")] }, "catch-all"),
    ];
    for (change, subject) in changes {
        let world = World::embedded();
        apply(&world, &full()).await;
        let plan = world.operator().plan(&changed()).await.unwrap();
        world.admin.change(&domain(), &change, None).await.unwrap();
        let before = (world.served().await, world.records().await);
        refused(&world.operator(), &plan, subject).await;
        assert_eq!((world.served().await, world.records().await), before, "nothing was done");
        apply(&world, &changed()).await;
    }
}

#[tokio::test]
async fn a_record_that_somebody_wrote_meanwhile_is_not_overwritten() {
    let world = World::embedded();
    let plan = world.operator().plan(&full()).await.unwrap();
    let text = RrSet::new("", "TXT", 3600, vec!["\"v=spf1 ip4:192.0.2.9 -all\"".to_owned()]);
    world.dns.replace(&domain(), &[text]).await.unwrap();
    refused(&world.operator(), &plan, "record @ TXT").await;
    assert!(world.admin.survey(&domain()).await.unwrap().is_none(), "nothing was done");
}

#[tokio::test]
async fn a_plan_for_what_is_done_already_does_nothing() {
    let world = World::embedded();
    let plan = world.operator().plan(&full()).await.unwrap();
    world.operator().apply(&plan).await.unwrap();
    assert_eq!(world.operator().apply(&plan).await.unwrap().steps, []);
}

#[tokio::test]
async fn what_doesn_t_matter_to_a_plan_doesn_t_make_it_stale() {
    let world = World::embedded();
    apply(&world, &full()).await;
    let plan = world.operator().plan(&changed()).await.unwrap();
    world.embedded.post_office().add_mailbox(&at("eve"), "Foreign-Passw0rd".into(), 64).unwrap();
    world.operator().apply(&plan).await.unwrap();
}

#[tokio::test]
async fn a_goal_that_was_changed_where_it_was_stored_is_checked_again() {
    let world = World::embedded();
    let plan = world.operator().plan(&full()).await.unwrap();
    for (place, value) in [("domain", "other.example".into()), ("dns", serde_json::json!({"ttl": 0}))] {
        let mut stored = serde_json::to_value(&plan).unwrap();
        stored["goal"]["spec"][place] = value;
        let plan: Plan = serde_json::from_value(stored).unwrap();
        let error = world.operator().apply(&plan).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(world.admin.survey(&domain()).await.unwrap().is_none(), "nothing was done");
    }
}

#[tokio::test]
async fn what_a_plan_never_came_to_make_is_not_its_own_later() {
    let without = DomainSpec::new(domain(), "mail.shop.example".parse().unwrap())
        .with_mailbox(MailboxEntry::new(at("ada")));
    let info = AliasEntry::new(at("info"), [at("ada")]);
    let mut broken = 0;
    for call in 0..20 {
        let world = World::embedded();
        let plan = world.operator().plan(&without.clone().with_alias(info.clone())).await.unwrap();
        world.faults.arm(call, How::NotDone);
        let applied = world.operator().apply(&plan).await;
        world.faults.calm();
        let served = world.admin.survey(&domain()).await.unwrap();
        if applied.is_ok() || served.is_some_and(|served| !served.aliases.is_empty()) {
            continue;
        }
        broken += 1;
        apply(&world, &without).await;
        // Now somebody else makes it, and a plan that removes what plans made comes by.
        world.admin.change(&domain(), &MailChange::SetAlias { alias: info.clone() }, None).await.unwrap();
        let mut pruning = without.clone();
        pruning.prune = true;
        let plan = world.operator().plan(&pruning).await.unwrap();
        assert!(plan.is_empty(), "call {call}: {plan}");
    }
    assert!(broken > 5, "{broken}");
}
