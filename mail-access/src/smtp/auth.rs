use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::session::{COMMAND, Session};
use crate::wire::Fault;
use crate::{Login, Status};

impl Session {
    /// Logs in by AUTH PLAIN, or by LOGIN where only that is offered (RFC 4954).
    pub(super) async fn authenticate(&mut self, login: &Login) -> Result<(), Fault> {
        let password = login.password().expose_secret();
        if password.contains('\0') {
            return Err(Fault::Invalid { what: "password", problem: "it must not hold a NUL" });
        }
        let address = login.address();
        let mechanisms = self.offer("AUTH").unwrap_or_default().to_ascii_uppercase();
        let offers = |mechanism| mechanisms.split(' ').any(|offered| offered == mechanism);
        // Only the last of these lines is judged: whoever asks for the next one has accepted those before.
        let lines = if offers("PLAIN") {
            let secret = SecretString::from(format!("\0{address}\0{password}"));
            vec![SecretString::from(format!("AUTH PLAIN {}\r\n", STANDARD.encode(secret.expose_secret())))]
        } else if offers("LOGIN") {
            vec![
                SecretString::from("AUTH LOGIN\r\n"),
                SecretString::from(format!("{}\r\n", STANDARD.encode(address.to_string()))),
                SecretString::from(format!("{}\r\n", STANDARD.encode(password))),
            ]
        } else {
            return Err(Fault::Protocol("it offers neither AUTH PLAIN nor AUTH LOGIN".into()));
        };
        let last = lines.len() - 1;
        for (number, line) in lines.iter().enumerate() {
            let reply = self.ask(line.expose_secret(), COMMAND, "the answer to AUTH").await?;
            match reply.code {
                CONTINUE if number < last => {}
                ACCEPTED if number == last => {}
                400..=499 => return Err(Fault::Refused(without_secrets(reply.status(), &lines, password))),
                500..=599 => {
                    return Err(Fault::Authentication(without_secrets(reply.status(), &lines, password)));
                }
                code => return Err(Fault::Protocol(format!("{code} is no answer to AUTH"))),
            }
        }
        Ok(())
    }
}

/// A server may repeat what it didn't understand.
fn without_secrets(status: Status, lines: &[SecretString], password: &str) -> Status {
    let sent = lines.iter().flat_map(|line| line.expose_secret().split_ascii_whitespace());
    let secrets = sent.filter(|word| !["AUTH", "PLAIN", "LOGIN"].contains(word)).chain([password]);
    if secrets.filter(|secret| !secret.is_empty()).any(|secret| status.text.contains(secret)) {
        return Status::new(status.code, status.enhanced, "(its text repeats the login and is left out)");
    }
    status
}

const CONTINUE: u16 = 334;
const ACCEPTED: u16 = 235;
