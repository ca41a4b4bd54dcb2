use std::io;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::id::Id;
use super::offers::Offers;
use super::select::INBOX;
use super::session::{COMMAND, SHORT, Said, Session};
use crate::wire::{
    Buffered, DeflateStream, Fault, GuardStream, Stream, buffered, read_line, sasl, within, write,
};
use crate::{Login, LoginKind, Status};

impl Session {
    /// Logs in, and selects the INBOX if that is wanted. All of the login happens before async-imap gets the stream,
    /// whose log would show the password.
    pub(crate) async fn open(
        stream: Stream,
        login: &Login,
        in_inbox: bool,
        terms: &Terms,
    ) -> Result<Self, Fault> {
        // Each line has a deadline of its own; a server may send many.
        let opening = Box::pin(Self::enter(stream, login, in_inbox, terms));
        within(IN_ALL, "the login", async { Ok(opening.await) }).await?
    }

    async fn enter(stream: Stream, login: &Login, in_inbox: bool, terms: &Terms) -> Result<Self, Fault> {
        // What is compressed begins behind all that was said before.
        let in_inbox = in_inbox && !terms.is_compressed;
        let mut door = Door { stream: buffered(stream), offers: None, in_inbox, ahead: None };
        let mut greeting = door.line(GREETING, "the greeting").await?;
        greeting.make_ascii_uppercase();
        if greeting.starts_with("* BYE") {
            return Err(goodbye());
        }
        if !greeting.starts_with("* OK") {
            // PREAUTH would be somebody's mailbox, but nobody said whose.
            return Err(Fault::Protocol("it doesn't greet with OK".into()));
        }
        door.note_offers(&greeting);
        if door.offers.is_none() {
            door.ask_offers("C1").await?;
        }
        door.authenticate(login).await?;
        if door.offers.is_none() && door.ahead.is_none() {
            door.ask_offers("C2").await?;
        }
        if terms.is_compressed && door.offers("COMPRESS=DEFLATE") {
            door = door.compress().await?;
        }
        let offers = Offers::read(door.offers.as_deref().unwrap_or_default());
        let mut session = Self::new(GuardStream::new(door.stream), offers);
        if let Some(sent) = door.ahead {
            match session.finish_select(INBOX, sent).await {
                // Whoever needs it hears of it; others have no use for it.
                Err(fault @ Fault::Refused(_)) => session.refused = Some(Box::new(fault)),
                selected => selected?,
            }
        }
        if door.offers.is_none() {
            session.ask_offers().await?;
        }
        session.enable_utf8().await?;
        if let Some(fields) = terms.id.as_ref().filter(|_| session.offers.has("ID")) {
            session.id = Id::due(fields);
        }
        Ok(session)
    }

    async fn ask_offers(&mut self) -> Result<(), Fault> {
        let mut offers = None;
        self.run("CAPABILITY", SHORT, |answer| {
            if let Said::Line(line) = answer
                && let Some(list) = line.after("CAPABILITY")
            {
                offers = list.text().map(Offers::read);
            }
        })
        .await?;
        self.offers = offers.ok_or_else(|| Fault::Protocol("it doesn't say what it offers".into()))?;
        Ok(())
    }
}

/// What is wanted of a session beside the login, where the server offers it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    /// It is compressed (RFC 4978).
    pub(crate) is_compressed: bool,
    /// It is told of the program (RFC 2971), in the words of [`id_fields`](super::id_fields).
    pub(crate) id: Option<Arc<str>>,
}

/// A connection before it is logged in.
struct Door {
    stream: Buffered,
    offers: Option<String>,
    in_inbox: bool,
    /// When the INBOX was asked for in one flight with the login.
    ahead: Option<Instant>,
}

