//! What a domain of a thousand agents costs.

use agent_mail::backend::DnsBudget;
use agent_mail::{DomainSpec, MailboxEntry};

use super::plans::apply;
use super::world::{World, at, domain};

fn thousand() -> DomainSpec {
    let mut spec = DomainSpec::new(domain(), "mail.shop.example".parse().unwrap());
    spec.limits.mailboxes = 2000;
    spec.limits.total_quota_mib = 2000 * 256;
    for n in 0..1000 {
        spec = spec.with_agent(format!("a{n}").parse().unwrap());
    }
    spec
}

#[tokio::test]
async fn applying_an_unchanged_domain_of_a_thousand_agents_costs_one_survey_and_one_look_at_the_zone() {
    let world = World::mailcow();
    apply(&world, &thousand()).await;
    let operator = world.operator();
    let calls = || (world.mailcow_calls(), world.desec_calls());
    let before = calls();
    let plan = operator.plan(&thousand()).await.unwrap();
    assert!(plan.is_empty(), "{plan}");
    operator.apply(&plan).await.unwrap();
    let after = calls();
    assert!(after.0 - before.0 <= 12, "{} Mailcow calls", after.0 - before.0);
    assert_eq!(after.1 - before.1, 1, "requests to deSEC");
    assert_eq!(plan.cost().mail_calls, 0);
}

#[tokio::test]
async fn the_cost_of_a_plan_is_about_what_it_then_takes() {
    let world = World::mailcow();
    apply(&world, &super::world::full()).await;
    for spec in [
        super::world::full().with_mailbox(MailboxEntry::new(at("cy"))),
        super::world::changed(),
        super::world::full(),
    ] {
        let plan = world.operator().plan(&spec).await.unwrap();
        let before = world.mailcow_calls();
        // It looks first, which is no part of the steps.
        world.admin.survey(&domain()).await.unwrap();
        let survey = world.mailcow_calls() - before;
        let before = world.mailcow_calls();
        world.operator().apply(&plan).await.unwrap();
        let calls = world.mailcow_calls() - before - survey;
        let told = plan.cost().mail_calls;
        assert!((told * 7 / 10..=told * 13 / 10).contains(&calls), "{told} were told, {calls} made:\n{plan}");
    }
}

#[tokio::test]
async fn the_day_s_writes_are_part_of_the_cost() {
    let mut world = World::embedded();
    let cost = |world: &World| {
        let operator = world.operator();
        async move { operator.plan(&super::world::full()).await.unwrap().cost().to_string() }
    };
    assert!(cost(&world).await.ends_with(", 1 DNS write, 3 secrets"), "{}", cost(&world).await);
    for (used, shown) in [(0, "1 of 300 DNS writes today, "), (12, "1 of 300 DNS writes today (12 used), ")] {
        world.budget(DnsBudget { used, limit: 300 });
        assert!(cost(&world).await.contains(shown), "{}", cost(&world).await);
    }
}
