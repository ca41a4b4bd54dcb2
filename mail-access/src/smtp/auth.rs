use secrecy::{ExposeSecret, SecretString};

use super::deadlines::COMMAND;
use super::offers::Offers;
use super::session::Session;
use crate::wire::{Fault, sasl};
use crate::{Login, LoginKind, Status};

impl Session {
    /// Logs in (RFC 4954): with a password by PLAIN, or by LOGIN where only that is offered, with a token by XOAUTH2.
    pub(super) async fn authenticate(&mut self, login: &Login) -> Result<(), Fault> {
        let lines = lines(&self.offers, login)?;
        let last = lines.len() - 1;
        // Only the last of these lines is judged: whoever asks for the next one has accepted those before.
        for (number, line) in lines.iter().enumerate() {
            let mut reply = self.talk.ask(line.expose_secret(), COMMAND, WHAT).await?;
            if reply.code == CONTINUE && number == last && login.kind() == LoginKind::Token {
                // It says in JSON why not; an empty line asks for the refusal itself.
                reply = self.talk.ask("\r\n", COMMAND, WHAT).await?;
                if reply.code == ACCEPTED {
                    return Err(Fault::Protocol("it accepts a token that it had refused".into()));
                }
            }
            match reply.code {
                CONTINUE if number < last => {}
                ACCEPTED if number == last => {}
                400..=499 => return Err(Fault::Refused(without_secrets(reply.status(), login, &lines))),
                500..=599 => {
                    return Err(Fault::Authentication(without_secrets(reply.status(), login, &lines)));
                }
                code => return Err(Fault::Protocol(format!("{code} is no answer to AUTH"))),
            }
        }
        Ok(())
    }
}

/// Chooses a mechanism and writes its lines; all but the last are answered by a request for the next one.
fn lines(offers: &Offers, login: &Login) -> Result<Vec<SecretString>, Fault> {
    if login.kind() == LoginKind::Token {
        if !offers.has_mechanism("XOAUTH2") {
            return Err(Fault::Protocol("it doesn't offer AUTH XOAUTH2, which a token needs".into()));
        }
        return Ok(with_initial_response("XOAUTH2", &sasl::xoauth2(login)?));
    }
    let plain = sasl::plain(login)?;
    if offers.has_mechanism("PLAIN") {
        Ok(with_initial_response("PLAIN", &plain))
    } else if offers.has_mechanism("LOGIN") {
        let line = |secret: &SecretString| format!("{}\r\n", sasl::base64(secret).expose_secret()).into();
        let user = login.address().to_string().into();
        Ok(vec!["AUTH LOGIN\r\n".into(), line(&user), line(login.password())])
    } else {
        Err(Fault::Protocol("it offers neither AUTH PLAIN nor AUTH LOGIN".into()))
    }
}

/// Saves a round trip where the line is not too long for it (RFC 4954 section 4).
fn with_initial_response(mechanism: &str, response: &SecretString) -> Vec<SecretString> {
    let response = response.expose_secret();
    let line = format!("AUTH {mechanism} {response}\r\n");
    if line.len() <= MAX_COMMAND {
        return vec![line.into()];
    }
    vec![format!("AUTH {mechanism}\r\n").into(), format!("{response}\r\n").into()]
}

fn without_secrets(status: Status, login: &Login, sent: &[SecretString]) -> Status {
    if sasl::repeats(&status.text, login, sent) {
        return Status::new(status.code, status.enhanced, sasl::WITHHELD);
    }
    status
}

const WHAT: &str = "the answer to AUTH";
const CONTINUE: u16 = 334;
const ACCEPTED: u16 = 235;
const MAX_COMMAND: usize = 512;
