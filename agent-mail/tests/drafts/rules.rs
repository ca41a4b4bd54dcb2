//! Approval together with the rules: what holds, what may have changed until the approval, and what is counted.

use agent_mail::safety::{Budget, Direction, Policy, Redaction, SuppressionReason};

use super::*;

fn with(world: &World, policy: Policy) -> AgentMail {
    world.system().policy(policy).build().unwrap()
}

fn asking() -> Policy {
    Policy::new().with_filter(Arc::new(asks(None)))
}

#[tokio::test(start_paused = true)]
async fn a_filter_of_the_rules_holds_and_an_approval_passes_it() {
    let world = World::new();
    let second = Arc::new(Second::default());
    let policy = asking().with_filter(second.clone()).with_redaction(Redaction::new());
    let mail = with(&world, policy);
    let (ada, bob) = two(&mail).await;
    let secret = offer(&bob).with_text("The price is AKIAIOSFODNN7EXAMPLE.");
    let first = held(&ada, secret).await;
    let desk = mail.approvals();
    let error = desk.approve(&desk.get(&first).await.unwrap(), "Eve", "").await.unwrap_err();
    let next: HeldId = error.code().unwrap().parse().unwrap();
    desk.approve(&desk.get(&next).await.unwrap(), "Carol", "").await.unwrap();
    assert_eq!(second.0.load(std::sync::atomic::Ordering::Relaxed), 1);
    deliver(&mail).await;
    let got = bob.fetch_unseen(9).await.unwrap();
    assert_eq!(got.len(), 1);
    // Nobody's approval is for a secret.
    assert_eq!(got[0].text().unwrap().expose().trim_end(), "The price is [redacted: aws access key].");
}

#[tokio::test(start_paused = true)]
async fn rules_that_changed_meanwhile_count_at_the_approval() {
    let world = World::new();
    let mail = world.asking(None);
    let (ada, bob) = two(&mail).await;
    let desk = mail.approvals();
    let one = held(&ada, offer(&bob).with_text("The price is AKIAIOSFODNN7EXAMPLE.")).await;
    // The program is started again with rules that it didn't have.
    let strict = || Policy::new().with_redaction(Redaction::new());
    let system = || world.system().outbound_check(Arc::new(asks(None)));
    let blocking = strict().blocking(Direction::Send, bob.address().to_string().parse().unwrap());
    let blocked = system().policy(blocking).build().unwrap();
    let seen = desk.get(&one).await.unwrap();
    let error = blocked.approvals().approve(&seen, "Eve", "").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");

    let suppressing = system().policy(strict()).build().unwrap();
    suppressing.suppress(bob.address(), SuppressionReason::Manual).await.unwrap();
    let error = suppressing.approvals().approve(&seen, "Eve", "").await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::PermissionDenied, Some("suppressed")));
    assert_eq!(desk.pending().await.unwrap().len(), 1, "it goes on waiting");
    assert!(queued(&ada).await.is_empty());

    suppressing.unsuppress(bob.address()).await.unwrap();
    suppressing.approvals().approve(&seen, "Eve", "").await.unwrap();
    deliver(&suppressing).await;
    let got = bob.fetch_unseen(9).await.unwrap();
    assert_eq!(got[0].text().unwrap().expose().trim_end(), "The price is [redacted: aws access key].");
}

#[tokio::test(start_paused = true)]
async fn a_message_is_counted_once_when_it_goes() {
    let world = World::new();
    let mail = with(&world, asking().with_agent_budget(Budget::per_hour(3)));
    let (ada, bob) = two(&mail).await;
    let desk = mail.approvals();
    let mut names = Vec::new();
    for _ in 0..5 {
        names.push(held(&ada, offer(&bob)).await);
    }
    // What is rejected took nothing.
    desk.reject(&desk.get(&names[4]).await.unwrap(), "Eve", "").await.unwrap();
    let seen = desk.get(&names[0]).await.unwrap();
    let (one, other, third) = tokio::join!(
        desk.approve(&seen, "Eve", ""),
        desk.approve(&seen, "Carol", ""),
        desk.approve(&seen, "Dave", ""),
    );
    assert_eq!([&one, &other, &third].iter().filter(|outcome| outcome.is_ok()).count(), 1);
    desk.approve(&desk.get(&names[1]).await.unwrap(), "Eve", "").await.unwrap();
    deliver(&mail).await;
    ada.send(NewMessage::to(bob.address())).await.unwrap();
    let late = desk.get(&names[2]).await.unwrap();
    let error = desk.approve(&late, "Eve", "").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
    assert_eq!(desk.pending().await.unwrap().len(), 2, "they wait for room");
    tokio::time::sleep(Duration::from_mins(70)).await;
    desk.approve(&late, "Eve", "").await.unwrap();
    deliver(&mail).await;
    assert_eq!(bob.fetch_unseen(9).await.unwrap().len(), 4);
}

fn asks_of_all(reason: &str) -> Arc<RequireApproval> {
    Arc::new(RequireApproval::when(reason, |_| true))
}

