use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::Embedded;

#[derive(Debug)]
struct Silent;

#[async_trait]
impl HealthSource for Silent {
    async fn figures(&self) -> Figures {
        std::future::pending().await
    }
}

/// A sink that does at its n-th call what its script says, and takes everything after that.
#[derive(Debug, Default)]
struct Scripted {
    script: Mutex<Vec<Answer>>,
    calls: AtomicUsize,
    told: Mutex<Vec<String>>,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Hang,
    Later,
    Never,
    Panic,
}

impl Scripted {
    fn new(script: &[Answer]) -> Arc<Self> {
        let script = Mutex::new(script.iter().rev().copied().collect());
        Arc::new(Self { script, ..Self::default() })
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

#[async_trait]
impl AlertSink for Scripted {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), Error> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let answer = self.script.lock().unwrap().pop();
        match answer {
            Some(Answer::Hang) => std::future::pending().await,
            Some(Answer::Later) => return Err(Error::new(ErrorKind::Unavailable, "tell alert", "sink")),
            Some(Answer::Never) => return Err(Error::new(ErrorKind::Rejected, "tell alert", "sink")),
            Some(Answer::Panic) => panic!("a sink that panics"),
            None => {}
        }
        let told = alerts.iter().map(|alert| format!("{:?} {}", alert.state, alert.rule));
        self.told.lock().unwrap().extend(told);
        Ok(())
    }
}

fn world() -> Embedded {
    Embedded::new("agents.example".parse().unwrap())
}

fn monitor(world: &Embedded) -> Monitor {
    let rule = Rule::above("disk", Measure::DiskUsedPercent, 80.0).unwrap();
    Monitor::new(Arc::new(world.vitals().clone()), Rules::new(vec![rule]).unwrap())
}

#[tokio::test(start_paused = true)]
async fn what_others_measure_is_added_and_may_be_late() {
    let source = Arc::new(world().vitals().clone());
    let health = Health::new(source)
        .with_certificate_days(|| async { Ok(12) })
        .with_backup_age(std::future::pending)
        .with_deadline(Duration::from_secs(5));
    let figures = health.figures().await;
    assert_eq!(figures.certificate_days.known(), Some(&12));
    assert_eq!(figures.backup_age.error().unwrap().kind(), ErrorKind::Unavailable);
    assert_eq!(figures.quarantine.known(), Some(&0), "the others are read all the same");
}

#[tokio::test(start_paused = true)]
async fn a_silent_system_makes_every_figure_of_it_unknown() {
    let health = Health::new(Arc::new(Silent)).with_certificate_days(|| async { Ok(12) });
    let figures = health.figures().await;
    assert_eq!(figures.unknowns().len(), 7);
    assert_eq!(figures.certificate_days.known(), Some(&12));
    // What others measure is kept where a monitor looks, too.
    let look = Monitor::new(Arc::new(health), Rules::default()).look().await;
    assert_eq!(look.figures.certificate_days.known(), Some(&12));
    let look = Monitor::new(Arc::new(Silent), Rules::default()).look().await;
    assert_eq!(look.figures.unknowns().len(), 7, "and one without a deadline holds up no monitor");
}

#[tokio::test(start_paused = true)]
async fn a_monitor_tells_each_change_once_to_each_sink_whatever_the_others_do() {
    let world = world();
    let sinks: Vec<Arc<Scripted>> =
        [&[][..], &[Answer::Hang, Answer::Later], &[Answer::Never], &[Answer::Panic]]
            .map(Scripted::new)
            .into();
    let monitor = sinks.iter().fold(monitor(&world), |monitor, sink| monitor.with_sink(sink.clone()));
    let running = tokio::spawn(monitor.with_interval(Duration::from_mins(1)).run());

    world.vitals().set_disk(Disk::new(90, ""));
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(sinks[0].told(), ["Firing disk"], "a sink that hangs holds up no other");
    assert!(sinks[1].told().is_empty());
    tokio::time::sleep(Duration::from_mins(5)).await;
    world.vitals().set_disk(Disk::new(10, ""));
    tokio::time::sleep(Duration::from_mins(5)).await;
    running.abort();

    let both = ["Firing disk", "Resolved disk"];
    assert_eq!((sinks[0].told(), sinks[0].calls.load(Ordering::Relaxed)), (both.map(String::from).into(), 2));
    assert_eq!(sinks[1].told(), both, "what couldn't be told comes later, in its order");
    assert_eq!(sinks[2].told(), both[1..], "what was refused doesn't come again");
    assert_eq!(sinks[3].told(), both, "a panic is offered again");
}

