//! Commands by mail: who is obeyed, what is a command, and how often.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use agent_mail::backend::StateStore;
use agent_mail::commands::{CommandAnswer, CommandMailbox, CommandResult, Commands, Rights};
use agent_mail::mail_access::{AutoSubmitted, MessageId, Outgoing, Verdict};
use agent_mail::{AgentMail, AgentMailbox, Inbound, NewMessage};
use serde_json::json;

use crate::{World, address, id};

const BOSS: &str = "boss@bank.example";
const DESK: &str = "agent_desk@agents.example";

fn order(text: impl Into<String>) -> NewMessage {
    NewMessage::to(address(DESK)).with_subject("An order").with_text(text)
}

fn create(agent: &str) -> String {
    json!({ "action": "create_mailbox", "agent": agent }).to_string()
}

/// Serves the mailbox for two hours, with a courier, and returns what was sent to the outside meanwhile.
async fn serve(
    world: &World,
    mail: &AgentMail,
    desk: &AgentMailbox,
    handler: &CommandMailbox,
) -> Vec<String> {
    let courier = mail.courier();
    tokio::select! {
        error = desk.serve(handler) => panic!("the serving ended: {error:?}"),
        () = courier.run(std::future::pending()) => unreachable!(),
        () = tokio::time::sleep(Duration::from_hours(2)) => {}
    }
    let departed = world.embedded.post_office().take_departed();
    departed.iter().map(|one| String::from_utf8_lossy(one.message.bytes()).into_owned()).collect()
}

async fn desk(world: &World) -> (AgentMail, AgentMailbox, CommandMailbox) {
    let mail = world.system();
    let desk = mail.provision(&id("desk")).await.unwrap();
    let handler = CommandMailbox::new().with_sender(address(BOSS), Commands::new(mail.clone()));
    (mail, desk, handler)
}

async fn agents(mail: &AgentMail) -> Vec<String> {
    let mut names: Vec<String> =
        mail.agents().await.unwrap().iter().map(|agent| agent.id.to_string()).collect();
    names.sort();
    names
}

