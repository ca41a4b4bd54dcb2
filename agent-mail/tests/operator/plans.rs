//! What plans say, and that a second one is empty.

use agent_mail::backend::MailChange;
use agent_mail::spec::{AliasEntry, MailboxEntry};
use agent_mail::{DomainSpec, ErrorKind, Plan, Step, StepKind};
use mailcow_api::{AliasTarget, MailboxAddress, NewAlias};

use super::world::{World, address, at, changed, domain, full, names};

#[tokio::test]
async fn a_plan_is_shown_stored_and_applied_and_the_next_one_is_empty() {
    let world = World::embedded();
    let plan = world.operator().plan(&full()).await.unwrap();
    golden("onboarding", &plan);
    let stored = serde_json::to_string(&plan).unwrap();
    assert!(!stored.contains("Passw0rd"), "{stored}");
    let plan: Plan = serde_json::from_str(&stored).unwrap();

    let mut seen = Vec::new();
    let applied =
        world.operator().apply_with(&plan, |progress| seen.push((progress.done, progress.total))).await;
    let total = plan.steps().len();
    assert_eq!(seen, (1..=total).map(|n| (n, total)).collect::<Vec<_>>());
    assert_eq!(applied.unwrap().steps.len(), total);
    let again = world.operator().plan(&full()).await.unwrap();
    assert_eq!(again.to_string(), "shop.example: nothing to do");
    world.check_secrets("after the first plan").await;
}

#[tokio::test]
async fn what_changed_is_changed_and_nothing_else() {
    let world = World::embedded();
    apply(&world, &full()).await;
    let plan = world.operator().plan(&changed()).await.unwrap();
    golden("change", &plan);
    world.operator().apply(&plan).await.unwrap();
    assert!(world.operator().plan(&changed()).await.unwrap().is_empty());
    world.check_secrets("after the change").await;
}

#[tokio::test]
async fn without_prune_nothing_is_removed() {
    let world = World::embedded();
    apply(&world, &full()).await;
    let mut spec = changed();
    spec.prune = false;
    let plan = world.operator().plan(&spec).await.unwrap();
    let removed: Vec<&Step> = plan.steps().iter().filter(|step| step.kind() == StepKind::Remove).collect();
    let only_records = removed.iter().all(|step| matches!(step, Step::Record { .. }));
    assert!(only_records, "records follow the specification: {removed:?}");
}

#[tokio::test]
async fn an_alias_that_others_switched_off_is_switched_on_and_not_taken_for_a_plan_s_own() {
    let world = World::mailcow();
    let without = DomainSpec::new(domain(), "mail.shop.example".parse().unwrap())
        .with_mailbox(MailboxEntry::new(at("ada")));
    apply(&world, &without).await;
    let target = AliasTarget::Addresses(vec![at("ada").to_string().parse().unwrap()]);
    let info: MailboxAddress = at("info").to_string().parse().unwrap();
    let theirs = NewAlias::new(info.into(), target).with_active(false);
    world.mailcow.as_ref().unwrap().client().add_alias(&theirs).await.unwrap();
    assert_eq!(world.served().await.aliases_off, [at("info")]);

    let spec = without.clone().with_alias(AliasEntry::new(at("info"), [at("ada")]));
    let plan = world.operator().plan(&spec).await.unwrap();
    assert_eq!(plan.inverse().losses(), ["alias info@shop.example was switched off, and stays on"]);
    world.operator().apply(&plan).await.unwrap();
    assert!(world.operator().plan(&spec).await.unwrap().is_empty());
    let mut pruning = without;
    pruning.prune = true;
    let plan = world.operator().plan(&pruning).await.unwrap();
    assert!(plan.is_empty(), "{plan}");
}

