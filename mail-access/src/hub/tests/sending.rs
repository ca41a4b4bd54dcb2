use super::*;
use crate::{Fault, FaultRule, HubProblem, Kind, MailAccess, Policy, Refusal, Selection};

fn policy(office: Policy) -> World {
    World::of(PostOffice::builder().with_policy(office).build())
}

#[tokio::test(start_paused = true)]
async fn one_address_writes_to_another() {
    let world = World::new();
    let hub = world.hub();
    let [ada, bob] =
        ["ada@agents.example", "bob@b\u{fc}cher.example"].map(|name| hub.address(&address(name)));
    let sent =
        hub.submit(&letter(&address("Ada+x@agents.example"), &[&bob.address().unwrap()])).await.unwrap();
    assert_eq!(sent.accepted, [bob.address().unwrap()]);
    assert_eq!(take(&bob).await.0, "Engines");
    // Whom the hub doesn't have it doesn't send as, whatever the server allows.
    for other in ["eve@agents.example", "hub@hub.example", "ada@x.example"] {
        let refused = hub.submit(&letter(&address(other), &[&ada.address().unwrap()])).await;
        assert!(matches!(refused, Err(Error::Invalid { what: "sender", .. })), "{refused:?}");
    }
    // What can't be delivered comes back to the address that sent it.
    hub.submit(&letter(&ada.address().unwrap(), &[&address("nobody@hub.example")])).await.unwrap();
    let report = ada.next().await.unwrap();
    assert_eq!(
        (report.message().kind(), report.recipient()),
        (Kind::DeliveryReport, &ada.address().unwrap())
    );
}

#[tokio::test(start_paused = true)]
async fn copies_apart_pass_a_filter_of_duplicates() {
    let world = policy(Policy::like_postfix().with_duplicate_filter(true));
    let names = ["ada@agents.example", "bob@agents.example", "carol@b\u{fc}cher.example"].map(address);
    for (copies, expected) in [(Copies::Together, 1), (Copies::Apart, 3)] {
        let hub =
            world.builder().with_copies(copies).with_position(HubPosition::behind(world.end().await)).start();
        let mailboxes = names.each_ref().map(|name| hub.address(name));
        let away = address("away@hub.example");
        let letter = letter(&names[0], &[&names[0], &names[1], &away, &names[2]]);
        let sent = hub.submit(&letter).await.unwrap();
        assert_eq!((sent.accepted.len(), sent.refused.len()), (3, 1), "{sent:?}");
        let mut arrived = Vec::new();
        for mailbox in &mailboxes {
            if let Ok(delivery) = timeout(PATIENCE, mailbox.next()).await {
                arrived.push(delivery.unwrap().into_message());
            }
        }
        assert_eq!(arrived.len(), expected, "{copies:?}");
        assert_eq!(arrived[0].message_id(), Some(letter.message_id()));
        for copy in &arrived[1..] {
            assert_eq!(copy.references(), [letter.message_id().clone()]);
        }
        if copies == Copies::Apart {
            let all = hub.submit(&letter.with_all_or_nothing()).await;
            assert!(matches!(all, Err(Error::Invalid { .. })), "{all:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_became_of_each_copy_is_told() {
    let world = World::new();
    let hub = world.builder().with_copies(Copies::Apart).start();
    let names = ["ada@agents.example", "bob@agents.example", "carol@agents.example"].map(address);
    let mailboxes = names.each_ref().map(|name| hub.address(name));
    let message = letter(&names[0], &[&names[0], &names[1], &names[2]]);
    let refuse = |to: &Address| {
        let refusal = Refusal::new(450, (4, 2, 0), "later");
        world.office.add_fault(FaultRule::new(Fault::RecipientRefused(refusal)).with_recipient(to));
    };
    refuse(&names[1]);
    let sent = hub.submit(&message).await.unwrap();
    assert_eq!(sent.accepted, [names[0].clone(), names[2].clone()]);
    assert_eq!(sent.refused[0].0, names[1]);
    assert_eq!(take(&mailboxes[2]).await.0, "Engines");
    names.iter().for_each(refuse);
    let refused = hub.submit(&message).await;
    assert!(
        matches!(&refused, Err(Error::RecipientsRefused { refused, .. }) if refused.len() == 3),
        "{refused:?}"
    );
    // The second part can't be reached: the first one is not forgotten.
    let unavailable = FaultRule::new(Fault::SubmitUnavailable).with_recipient(&names[1]);
    world.office.add_fault(unavailable);
    let sent = hub.submit(&message).await.unwrap();
    assert_eq!(sent.accepted, [names[0].clone()]);
    assert!(
        sent.refused.iter().all(|(_, status)| status.is_temporary()) && sent.refused.len() == 2,
        "{sent:?}"
    );
    world.office.add_fault(FaultRule::new(Fault::SubmitLost).with_recipient(&names[2]));
    assert!(hub.submit(&message).await.unwrap_err().is_outcome_unknown());
}

#[tokio::test(start_paused = true)]
async fn a_check_says_what_the_server_lacks() {
    let domain = || DOMAINS[0].parse().unwrap();
    let world = World::new();
    let hub = world.hub();
    let check = hub.check(&domain(), PATIENCE).await.unwrap();
    assert!(check.problems.is_empty() && check.latency.is_some(), "{check:?}");
    assert_eq!((hub.addresses(), hub.position().open()), (0, 0));
    let unseen = world.office.fetch(&world.login, &Selection::Unseen, 10).await.unwrap();
    assert_eq!(unseen.messages.len(), 0);

    let world = policy(Policy::new().with_duplicate_filter(true));
    let check = world.hub().check(&domain(), PATIENCE).await.unwrap();
    assert_eq!((check.problems, check.latency), (vec![HubProblem::CopiesDropped], None));

    let world = World::new();
    let rule = EnvelopeRule::mailcow().with_field("Envelope-To").unwrap();
    let hub = Hub::builder(Arc::new(world.office.clone()), world.login.clone(), rule).start();
    assert_eq!(hub.check(&domain(), PATIENCE).await.unwrap().problems, [HubProblem::NoEvidence]);

    // Mailboxes elsewhere take the mail, and the hub has nothing to do with it.
    let world = policy(Policy::like_postfix());
    world.office.remove_catch_all(&domain()).unwrap();
    let problems = world.hub().check(&domain(), PATIENCE).await.unwrap().problems;
    assert!(
        matches!(problems[..], [HubProblem::MayNotSendAs(_), HubProblem::NothingArrives(Some(_))]),
        "{problems:?}"
    );
    world.office.add_mailbox(&address("other@agents.example"), "x".into(), 0).unwrap();
    world.office.add_catch_all(&domain(), vec![address("other@agents.example")]).unwrap();
    let problems = world.hub().check(&domain(), PATIENCE).await.unwrap().problems;
    assert!(
        matches!(problems[..], [HubProblem::MayNotSendAs(_), HubProblem::NothingArrives(None)]),
        "{problems:?}"
    );
    for problem in &problems {
        assert!(!problem.fix().contains('\n') && problem.fix().contains("`@domain`"), "{problem}");
    }
}
