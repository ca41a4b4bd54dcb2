//! Budgets are charged with what is written down: not twice, not for nothing, and not before it is known whether it counts.

use std::sync::Arc;

use agent_mail::backend::{StateStore, TimeAndChance};
use agent_mail::safety::{Budget, Policy, Scope};
use agent_mail::{
    AgentMail, Effects, Embedded, ErrorKind, MemoryState, NewMessage, RequireApproval, Sending,
};
use mail_access::{Login, MailAccess, Selection};

use crate::pausing::{Pausing, drop_after};
use crate::world::{Virtual, agent, eve, world};

/// Two programs over one state, which know nothing of each other.
fn two(world: &Embedded, budget: u32) -> [AgentMail; 2] {
    let state = Arc::new(MemoryState::default());
    let clock = Arc::new(Virtual::new(9)) as Arc<dyn TimeAndChance>;
    [(); 2].map(|()| {
        let asked = RequireApproval::when("all", |letter| letter.message.subject() == "hold");
        let policy = Policy::new().with_agent_budget(Budget::per_hour(budget)).with_filter(Arc::new(asked));
        let state = Pausing::once(state.clone()) as Arc<dyn StateStore>;
        world.system().state(state).time_and_chance(clock.clone()).policy(policy).build().unwrap()
    })
}

fn letter() -> NewMessage {
    NewMessage::to(eve()).with_text("hello")
}

#[tokio::test(start_paused = true)]
async fn a_key_that_two_programs_send_with_is_charged_once() {
    let world = world();
    let [mail, other] = two(&world, 2);
    let ada = agent(&mail, "ada").await;
    let there = other.open(ada.id()).await.unwrap();
    let (one, two) = tokio::join!(ada.send_once("k", letter()), there.send_once("k", letter()));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(one.err().or(two.err()).unwrap().kind(), ErrorKind::NotReady);
    ada.send(letter()).await.unwrap();
    assert_eq!(ada.send(letter()).await.unwrap_err().kind(), ErrorKind::RateLimited);
}

#[tokio::test(start_paused = true)]
async fn wherever_sending_is_dropped_it_is_charged_if_it_is_there() {
    for with_key in [false, true] {
        for points in 0.. {
            let world = world();
            let [mail, _] = two(&world, 1);
            let ada = agent(&mail, "ada").await;
            let ended = if with_key {
                drop_after(points, ada.send_once("k", letter())).await
            } else {
                drop_after(points, ada.send(letter())).await
            };
            let login = Login::new(eve(), "eves secret".into());
            let got = world.post_office().fetch(&login, &Selection::Unseen, 9).await.unwrap().messages.len();
            let is_there = got > 0 || !ada.unconfirmed().await.unwrap().is_empty();
            let next = ada.send(letter()).await;
            assert_eq!(next.is_err(), is_there, "{with_key}, {points}: {next:?}");
            if ended.is_some() {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_takes_nothing() {
    let world = world();
    let [mail, _] = two(&world, 1);
    let ada = agent(&mail, "ada").await;
    mail.stop_sending(&Scope::Domain, "a test").await.unwrap();
    let error = ada.send(letter()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotReady, "{error}");
    mail.allow_sending(&Scope::Domain).await.unwrap();
    ada.send(letter()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_comes_second_hears_so_though_the_first_has_used_up_the_budget() {
    let world = world();
    let [mail, other] = two(&world, 1);
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    let there = other.open(ada.id()).await.unwrap();
    let sending = || Sending::new(letter()).with_key("k");
    let (one, two, three) =
        tokio::join!(ada.enqueue(sending()), ada.enqueue(sending()), there.enqueue(sending()));
    assert_eq!(one.unwrap(), two.unwrap());
    assert_eq!(three.unwrap().message_id, ada.outbox().await.unwrap()[0].message_id);
    let more = ada.enqueue(Sending::new(letter())).await.unwrap_err();
    assert_eq!(more.kind(), ErrorKind::RateLimited);

    let held = bob.send(letter().with_subject("hold")).await.unwrap_err();
    let seen = mail.approvals().get(&held.code().unwrap().parse().unwrap()).await.unwrap();
    let (here, elsewhere) = (mail.approvals(), other.approvals());
    let (one, two) = tokio::join!(here.approve(&seen, "Eve", ""), elsewhere.approve(&seen, "Carol", ""));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(one.err().or(two.err()).unwrap().kind(), ErrorKind::Stale);

    let (cyd, eventful) = (agent(&mail, "cyd").await, agent(&other, "cyd").await);
    world.post_office().receive(&NewMessage::to(cyd.address()).seal(&eve().into()).unwrap()).await.unwrap();
    let (mut one, mut two) = (cyd.events(), eventful.events());
    let (one, two) = (one.next().await.unwrap().unwrap(), two.next().await.unwrap().unwrap());
    let effects = || Effects::new().with_send(Sending::new(letter()));
    let (one, two) = tokio::join!(one.ack_with(effects()), two.ack_with(effects()));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(one.err().or(two.err()).unwrap().kind(), ErrorKind::Stale);
}