#[tokio::test]
async fn another_name_that_stays_keeps_its_records() {
    let world = World::embedded();
    let without = DomainSpec::new(domain(), "mail.shop.example".parse().unwrap());
    let mut named = without.clone();
    named.alias_domains = vec!["old.shop.example".parse().unwrap()];
    apply(&world, &named).await;
    let plan = world.operator().plan(&without).await.unwrap();
    assert!(plan.is_empty(), "it is still served: {plan}");
    let mut pruning = without;
    pruning.prune = true;
    let plan = world.operator().plan(&pruning).await.unwrap();
    let is_mx = |step: &Step| matches!(step, Step::Record { old: Some(old), new: None } if old.name == "old" && old.rtype == "MX");
    assert!(plan.steps().iter().any(is_mx), "{plan}");
    apply(&world, &pruning).await;
    assert!(world.operator().plan(&pruning).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_others_made_stays_whatever_the_specification_says() {
    let world = World::embedded();
    apply(&world, &DomainSpec::new(domain(), "mail.shop.example".parse().unwrap())).await;
    world.embedded.post_office().add_mailbox(&at("eve"), "Foreign-Passw0rd".into(), 256).unwrap();
    for change in [
        MailChange::SetAlias { alias: AliasEntry::new(at("press"), [at("eve")]) },
        MailChange::SetCatchAll { targets: vec![at("eve")] },
        MailChange::AddAliasDomain { name: "other.example".parse().unwrap() },
    ] {
        world.admin.change(&domain(), &change, None).await.unwrap();
    }
    let mut spec = DomainSpec::new(domain(), "mail.shop.example".parse().unwrap());
    spec.prune = true;
    let plan = world.operator().plan(&spec).await.unwrap();
    assert_eq!(plan.to_string(), "shop.example: nothing to do");
    let drift = world.operator().drift(&spec).await.unwrap();
    assert!(drift.is_empty());
    assert_eq!(
        drift.to_string(),
        "shop.example: as specified\nbeside: mailbox eve@shop.example\nbeside: alias press@shop.example\n\
         beside: alias domain other.example"
    );
    let error = world.operator().plan_offboard(&domain(), &[at("eve")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a_mailbox_that_others_made_is_adopted_with_its_password_and_never_removed() {
    let world = World::embedded();
    let bare = DomainSpec::new(domain(), "mail.shop.example".parse().unwrap());
    apply(&world, &bare).await;
    world.embedded.post_office().add_mailbox(&at("eve"), "Foreign-Passw0rd".into(), 128).unwrap();
    let spec = bare.clone().with_mailbox(MailboxEntry::new(at("eve")).with_name("Eve"));
    let plan = world.operator().plan(&spec).await.unwrap();
    assert_eq!(
        plan.steps()[0].to_string(),
        "~ mailbox eve@shop.example: name \"\" -> \"Eve\", quota in MiB 128 -> 256"
    );
    world.operator().apply(&plan).await.unwrap();
    assert_eq!(format!("{:?}", world.secrets), "MemorySecrets { secrets: 0 }");
    let mut pruning = bare;
    pruning.prune = true;
    assert!(world.operator().plan(&pruning).await.unwrap().is_empty());
}

#[tokio::test]
async fn others_in_the_place_of_what_is_wanted_are_told_before_anything_is_done() {
    let world = World::embedded();
    apply(&world, &full()).await;
    let taken = full().with_mailbox(MailboxEntry::new(at("agent_bot")));
    let error = world.operator().plan(&taken).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let mut spec = full();
    spec.aliases.remove(1);
    let error = world.operator().plan(&spec.with_mailbox(MailboxEntry::new(at("sales")))).await.unwrap_err();
    assert_eq!(error.to_string(), "plan sales@shop.example: the mail system has an alias there");
}

#[tokio::test]
async fn offboarding_takes_what_is_named_and_what_leads_there() {
    let world = World::embedded();
    apply(&world, &full()).await;
    let gone = [at("bob"), at("agent_bot"), at("nobody")];
    let plan = world.operator().plan_offboard(&domain(), &gone).await.unwrap();
    golden("offboarding", &plan);
    world.operator().apply(&plan).await.unwrap();
    let served = world.served().await;
    assert_eq!(
        names(served.mailboxes.iter().map(|one| &one.address)),
        ["ada@shop.example".to_owned()].into()
    );
    assert_eq!(served.aliases[0].targets, [at("ada")]);
    assert!(world.operator().plan_offboard(&domain(), &gone).await.unwrap().is_empty());
    world.check_secrets("after offboarding").await;
    let error = world.operator().plan_offboard(&domain(), &[address("ada@other.example")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_password_that_is_stored_already_is_the_one_that_is_used() {
    use agent_mail::backend::SecretStore;
    use secrecy::ExposeSecret;

    let world = World::embedded();
    world.secrets.put(&at("ada"), &"Chosen-by-the-caller-1".into()).await.unwrap();
    apply(&world, &full()).await;
    let kept = world.secrets.get(&at("ada")).await.unwrap().unwrap();
    assert_eq!(kept.expose_secret(), "Chosen-by-the-caller-1");
    let made = world.secrets.get(&at("bob")).await.unwrap().unwrap();
    assert!(made.expose_secret().len() >= 16);
    world.check_secrets("with a password of the caller's").await;
}

#[tokio::test]
async fn an_agent_whose_mailbox_was_lost_gets_it_back_with_its_password() {
    let world = World::embedded();
    apply(&world, &full()).await;
    world.embedded.post_office().remove_mailbox(&at("agent_bot")).unwrap();
    let drift = world.operator().drift(&full()).await.unwrap();
    assert_eq!(
        drift.to_string(),
        "shop.example: 1 difference\nmissing: agent bot, mailbox agent_bot@shop.example with its own password"
    );
    apply(&world, &full()).await;
    world.check_secrets("after the repair").await;
}

/// Compares with the golden file of that name; with UPDATE_GOLDEN=1 it is written.
pub(crate) fn golden(name: &str, plan: &Plan) {
    let file = format!("{}/tests/golden/operator/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let shown = format!("{plan}\n");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &shown).unwrap();
    }
    assert_eq!(shown, std::fs::read_to_string(&file).unwrap(), "{file}");
}

pub(crate) async fn apply(world: &World, spec: &DomainSpec) {
    let plan = world.operator().plan(spec).await.unwrap();
    world.operator().apply(&plan).await.unwrap();
}
