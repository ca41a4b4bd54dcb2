//! Reports at set times, and alerts of mailboxes that can't be read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_mail::backend::TimeAndChance;
use agent_mail::commands::{Commands, MailboxWatch, Reporter, Rights, Schedule};
use agent_mail::health::{Alert, AlertSink, AlertState, MailSink};
use agent_mail::mail_access::{Fault, FaultRule};
use agent_mail::{Error, ErrorKind, Inbound, NewMessage};
use async_trait::async_trait;

use crate::{World, id};

fn text(message: &Inbound) -> String {
    message.text().unwrap().expose().to_owned()
}

#[tokio::test(start_paused = true)]
async fn each_hour_has_one_report_also_across_restarts() {
    let world = World::new();
    let mail = world.system();
    let (ada, boss) = (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("boss")).await.unwrap());
    let run = |hours: u64| {
        // Another run of the program over the same records.
        let mail = world.system();
        let to = vec![boss.address().clone()];
        async move {
            let from = mail.open(&id("boss")).await.unwrap();
            let reporter = Reporter::new(Commands::new(mail.clone()), from, to, Schedule::hourly()).unwrap();
            let courier = mail.courier();
            tokio::select! {
                error = reporter.run() => panic!("{error:?}"),
                () = courier.run(std::future::pending()) => unreachable!(),
                () = tokio::time::sleep(Duration::from_secs(3_600 * hours)) => {}
            }
        }
    };
    ada.send(NewMessage::to(ada.address()).with_subject("x")).await.unwrap();
    run(0).await;
    assert!(boss.fetch_unseen(9).await.unwrap().is_empty(), "at first there is nothing to tell of");
    run(1).await;
    let reports = boss.fetch_unseen(9).await.unwrap();
    let [first] = &reports[..] else { panic!("{reports:?}") };
    assert_eq!(first.subject(), "Mail of agents.example: 1 received");
    assert!(text(first).contains("ada <agent_ada@agents.example>\n  received: 1\n"), "{}", text(first));
    assert!(first.html().unwrap().expose().contains("<table"), "it has both forms");
    assert!(first.message().expose().is_auto_submitted());
    run(1).await;
    run(1).await;
    assert_eq!(boss.fetch_unseen(9).await.unwrap().len(), 2);
    // While nothing runs nothing is told, and the next report is of all that time.
    tokio::time::sleep(Duration::from_hours(5)).await;
    run(0).await;
    run(1).await;
    let late = boss.fetch_unseen(9).await.unwrap();
    assert_eq!(late.len(), 2, "one for the five hours, one for the hour after");
    let times = |message: &Inbound| text(message).lines().nth(1).unwrap().to_owned();
    let (begin, end) = (times(&late[0]), times(&late[1]));
    assert_eq!(begin.split(" to ").nth(1), end.split(" to ").next(), "they leave no gap: {begin}, {end}");
}

#[tokio::test(start_paused = true)]
async fn a_report_names_who_can_not_be_read_and_shows_only_what_the_rights_allow() {
    let world = World::new();
    let mail = world.system();
    for name in ["ada", "bob", "cyd"] {
        mail.provision(&id(name)).await.unwrap();
    }
    let bob = mail.address_of(&id("bob")).unwrap();
    world.embedded.post_office().set_password(&bob, "another".to_owned().into()).unwrap();
    let now = world.clock.now();
    let commands = Commands::new(mail.clone()).with_rights(Rights::all().only_agents([id("ada"), id("bob")]));
    let report = commands.report(now - Duration::from_hours(1), now).await.unwrap();
    let failed: Vec<_> =
        report.failures().map(|(mailbox, error)| (mailbox.agent.clone(), error.kind)).collect();
    assert_eq!((report.rows.len(), failed), (2, vec![(id("bob"), ErrorKind::Unauthenticated)]));
    assert!(report.text().contains("what to do: ") && !report.html().contains("cyd"));
    let none = Commands::of_agent(&mail.open(&id("ada")).await.unwrap());
    assert_eq!(none.report(now, now).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

/// Takes alerts, but not the first time.
#[derive(Debug, Default)]
struct Sink {
    told: Mutex<Vec<(AlertState, String)>>,
    refusals: Mutex<u32>,
}

#[async_trait]
impl AlertSink for Sink {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), Error> {
        if std::mem::take(&mut *self.refusals.lock().unwrap()) > 0 {
            return Err(Error::new(ErrorKind::Unavailable, "tell", "sink"));
        }
        self.told.lock().unwrap().extend(alerts.iter().map(|alert| (alert.state, alert.instance.clone())));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_can_not_be_read_is_told_of_once_and_its_recovery_too() {
    let world = World::new();
    let mail = world.system();
    let boss = mail.provision(&id("boss")).await.unwrap();
    let ada = mail.provision(&id("ada")).await.unwrap();
    let sink = Arc::new(Sink { refusals: Mutex::new(1), ..Sink::default() });
    let by_mail = MailSink::new(boss.clone(), vec![boss.address().clone()]).unwrap();
    let mut watch =
        MailboxWatch::new(Commands::new(mail)).with_sink(sink.clone()).with_sink(Arc::new(by_mail));
    let fail = |times: u32| {
        let rule = FaultRule::new(Fault::FetchUnavailable).with_login(ada.address()).with_times(times);
        world.embedded.post_office().add_fault(rule);
    };
    fail(1);
    for _ in 0..3 {
        assert!(watch.look().await.unwrap().is_empty(), "once is chance");
    }
    fail(4);
    let begun: Vec<usize> = [watch.look().await, watch.look().await, watch.look().await, watch.look().await]
        .into_iter()
        .map(|look| look.unwrap().len())
        .collect();
    assert_eq!(begun, [0, 1, 0, 0]);
    assert_eq!(watch.look().await.unwrap()[0].state, AlertState::Resolved);
    assert!(watch.look().await.unwrap().is_empty());
    let told = [(AlertState::Firing, "ada".to_owned()), (AlertState::Resolved, "ada".to_owned())];
    assert_eq!(*sink.told.lock().unwrap(), told, "also what the sink couldn't take at first");
    let mails = boss.fetch_unseen(9).await.unwrap();
    let subjects: Vec<&str> = mails.iter().map(|message| message.subject().expose()).collect();
    assert_eq!(subjects, ["[warning] mailbox_unreadable (ada)", "[resolved] mailbox_unreadable (ada)"]);
}
