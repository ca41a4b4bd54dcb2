use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use crate::wire::script::{Dialogue, Script};
use crate::{Error, Login, MailAccess, Outgoing, Submission};

mod ahead;
mod authentication;
mod extensions;
mod faults;
mod flights;
#[cfg(feature = "local-servers")]
mod starttls;
mod strict;

fn ada() -> Login {
    Login::new("ada@agents.example".parse().unwrap(), SecretString::from("canary"))
}

fn message(recipients: &[&str], content: &str) -> Outgoing {
    let recipients = recipients.iter().map(|address| address.parse().unwrap()).collect();
    let id = "1@agents.example".parse().unwrap();
    Outgoing::restore("ada@agents.example".parse().unwrap(), recipients, id, content.as_bytes()).unwrap()
}

/// Up to the login, with every extension that is used.
fn logged_in() -> Dialogue {
    offering("250-PIPELINING\r\n250-SIZE 1000\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n")
        .hears("AUTH PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n")
        .says("235 2.7.0 ok\r\n")
}

fn offering(lines: &str) -> Dialogue {
    Dialogue::default()
        .says("220 mail.agents.example ESMTP\r\n")
        .hears("EHLO agents.example\r\n")
        .says(format!("250-mail.agents.example\r\n{lines}"))
}

/// One message to one recipient, on a session that is logged in.
fn one_message() -> Dialogue {
    Dialogue::default()
        .hears("MAIL FROM:<ada@agents.example> SIZE=18\r\nRCPT TO:<bob@x.example>\r\nDATA\r\n")
        .says("250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n")
        .hears("Subject: x\r\n\r\n..y\r\n.\r\n")
        .says("250 2.0.0 queued as 7\r\n")
}

fn to_bob() -> Outgoing {
    message(&["bob@x.example"], "Subject: x\r\n\r\n.y\r\n")
}

async fn submit(dialogue: Dialogue, message: &Outgoing) -> Result<Submission, Error> {
    let script = Script::of([dialogue]);
    let done = script.mail().submit(&ada(), message).await;
    assert_eq!(script.problems(), [""; 0]);
    done
}
