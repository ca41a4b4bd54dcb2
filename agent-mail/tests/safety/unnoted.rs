//! What is sent without a note of it: asked about like all mail, and written down nowhere.

use std::sync::Arc;
use std::time::Duration;

use agent_mail::backend::StateStore;
use agent_mail::safety::{Budget, Direction, Policy, Scope};
use agent_mail::{
    AgentMail, AgentMailbox, Embedded, ErrorKind, MemoryState, NewMessage, Period, RequireApproval, Usage,
};
use mail_access::{Address, Fault, Refusal};

use crate::world::{agent, eve, with, world};

fn to(address: &Address) -> NewMessage {
    NewMessage::to(address).with_subject("unnoted").with_text("hello")
}

async fn two_agents(world: &Embedded, state: &Arc<MemoryState>) -> (AgentMail, AgentMailbox, AgentMailbox) {
    let mail = world.system().state(state.clone()).build().unwrap();
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    (mail, ada, bob)
}

#[tokio::test(start_paused = true)]
async fn it_arrives_and_leaves_no_record() {
    let (world, state) = (world(), Arc::default());
    let (_mail, ada, bob) = two_agents(&world, &state).await;
    let before = state.scan("").await.unwrap();

    let receipt = ada.send_unnoted(to(bob.address()).with_cc(eve())).await.unwrap();
    assert_eq!(receipt.accepted, [bob.address().clone(), eve()]);
    assert!(receipt.refused.is_empty());
    let office = world.post_office();
    for (fault, kind) in [
        (Fault::SubmitRefused(Refusal::PERMANENT), ErrorKind::Rejected),
        (Fault::SubmitUnavailable, ErrorKind::Unavailable),
        (Fault::SubmitTakenAndLost, ErrorKind::Interrupted),
    ] {
        office.fail_next(ada.address(), fault);
        assert_eq!(ada.send_unnoted(to(bob.address())).await.unwrap_err().kind(), kind);
    }

    let arrived = bob.fetch_unseen(9).await.unwrap();
    assert_eq!(arrived.len(), 2, "the first, and the one whose link was lost behind it");
    assert_eq!(arrived[0].message_id().unwrap().expose(), &receipt.message_id);
    assert_eq!(state.scan("").await.unwrap(), before);
    assert!(ada.unconfirmed().await.unwrap().is_empty());
    assert_eq!(ada.usage(Period::all()).await.unwrap(), Usage::default());
}

#[tokio::test(start_paused = true)]
async fn rules_budgets_and_the_switch_hold_for_it() {
    let world = world();
    let policy = Policy::new()
        .with_agent_budget(Budget::per_hour(3))
        .blocking(Direction::Send, "outside.example".parse().unwrap());
    let mail = with(&world, policy);
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    assert_eq!(ada.send_unnoted(to(&eve())).await.unwrap_err().kind(), ErrorKind::PermissionDenied);

    mail.stop_sending(&Scope::Agent(ada.id().clone()), "a test").await.unwrap();
    let stopped = ada.send_unnoted(to(bob.address())).await.unwrap_err();
    assert_eq!((stopped.kind(), stopped.code()), (ErrorKind::NotReady, Some("sending_stopped")));
    mail.allow_sending(&Scope::Agent(ada.id().clone())).await.unwrap();

    // Out of one budget with what is noted.
    ada.send(to(bob.address())).await.unwrap();
    for _ in 0..2 {
        ada.send_unnoted(to(bob.address())).await.unwrap();
    }
    for over in [ada.send_unnoted(to(bob.address())).await, ada.send(to(bob.address())).await] {
        assert_eq!(over.unwrap_err().kind(), ErrorKind::RateLimited);
    }
    assert_eq!(bob.fetch_unseen(9).await.unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_goes_through_the_outbox_once_it_is_approved() {
    let world = world();
    let approval = RequireApproval::when("all", |_| true);
    let mail = world.system().outbound_check(Arc::new(approval)).build().unwrap();
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    assert_eq!(ada.send_unnoted(to(bob.address())).await.unwrap_err().kind(), ErrorKind::Held);
    let desk = mail.approvals();
    let pending = desk.pending().await.unwrap();
    assert_eq!(pending.len(), 1);
    desk.approve(&pending[0], "Eve", "").await.unwrap();
    mail.courier().run(tokio::time::sleep(Duration::from_mins(1))).await;
    assert_eq!(bob.fetch_unseen(9).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_another_system_retired_sends_nothing() {
    let (world, state) = (world(), Arc::default());
    let (_mail, ada, bob) = two_agents(&world, &state).await;
    world.system().state(state.clone()).build().unwrap().retire(ada.id()).await.unwrap();
    let after = state.scan("").await.unwrap();
    let error = ada.send_unnoted(to(bob.address())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(bob.fetch_unseen(9).await.unwrap().is_empty());
    assert_eq!(state.scan("").await.unwrap(), after);
}
