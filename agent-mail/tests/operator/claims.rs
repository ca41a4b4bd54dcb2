//! Only what a plan made is a plan's own, also after plans were undone, broken off or stored.

use agent_mail::backend::{MailChange, RrSet, SecretStore};
use agent_mail::spec::{AliasEntry, MailboxEntry};
use agent_mail::{DomainSpec, ErrorKind, Plan, Step};
use secrecy::ExposeSecret;

use super::faults::How;
use super::plans::apply;
use super::world::{World, address, at, changed, domain, full};

fn bare() -> DomainSpec {
    DomainSpec::new(domain(), "mail.shop.example".parse().unwrap())
}

#[tokio::test]
async fn what_an_earlier_plan_wrote_is_known_after_a_later_one_is_undone() {
    for calls in [None, Some(4), Some(8), Some(12), Some(14), Some(16), Some(18)] {
        let world = World::embedded();
        let before = world.records().await;
        apply(&world, &full()).await;
        let plan = world.operator().plan(&changed()).await.unwrap();
        world.operator().apply(&plan).await.unwrap();
        if let Some(calls) = calls {
            world.faults.arm(calls, How::DoneButLost);
            world.operator().apply(&plan.inverse()).await.unwrap_err();
        }
        world.operator().apply(&plan.inverse()).await.unwrap();
        let mut none = full();
        none.agents.clear();
        none.prune = true;
        none.dns.autodiscovery = false;
        none.alias_domains.clear();
        apply(&world, &none).await;
        let left = world.records().await;
        let has = |name: &str| left.iter().any(|set| set.name.starts_with(name));
        assert!(!has("autoconfig") && !has("autodiscover"), "{calls:?} {left:#?}");
        assert_eq!(world.served().await.mailboxes.len(), 2, "the agent was the first plan's: {calls:?}");
        assert!(left.len() > before.len());
    }
}

#[tokio::test]
async fn what_others_made_is_theirs_after_its_removal_is_undone() {
    let world = World::embedded();
    apply(&world, &bare().with_mailbox(MailboxEntry::new(at("ada")))).await;
    let alias = AliasEntry::new(at("press"), [at("ada")]);
    world.admin.change(&domain(), &MailChange::SetAlias { alias }, None).await.unwrap();
    let plan = world.operator().plan_offboard(&domain(), &[at("press")]).await.unwrap();
    for calls in 0..12 {
        world.operator().apply(&plan).await.unwrap();
        world.faults.arm(calls, How::DoneButLost);
        drop(world.operator().apply(&plan.inverse()).await);
        world.faults.calm();
        let mut pruning = bare().with_mailbox(MailboxEntry::new(at("ada")));
        pruning.prune = true;
        if world.served().await.aliases.is_empty() {
            world.operator().apply(&plan.inverse()).await.unwrap();
        }
        let next = world.operator().plan(&pruning).await.unwrap();
        assert!(next.is_empty(), "{calls}: {next}");
    }
}

