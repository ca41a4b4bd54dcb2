//! Sync jobs: recordings played back.

use mailcow_api::{Error, MailboxAddress, NewSyncJob, SyncEncryption, SyncJobChange, SyncJobId};

use crate::replay;

const ALL: &str = "sync_jobs/all.json";

fn agent() -> MailboxAddress {
    "agent-0001@agents.example.com".parse().unwrap()
}

fn id(number: u32) -> SyncJobId {
    number.to_string().parse().unwrap()
}

fn new(mailbox: &str, user: &str) -> NewSyncJob {
    NewSyncJob::new(mailbox.parse().unwrap(), "imap.old.test", user, "old-pass".into())
        .with(|options| options.with_subfolder("External").with_custom_options("--dry"))
}

#[tokio::test]
async fn creates_are_sent_as_recorded_and_judged() {
    let job = new(agent().as_str(), "old@old.test");
    replay::one(ALL, 0, &[]).add_sync_job(&job).await.unwrap();
    let again = replay::one(ALL, 1, &[]).add_sync_job(&job).await.unwrap_err();
    assert_eq!(again.problem().unwrap().to_string(), "object_exists (imap.old.test / old@old.test)");
    let bad = new(agent().as_str(), "b@old.test").with(|options| options.with_custom_options("--pipemess x"));
    let bad = replay::one(ALL, 4, &[]).add_sync_job(&bad).await.unwrap_err();
    assert_eq!(bad.problem().unwrap().args(), ["bad character SPACE"]);
    let unknown = new("nope@agents.example.com", "old@old.test");
    assert_eq!(replay::code(replay::one(ALL, 5, &[]).add_sync_job(&unknown).await), "access_denied");
}

#[tokio::test]
async fn what_was_recorded_as_access_denied_is_refused_with_a_reason() {
    for (at, job) in [
        (
            2,
            new(agent().as_str(), "b@old.test")
                .with(|options| options.with_encryption(SyncEncryption::Other("WRONG".to_owned()))),
        ),
        (3, new(agent().as_str(), "b@old.test").with(|options| options.with_port(0))),
    ] {
        let recorded = replay::load(ALL).swap_remove(at);
        assert!(String::from_utf8(recorded.response.body).unwrap().contains("access_denied"));
        let refused = replay::client([]).add_sync_job(&job).await;
        assert!(matches!(refused, Err(Error::InvalidInput { .. })), "{at}");
    }
}

#[tokio::test]
async fn jobs_are_read() {
    let all = replay::one(ALL, 6, &[]).sync_jobs().await.unwrap();
    assert_eq!(all.len(), 1);
    let job = &all[0];
    assert_eq!((job.id, job.mailbox.as_str(), job.user.as_str()), (id(1), agent().as_str(), "old@old.test"));
    assert_eq!((job.host.as_str(), job.port, &job.encryption), ("imap.old.test", 993, &SyncEncryption::Tls));
    assert_eq!((job.interval_minutes, job.timeout_seconds, job.max_bytes_per_second), (20, 600, 0));
    assert_eq!((job.subfolder.as_str(), job.custom_options.as_str()), ("External", "--dry"));
    assert!(job.active && job.delete_duplicates && job.automap && job.subscribe_all);
    assert!(!job.dry && !job.is_running && !job.delete_there && !job.delete_here);
    assert_eq!((job.last_run.as_str(), job.last_success, job.exit_status.as_str()), ("", None, ""));
    let own = replay::one(ALL, 7, &[]).mailbox_sync_jobs_with_logs(&agent()).await.unwrap();
    assert_eq!(own, all);
    // The same answers on the routes that were not recorded.
    let path = |path: &str| {
        let path = format!("/api/v1/get/syncjobs/{path}");
        replay::altered(ALL, 6, |exchange| exchange.path = path)
    };
    assert_eq!(path("all").sync_jobs_with_logs().await.unwrap(), all);
    let client = path("agent-0001@agents.example.com/no_log");
    assert_eq!(client.mailbox_sync_jobs(&agent()).await.unwrap(), all);
    assert_eq!(replay::one("server/get-empty-collections.json", 15, &[]).sync_jobs().await.unwrap(), []);
    let nope = "nope@nope.example.com".parse().unwrap();
    let client = replay::one("server/get-nonexistent.json", 15, &[]);
    assert_eq!(client.mailbox_sync_jobs_with_logs(&nope).await.unwrap(), []);
}

#[tokio::test]
async fn an_edit_sends_only_what_changes() {
    // Not recorded: the answer is that of a create, the request as facts describe it.
    let client = replay::altered(ALL, 0, |exchange| {
        exchange.path = "/api/v1/edit/syncjob".to_owned();
        exchange.body = serde_json::json!({"items": [1], "attr": {"active": 0, "mins_interval": 60}});
    });
    let change = SyncJobChange::new().with_active(false).with_interval_minutes(60);
    client.edit_sync_job(id(1), &change).await.unwrap();
    let nothing = replay::client([]).edit_sync_job(id(1), &SyncJobChange::new()).await;
    assert!(matches!(nothing, Err(Error::InvalidInput { .. })));
}

#[tokio::test]
async fn deletes_are_judged_one_by_one() {
    let ids = [id(1), id(999)];
    assert_eq!(replay::done(replay::one(ALL, 8, &[]).delete_sync_jobs(&ids).await), ["1"]);
    assert_eq!(replay::code(replay::one(ALL, 8, &[]).delete_sync_jobs(&ids).await), "access_denied");
}
