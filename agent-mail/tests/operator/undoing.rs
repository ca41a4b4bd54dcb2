//! Plans backwards.

use agent_mail::backend::MailChange;
use agent_mail::spec::AliasEntry;
use agent_mail::{ErrorKind, Operator};

use super::plans::{apply, golden};
use super::world::{World, at, changed, domain, full};

#[tokio::test]
async fn the_inverse_of_the_first_plan_leaves_nothing() {
    let world = World::embedded();
    let before = world.records().await;
    let plan = world.operator().plan(&full()).await.unwrap();
    world.operator().apply(&plan).await.unwrap();
    let inverse = plan.inverse();
    golden("inverse", &inverse);
    world.operator().apply(&inverse).await.unwrap();
    assert!(world.admin.survey(&domain()).await.unwrap().is_none());
    assert_eq!(world.records().await, before);
    world.check_secrets("after the inverse").await;
    assert_eq!(world.operator().apply(&inverse).await.unwrap().steps, [], "it is done already");
}

#[tokio::test]
async fn the_inverse_of_a_change_brings_back_what_was_there() {
    let world = World::embedded();
    apply(&world, &full()).await;
    let before = (world.served().await, world.records().await);
    let plan = world.operator().plan(&changed()).await.unwrap();
    world.operator().apply(&plan).await.unwrap();
    let inverse = plan.inverse();
    assert_eq!(
        inverse.losses(),
        [
            "the mail of agent_bot@shop.example is gone for good",
            "the mail of bob@shop.example is gone for good; it comes back empty, with a new password",
            "mail that agent_clerk@shop.example got goes with the agent",
            "mail that cy@shop.example got goes with the mailbox",
        ]
    );
    world.operator().apply(&inverse).await.unwrap();
    assert_eq!((world.served().await, world.records().await), before);
    world.check_secrets("after the inverse").await;
    assert!(world.operator().plan(&full()).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_somebody_changed_since_is_not_undone() {
    let world = World::embedded();
    apply(&world, &full()).await;
    let plan = world.operator().plan(&changed()).await.unwrap();
    world.operator().apply(&plan).await.unwrap();
    let alias = AliasEntry::new(at("info"), [at("cy"), at("ada")]);
    world.admin.change(&domain(), &MailChange::SetAlias { alias }, None).await.unwrap();
    let error = world.operator().apply(&plan.inverse()).await.unwrap_err();
    assert_eq!((error.kind(), error.subject()), (ErrorKind::Stale, "alias info@shop.example"));
}

#[tokio::test]
async fn an_inverse_that_was_changed_where_it_was_stored_is_refused() {
    let world = World::embedded();
    apply(&world, &full()).await;
    let plan = world.operator().plan(&changed()).await.unwrap();
    world.operator().apply(&plan).await.unwrap();
    let before = (world.served().await, world.records().await);
    let mut stored = serde_json::to_value(plan.inverse()).unwrap();
    // What is shown is harmless; what would be done is not.
    stored["steps"].as_array_mut().unwrap().truncate(1);
    let inverse = serde_json::from_value(stored).unwrap();
    let error = world.operator().apply(&inverse).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    // And one who can't undo what agents got doesn't say that it was undone.
    let without_agents = Operator::builder(world.admin.clone())
        .dns(world.dns.clone(), domain())
        .secrets(world.secrets.clone())
        .state(world.state.clone())
        .build()
        .unwrap();
    let error = without_agents.apply(&plan.inverse()).await.unwrap_err();
    assert!(error.to_string().contains("agents"), "{error}");
    assert_eq!((world.served().await, world.records().await), before, "nothing was done");
}