#[tokio::test]
async fn an_inverse_that_was_changed_where_it_was_stored_claims_nothing_of_others() {
    let world = World::embedded();
    apply(&world, &full()).await;
    let plan = world.operator().plan(&changed()).await.unwrap();
    world.operator().apply(&plan).await.unwrap();
    let site = RrSet::new("www", "A", 3600, vec!["192.0.2.80".to_owned()]);
    world.dns.replace(&domain(), std::slice::from_ref(&site)).await.unwrap();
    let alias = AliasEntry::new(at("press"), [at("ada")]);
    world.admin.change(&domain(), &MailChange::SetAlias { alias }, None).await.unwrap();
    let mut stored = serde_json::to_value(plan.inverse()).unwrap();
    let claims = &mut stored["goal"]["claims"];
    claims["records"].as_array_mut().unwrap().push(serde_json::to_value(&site).unwrap());
    claims["made"].as_array_mut().unwrap().push(serde_json::json!({"alias": at("press")}));
    let inverse: Plan = serde_json::from_value(stored).unwrap();
    assert_ne!(inverse.fingerprint(), plan.inverse().fingerprint());
    world.operator().apply(&inverse).await.unwrap();
    let mut pruning = full();
    pruning.prune = true;
    pruning.dns.autodiscovery = false;
    apply(&world, &pruning).await;
    assert!(world.records().await.contains(&site));
    assert!(world.served().await.aliases.iter().any(|one| one.address == at("press")));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_there_before_stays_whatever_becomes_of_its_mailbox() {
    let mut unmade = 0;
    for how in [How::NotDone, How::DoneButLost] {
        for calls in 0.. {
            let world = World::embedded();
            world.secrets.put(&at("ada"), &"Chosen-by-the-caller-1".into()).await.unwrap();
            world.faults.arm(calls, how);
            let operator = world.operator();
            let spec = bare().with_mailbox(MailboxEntry::new(at("ada")));
            if let Ok(plan) = operator.plan(&spec).await {
                drop(operator.apply(&plan).await);
            }
            if !world.faults.calm() {
                break;
            }
            apply(&world, &bare()).await;
            if world.served().await.mailboxes.is_empty() {
                unmade += 1;
                let kept = world.secrets.get(&at("ada")).await.unwrap().expect("it is the caller's");
                assert_eq!(kept.expose_secret(), "Chosen-by-the-caller-1");
            }
        }
    }
    assert!(unmade > 10, "{unmade}");
}

#[tokio::test]
async fn an_agent_that_was_there_before_stays_after_its_mailbox_was_brought_back() {
    let world = World::embedded();
    world.agents().provision(&"bot".parse().unwrap()).await.unwrap();
    apply(&world, &bare()).await;
    world.embedded.post_office().remove_mailbox(&at("agent_bot")).unwrap();
    let plan = world.operator().plan(&bare().with_agent("bot".parse().unwrap())).await.unwrap();
    world.operator().apply(&plan).await.unwrap();
    assert_eq!(
        plan.inverse().losses(),
        ["agent_bot@shop.example keeps its mailbox, as its agent was there before"]
    );
    world.operator().apply(&plan.inverse()).await.unwrap();
    assert_eq!(world.served().await.mailboxes.len(), 1);
    let mut pruning = bare();
    pruning.prune = true;
    let next = world.operator().plan(&pruning).await.unwrap();
    assert!(next.is_empty(), "{next}");
}

#[tokio::test]
async fn an_agent_that_has_gone_since_is_no_plan_s_any_more() {
    let world = World::embedded();
    apply(&world, &bare().with_agent("bot".parse().unwrap())).await;
    world.agents().retire(&"bot".parse().unwrap()).await.unwrap();
    apply(&world, &bare().with_mailbox(MailboxEntry::new(at("ada")))).await;
    world.agents().provision(&"bot".parse().unwrap()).await.unwrap();
    let mut pruning = bare().with_mailbox(MailboxEntry::new(at("ada")));
    pruning.prune = true;
    let next = world.operator().plan(&pruning).await.unwrap();
    assert!(next.is_empty(), "{next}");
}

/// Breaks an apply of `plan` off after each call, changes the alias behind its back, and goes on.
async fn overtaken(undone: bool) {
    let (mut refused, mut finished, mut resumed) = (0, 0, 0);
    for calls in 0.. {
        let world = World::embedded();
        apply(&world, &full()).await;
        let mut plan = world.operator().plan(&changed()).await.unwrap();
        if undone {
            world.operator().apply(&plan).await.unwrap();
            plan = plan.inverse();
        }
        let before = world.served().await.aliases;
        world.faults.arm(calls, How::NotDone);
        drop(world.operator().apply(&plan).await);
        if !world.faults.calm() {
            break;
        }
        let is_done = world.served().await.aliases[0] != before[0];
        let theirs = AliasEntry::new(at("info"), [address("press@example.org")]);
        let change = MailChange::SetAlias { alias: theirs.clone() };
        world.admin.change(&domain(), &change, None).await.unwrap();
        let again = world.operator().apply(&plan).await;
        let error = again.expect_err("somebody else has changed it");
        assert_eq!((error.kind(), error.subject()), (ErrorKind::Stale, "alias info@shop.example"), "{calls}");
        assert!(!error.fix().is_empty());
        let kept = world.served().await.aliases.into_iter().find(|one| one.address == at("info"));
        assert_eq!(kept, Some(theirs), "{calls}");
        *(if is_done { &mut finished } else { &mut refused }) += 1;
        // And it is no dead end, also for one who resumes first: a new plan goes on from there.
        if let Err(error) = world.operator().resume(&domain()).await {
            assert_eq!(error.kind(), ErrorKind::Stale, "{calls}");
            resumed += 1;
        }
        assert_eq!(world.operator().resume(&domain()).await.unwrap(), None, "{calls}");
        let next = if undone { changed() } else { full() };
        apply(&world, &next).await;
    }
    assert!(refused > 5 && finished > 2 && resumed > 5, "{refused} {finished} {resumed}");
}

#[tokio::test]
async fn an_apply_that_goes_on_overwrites_nothing_that_others_changed_meanwhile() {
    overtaken(false).await;
}

#[tokio::test]
async fn an_inverse_that_goes_on_overwrites_nothing_that_others_changed_meanwhile() {
    overtaken(true).await;
}

#[tokio::test]
async fn a_key_record_that_others_replaced_is_not_undone() {
    let world = World::embedded();
    let plan = world.operator().plan(&full()).await.unwrap();
    world.operator().apply(&plan).await.unwrap();
    let mut key = world.records().await.into_iter().find(|set| set.name == "dkim._domainkey").unwrap();
    key.records = vec!["\"v=DKIM1; p=\"".to_owned()];
    world.dns.replace(&domain(), std::slice::from_ref(&key)).await.unwrap();
    let error = world.operator().apply(&plan.inverse()).await.unwrap_err();
    assert_eq!((error.kind(), error.subject()), (ErrorKind::Stale, "record dkim._domainkey TXT"));
    assert!(world.records().await.contains(&key));
}

#[tokio::test]
async fn what_a_stored_plan_costs_and_loses_is_worked_out_anew() {
    let world = World::embedded();
    apply(&world, &full()).await;
    let plan = world.operator().plan(&changed()).await.unwrap();
    for plan in [plan.inverse(), plan] {
        let mut stored = serde_json::to_value(&plan).unwrap();
        stored["cost"]["mail_calls"] = 1.into();
        stored["cost"]["secrets"] = 0.into();
        stored["losses"] = serde_json::json!(["nothing"]);
        let loaded: Plan = serde_json::from_value(stored).unwrap();
        assert_eq!((loaded.cost(), loaded.losses()), (plan.cost(), plan.losses()));
        assert_eq!(loaded.to_string(), plan.to_string());
        assert_eq!(loaded, plan);
        assert!(loaded.steps().iter().any(|step| matches!(step, Step::Record { .. })));
    }
}