impl Door {
    async fn authenticate(&mut self, login: &Login) -> Result<(), Fault> {
        // Each line but the last is answered by a request for the next one.
        let lines = self.login_lines(login)?;
        // A refused token takes one more line before the next command.
        let is_one_line = lines.len() == 1 && login.kind() == LoginKind::Password;
        // UTF-8 is agreed on before a folder is selected.
        let is_ahead = self.in_inbox && is_one_line && !self.offers("UTF8=ACCEPT");
        self.ahead = is_ahead.then(Instant::now);
        // What it offers may differ after the login.
        self.offers = None;
        for (number, line) in lines.iter().enumerate() {
            within(COMMAND, "the login", async {
                let line = line.expose_secret();
                if self.ahead.is_none() {
                    return Ok(write(&mut self.stream, line.as_bytes()).await);
                }
                let flight = SecretString::from(format!("{line}{SELECT_AHEAD}"));
                Ok(write(&mut self.stream, flight.expose_secret().as_bytes()).await)
            })
            .await??;
            let mut answer = self.answer("L1").await?;
            if matches!(answer, Answer::Continue)
                && number + 1 == lines.len()
                && login.kind() == LoginKind::Token
            {
                // It says in JSON why the token is refused; an empty line asks for the refusal itself.
                within(COMMAND, "the login", async { Ok(write(&mut self.stream, b"\r\n").await) }).await??;
                answer = match self.answer("L1").await? {
                    Answer::No(text) => Answer::No(text),
                    _ => Answer::Bad,
                };
            }
            match answer {
                Answer::Continue if number + 1 < lines.len() => {}
                Answer::Ok(text) if number + 1 == lines.len() => self.note_offers(&text),
                Answer::No(text) => return Err(refusal(&text, login, &lines)),
                Answer::Continue | Answer::Ok(_) | Answer::Bad => {
                    return Err(Fault::Protocol("it doesn't understand the login".into()));
                }
            }
        }
        Ok(())
    }

    /// Chooses how to log in by what is offered.
    fn login_lines(&self, login: &Login) -> Result<Vec<SecretString>, Fault> {
        let by_sasl = |mechanism: &str, secret: &SecretString| -> Vec<SecretString> {
            let secret = secret.expose_secret();
            if self.offers("SASL-IR") {
                vec![format!("L1 AUTHENTICATE {mechanism} {secret}\r\n").into()]
            } else {
                vec![format!("L1 AUTHENTICATE {mechanism}\r\n").into(), format!("{secret}\r\n").into()]
            }
        };
        if login.kind() == LoginKind::Token {
            if !self.offers("AUTH=XOAUTH2") {
                return Err(Fault::Protocol("it doesn't offer AUTH=XOAUTH2, which a token needs".into()));
            }
            return Ok(by_sasl("XOAUTH2", &sasl::xoauth2(login)?));
        }
        let plain = sasl::plain(login)?;
        if self.offers("AUTH=PLAIN") {
            return Ok(by_sasl("PLAIN", &plain));
        }
        if self.offers("LOGINDISABLED") {
            return Err(Fault::Protocol("it offers neither AUTHENTICATE PLAIN nor LOGIN".into()));
        }
        let (address, password) = (login.address().to_string(), login.password().expose_secret());
        Ok(vec![
            format!("L1 LOGIN {{{}}}\r\n", address.len()).into(),
            format!("{address} {{{}}}\r\n", password.len()).into(),
            format!("{password}\r\n").into(),
        ])
    }

