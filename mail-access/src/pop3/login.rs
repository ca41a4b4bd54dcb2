use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::conversation::{Answer, COMMAND, Conversation};
use super::session::Session;
use crate::wire::{Fault, Stream, sasl};
use crate::{Login, LoginKind, Status};

/// What a server says it can do (RFC 2449).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    mechanisms: Vec<String>,
    /// USER and PASS; also where the server doesn't say what it can do.
    user: bool,
    /// Several commands may go out before the first answer.
    pub(super) pipelining: bool,
    /// How long a server wants to be left alone between two logins.
    pub(super) login_delay: Duration,
}

impl Session {
    /// Hears the greeting, asks what is offered, and logs in.
    pub(super) async fn open(stream: Stream, login: &Login) -> Result<Self, Fault> {
        let mut talk = Conversation::over(stream);
        match talk.answer(GREETING, "the greeting").await? {
            Answer::Ok(_) => {}
            Answer::Refused(text) if code(&text) == "SYS/PERM" => {
                return Err(Fault::Refused(Status::new(0, None, &text)));
            }
            // Nobody has logged in: it is the server that isn't well, or has too many clients.
            Answer::Refused(text) => return Err(Fault::Refused(Status::new(0, Some(NOT_NOW), &text))),
            Answer::GoOn => return Err(Fault::Protocol("it doesn't greet".into())),
        }
        let offers = Offers::ask(&mut talk).await?;
        authenticate(&mut talk, &offers, login).await?;
        Ok(Self::new(talk, offers))
    }
}

impl Offers {
    async fn ask(talk: &mut Conversation) -> Result<Self, Fault> {
        talk.send("CAPA\r\n").await?;
        match talk.answer(COMMAND, "the answer to CAPA").await? {
            Answer::Ok(_) => {}
            Answer::Refused(_) => return Ok(Self { user: true, ..Self::default() }),
            Answer::GoOn => return Err(Fault::Protocol("+ is no answer to CAPA".into())),
        }
        let mut offers = Self::default();
        talk.lines(MAX_OFFERS, "the answer to CAPA", |line| {
            offers.note(line);
            Ok(())
        })
        .await?;
        Ok(offers)
    }

    fn note(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "SASL" => self.mechanisms.extend(words.map(str::to_ascii_uppercase)),
            "USER" => self.user = true,
            "PIPELINING" => self.pipelining = true,
            "LOGIN-DELAY" => {
                let seconds = words.next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
                self.login_delay = Duration::from_secs(seconds).min(LONGEST_DELAY);
            }
            _ => {}
        }
    }

    fn has_mechanism(&self, name: &str) -> bool {
        self.mechanisms.iter().any(|mechanism| mechanism == name)
    }
}

async fn authenticate(talk: &mut Conversation, offers: &Offers, login: &Login) -> Result<(), Fault> {
    let lines = lines(offers, login)?;
    let last = lines.len() - 1;
    // All lines but the last one are answered by a request for the next one, or by +OK to USER.
    for (number, line) in lines.iter().enumerate() {
        talk.send(line.expose_secret()).await?;
        let mut answer = talk.answer(COMMAND, WHAT).await?;
        if answer == Answer::GoOn && number == last && login.kind() == LoginKind::Token {
            // It says in JSON why not; an empty line asks for the refusal itself.
            talk.send("\r\n").await?;
            answer = talk.answer(COMMAND, WHAT).await?;
            if matches!(answer, Answer::Ok(_)) {
                return Err(Fault::Protocol("it accepts a token that it had refused".into()));
            }
        }
        let is_user = line.expose_secret().starts_with("USER ");
        match answer {
            Answer::GoOn if number < last && !is_user => {}
            Answer::Ok(_) if number == last || is_user => {}
            Answer::Refused(text) => return Err(refusal(&text, login, &lines)),
            Answer::GoOn | Answer::Ok(_) => {
                return Err(Fault::Protocol("it doesn't understand the login".into()));
            }
        }
    }
    Ok(())
}

/// Chooses how to log in by what is offered, and writes the lines.
fn lines(offers: &Offers, login: &Login) -> Result<Vec<SecretString>, Fault> {
    if login.kind() == LoginKind::Token {
        if !offers.has_mechanism("XOAUTH2") {
            return Err(Fault::Protocol("it doesn't offer AUTH XOAUTH2, which a token needs".into()));
        }
        return Ok(by_sasl("XOAUTH2", &sasl::xoauth2(login)?));
    }
    let plain = sasl::plain(login)?;
    if offers.has_mechanism("PLAIN") {
        return Ok(by_sasl("PLAIN", &plain));
    }
    if !offers.user {
        return Err(Fault::Protocol("it offers neither AUTH PLAIN nor USER".into()));
    }
    let (address, password) = (login.address().to_string(), login.password().expose_secret());
    if address.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Fault::Invalid {
            what: "login",
            problem: "its address has a blank, which USER can't hold",
        });
    }
    if password.contains(['\r', '\n']) {
        return Err(Fault::Invalid { what: "password", problem: "it has a line end, which PASS can't hold" });
    }
    Ok(vec![format!("USER {address}\r\n").into(), format!("PASS {password}\r\n").into()])
}

/// Saves a round trip where the line is not too long for it (RFC 5034 section 4).
fn by_sasl(mechanism: &str, response: &SecretString) -> Vec<SecretString> {
    let response = response.expose_secret();
    let line = format!("AUTH {mechanism} {response}\r\n");
    if line.len() <= MAX_COMMAND {
        return vec![line.into()];
    }
    vec![format!("AUTH {mechanism}\r\n").into(), format!("{response}\r\n").into()]
}

/// Tells a wrong login from a mailbox or a server that can't be had now (RFC 2449 section 8.1, RFC 3206).
fn refusal(text: &str, login: &Login, sent: &[SecretString]) -> Fault {
    let text = if sasl::repeats(text, login, sent) { sasl::WITHHELD } else { text };
    let lower = text.to_ascii_lowercase();
    match code(text).as_str() {
        // As RFC 1939 section 7 has a server say it that knows no codes.
        "" if lower.contains("maildrop") && lower.contains("lock") => not_now(text),
        IN_USE | LOGIN_DELAY | "SYS/TEMP" => not_now(text),
        "SYS/PERM" => Fault::Refused(Status::new(0, None, text)),
        _ => Fault::Authentication(Status::new(0, None, text)),
    }
}

fn not_now(text: &str) -> Fault {
    Fault::Refused(Status::new(0, Some(NOT_NOW), text))
}

/// Returns the code that a refusal begins with, in upper case (RFC 2449 section 8).
pub(super) fn code(text: &str) -> String {
    let inner = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    inner.map(|(code, _)| code.to_ascii_uppercase()).unwrap_or_default()
}

/// "Other or undefined mail system status", for now (RFC 3463 section 3.4).
pub(super) const NOT_NOW: (u8, u16, u16) = (4, 3, 0);
/// Another session has the maildrop.
pub(super) const IN_USE: &str = "IN-USE";
/// It was logged in to too short a time ago.
pub(super) const LOGIN_DELAY: &str = "LOGIN-DELAY";
const WHAT: &str = "the answer to the login";
const GREETING: Duration = Duration::from_secs(30);
const MAX_OFFERS: usize = 128;
const MAX_COMMAND: usize = 255;
/// No server means more.
const LONGEST_DELAY: Duration = Duration::from_hours(1);
