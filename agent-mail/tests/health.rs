//! The health of a Mailcow, over the fake and over HTTP, and what leaves by metrics and rule files.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use agent_mail::health::{
    Container, Figures, HealthMetrics, HealthSource, Judgement, Measure, QuarantineControl, QueueAction,
    QueueControl, QueueId, Rules, Treated, rule_file,
};
use agent_mail::{Embedded, ErrorKind, Mailcow};
use mailcow_api::{Client, FakeHealth, FakeMailcow, Fault};
use metrics::{
    Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};
use serde_json::json;

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// A Mailcow with something in each of its logs, an hour old and new.
fn busy() -> FakeMailcow {
    let mailcow = FakeMailcow::new();
    let reason = "connect to unreachable.test[192.0.2.25]:25: Connection timed out";
    mailcow.put_in_mail_queue(
        &json!({"queue_id": "4fGx2k5zBQz1N", "arrival_time": now() - 90, "sender": "ada@agents.example",
            "message_size": 2048, "recipients": [format!("nobody@unreachable.test ({reason})")]}),
        "",
    );
    mailcow.put_in_mail_queue(
        &json!({"queue_id": "3A1B2C3D4E", "queue_name": "hold", "arrival_time": now() - 30, "sender": "",
            "recipients": ["a@example.net", "b@example.net"]}),
        "",
    );
    mailcow.quarantine(&json!({"rcpt": "ada@agents.example", "score": 16.5}));
    for (log, message, age) in [
        (
            "netfilter",
            "192.0.2.7 matched rule id 3 (warning: x[192.0.2.7]: SASL PLAIN authentication failed: x)",
            60,
        ),
        ("netfilter", "192.0.2.7 matched rule id 6 (imap-login: Disconnected (auth failed, 1 attempts))", 70),
        ("netfilter", "192.0.2.7 matched rule id 3 (warning: SASL PLAIN authentication failed: x)", 7_200),
        ("netfilter", "192.0.2.7 matched rule id 5 (NOQUEUE: reject: RCPT from x)", 60),
        ("netfilter", "Banning 192.0.2.7/32 for 30 minutes", 50),
        ("netfilter", "7 more attempts in the next 600 seconds until 192.0.2.7/32 is banned", 55),
    ] {
        mailcow.put_in_log(log, json!({"time": now() - age, "priority": "warn", "message": message}));
    }
    for age in [1, 10, 4_000] {
        mailcow.put_in_log("ratelimited", json!({"time": now() - age, "rcpt": "a@example.net"}));
    }
    mailcow
}

fn check_busy(figures: &Figures) {
    let queue = figures.queue.known().unwrap();
    assert_eq!(queue.messages.len(), 2);
    let oldest = &queue.messages[0];
    assert_eq!((oldest.id.as_str(), oldest.bytes), ("4fGx2k5zBQz1N", 2048));
    assert_eq!(oldest.recipients[0].address, "nobody@unreachable.test");
    assert!(oldest.recipients[0].reason.as_ref().unwrap().ends_with("Connection timed out"));
    assert_eq!(queue.by_recipient_domain()["example.net"], 1);
    assert_eq!(figures.disk.known().unwrap().used_percent, 13);
    let containers = figures.containers.known().unwrap();
    assert!(containers.len() == 18 && containers.iter().all(agent_mail::health::Container::is_running));
    assert!(containers.iter().all(|c| !c.image.is_empty() && !c.started.is_empty()));
    assert_eq!(figures.quarantine.known(), Some(&1));
    assert_eq!((figures.rejected_logins.known(), figures.bans.known()), (Some(&2), Some(&1)));
    assert_eq!(figures.rate_limit_hits.known(), Some(&2));
    assert!(figures.unknowns().is_empty());
}

#[tokio::test]
async fn the_figures_of_a_mailcow_cost_six_reads() {
    let mailcow = busy();
    check_busy(&Mailcow::new(mailcow.client()).figures().await);
    assert_eq!((mailcow.calls().len(), mailcow.writes()), (6, 0));
}

#[tokio::test]
async fn the_figures_come_over_http_too() {
    let mailcow = busy();
    let server = mailcow.serve().await;
    let client = Client::builder(&server.uri(), mailcow.api_key()).build().unwrap();
    check_busy(&Mailcow::new(client).figures().await);
}