    /// Reads up to the tagged answer, or the request to go on.
    async fn answer(&mut self, tag: &str) -> Result<Answer, Fault> {
        for _ in 0..MAX_LINES {
            let line = self.line(COMMAND, "the login").await?;
            let upper = line.to_ascii_uppercase();
            if let Some(rest) = line.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) {
                let (word, text) = rest.split_once(' ').unwrap_or((rest, ""));
                return match word.to_ascii_uppercase().as_str() {
                    "OK" => Ok(Answer::Ok(text.to_ascii_uppercase())),
                    "NO" => Ok(Answer::No(text.to_owned())),
                    "BAD" => Ok(Answer::Bad),
                    _ => Err(Fault::Protocol("a tagged answer is neither OK nor NO nor BAD".into())),
                };
            } else if line.starts_with('+') {
                return Ok(Answer::Continue);
            } else if upper.starts_with("* BYE") {
                return Err(goodbye());
            } else if upper.starts_with("* ") {
                self.note_offers(&upper);
            } else {
                return Err(Fault::Protocol("a line is neither tagged nor untagged".into()));
            }
        }
        Err(Fault::Protocol("the answer has too many lines".into()))
    }

    async fn ask_offers(&mut self, tag: &str) -> Result<(), Fault> {
        let command = format!("{tag} CAPABILITY\r\n");
        within(COMMAND, "CAPABILITY", async { Ok(write(&mut self.stream, command.as_bytes()).await) })
            .await??;
        match self.answer(tag).await? {
            Answer::Ok(_) if self.offers.is_some() => Ok(()),
            _ => Err(Fault::Protocol("it doesn't say what it offers".into())),
        }
    }

    /// Has both sides compress from here on (RFC 4978); a server that can't do it now goes on as it is.
    async fn compress(mut self) -> Result<Self, Fault> {
        let command = b"C3 COMPRESS DEFLATE\r\n";
        within(COMMAND, "COMPRESS", async { Ok(write(&mut self.stream, command).await) }).await??;
        match self.answer("C3").await? {
            Answer::Ok(_) if self.stream.buffer().is_empty() => {
                self.stream = buffered(Box::new(DeflateStream::new(self.stream.into_inner())));
                Ok(self)
            }
            Answer::Ok(_) => Err(Fault::Protocol("it goes on in the open after COMPRESS".into())),
            Answer::No(_) => Ok(self),
            Answer::Continue | Answer::Bad => Err(Fault::Protocol("it doesn't understand COMPRESS".into())),
        }
    }

    /// Takes the list out of `* CAPABILITY ...` or `[CAPABILITY ...]`, in upper case.
    fn note_offers(&mut self, upper: &str) {
        let list = upper.strip_prefix("* CAPABILITY ").or_else(|| {
            let (_, rest) = upper.split_once("[CAPABILITY ")?;
            rest.split_once(']').map(|(list, _)| list)
        });
        if let Some(list) = list {
            self.offers = Some(list.to_owned());
        }
    }

    fn offers(&self, capability: &str) -> bool {
        self.offers.iter().flat_map(|list| list.split(' ')).any(|offered| offered == capability)
    }

    async fn line(&mut self, limit: Duration, what: &'static str) -> Result<String, Fault> {
        let line = within(limit, what, async { Ok(read_line(&mut self.stream, MAX_LINE).await) }).await??;
        Ok(String::from_utf8_lossy(&line).into_owned())
    }
}

enum Answer {
    Continue,
    Ok(String),
    No(String),
    Bad,
}

/// Tells a wrong login from a server that can't check it now (RFC 5530).
fn refusal(text: &str, login: &Login, sent: &[SecretString]) -> Fault {
    let text = if sasl::repeats(text, login, sent) { sasl::WITHHELD } else { text };
    let code = text.strip_prefix('[').and_then(|rest| rest.split([']', ' ']).next()).unwrap_or_default();
    match code.to_ascii_uppercase().as_str() {
        "UNAVAILABLE" | "INUSE" | "LIMIT" | "SERVERBUG" => {
            Fault::Refused(Status::new(0, Some(NOT_NOW), text))
        }
        _ => Fault::Authentication(Status::new(0, None, text)),
    }
}

/// Makes the fault of a server that said BYE.
pub(super) fn goodbye() -> Fault {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the server said goodbye").into()
}

/// "Other or undefined mail system status", for now (RFC 3463 section 3.4).
pub(super) const NOT_NOW: (u8, u16, u16) = (4, 3, 0);
/// The first command of a session.
const SELECT_AHEAD: &str = "A1 SELECT INBOX\r\n";
const IN_ALL: Duration = Duration::from_mins(3);
const GREETING: Duration = Duration::from_secs(30);
const MAX_LINE: usize = 8192;
const MAX_LINES: usize = 64;
