//! What is sent while the password is changed goes once, and its copy is filed.

use std::time::SystemTime;

use agent_mail::backend::TimeAndChance;
use agent_mail::mail_access::{Fault as MailFault, Outgoing, Query};
use agent_mail::{AgentMailbox, Sending};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use super::reading::rotated_after;
use super::*;
use crate::pausing::Pausing;

/// Tokio's clock from today on, as that is what the mail system has.
#[derive(Debug)]
struct Clock(SystemTime, Instant);

impl TimeAndChance for Clock {
    fn now(&self) -> SystemTime {
        self.0 + self.1.elapsed()
    }
    fn fill(&self, bytes: &mut [u8]) {
        agent_mail::backend::SystemTimeAndChance.fill(bytes);
    }
}

/// An agent and its system, in which every call gives way, and the world of both, with somebody outside.
async fn begun() -> (Embedded, AgentMail, AgentMailbox) {
    let world = Embedded::new("agents.example".parse().unwrap());
    world.post_office().add_domain("outside.example".parse().unwrap());
    world.post_office().add_mailbox(&eve(), "eves secret".into(), 0).unwrap();
    let mail = Pausing::once(Arc::new(world.post_office().clone()));
    let builder = world.system().mail_access(mail.clone()).message_store(mail);
    let clock = Arc::new(Clock(SystemTime::now(), Instant::now()));
    let system = builder.time_and_chance(clock).build().unwrap();
    let ada = system.provision(&id()).await.unwrap();
    (world, system, ada)
}

fn eve() -> Address {
    "eve@outside.example".parse().unwrap()
}

/// Runs the courier for a time in which it does what is due, and changes the password somewhere in it.
async fn delivered_after(points: usize, system: &AgentMail, ada: &AgentMailbox) -> bool {
    let a_while = async {
        for _ in 0..150 {
            yield_now().await;
        }
    };
    let courier = system.courier();
    let ((), was_early) = rotated_after(points, system, Box::pin(courier.run(a_while))).await;
    assert!(ada.outbox().await.unwrap().is_empty(), "after {points} polls");
    was_early
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_filed_wherever_the_new_password_came() {
    for points in 0.. {
        let (_, system, ada) = begun().await;
        let copied = NewMessage::to(ada.address()).with_subject("copied");
        ada.enqueue(Sending::new(copied)).await.unwrap();
        let was_early = delivered_after(points, &system, &ada).await;
        let found = ada.search(&Query::Subject("copied".into())).await.unwrap();
        let sent = found.iter().filter(|place| place.folder.as_str() == "Sent").count();
        assert_eq!((found.len(), sent), (2, 1), "after {points} polls");
        if !was_early {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_answered_is_not_sent_again_wherever_the_new_password_came() {
    for points in 0.. {
        let (world, system, ada) = begun().await;
        let office = world.post_office();
        office.fail_next(ada.address(), MailFault::SubmitTakenAndLost);
        let queued = ada.enqueue(Sending::new(NewMessage::to(eve()))).await.unwrap();
        system.courier().run(sleep(Duration::from_millis(100))).await;
        assert_eq!(ada.outbox().await.unwrap().len(), 1, "nobody knows whether it was sent");
        let answer = format!(
            "Message-ID: <1@outside.example>\r\nFrom: {}\r\nIn-Reply-To: {}\r\n\r\nyes\r\n",
            eve(),
            queued.message_id
        );
        let id = "1@outside.example".parse().unwrap();
        let answer = Outgoing::restore(eve(), vec![ada.address().clone()], id, answer).unwrap();
        office.receive(&answer).await.unwrap();
        sleep(Duration::from_mins(1)).await;
        let was_early = delivered_after(points, &system, &ada).await;
        let login = Login::new(eve(), "eves secret".into());
        let got = office.fetch(&login, &Selection::Unseen, 9).await.unwrap().messages.len();
        assert_eq!(got, 1, "after {points} polls");
        if !was_early {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_came_to_an_agent_is_not_sent_again_wherever_its_new_password_came() {
    for points in 0.. {
        let (world, system, ada) = begun().await;
        world.post_office().fail_next(ada.address(), MailFault::SubmitTakenAndLost);
        ada.enqueue(Sending::new(NewMessage::to(ada.address()))).await.unwrap();
        system.courier().run(sleep(Duration::from_millis(100))).await;
        sleep(Duration::from_mins(1)).await;
        let was_early = delivered_after(points, &system, &ada).await;
        assert_eq!(ada.fetch_unseen(9).await.unwrap().len(), 1, "after {points} polls");
        if !was_early {
            break;
        }
    }
}
