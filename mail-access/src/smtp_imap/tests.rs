use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use secrecy::SecretString;
use tracing::field::{Field, Visit};
use tracing::span;

use super::*;
use crate::wire::script::{Dialogue, Script};
use crate::{Address, MessageId};

/// `user=ada@agents.example^Aauth=Bearer canary-5417^A^A`
const TOKEN_BLOB: &str = "dXNlcj1hZGFAYWdlbnRzLmV4YW1wbGUBYXV0aD1CZWFyZXIgY2FuYXJ5LTU0MTcBAQ==";
const BLOB: &str = "AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnktNTQxNw==";

/// Everything that was logged, by `log` (async-imap) and by `tracing` (this crate).
static LOGGED: Mutex<String> = Mutex::new(String::new());

fn logged(text: fmt::Arguments<'_>) {
    LOGGED.lock().unwrap().push_str(&text.to_string());
}

struct Log;

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        logged(format_args!("{} {}\n", record.target(), record.args()));
    }

    fn flush(&self) {}
}

#[derive(Default)]
struct Trace(AtomicU64);

impl tracing::Subscriber for Trace {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut Fields);
        span::Id::from_u64(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Fields);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        logged(format_args!("{} ", event.metadata().target()));
        event.record(&mut Fields);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Fields;

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        logged(format_args!("{field}={value:?} "));
    }
}

/// Logs in to both servers by password and by token, does one thing, is refused others, and leaves a trace of neither.
#[tokio::test(start_paused = true)]
async fn no_log_and_no_debug_shows_a_secret() {
    log::set_logger(&Log).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let _traced = tracing::subscriber::set_default(Trace::default());
    let submission = Dialogue::default()
        .says("220 x\r\n")
        .hears("EHLO agents.example\r\n")
        .says("250-x\r\n250 AUTH PLAIN\r\n")
        .hears(format!("AUTH PLAIN {BLOB}\r\n"));
    let reading = Dialogue::default()
        .says("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] x\r\n")
        .hears(format!("L1 AUTHENTICATE PLAIN {BLOB}\r\n"));
    let selecting = "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nA1 OK done\r\n";
    let script = Script::of([
        submission.clone().says(format!("535 5.7.8 {BLOB} canary-5417\r\n")),
        submission.says("235 ok\r\n").hears("MAIL FROM:<ada@agents.example>\r\n").says("550 no\r\n"),
        reading.clone().says(format!("L1 NO {BLOB} canary-5417\r\n")),
        reading
            .says("L1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n")
            .hears("A1 SELECT INBOX\r\n")
            .says(selecting)
            .hears("A2 UID FETCH 1:4294967295 (UID RFC822.SIZE)\r\n")
            .says("A2 OK done\r\n"),
        Dialogue::default()
            .says("220 x\r\n")
            .hears("EHLO agents.example\r\n")
            .says("250-x\r\n250 AUTH XOAUTH2\r\n")
            .hears(format!("AUTH XOAUTH2 {TOKEN_BLOB}\r\n"))
            .says(format!("334 {TOKEN_BLOB}\r\n"))
            .hears("\r\n")
            .says(format!("535 5.7.8 canary-5417 {TOKEN_BLOB}\r\n")),
        Dialogue::default()
            .says("* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] x\r\n")
            .hears("L1 AUTHENTICATE XOAUTH2\r\n")
            .says("+ \r\n")
            .hears(format!("{TOKEN_BLOB}\r\n"))
            .says(format!("L1 NO canary-5417 {TOKEN_BLOB}\r\n")),
    ]);
    // The same login is tried again at once.
    let config = Script::config().with_refused_login_pause(Duration::ZERO);
    let mail = SmtpImap::new(config, Arc::clone(&script) as Arc<dyn Connector>);
    let ada: Address = "ada@agents.example".parse().unwrap();
    let id: MessageId = "1@agents.example".parse().unwrap();
    let login = Login::new(ada.clone(), SecretString::from("canary-5417"));
    let message = Outgoing::restore(ada.clone(), vec![ada], id, *b"x\r\n").unwrap();
    let refused = mail.submit(&login, &message).await.unwrap_err();
    let rejected = mail.submit(&login, &message).await.unwrap_err();
    let closed = mail.fetch(&login, &Selection::After(None), 1).await.unwrap_err();
    let batch = mail.fetch(&login, &Selection::After(None), 1).await.unwrap();
    let token = Login::with_token(login.address().clone(), SecretString::from("canary-5417"));
    let sent = mail.submit(&token, &message).await.unwrap_err();
    let read = mail.fetch(&token, &Selection::After(None), 1).await.unwrap_err();
    assert_eq!(script.problems(), [""; 0]);
    let shown = format!(
        "{refused} {refused:?} {rejected:?} {closed} {closed:?} {batch:?} {mail:?} {login:?} {token:?} {sent:?} {read:?}"
    );
    let logged = LOGGED.lock().unwrap().clone();
    assert!(logged.contains("async_imap"), "its log was listened to: {logged}");
    assert!(logged.contains("outcome=\"authentication refused\""), "so was our own: {logged}");
    for secret in ["canary", "AGFkYUBh", "dXNlcj1h"] {
        assert!(!shown.contains(secret), "{shown}");
        assert!(!logged.contains(secret), "{logged}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_there_is_named() {
    let mail = Script::of([]).mail();
    let login = Login::new("ada@agents.example".parse().unwrap(), SecretString::from("canary"));
    let error = mail.fetch(&login, &Selection::Unseen, 1).await.unwrap_err();
    assert_eq!(error.to_string(), "fetch: mail.agents.example:993 can't be reached");
    assert!(error.is_retryable());
    let error = mail.wait(&login, Position { uid_validity: 7, uid: 0 }, Duration::MAX).await.unwrap_err();
    assert_eq!(error.to_string(), "wait: mail.agents.example:993 can't be reached");
}