#[tokio::test(start_paused = true)]
async fn an_approval_passes_the_check_that_held_it_wherever_that_stands_in_a_later_run() {
    for is_filter in [false, true] {
        let world = World::new();
        let run = |checks: &[Arc<RequireApproval>]| {
            let checks = checks.iter().cloned();
            let builder = world.system();
            if is_filter {
                builder.policy(checks.fold(Policy::new(), |policy, check| policy.with_filter(check)))
            } else {
                checks.fold(builder, |builder, check| builder.outbound_check(check))
            }
            .build()
            .unwrap()
        };
        let [price, house, night] = ["price", "house", "night"].map(asks_of_all);
        let mail = run(std::slice::from_ref(&price));
        let (ada, bob) = two(&mail).await;
        let first = held(&ada, offer(&bob)).await;

        // The program is started again, with another check before and one behind.
        let mail = run(&[house, price, night]);
        let desk = mail.approvals();
        let mut id = first;
        for reason in ["price", "house"] {
            let asked = desk.get(&id).await.unwrap();
            assert_eq!(asked.reason, reason);
            let error = desk.approve(&asked, "Eve", "").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Held, "the next one asks: {error}");
            id = error.code().unwrap().parse().unwrap();
        }
        let last = desk.get(&id).await.unwrap();
        assert_eq!(last.reason, "night");
        desk.approve(&last, "Eve", "").await.unwrap();
        deliver(&mail).await;
        assert_eq!(bob.fetch_unseen(9).await.unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn checks_of_one_name_are_told_apart_by_their_order() {
    let world = World::new();
    let all = || {
        let builder = world.system().outbound_check(asks_of_all("twice"));
        builder.outbound_check(asks_of_all("twice")).build().unwrap()
    };
    let mail = all();
    let (ada, bob) = two(&mail).await;
    let first = held(&ada, offer(&bob)).await;
    let desk = all().approvals();
    let error = desk.approve(&desk.get(&first).await.unwrap(), "Eve", "").await.unwrap_err();
    let second: HeldId = error.code().unwrap().parse().unwrap();
    desk.approve(&desk.get(&second).await.unwrap(), "Eve", "").await.unwrap();
    assert_eq!(queued(&ada).await.len(), 1);
}

/// Two programs over one state, which know nothing of each other.
fn two_programs(world: &World, policy: impl Fn() -> Policy) -> [AgentMail; 2] {
    let state = Arc::new(agent_mail::MemoryState::default());
    [(); 2].map(|()| {
        let state = Pausing::once(state.clone()) as Arc<dyn StateStore>;
        world.system().state(state).policy(policy()).build().unwrap()
    })
}

#[tokio::test(start_paused = true)]
async fn approvers_in_two_programs_take_a_message_out_of_the_budget_once() {
    let world = World::new();
    let [mail, other] = two_programs(&world, || asking().with_agent_budget(Budget::per_hour(2)));
    let (ada, bob) = two(&mail).await;
    let name = held(&ada, offer(&bob)).await;
    let seen = mail.approvals().get(&name).await.unwrap();
    let (here, there) = (mail.approvals(), other.approvals());
    let (one, two) = tokio::join!(here.approve(&seen, "Eve", ""), there.approve(&seen, "Carol", ""));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    ada.send(NewMessage::to(bob.address())).await.unwrap();
    let error = ada.send(NewMessage::to(bob.address())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
}

#[tokio::test(start_paused = true)]
async fn handlers_in_two_programs_take_their_mail_out_of_the_budget_once() {
    let world = World::new();
    let [mail, other] = two_programs(&world, || Policy::new().with_agent_budget(Budget::per_hour(3)));
    let (ada, bob) = two(&mail).await;
    bob.send(NewMessage::to(ada.address())).await.unwrap();
    let there = other.open(ada.id()).await.unwrap();
    let (mut one, mut two) = (ada.events(), there.events());
    let (one, two) = (one.next().await.unwrap().unwrap(), two.next().await.unwrap().unwrap());
    let plain = || Sending::new(NewMessage::to(bob.address()));
    let effects = || Effects::new().with_send(plain()).with_send(plain());
    let (one, two) = tokio::join!(one.ack_with(effects()), two.ack_with(effects()));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    ada.enqueue(plain()).await.unwrap();
    assert_eq!(ada.enqueue(plain()).await.unwrap_err().kind(), ErrorKind::RateLimited);
    assert_eq!(queued(&ada).await.len(), 3);
    // What is not written takes nothing: there is room for one, and these are two.
    tokio::time::sleep(Duration::from_mins(70)).await;
    ada.enqueue(plain()).await.unwrap();
    ada.enqueue(plain()).await.unwrap();
    assert_eq!(ada.commit(effects()).await.unwrap_err().kind(), ErrorKind::RateLimited);
    ada.enqueue(plain()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn wherever_an_approval_is_dropped_that_the_next_check_holds_one_message_waits() {
    for points in 0.. {
        let world = World::new();
        let state = Pausing::once(Arc::new(agent_mail::MemoryState::default())) as Arc<dyn StateStore>;
        let builder = world.system().state(state);
        let builder = ["price", "house"]
            .map(asks_of_all)
            .into_iter()
            .fold(builder, |builder, check| builder.outbound_check(check));
        let mail = builder.build().unwrap();
        let (ada, bob) = two(&mail).await;
        let first = held(&ada, offer(&bob)).await;
        let desk = mail.approvals();
        let seen = desk.get(&first).await.unwrap();
        let ended = drop_after(points, desk.approve(&seen, "Eve", "")).await;
        let waits = desk.pending().await.unwrap();
        assert_eq!(waits.len(), 1, "after {points} polls");
        let is_decided = desk.get(&first).await.unwrap().decision.is_some();
        assert_eq!(waits[0].reason, if is_decided { "house" } else { "price" });
        if let Some(ended) = ended {
            assert_eq!(ended.unwrap_err().kind(), ErrorKind::Held);
            break;
        }
    }
}
