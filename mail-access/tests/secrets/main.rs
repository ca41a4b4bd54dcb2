//! No password, no token and no content of a message gets into a log, and neither secret into an error or a `Debug`,
//! however the work goes. Only async-imap's own log shows mail, at TRACE, as the documentation says.

use std::sync::Arc;
use std::time::Duration;

use mail_access::{
    Address, Attachment, Endpoint, Fault, Login, MailAccess, NewMessage, Outgoing, Position, PostOffice,
    Security, Selection, SmtpImap, SmtpImapConfig, Uid,
};

use server::{Servers, Temper};
use shown::{Shown, forms, listen, logged};

mod server;
mod shown;

#[tokio::test(start_paused = true)]
async fn nothing_secret_shows_however_the_work_goes() {
    listen();
    let mut shown = Shown::default();
    let (mut outcomes, mut heard) = (Vec::new(), String::new());
    for temper in tempers() {
        for security in [Security::ImplicitTls, Security::StartTls] {
            let (ended, said) = over_servers(temper, security, &mut shown).await;
            outcomes.extend(ended);
            heard += &said;
        }
    }
    in_memory(&mut shown).await;

    let logged = logged();
    for target in ["async_imap", "mail_access"] {
        assert!(logged.iter().any(|(from, _)| from.starts_with(target)), "{target} was not listened to");
    }
    for secret in [PASSWORD, TOKEN, SUBJECT, TEXT, FILE] {
        assert!(forms(secret).iter().any(|form| heard.contains(form)), "{secret} was never sent");
    }
    for (kind, least) in
        [("ok", 100), ("authentication", 60), ("refused", 50), ("lost", 50), ("protocol", 50)]
    {
        let times = outcomes.iter().filter(|outcome| **outcome == kind).count();
        assert!(times >= least, "{kind}: {times} of {}", outcomes.len());
    }
    for secret in [PASSWORD, TOKEN, WRONG] {
        for form in forms(secret) {
            assert!(!shown.text().contains(&form), "{secret} shows: {}", around(shown.text(), &form));
            for (target, text) in logged.iter().filter(|one| !is_servers_word(one)) {
                assert!(!text.contains(&form), "{secret} is in the log of {target}: {text}");
            }
        }
    }
    for content in [SUBJECT, TEXT, FILE, NAME] {
        for form in forms(content) {
            for (target, text) in logged.iter().filter(|(target, _)| !target.starts_with("async_imap")) {
                assert!(!text.contains(&form), "{content} is in the log of {target}: {text}");
            }
        }
    }
}

#[test]
fn a_secret_is_found_wherever_base64_begins() {
    for (before, encoded) in
        [("", "Y2FuYXJ5"), ("a", "YWNhbmFyeQ=="), ("ab", "YWJjYW5hcnk="), ("abc", "YWJjY2FuYXJ5")]
    {
        assert!(forms("canary").iter().skip(1).any(|form| encoded.contains(form)), "behind {before:?}");
    }
}

/// Sends twice and reads, with a password and with a token, and returns how each call ended and all that was heard.
async fn over_servers(temper: Temper, security: Security, shown: &mut Shown) -> (Vec<&'static str>, String) {
    let (mut outcomes, mut all_heard) = (Vec::new(), String::new());
    let message = message();
    for login in [Login::new(ada(), PASSWORD.into()), Login::with_token(ada(), TOKEN.into())] {
        let servers = Servers::new(temper, &String::from_utf8_lossy(message.bytes()));
        let heard = servers.heard();
        let smtp = Endpoint::new("mail.agents.example", 587).unwrap();
        let imap = Endpoint::new("mail.agents.example", 993).unwrap();
        let config = SmtpImapConfig::new(smtp, imap).with_smtp_security(security);
        let mail = SmtpImap::new(config, Arc::new(servers));
        for _ in 0..2 {
            outcomes.push(shown.outcome(&mail.submit(&login, &message).await));
        }
        let batch = mail.fetch(&login, &Selection::Unseen, 9).await;
        outcomes.push(shown.outcome(&batch.map(|batch| batch.messages.len())));
        outcomes.push(shown.outcome(&mail.mark_seen(&login, 7, &[uid()]).await));
        let behind = Position { uid_validity: 7, uid: 5 };
        outcomes.push(shown.outcome(&mail.wait(&login, behind, Duration::from_secs(5)).await));
        shown.value(&(&mail, &login));
        all_heard += &heard.lock().unwrap();
    }
    (outcomes, all_heard)
}

