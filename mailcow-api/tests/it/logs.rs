//! Logs: recordings played back.

use mailcow_api::{LogEntry, LogKind, LogRows, LogTime};

use crate::replay;

const ALL: &str = "logs/all.json";
const EMPTY: &str = "server/get-empty-collections.json";

async fn one(at: usize, log: LogKind) -> LogEntry {
    let mut rows = replay::one(ALL, at, &[]).logs(log, LogRows::newest(1).unwrap()).await.unwrap();
    assert_eq!(rows.len(), 1, "{log:?}");
    rows.remove(0)
}

#[tokio::test]
async fn every_log_has_its_common_part() {
    for (at, log, time, priority, program, message) in [
        (0, LogKind::Dovecot, 1_795_160_001, "info", "dovecot", "imap-login: Info: Login:"),
        (1, LogKind::Sogo, 1_795_160_002, "notice", "sogod", "SOGoRootPage Login"),
        (2, LogKind::Acme, 1_795_160_003, "", "", "mail.example.com - Certificate"),
        (3, LogKind::Netfilter, 1_795_160_005, "warn", "", "Banning 198.51.100.7/32"),
        (4, LogKind::Cron, 1_795_160_006, "info", "", "done"),
        (5, LogKind::Autodiscover, 1_795_160_007, "", "", ""),
        (6, LogKind::RateLimited, 1_795_160_008, "", "", ""),
        (7, LogKind::Ui, 1_795_163_278, "", "", ""),
        (13, LogKind::RspamdHistory, 1_795_160_000, "", "", ""),
    ] {
        let row = one(at, log).await;
        assert_eq!(row.time, LogTime::Unix(time), "{log:?}");
        assert_eq!((row.priority.as_str(), row.program.as_str()), (priority, program), "{log:?}");
        assert!(row.message.starts_with(message), "{row:?}");
    }
}

#[tokio::test]
async fn the_rest_of_a_row_is_kept() {
    assert_eq!(one(4, LogKind::Cron).await.fields["task"], "sync");
    assert_eq!(one(5, LogKind::Autodiscover).await.fields["service"], "activesync");
    assert_eq!(one(6, LogKind::RateLimited).await.fields["rl_hash"], "RLabc123");
    assert_eq!(one(7, LogKind::Ui).await.fields["role"], "admin");
    let history = one(13, LogKind::RspamdHistory).await;
    assert_eq!((&history.fields["action"], &history.fields["score"]), (&"no action".into(), &(-0.1).into()));
}

#[tokio::test]
async fn ranges_and_the_default_are_sent_as_recorded() {
    let rows = replay::one(ALL, 8, &[]).logs(LogKind::Sasl, LogRows::DEFAULT).await.unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0].time, LogTime::Local("2026-11-20 09:27:59".to_owned()));
    assert_eq!(rows[2].fields["real_rip"], "192.0.2.2");
    // The rows from 1 to n are the newest n, for which mailcow has a shorter form.
    let range = |at, path: &'static str| {
        replay::altered(ALL, at, |exchange| {
            assert!(exchange.path.ends_with(path), "{}", exchange.path);
            exchange.path = exchange.path.replace(path, &path[2..]);
        })
    };
    let first_two = LogRows::between(1, 2).unwrap();
    assert_eq!(range(9, "1-2").logs(LogKind::Sasl, first_two).await.unwrap(), rows[..2]);
    let first = LogRows::between(1, 1).unwrap();
    let postfix = range(10, "1-1").logs(LogKind::Postfix, first).await.unwrap();
    assert_eq!(postfix[0].program, "postfix/smtpd");
    let second = replay::altered(ALL, 10, |exchange| exchange.path = exchange.path.replace("1-1", "2-3"));
    assert_eq!(second.logs(LogKind::Postfix, LogRows::between(2, 3).unwrap()).await.unwrap(), postfix);
    // Recorded as exchange 11; exchange 12, which is no number, cannot be expressed. Both are answered by {}.
    assert!(LogRows::between(2, 1).is_err());
}

#[tokio::test]
async fn empty_logs_are_empty() {
    for (at, log) in
        [(23, LogKind::Postfix), (24, LogKind::RateLimited), (25, LogKind::Sasl), (27, LogKind::Netfilter)]
    {
        assert_eq!(replay::one(EMPTY, at, &[]).logs(log, LogRows::DEFAULT).await.unwrap(), [], "{log:?}");
    }
    let ten = LogRows::newest(10).unwrap();
    assert_eq!(replay::one(EMPTY, 26, &[]).logs(LogKind::Dovecot, ten).await.unwrap(), []);
}

#[tokio::test]
async fn logs_that_were_not_recorded_have_their_route() {
    for (log, name) in [(LogKind::Api, "api"), (LogKind::Watchdog, "watchdog")] {
        let client = replay::altered(ALL, 2, |exchange| exchange.path = exchange.path.replace("acme", name));
        assert_eq!(client.logs(log, LogRows::newest(1).unwrap()).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn rspamd_counts() {
    let stats = replay::one(ALL, 14, &[]).rspamd_stats().await.unwrap().unwrap();
    assert_eq!((stats.version.as_str(), stats.uptime, stats.scanned, stats.learned), ("4.1.4", 3600, 120, 4));
    assert_eq!((stats.spam_count, stats.ham_count), (10, 110));
    assert_eq!(
        (&stats.actions["greylist"], &stats.fields["fuzzy_hashes"]["mailcow"]),
        (&9.into(), &2.into())
    );
}

#[tokio::test]
async fn logins_are_seen_at_the_mailbox_too() {
    let agent = "agent-0001@agents.example.com".parse().unwrap();
    assert!(replay::one(ALL, 17, &[]).get_mailbox(&agent).await.unwrap().is_some());
    let logins = replay::one(ALL, 16, &[]).last_logins(&agent, None).await.unwrap();
    assert_eq!(logins.web, None);
    let told: Vec<_> = logins
        .sasl
        .iter()
        .map(|login| (login.service.as_str(), login.remote.as_str(), login.app_password))
        .collect();
    let expected = [("smtp", "192.0.2.2", Some(1)), ("pop3", "192.0.2.3", None), ("imap", "192.0.2.1", None)];
    assert_eq!(told, expected);
    assert!(logins.sasl.iter().all(|login| login.time == "2026-11-20 09:27:59"));
}