#[tokio::test(start_paused = true)]
async fn alerts_go_out_by_mail_and_none_twice() {
    let world = world();
    let system = world.system().build().unwrap();
    let [watch, boss] = ["watch", "boss"].map(|id| id.parse().unwrap());
    let watch = system.provision(&watch).await.unwrap();
    let boss = system.provision(&boss).await.unwrap();
    let sink = Arc::new(MailSink::new(watch.clone(), vec![boss.address().clone()]).unwrap());
    world.post_office().fail_next(watch.address(), mail_access::Fault::SubmitTakenAndLost);

    let mut monitor = monitor(&world).with_sink(sink);
    world.vitals().set_disk(Disk::new(97, ""));
    let look = monitor.look().await;
    assert_eq!((look.changes.len(), monitor.firing().len()), (1, 1));
    // The first submission was taken and its answer lost: it is looked for before it is sent again.
    for _ in 0..3 {
        monitor.look().await;
    }
    let mails = boss.fetch_unseen(10).await.unwrap();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].subject(), "[warning] disk");
    assert!(
        mails[0].text().unwrap().expose().contains("in percent: 97 is above 80"),
        "{:?}",
        mails[0].text()
    );
    assert!(MailSink::new(watch, Vec::new()).is_err());
}

#[tokio::test]
async fn what_no_mail_can_hold_keeps_no_alert_back() {
    let world = world();
    let system = world.system().build().unwrap();
    let watch = system.provision(&"watch".parse().unwrap()).await.unwrap();
    let sink = MailSink::new(watch.clone(), vec![watch.address().clone()]).unwrap();
    let alert = |instance: &str| Alert {
        rule: "queue".into(),
        instance: instance.into(),
        state: AlertState::Firing,
        severity: Severity::Warning,
        value: 51.0,
        summary: format!("mails in the queue [{instance}]: 51 is above 50"),
        since: 7,
    };
    let long = "x".repeat(5000);
    sink.deliver(&[alert("a\0b\r\nBcc: eve@evil.example")]).await.unwrap();
    sink.deliver(&[alert(&long)]).await.unwrap();
    sink.deliver(&[alert("c\u{7}"), alert("d\0")]).await.unwrap();
    let mails = watch.fetch_unseen(10).await.unwrap();
    let subjects: Vec<&str> = mails.iter().map(|mail| mail.subject().expose()).collect();
    assert!(subjects.iter().any(|subject| subject.contains("(a b  Bcc: eve@evil.example)")), "{subjects:?}");
    assert!(mails.iter().any(|mail| mail.text().unwrap().expose().contains(&long)));
    let last = mails.iter().find(|mail| mail.subject().expose().contains("2 alerts")).unwrap();
    assert!(last.text().unwrap().expose().contains("[c ]") && last.text().unwrap().expose().contains("[d ]"));
}

#[tokio::test]
async fn held_up_mail_of_a_world_is_treated_as_the_contract_says() {
    let world = world();
    let boss = world.system().build().unwrap().provision(&"boss".parse().unwrap()).await.unwrap();
    let vitals = world.vitals();
    let mail = |id: &str| QueuedMail::new(id.parse().unwrap(), SystemTime::UNIX_EPOCH, "a@x.example");
    for id in ["A1", "B2", "C3", "D4"] {
        vitals.put_in_queue(mail(id));
    }
    let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect::<Vec<QueueId>>();
    for (action, left) in [
        (QueueAction::Hold(ids(&["A1", "B2"])), "A1 B2 C3 D4"),
        (QueueAction::Deliver(ids(&["A1", "D4", "none"])), "A1 B2 C3"),
        (QueueAction::Flush, "A1 B2"),
        (QueueAction::Release(ids(&["A1"])), "A1 B2"),
        (QueueAction::Delete(ids(&["B2"])), "A1"),
        (QueueAction::Flush, ""),
    ] {
        for _ in 0..2 {
            vitals.treat(&action).await.unwrap();
            let queue = vitals.queue().await.unwrap();
            let shown: Vec<_> = queue.messages.iter().map(|mail| mail.id.as_str()).collect();
            assert_eq!(shown.join(" "), left, "{action:?}");
        }
    }

    let sealed = || {
        let message = crate::NewMessage::to(boss.address().clone()).with_subject("Win");
        message.seal(&"x@spam.example".parse::<crate::Address>().unwrap().into()).unwrap()
    };
    for (judgement, arrives) in
        [(Judgement::Release, 1), (Judgement::Ham, 1), (Judgement::Spam, 0), (Judgement::Delete, 0)]
    {
        let id = vitals.quarantine(sealed(), 16.5);
        assert_eq!(vitals.quarantined().await.unwrap()[0].recipient, boss.address().to_string());
        assert_eq!(vitals.judge(id, judgement).await.unwrap(), Treated::Now);
        assert_eq!(vitals.judge(id, judgement).await.unwrap(), Treated::NotThere, "it is safe to repeat");
        assert_eq!(boss.fetch_unseen(10).await.unwrap().len(), arrives, "{judgement:?}");
    }
}