#[tokio::test(start_paused = true)]
async fn a_figure_that_fails_hides_no_other() {
    for (route, names) in [
        ("get/mailq", &["queue"][..]),
        ("get/status/vmail", &["disk"]),
        ("get/status/containers", &["containers"]),
        ("get/quarantine", &["quarantine"]),
        ("get/logs/ratelimited", &["rate_limit_hits"]),
        ("get/logs/netfilter", &["rejected_logins", "bans"]),
    ] {
        let mailcow = busy();
        // As often as the client comes again by itself.
        for _ in 0..20 {
            mailcow.fail_next(route, Fault::NotDone500);
        }
        let figures = Mailcow::new(mailcow.client()).figures().await;
        let unknown: Vec<_> = figures.unknowns().iter().map(|(name, _)| *name).collect();
        assert_eq!(unknown, names, "{route}");
        assert_eq!(figures.unknowns()[0].1.kind(), ErrorKind::Unavailable, "{route}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mailcow_that_is_down_makes_all_unknown() {
    let mailcow = busy();
    mailcow.set_health(FakeHealth::DatabaseDown);
    let figures = Mailcow::new(mailcow.client()).figures().await;
    assert_eq!(figures.unknowns().len(), 7);
}

#[tokio::test]
async fn the_queue_of_a_mailcow_is_treated_and_may_be_treated_again() {
    let fake = FakeMailcow::new();
    for id in ["A1", "B2", "C3", "D4"] {
        fake.put_in_mail_queue(&json!({"queue_id": id, "arrival_time": 7}), "");
    }
    let mailcow = Mailcow::new(fake.client());
    let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect::<Vec<QueueId>>();
    for (action, left) in [
        (QueueAction::Hold(ids(&["A1", "B2"])), "A1 B2 C3 D4"),
        (QueueAction::Deliver(ids(&["A1", "D4", "E5"])), "A1 B2 C3"),
        (QueueAction::Flush, "A1 B2"),
        (QueueAction::Release(ids(&["A1"])), "A1 B2"),
        (QueueAction::Delete(ids(&["B2"])), "A1"),
        (QueueAction::Delete(Vec::new()), "A1"),
        (QueueAction::Flush, ""),
    ] {
        for _ in 0..2 {
            mailcow.treat(&action).await.unwrap();
            let queue = mailcow.queue().await.unwrap();
            let shown: Vec<_> = queue.messages.iter().map(|mail| mail.id.as_str()).collect();
            assert_eq!(shown.join(" "), left, "{action:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_quarantined_message_is_judged_once_whatever_is_lost() {
    let judgements = [Judgement::Release, Judgement::Ham, Judgement::Spam, Judgement::Delete];
    let faults = [None, Some(Fault::DoneButLost), Some(Fault::DoneButEmpty), Some(Fault::DoneBut500)];
    for judgement in judgements {
        for fault in faults {
            let fake = FakeMailcow::new();
            let id = fake.quarantine(&json!({"rcpt": "ada@agents.example", "score": 16.5}));
            let mailcow = Mailcow::new(fake.client());
            let id = mailcow.quarantined().await.unwrap().iter().find(|m| m.id.get() == id).unwrap().id;
            let route = if judgement == Judgement::Delete { "delete/qitem" } else { "edit/qitem" };
            if let Some(fault) = fault {
                fake.fail_next(route, fault);
            }
            assert_eq!(mailcow.judge(id, judgement).await.unwrap(), Treated::Now, "{judgement:?} {fault:?}");
            assert_eq!(fake.writes(), 1, "{judgement:?} {fault:?}");
            assert_eq!(mailcow.judge(id, judgement).await.unwrap(), Treated::NotThere);
            assert_eq!(fake.writes(), 1, "nothing is sent for what is gone");
        }
    }
}

/// A recorder that keeps the last value of each gauge.
#[derive(Debug, Default)]
struct Snapshot {
    values: Arc<Mutex<BTreeMap<String, f64>>>,
    described: Mutex<Vec<String>>,
}

struct Cell {
    name: String,
    values: Arc<Mutex<BTreeMap<String, f64>>>,
}

impl GaugeFn for Cell {
    fn increment(&self, _: f64) {}
    fn decrement(&self, _: f64) {}
    fn set(&self, value: f64) {
        self.values.lock().unwrap().insert(self.name.clone(), value);
    }
}

impl Recorder for Snapshot {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.described.lock().unwrap().push(name.as_str().to_owned());
    }
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let labels = key.labels().map(|label| format!("{}={}", label.key(), label.value()));
        let name = format!("{} {}", key.name(), labels.collect::<Vec<_>>().join(",")).trim_end().to_owned();
        Gauge::from_arc(Arc::new(Cell { name, values: self.values.clone() }))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

impl Snapshot {
    fn take(&self, metrics: &HealthMetrics, figures: &Figures) -> Vec<String> {
        with_local_recorder(self, || metrics.record(figures));
        let values = self.values.lock().unwrap();
        values.iter().map(|(name, value)| format!("{name} {value}")).collect()
    }
}

#[tokio::test]
async fn metrics_name_the_hosted_domains_and_nobody_else() {
    let mut figures = Mailcow::new(busy().client()).figures().await;
    figures.taken_at = figures.queue.known().unwrap().messages[0].arrived + Duration::from_secs(90);
    figures.certificate_days = agent_mail::health::Figure::Known(30);
    figures.backup_age = agent_mail::health::Figure::Known(Duration::from_hours(2));
    let metrics = HealthMetrics::new(["agents.example".parse().unwrap()]);
    let recorder = Snapshot::default();
    let shown: Vec<_> =
        recorder.take(&metrics, &figures).into_iter().filter(|line| !line.contains("container=")).collect();
    assert_eq!(
        shown,
        [
            "agent_mail_backup_age_seconds 7200",
            "agent_mail_bans_last_hour 1",
            "agent_mail_certificate_days 30",
            "agent_mail_disk_used_percent 13",
            "agent_mail_figure_known figure=backup_age 1",
            "agent_mail_figure_known figure=bans 1",
            "agent_mail_figure_known figure=certificate_days 1",
            "agent_mail_figure_known figure=containers 1",
            "agent_mail_figure_known figure=disk 1",
            "agent_mail_figure_known figure=quarantine 1",
            "agent_mail_figure_known figure=queue 1",
            "agent_mail_figure_known figure=rate_limit_hits 1",
            "agent_mail_figure_known figure=rejected_logins 1",
            "agent_mail_quarantine_messages 1",
            "agent_mail_queue_messages_by_recipient_domain domain=other 2",
            "agent_mail_queue_messages_by_sender_domain domain=agents.example 1",
            "agent_mail_queue_messages_by_sender_domain domain=none 1",
            "agent_mail_queue_oldest_seconds 90",
            "agent_mail_rate_limit_hits_last_hour 2",
            "agent_mail_rejected_logins_last_hour 2",
        ]
    );
    with_local_recorder(&recorder, || metrics.describe());
    let described = recorder.described.lock().unwrap().clone();
    assert_eq!(described, Measure::ALL.map(Measure::metric));
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_or_unknown_leaves_no_old_value() {
    let (metrics, recorder) = (HealthMetrics::new([]), Snapshot::default());
    let mailcow = busy();
    recorder.take(&metrics, &Mailcow::new(mailcow.client()).figures().await);
    mailcow.client().delete_mail_queue().await.unwrap();
    for _ in 0..20 {
        mailcow.fail_next("get/status/vmail", Fault::NotDone500);
    }
    let shown = recorder.take(&metrics, &Mailcow::new(mailcow.client()).figures().await);
    for line in [
        "agent_mail_queue_messages_by_recipient_domain domain=other 0",
        "agent_mail_queue_oldest_seconds 0",
        "agent_mail_disk_used_percent NaN",
        "agent_mail_figure_known figure=disk 0",
    ] {
        assert!(shown.iter().any(|shown| shown == line), "{line} in {shown:#?}");
    }
    // A world that measures less sets nothing more.
    let world = Embedded::new("agents.example".parse().unwrap());
    let fresh = Snapshot::default().take(&HealthMetrics::new([]), &world.vitals().figures().await);
    assert_eq!(fresh.len(), 4, "{fresh:#?}");
}

/// Prometheus would tell for ever of a container that a new version of Mailcow no longer has.
#[test]
fn a_container_that_is_gone_is_not_one_that_is_down() {
    let (metrics, recorder) = (HealthMetrics::new([]), Snapshot::default());
    let with = |names: &[&str]| {
        let mut figures = Figures::at(SystemTime::UNIX_EPOCH);
        let running = names.iter().map(|name| Container::new(*name, "running")).collect();
        figures.containers = agent_mail::health::Figure::Known(running);
        figures
    };
    recorder.take(&metrics, &with(&["postfix-mailcow", "ipv6nat-mailcow"]));
    let shown = recorder.take(&metrics, &with(&["postfix-mailcow"]));
    for line in ["container=postfix-mailcow 1", "container=ipv6nat-mailcow NaN"] {
        assert!(shown.iter().any(|shown| shown.ends_with(line)), "{line} in {shown:#?}");
    }
}

#[test]
fn the_rule_file_is_as_it_was() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/health/rules.yml");
    let file = rule_file(&Rules::default());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &file).unwrap();
    }
    assert_eq!(file, std::fs::read_to_string(golden).unwrap());
    let read: serde_json::Value = serde_saphyr::from_str(&file).unwrap();
    let rules = read["groups"][0]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), Rules::default().iter().count());
    for (read, rule) in rules.iter().zip(Rules::default().iter()) {
        assert!(read["expr"].as_str().unwrap().starts_with(rule.measure().metric()), "{read}");
        assert_eq!(read["for"], format!("{}s", rule.holds().as_secs()));
        assert_eq!(read["labels"]["severity"], rule.severity().as_str());
    }
}
