//! What is read while the password is changed is read once, and as a whole.

use std::pin::pin;
use std::task::Poll;
use std::time::SystemTime;

use agent_mail::commands::{Command, CommandResult, Commands, Reading};
use agent_mail::mail_access::Query;
use agent_mail::{AgentMailbox, Conversations};

use super::*;
use crate::pausing::Pausing;

/// Polls a future `times` times, changes the password, and waits for the end of it; whether that was still to come.
pub(super) async fn rotated_after<F: Future>(
    times: usize,
    system: &AgentMail,
    future: F,
) -> (F::Output, bool) {
    let mut future = pin!(future);
    for _ in 0..times {
        if let Poll::Ready(output) = futures_util::poll!(future.as_mut()) {
            return (output, false);
        }
        tokio::task::yield_now().await;
    }
    system.rotate(&id()).await.unwrap();
    (future.await, true)
}

/// An agent with three messages, and its system, in which every call gives way.
async fn full() -> (AgentMail, AgentMailbox) {
    let embedded = Embedded::new("agents.example".parse().unwrap());
    let mail = Pausing::once(Arc::new(embedded.post_office().clone()));
    let system = embedded.system().mail_access(mail.clone()).message_store(mail).build().unwrap();
    let ada = system.provision(&id()).await.unwrap();
    for n in 0..3 {
        ada.send(NewMessage::to(ada.address()).with_subject(n.to_string())).await.unwrap();
    }
    (system, ada)
}

#[tokio::test]
async fn a_command_goes_on_with_the_new_password_wherever_that_came() {
    let mut points = 0;
    loop {
        let (system, _ada) = full().await;
        let commands = Commands::new(system.clone());
        let command = Command::MonitorMailbox { agent: id(), reading: Reading::new().with_mark_seen() };
        let (read, was_early) = rotated_after(points, &system, commands.execute(&command)).await;
        let CommandResult::MonitorMailbox { mail, .. } = read.unwrap() else { panic!("another answer") };
        let subjects: Vec<_> = mail.messages.iter().map(|message| &*message.untrusted.subject).collect();
        assert_eq!(subjects, ["0", "1", "2"], "after {points} polls");

        let now = SystemTime::now();
        let (begin, end) = (now - Duration::from_mins(1), now + Duration::from_mins(1));
        let (report, is_report_early) = rotated_after(points, &system, commands.report(begin, end)).await;
        let figures = report.unwrap().rows.remove(0).figures.unwrap();
        assert_eq!((figures.received, figures.unread), (3, 0), "after {points} polls");
        if !was_early && !is_report_early {
            break;
        }
        points += 1;
    }
    assert!(points > 5, "{points} points are too few");
}

#[tokio::test]
async fn a_conversation_goes_on_with_the_new_password_wherever_that_came() {
    let mut points = 0;
    loop {
        let (system, ada) = full().await;
        let (read, was_early) = rotated_after(points, &system, ada.conversations()).await;
        let read: Conversations = read.unwrap();
        assert_eq!(read.threads().len(), 3, "after {points} polls");
        let found = ada.search(&Query::Subject("1".into())).await.unwrap();
        assert_eq!(found.len(), 1);
        if !was_early {
            break;
        }
        points += 1;
    }
    assert!(points > 9, "{points} points are too few");
}
