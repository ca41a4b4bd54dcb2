use mail_access::{Error, MailAccess, Outgoing};

use crate::player::{clean, with_server};

/// Sends a message to a submission server that says `bytes`.
pub(crate) fn check(bytes: &[u8]) {
    let done = with_server(bytes, async |mail, login| mail.submit(&login, &message()).await);
    match done {
        Ok(submission) => {
            assert!(yeses(bytes) >= LEAST, "nobody said yes so often");
            assert!((200..300).contains(&submission.status.code) && !submission.accepted.is_empty());
            assert_eq!(submission.accepted.len() + submission.refused.len(), message().recipients().len());
            submission.refused.iter().for_each(|(_, status)| clean(&status.to_string()));
            clean(&submission.status.to_string());
        }
        Err(error) => {
            clean(&error.to_string());
            if let Some(status) = error.status() {
                // Nobody can be said to have refused what he didn't answer.
                assert!(status.code == 0 || (400..600).contains(&status.code), "{status}");
                let _ = (status.reason(), status.retry_after());
            }
            assert!(!matches!(error, Error::Invalid { .. } | Error::Renumbered { .. }), "{error:?}");
        }
    }
}

/// Tells how many lines could be the end of a 2yz or 3yz.
fn yeses(bytes: &[u8]) -> usize {
    let ends = bytes.split(|byte| b"\n\x1e".contains(byte));
    ends.filter(|line| {
        line.len() >= 4 && b"23".contains(&line[0]) && line[1..3].iter().all(u8::is_ascii_digit)
    })
    .count()
}

fn message() -> Outgoing {
    let address = |text: &str| text.parse().expect("an address");
    let recipients = vec![address("bob@x.example"), address("eve@x.example")];
    let id = "1@agents.example".parse().expect("an id");
    Outgoing::restore(address("ada@agents.example"), recipients, id, *b"Subject: x\r\n\r\n.y\r\n")
        .expect("a message")
}

/// Greeting, EHLO, AUTH, MAIL, one RCPT and the message itself; with chunks nothing asks for leave.
const LEAST: usize = 6;
