use std::time::Duration;

use agent_mail::mail_access::{Kind, Refusal};
use agent_mail::simulator::{Correspondent, Reaction, Simulation};
use agent_mail::{EventKind, NewMessage};

use super::{address, id, note};

fn hours(n: u64) -> Duration {
    Duration::from_secs(3_600 * n)
}

#[tokio::test(start_paused = true)]
async fn each_correspondent_does_as_its_script_says() {
    let world = Simulation::builder(1)
        .correspondent(&address("answers@outside.example"), Correspondent::answering(hours(1), "Gladly."))
        .correspondent(&address("gone@outside.example"), Correspondent::unknown(hours(2)))
        .correspondent(&address("angry@outside.example"), Correspondent::complaining(hours(3)))
        .correspondent(&address("away@outside.example"), Correspondent::away("Until Monday."))
        .correspondent(&address("enough@outside.example"), Correspondent::unsubscribing(hours(4)))
        .correspondents_of("quiet.example".parse().unwrap(), Correspondent::silent())
        .anybody_else(Correspondent::unknown(hours(5)))
        .build();
    let mail = world.system().build().unwrap();
    let ada = mail.provision(&id("ada")).await.unwrap();
    let mut ids = std::collections::BTreeMap::new();
    for to in [
        "answers@outside.example",
        "gone@outside.example",
        "angry@outside.example",
        "Away@outside.example",
        "enough@outside.example",
        "whoever@quiet.example",
        "whoever@nowhere.example",
    ] {
        ids.insert(ada.send(note(&address(to), "offer")).await.unwrap().message_id, to);
    }
    assert_eq!(world.take_departed().len(), 7);
    assert!(world.take_departed().is_empty());

    let mut events = ada.events();
    let mut seen = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(hours(48), events.next()).await {
        let event = event.unwrap();
        let told = match event.kind() {
            EventKind::Received(message) => {
                let original = message.in_reply_to().and_then(|id| ids.get(id.expose()).copied());
                format!("{:?} {} {:?}", message.kind(), message.subject().expose(), original)
            }
            EventKind::Bounced(report) => format!("bounced {}", ids[&report.message_id]),
            EventKind::Complaint(report) => format!("complaint {}", ids[&report.message_id]),
            other => panic!("{other:?}"),
        };
        seen.push((world.elapsed().as_secs() / 3_600, told));
        event.ack().await.unwrap();
    }
    let expected = [
        (0, format!("{:?} Re: offer Some(\"Away@outside.example\")", Kind::AutoReply)),
        (1, format!("{:?} Re: offer Some(\"answers@outside.example\")", Kind::Letter)),
        (2, "bounced gone@outside.example".to_owned()),
        (3, "complaint angry@outside.example".to_owned()),
        (4, format!("{:?} unsubscribe Some(\"enough@outside.example\")", Kind::Letter)),
        (5, "bounced whoever@nowhere.example".to_owned()),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test(start_paused = true)]
async fn a_script_decides_by_the_message_and_writes_what_it_likes() {
    let invoice =
        NewMessage::to(address("agent_ada@agents.example")).with_subject("invoice").with_text("7 EUR");
    let shop = Correspondent::by(move |message, dice| {
        let within = dice.between(hours(1), hours(2));
        if message.subject().contains("order") {
            vec![Reaction::answer(within, "Thank you."), Reaction::write(hours(10), invoice.clone())]
        } else {
            vec![Reaction::bounce(hours(1), Refusal::PERMANENT)]
        }
    });
    let world = Simulation::builder(3).correspondent(&address("shop@outside.example"), shop).build();
    let mail = world.system().build().unwrap();
    let ada = mail.provision(&id("ada")).await.unwrap();
    ada.send(note(&address("shop@outside.example"), "order 7")).await.unwrap();
    let mut events = ada.events();
    let thanks = events.next().await.unwrap().unwrap();
    assert_eq!(thanks.received().unwrap().subject(), "Re: order 7");
    let invoice = events.next().await.unwrap().unwrap();
    assert_eq!(invoice.received().unwrap().subject(), "invoice");
    assert_eq!(world.elapsed().as_secs() / 3_600, 10);
}

#[tokio::test(start_paused = true)]
async fn a_machine_out_there_doesn_t_answer_machines() {
    let away = Correspondent::away("Until Monday.");
    let world = Simulation::builder(1).anybody_else(away).build();
    let mail = world.system().build().unwrap();
    let ada = mail.provision(&id("ada")).await.unwrap();
    let report = note(&address("bo@outside.example"), "report");
    ada.send(report.with_auto_submitted(agent_mail::mail_access::AutoSubmitted::Generated)).await.unwrap();
    assert!(tokio::time::timeout(hours(24), ada.events().next()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn somebody_outside_writes_first() {
    let world = Simulation::builder(1).build();
    let mail = world.system().build().unwrap();
    let ada = mail.provision(&id("ada")).await.unwrap();
    let to_ada = note(ada.address(), "a question");
    let sent = world.write_from_outside(&address("ines@outside.example"), to_ada, hours(3)).unwrap();
    let event = ada.events().next().await.unwrap().unwrap();
    assert_eq!(event.received().unwrap().message_id().unwrap(), &sent);
    assert_eq!(world.elapsed(), hours(3));
}