#[tokio::test(start_paused = true)]
async fn who_is_proven_and_known_is_obeyed_and_answered_in_the_thread() {
    let world = World::new();
    let (mail, desk, handler) = desk(&world).await;
    let elsewhere = order(create("ada")).with_reply_to(address("eve@evil.example"));
    world.deliver(BOSS, elsewhere, Verdict::Pass).await;
    let answers = serve(&world, &mail, &desk, &handler).await;
    assert_eq!(agents(&mail).await, ["ada", "desk"]);
    let [answer] = &answers[..] else { panic!("{answers:?}") };
    for part in [
        "\r\nTo: boss@bank.example\r\n",
        "Subject: Re: An order",
        "Auto-Submitted: auto-replied",
        "In-Reply-To: <",
    ] {
        assert!(answer.contains(part), "{part} in {answer}");
    }
    assert!(answer.contains("agent_ada@agents.example") && !answer.contains("evil.example"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn who_is_not_proven_or_not_known_is_passed_over_in_silence() {
    let world = World::new();
    let (mail, desk, handler) = desk(&world).await;
    for verdict in [Verdict::Fail, Verdict::None, Verdict::SoftFail, Verdict::TempError] {
        world.deliver(BOSS, order(create("spoofed")), verdict).await;
    }
    world.deliver("eve@evil.example", order(create("stranger")), Verdict::Pass).await;
    world.deliver("boss@bank.example.evil.example", order(create("alike")), Verdict::Pass).await;
    // The right name beside another address, and verdicts that the author wrote.
    let forged = "Authentication-Results: mail.invalid; dmarc=pass header.from=bank.example\r\n";
    let command = create("forged");
    for from in ["\"boss@bank.example\" <eve@evil.example>", "boss@bank.example, eve@evil.example", BOSS] {
        let bytes = format!("{forged}From: {from}\r\nMessage-ID: <1@evil.example>\r\n\r\n{command}\r\n");
        let (eve, to) = (address("eve@evil.example"), vec![address(DESK)]);
        let outgoing =
            Outgoing::restore(eve, to, MessageId::generate(desk.address().domain()), bytes).unwrap();
        let office = world.embedded.post_office();
        let none = agent_mail::mail_access::Verdicts::all(Verdict::None);
        office.set_verdicts_for_sender(&address(BOSS), none);
        office.receive(&outgoing).await.unwrap();
    }
    // Another agent of the same system is proven, and not known.
    let ada = mail.provision(&id("ada")).await.unwrap();
    ada.send(order(create("by-ada"))).await.unwrap();
    assert_eq!(serve(&world, &mail, &desk, &handler).await, [""; 0]);
    assert_eq!(agents(&mail).await, ["ada", "desk"]);
    assert!(ada.fetch_unseen(9).await.unwrap().is_empty());

    // Without a trusted server nobody is proven.
    let blind = world.embedded.system().state(world.state.clone()).build().unwrap();
    let desk = blind.open(&id("desk")).await.unwrap();
    world.deliver(BOSS, order(create("blind")), Verdict::Pass).await;
    assert_eq!(serve(&world, &blind, &desk, &handler).await, [""; 0]);
    assert_eq!(agents(&mail).await, ["ada", "desk"]);
}

#[tokio::test(start_paused = true)]
async fn machines_are_not_obeyed_and_quotes_are_no_commands() {
    let world = World::new();
    let (mail, desk, handler) = desk(&world).await;
    let machine = |agent: &str| order(create(agent));
    for message in [
        machine("auto").with_auto_submitted(AutoSubmitted::Generated),
        machine("reply").with_auto_submitted(AutoSubmitted::Replied),
        machine("list").with_header("List-Id", "<ants.lists.example>"),
        machine("bulk").with_header("Precedence", "bulk"),
    ] {
        world.deliver(BOSS, message, Verdict::Pass).await;
    }
    assert_eq!(serve(&world, &mail, &desk, &handler).await, [""; 0], "not even answered");

    let quoted = format!("On 5/6/24 10:12, Bob wrote:\n> {}\n", create("quoted"));
    let below = format!("Please do that.\n\n{quoted}");
    let two = format!("{}\n{}", create("one"), create("two"));
    let between = format!("{{\n{quoted}\n\"action\": \"list_mailboxes\"}}\n");
    let signed = format!("Hello\n-- \n{}\n", create("signed"));
    let html = NewMessage::to(address(DESK)).with_html(format!("<p>{}</p>", create("html")));
    let forwarded = format!(
        "---------- Forwarded message ---------\nFrom: Eve <e@evil.example>\n\n{}",
        create("forwarded")
    );
    let orders = [quoted, below, two, between, signed, forwarded].map(order);
    for message in orders.into_iter().chain([html]) {
        world.deliver(BOSS, message, Verdict::Pass).await;
    }
    let answers = serve(&world, &mail, &desk, &handler).await;
    assert_eq!(answers.len(), 7, "each is told what is wrong");
    assert!(answers.iter().all(|answer| answer.contains("\"fix\"")), "{answers:?}");
    assert_eq!(agents(&mail).await, ["desk"]);

    // A command above a quote is one.
    let quote = create("quoted");
    let above = format!("{}\n\nOn 5/6/24 10:12, Bob wrote:\n> {quote}\n", create("ada"));
    world.deliver(BOSS, order(above), Verdict::Pass).await;
    assert_eq!(serve(&world, &mail, &desk, &handler).await.len(), 1);
    assert_eq!(agents(&mail).await, ["ada", "desk"]);
}

#[tokio::test(start_paused = true)]
async fn each_sender_has_rights_of_their_own_and_the_desk_stays() {
    let world = World::new();
    let (mail, desk, handler) = desk(&world).await;
    let ada = mail.provision(&id("ada")).await.unwrap();
    let handler = handler.with_sender(ada.address().clone(), Commands::of_agent(&ada));
    let boss = Commands::new(mail.clone()).with_rights(Rights::all());
    let handler = handler.with_sender(address("BOSS@bank.example"), boss);
    ada.send(order(create("eve"))).await.unwrap();
    ada.send(order(json!({ "action": "monitor_mailbox", "agent": "ada" }).to_string())).await.unwrap();
    for impossible in [
        json!({ "action": "delete_mailbox", "agent": "desk" }),
        json!({ "action": "monitor_all", "mark_seen": true }),
    ] {
        world.deliver(BOSS, order(impossible.to_string()), Verdict::Pass).await;
    }
    let answers = serve(&world, &mail, &desk, &handler).await;
    assert_eq!(answers.iter().filter(|answer| answer.contains("not_by_mail")).count(), 2, "{answers:?}");
    let own = ada.fetch_unseen(9).await.unwrap();
    let text = |message: &Inbound| message.text().unwrap().expose().to_owned();
    assert!(text(&own[0]).contains("not_allowed"), "{}", text(&own[0]));
    let answer: CommandAnswer = serde_json::from_str(&text(&own[1])).unwrap();
    let CommandAnswer::Result(CommandResult::MonitorMailbox { mailbox, .. }) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(mailbox.agent, id("ada"));
    assert_eq!(agents(&mail).await, ["ada", "desk"]);
}

#[tokio::test(start_paused = true)]
async fn the_same_mail_twice_is_obeyed_once() {
    let world = World::new();
    let (mail, desk, handler) = desk(&world).await;
    let cyd = mail.provision(&id("cyd")).await.unwrap();
    let send = json!({ "action": "send_email", "agent": "cyd", "to": [cyd.address()], "subject": "once" });
    let boss = address(BOSS);
    let all = agent_mail::mail_access::Verdicts::all(Verdict::Pass);
    world.embedded.post_office().set_verdicts_for_sender(&boss, all);
    let sealed = order(send.to_string()).seal(&boss.into()).unwrap();
    let mut answers = 0;
    for _ in 0..3 {
        // Each copy comes by another way, so that it isn't the same byte for byte.
        world.embedded.post_office().receive(&sealed).await.unwrap();
        answers += serve(&world, &mail, &desk, &handler).await.len();
    }
    assert_eq!((cyd.fetch_unseen(9).await.unwrap().len(), answers), (1, 1));
    // The same words in another mail are another command.
    world.deliver(BOSS, order(send.to_string()), Verdict::Pass).await;
    assert_eq!(serve(&world, &mail, &desk, &handler).await.len(), 1);
    assert_eq!(cyd.fetch_unseen(9).await.unwrap().len(), 1);
}

/// The program ends, or the state fails, at any point of the handling.
#[tokio::test(start_paused = true)]
async fn a_command_is_done_and_answered_once_wherever_it_is_broken_off() {
    for is_dropped in [true, false] {
        let mut points = 0;
        loop {
            let world = World::new();
            let (mail, desk, handler) = desk(&world).await;
            let cyd = mail.provision(&id("cyd")).await.unwrap();
            let send =
                json!({ "action": "send_email", "agent": "cyd", "to": [cyd.address()], "subject": "once" });
            world.deliver(BOSS, order(send.to_string()), Verdict::Pass).await;
            let over = if is_dropped {
                let mut serving = pin!(desk.serve(&handler));
                let waker = &mut Context::from_waker(Waker::noop());
                for _ in 0..points {
                    assert!(matches!(serving.as_mut().poll(waker), Poll::Pending));
                }
                !world.state.scan("agents.example/notes/").await.unwrap().is_empty()
            } else {
                world.state.fail_after(points);
                false
            };
            let answers = serve(&world, &mail, &desk, &handler).await;
            let over = over || (!is_dropped && world.state.calm());
            let arrived = cyd.fetch_unseen(9).await.unwrap().len();
            assert_eq!((arrived, answers.len()), (1, 1), "dropped {is_dropped} after {points}: {answers:?}");
            if over {
                break;
            }
            points += 1;
        }
        assert!(points > 8, "{points}");
    }
}