/// Does the same with the mail system in memory, wrong password and all troubles included.
async fn in_memory(shown: &mut Shown) {
    let office = PostOffice::new();
    office.add_domain(ada().domain().clone());
    office.add_mailbox(&ada(), PASSWORD.into(), 0).unwrap();
    let message = message();
    let troubles = [
        Fault::SubmitUnavailable,
        Fault::SubmitLost,
        Fault::SubmitTakenAndLost,
        Fault::FetchUnavailable,
        Fault::WaitUnavailable,
    ];
    for login in [Login::new(ada(), PASSWORD.into()), Login::new(ada(), WRONG.into())] {
        for trouble in troubles.map(Some).into_iter().chain([None]) {
            if let Some(trouble) = trouble {
                office.fail_next(&ada(), trouble);
            }
            shown.outcome(&office.submit(&login, &message).await);
            let batch = office.fetch(&login, &Selection::After(None), 9).await;
            shown.outcome(&batch.map(|batch| batch.messages.len()));
            shown.outcome(&office.mark_seen(&login, 1, &[uid()]).await);
            let end = Position { uid_validity: 1, uid: u32::MAX };
            shown.outcome(&office.wait(&login, end, Duration::from_secs(1)).await);
        }
        shown.value(&login);
    }
    shown.value(&(&office, &message));
}

/// Servers of every temper: those that accept, that refuse each step and repeat what they heard, and that leave at each
/// step.
fn tempers() -> Vec<Temper> {
    let calm = Temper::default();
    let every = "PLAIN XOAUTH2";
    let mut tempers = vec![calm];
    for mechanisms in [every, "LOGIN", "CRAM-MD5"] {
        tempers.push(Temper { mechanisms, ..calm });
        tempers.push(Temper { mechanisms, offers: &["SASL-IR", "CHUNKING"], ..calm });
    }
    for refusal in [
        ("EHLO", "502 5.5.1 {}"),
        ("AUTH", "535 5.7.8 {}"),
        ("AUTH", "454 4.7.0 {}"),
        ("AUTH", "299 {}"),
        ("AUTH XOAUTH2", "334 {}"),
        ("MAIL", "550 5.7.1 {}"),
        ("RCPT", "451 4.7.1 {}"),
        ("DATA", "554 5.6.0 {}"),
        (".", "554 5.6.0 {}"),
        (".", "{}"),
        ("AUTHENTICATE", "NO [AUTHENTICATIONFAILED] {}"),
        ("AUTHENTICATE", "NO [UNAVAILABLE] {}"),
        ("AUTHENTICATE", "BAD {}"),
        ("AUTHENTICATE", "OK [{}"),
        ("LOGIN", "NO {}"),
        ("SELECT", "NO {}"),
        ("UID SEARCH", "NO [{}"),
        ("UID FETCH", "BAD {}"),
        ("UID STORE", "NO {}"),
        ("IDLE", "NO {}"),
    ] {
        let refuses = Some(refusal);
        for mechanisms in [every, "LOGIN"] {
            tempers.push(Temper { mechanisms, refuses, ..calm });
        }
        tempers.push(Temper { mechanisms: every, offers: &["SASL-IR", "CHUNKING"], refuses, ..calm });
    }
    for lines in 0..9 {
        tempers.push(Temper { mechanisms: every, hangs_up_after: Some(lines), ..calm });
        tempers.push(Temper { mechanisms: every, falls_silent_after: Some(lines), ..calm });
    }
    tempers
}

/// Tells whether async-imap shows what a server said, which here may be the password: it was told to repeat it.
fn is_servers_word((target, text): &(String, String)) -> bool {
    target.starts_with("async_imap") && text.starts_with("decode: input")
}

fn message() -> Outgoing {
    let file = Attachment::new(NAME, "application/pdf", FILE.as_bytes());
    let message = NewMessage::to("bob@agents.example".parse::<Address>().unwrap());
    let message = message.with_subject(SUBJECT).with_text(TEXT).with_attachment(file);
    message.seal(&ada().into()).unwrap()
}

fn ada() -> Address {
    "ada@agents.example".parse().unwrap()
}

fn uid() -> Uid {
    Uid::new(5).unwrap()
}

fn around<'a>(text: &'a str, form: &str) -> &'a str {
    let at = text.find(form).unwrap_or(0);
    let from = text[..at].rfind('\n').map_or(0, |line| line + 1);
    text[from..].lines().next().unwrap_or_default()
}

const PASSWORD: &str = "canary-password-5417";
const WRONG: &str = "canary-mistaken-2280";
const TOKEN: &str = "ya29.canary-token-9911";
const SUBJECT: &str = "canary-subject-7301";
const TEXT: &str = "canary-text-6602";
const FILE: &str = "canary-content-1174";
const NAME: &str = "canary-name-3395.pdf";
