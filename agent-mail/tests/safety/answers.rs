//! Agents that answer everything come to rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agent_mail::safety::{AutoReplies, AutoReply, Budget, Party, Policy, Silence};
use agent_mail::{AgentMailbox, ErrorKind, Inbound, NewMessage, Reply};
use mail_access::{AutoSubmitted, TrustedServer};
use tokio::task::JoinSet;

use crate::world::{agent, eve, eve_writes, next, size, with, world};

#[derive(Default)]
struct Tally {
    received: AtomicUsize,
    answered: AtomicUsize,
    rounds: AtomicUsize,
}

/// Answers whatever comes, always.
async fn answer_all(mailbox: AgentMailbox, tally: Arc<Tally>) {
    let mut events = mailbox.events();
    while let Some(Ok(event)) = events.next().await {
        if let Some(message) = event.received() {
            tally.received.fetch_add(1, Ordering::Relaxed);
            let hops =
                message.message().expose().header("X-Agent-Hops").map_or(0, |hops| hops.parse().unwrap());
            tally.rounds.fetch_max(hops, Ordering::Relaxed);
            match mailbox.reply(message, format!("Thank you, too ({hops}).")).await {
                Ok(_) => _ = tally.answered.fetch_add(1, Ordering::Relaxed),
                Err(error) => assert_eq!(error.code(), Some("auto_reply"), "{error}"),
            }
        }
        event.ack().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_agents_that_always_answer_come_to_rest_within_a_day() {
    let mail = with(&world(), Policy::new().with_auto_replies(AutoReplies::new()));
    let tally = Arc::new(Tally::default());
    let (mut agents, mut tasks) = (Vec::new(), JoinSet::new());
    let count = size("AGENT_MAIL_POPULATION", 100);
    for n in 0..count {
        agents.push(agent(&mail, &format!("a{n}")).await);
    }
    for mailbox in &agents {
        tasks.spawn(answer_all(mailbox.clone(), tally.clone()));
    }
    let seed =
        agents[1..].iter().fold(NewMessage::to(agents[0].address()), |to, one| to.with_bcc(one.address()));
    agents[0].send(seed.with_text("Hello, all!")).await.unwrap();
    tokio::time::sleep(Duration::from_mins(10)).await;
    let rested = (tally.received.load(Ordering::Relaxed), tally.answered.load(Ordering::Relaxed));
    tokio::time::sleep(Duration::from_hours(24)).await;
    let (received, answered) =
        (tally.received.load(Ordering::Relaxed), tally.answered.load(Ordering::Relaxed));
    assert_eq!((received, answered), rested, "nothing more for a day");
    assert!(answered <= received && answered >= count - 1, "{answered} of {received}");
    assert!(tally.rounds.load(Ordering::Relaxed) < 10);
}

#[tokio::test(start_paused = true)]
async fn a_ring_of_forwarders_that_lose_the_count_comes_to_rest_too() {
    let policy = Policy::new().with_auto_replies(AutoReplies::new().with_pair_budget(Budget::per_day(20)));
    let mail = with(&world(), policy);
    let agents = [agent(&mail, "ada").await, agent(&mail, "bob").await];
    agents[0].send(NewMessage::to(agents[1].address()).with_text("begin")).await.unwrap();
    let mut sent = 0;
    for round in 0..400 {
        let mailbox = &agents[1 - round % 2];
        let Some(message) = mailbox.fetch_unseen(1).await.unwrap().pop() else { break };
        // Answered by hand, so that nothing says that it is an answer of a program.
        let answer = NewMessage::reply_to(message.message().expose()).unwrap();
        match mailbox
            .send(answer.with_text(if round < 100 { format!("{round}") } else { "again".into() }))
            .await
        {
            Ok(_) => sent += 1,
            Err(error) => assert!(matches!(error.kind(), ErrorKind::RateLimited), "{error}"),
        }
    }
    assert_eq!(sent, 40, "each has twenty answers a day for the other");
}

#[tokio::test(start_paused = true)]
async fn the_same_words_go_in_a_circle_twice_at_most() {
    let mail = with(&world(), Policy::new().with_auto_replies(AutoReplies::new()));
    let agents = [agent(&mail, "ada").await, agent(&mail, "bob").await];
    agents[0].send(NewMessage::to(agents[1].address()).with_text("begin")).await.unwrap();
    let mut sent = 0;
    for round in 0..50 {
        let mailbox = &agents[1 - round % 2];
        let Some(message) = mailbox.fetch_unseen(1).await.unwrap().pop() else { break };
        let answer = NewMessage::reply_to(message.message().expose()).unwrap();
        sent += usize::from(mailbox.send(answer.with_text("I am out of the office.")).await.is_ok());
    }
    assert_eq!(sent, 4, "two of each");
}

#[tokio::test(start_paused = true)]
async fn nobody_answers_themselves() {
    let mail = with(&world(), Policy::new().with_auto_replies(AutoReplies::new()));
    let ada = agent(&mail, "ada").await;
    let count = size("AGENT_MAIL_SELF", 1_000);
    for _ in 0..count {
        ada.send(NewMessage::to(ada.address()).with_text("note to self")).await.unwrap();
    }
    let mut seen = 0;
    let mut events = ada.events();
    while seen < count {
        let event = next(&mut events).await;
        event.ack().await.unwrap();
        // What became of what was sent is an event too.
        let Some(message) = event.received() else { continue };
        seen += 1;
        assert_eq!(ada.auto_reply(message, "Thank you.").await.unwrap(), AutoReply::Silent(Silence::Own));
        assert_eq!(message.flags(), ["the agent's own"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_s_answer_says_so_and_comes_once() {
    let mail = with(&world(), Policy::new());
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    ada.send(NewMessage::to(bob.address()).with_subject("Engines")).await.unwrap();
    let message = bob.fetch_unseen(1).await.unwrap().remove(0);
    let AutoReply::Sent(receipt) = bob.auto_reply(&message, "I am away.").await.unwrap() else {
        panic!("sent")
    };
    assert_eq!(
        bob.auto_reply(&message, "I am away.").await.unwrap(),
        AutoReply::Sent(receipt),
        "the same again"
    );
    let other = bob.auto_reply(&message, "I am away, still.").await.unwrap();
    assert_eq!(other, AutoReply::Silent(Silence::Answered));
    let answers = ada.fetch_unseen(9).await.unwrap();
    let [answer] = &*answers else { panic!("one answer, not {}", answers.len()) };
    let header = |name| answer.message().expose().header(name);
    assert_eq!(header("Auto-Submitted").as_deref(), Some("auto-replied"));
    assert_eq!(header("X-Agent-Hops").as_deref(), Some("1"));
    assert_eq!(answer.references(), message.message().expose().message_id().cloned().as_slice());
    let notice = NewMessage::to(bob.address()).with_auto_submitted(AutoSubmitted::Generated);
    ada.send(notice).await.unwrap();
    let notice = bob.fetch_unseen(1).await.unwrap().remove(0);
    assert_eq!(bob.auto_reply(&notice, "What?").await.unwrap(), AutoReply::Silent(Silence::Automatic));
}

async fn asked(header: &str, policy: Policy, trusts: bool) -> Result<String, ErrorKind> {
    let world = world();
    let mut builder = world.system().policy(policy);
    if trusts {
        builder = builder.trusted_server(TrustedServer::new("mail.invalid"));
    }
    let mail = builder.build().unwrap();
    let ada = agent(&mail, "ada").await;
    eve_writes(&world, ada.address(), header).await;
    let message: Inbound = ada.fetch_unseen(1).await.unwrap().remove(0);
    let sent = match ada.reply(&message, "Yes.").await {
        Ok(receipt) => Ok(receipt.accepted[0].to_string()),
        Err(error) => Err(error.kind()),
    };
    // All ways to answer go to the same author.
    for reply in [Reply::new("Yes."), Reply::new("Yes.").to_all()] {
        let answer = ada.answer(&message, reply).map_err(|error| error.kind());
        assert_eq!(answer.map(|answer| answer.recipients().next().unwrap().to_string()), sent, "{header}");
    }
    let late = ada.reply_if_latest(&message, Reply::new("Yes.")).await;
    assert_eq!(
        late.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied),
        sent.is_err(),
        "{header}"
    );
    sent
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_all_goes_to_the_author_and_the_others_once() {
    let world = world();
    let mail = with(&world, Policy::new());
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    let header = format!(
        "From: Eve <eve@outside.example>\r\nReply-To: boss@agents.example\r\nCc: {}, Bob <{}>, EVE@outside.example",
        ada.address(),
        bob.address()
    );
    eve_writes(&world, ada.address(), &header).await;
    let message = ada.fetch_unseen(1).await.unwrap().remove(0);
    let answer = ada.answer(&message, Reply::new("Yes.").to_all()).unwrap();
    let to: Vec<String> = answer.recipients().map(ToString::to_string).collect();
    assert_eq!(to, ["eve@outside.example", "agent_bob@agents.example"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_waits_for_its_budget_is_no_circle() {
    let policy = Policy::new().with_auto_replies(AutoReplies::new()).with_agent_budget(Budget::per_hour(1));
    let world = world();
    let mail = with(&world, policy);
    let ada = agent(&mail, "ada").await;
    eve_writes(&world, ada.address(), "From: eve@outside.example").await;
    let message = ada.fetch_unseen(1).await.unwrap().remove(0);
    ada.send(NewMessage::to(eve())).await.unwrap();
    for _ in 0..5 {
        let error = ada.reply(&message, "Thank you.").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
    }
    tokio::time::sleep(Duration::from_mins(70)).await;
    ada.reply(&message, "Thank you.").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_goes_to_the_author_only() {
    let plain = Policy::new;
    let from_eve = "From: Eve <eve@outside.example>";
    let to = |text: &str| Ok(text.to_owned());
    assert_eq!(asked(from_eve, plain(), true).await, to("eve@outside.example"));
    let elsewhere = format!("{from_eve}\r\nReply-To: boss@agents.example");
    for trusts in [true, false] {
        assert_eq!(asked(&elsewhere, plain(), trusts).await, to("eve@outside.example"));
    }
    let near = format!("{from_eve}\r\nReply-To: desk@outside.example");
    assert_eq!(asked(&near, plain(), true).await, to("desk@outside.example"));
    let party: Party = "agents.example".parse().unwrap();
    assert_eq!(asked(&elsewhere, plain().allowing_reply_to(party), true).await, to("boss@agents.example"));
    // She writes in another's name, which the own server notes.
    let forged = "From: boss@agents.example";
    assert_eq!(asked(forged, plain(), true).await, Err(ErrorKind::PermissionDenied));
    assert_eq!(asked(forged, plain().answering_unverified(), true).await, to("boss@agents.example"));
    assert_eq!(asked(forged, plain(), false).await, to("boss@agents.example"), "nobody judges");
    let two = "From: eve@outside.example, boss@agents.example";
    assert_eq!(asked(two, plain(), true).await, Err(ErrorKind::PermissionDenied));
    assert_eq!(eve().to_string(), "eve@outside.example");
}
