//! An IMAP server in memory, for tests: any number of mailboxes, told of new mail as late as Dovecot tells of it.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::wire::link::{Cut, Link, Traffic};
use crate::wire::{Connector, Endpoint, PlainStream, Stream};
use crate::{Login, SmtpImap, SmtpImapConfig};

pub(crate) struct Double {
    /// How long it thinks before each reply.
    pace: Duration,
    /// From which reply of a connection on it is silent, the greeting being 0.
    silent_from: usize,
    cuts: Mutex<VecDeque<Cut>>,
    restart: watch::Sender<bool>,
    world: Arc<Mutex<World>>,
    pub(crate) traffic: Arc<Traffic>,
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) mailboxes: HashMap<String, Mailbox>,
    /// When each login came.
    pub(crate) logins: Vec<Instant>,
    pub(crate) refused: usize,
    pub(crate) logouts: usize,
    /// Commands, without their tags.
    pub(crate) commands: Vec<String>,
    /// Lines that were wrong where they came.
    pub(crate) problems: Vec<String>,
}

pub(crate) struct Mailbox {
    pub(crate) uid_validity: u32,
    pub(crate) uid_next: u32,
    /// UIDs and whether they are marked as seen.
    pub(crate) messages: Vec<(u32, bool, String)>,
    changes: watch::Sender<u64>,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self { uid_validity: 7, uid_next: 1, messages: Vec::new(), changes: watch::Sender::new(0) }
    }
}

impl Double {
    pub(crate) fn new() -> Self {
        Self {
            pace: Duration::ZERO,
            silent_from: usize::MAX,
            cuts: Mutex::default(),
            restart: watch::Sender::new(true),
            world: Arc::default(),
            traffic: Arc::default(),
        }
    }

    pub(crate) fn pacing(self, pace: Duration) -> Self {
        Self { pace, ..self }
    }

    pub(crate) fn silent_from(self, reply: usize) -> Self {
        Self { silent_from: reply, ..self }
    }

    /// Breaks the next connections that are opened, one by one.
    pub(crate) fn cutting(self, cuts: impl IntoIterator<Item = Cut>) -> Self {
        *self.cuts.lock().unwrap() = cuts.into_iter().collect();
        self
    }

    pub(crate) fn config() -> SmtpImapConfig {
        let server = |port| Endpoint::new("mail.agents.example", port).unwrap();
        SmtpImapConfig::new(server(465), server(993))
    }

    pub(crate) fn mail(self: &Arc<Self>, config: SmtpImapConfig) -> SmtpImap {
        SmtpImap::new(config, Arc::clone(self) as Arc<dyn Connector>)
    }

    pub(crate) fn world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.world.lock().unwrap())
    }

    /// Puts a message into a mailbox, whose subject and Message-ID are `name`.
    pub(crate) fn deliver(&self, login: &Login, name: &str) -> u32 {
        self.world(|world| {
            let mailbox = world.mailboxes.entry(login.address().to_string()).or_default();
            let uid = mailbox.uid_next;
            mailbox.uid_next += 1;
            let mail = format!("Message-ID: <{name}@x.example>\r\nSubject: {name}\r\n\r\n{name}\r\n");
            mailbox.messages.push((uid, false, mail));
            mailbox.changes.send_modify(|change| *change += 1);
            uid
        })
    }

    /// Numbers a mailbox anew and ends its sessions.
    pub(crate) fn renumber(&self, login: &Login) {
        self.world(|world| {
            let mailbox = world.mailboxes.entry(login.address().to_string()).or_default();
            mailbox.uid_validity += 1;
            for (number, message) in mailbox.messages.iter_mut().enumerate() {
                message.0 = u32::try_from(number).unwrap() + 1;
            }
            mailbox.uid_next = u32::try_from(mailbox.messages.len()).unwrap() + 1;
        });
        self.restart.send_modify(|_| {});
    }

    /// Ends all connections, and takes none until it is up again.
    pub(crate) fn set_up(&self, is_up: bool) {
        self.restart.send_replace(is_up);
    }
}

impl fmt::Debug for Double {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Double").finish_non_exhaustive()
    }
}

#[async_trait]
impl Connector for Double {
    async fn connect(&self, _server: &Endpoint) -> io::Result<Stream> {
        if !*self.restart.borrow() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (here, there) = tokio::io::duplex(1 << 12);
        let cut = self.cuts.lock().unwrap().pop_front();
        let link = Link::new(here, cut, &self.traffic);
        let mut restart = self.restart.subscribe();
        restart.mark_unchanged();
        let talk = Talk {
            stream: BufReader::new(there),
            partial: Vec::new(),
            replies: 0,
            pace: self.pace,
            silent_from: self.silent_from,
            restart,
            world: Arc::clone(&self.world),
            user: String::new(),
            shown: None,
        };
        tokio::spawn(talk.serve());
        Ok(Box::new(link))
    }

    async fn connect_plain(&self, _server: &Endpoint) -> io::Result<PlainStream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn upgrade(&self, _server: &Endpoint, _plain: PlainStream) -> io::Result<Stream> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

struct Talk {
    stream: BufReader<DuplexStream>,
    partial: Vec<u8>,
    replies: usize,
    pace: Duration,
    silent_from: usize,
    restart: watch::Receiver<bool>,
    world: Arc<Mutex<World>>,
    user: String,
    /// How many messages the client was told of, once it has selected the INBOX.
    shown: Option<usize>,
}

impl Talk {
    async fn serve(mut self) -> Option<()> {
        self.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n").await?;
        loop {
            let line = self.line().await?;
            let (tag, command) = line.split_once(' ')?;
            if !self.user.is_empty() {
                self.world.lock().unwrap().commands.push(command.to_owned());
            }
            let words: Vec<&str> = command.split(' ').collect();
            match (&words[..], self.shown) {
                (["AUTHENTICATE", "PLAIN", blob], None) => self.login(tag, blob).await?,
                // It goes out with the login, right or wrong.
                (["SELECT", "INBOX"], None) if self.user.is_empty() => {
                    self.say(&format!("{tag} BAD not yet\r\n")).await?;
                }
                (["LOGOUT"], _) => {
                    self.world.lock().unwrap().logouts += 1;
                    return self.say(&format!("* BYE\r\n{tag} OK out\r\n")).await;
                }
                (["SELECT" | "EXAMINE", "INBOX"], _) => {
                    let said = self.mailbox(|mailbox| {
                        let (exists, validity, next) =
                            (mailbox.messages.len(), mailbox.uid_validity, mailbox.uid_next);
                        (
                            exists,
                            format!(
                                "* {exists} EXISTS\r\n* OK [UIDVALIDITY {validity}] x\r\n* OK [UIDNEXT {next}] x\r\n"
                            ),
                        )
                    });
                    self.shown = Some(said.0);
                    self.say(&format!("{}{tag} OK in\r\n", said.1)).await?;
                }
                (["NOOP"], Some(_)) => self.finish(tag, String::new()).await?,
                (["IDLE"], Some(_)) => self.idle(tag).await?,
                (["UID", "FETCH", set, items @ ..], Some(shown)) => {
                    let rows = self.rows(set, shown, &items.join(" "));
                    self.finish(tag, rows).await?;
                }
                (["FETCH", number, "(UID)"], Some(_)) => {
                    let number: usize = number.parse().ok()?;
                    let uid = self.mailbox(|mailbox| mailbox.messages.get(number - 1).map(|one| one.0))?;
                    self.finish(tag, format!("* {number} FETCH (UID {uid})\r\n")).await?;
                }
                (["UID", "STORE", set, "+FLAGS.SILENT", "(\\Seen)"], Some(_)) => {
                    self.mailbox(|mailbox| {
                        for message in &mut mailbox.messages {
                            message.1 |= is_in(set, message.0);
                        }
                    });
                    self.finish(tag, String::new()).await?;
                }
                _ => {
                    self.world.lock().unwrap().problems.push(line.clone());
                    self.say(&format!("{tag} BAD not now\r\n")).await?;
                }
            }
        }
    }

    fn mailbox<T>(&self, change: impl FnOnce(&mut Mailbox) -> T) -> T {
        change(self.world.lock().unwrap().mailboxes.entry(self.user.clone()).or_default())
    }

    /// Writes what a FETCH of those messages is answered with that the client was told of.
    fn rows(&self, set: &str, shown: usize, items: &str) -> String {
        let row = |(number, (uid, seen, mail)): (usize, &(u32, bool, String))| {
            let seen = if *seen { "\\Seen" } else { "" };
            let size = mail.len();
            let rest = if items.contains("BODY.PEEK[]") {
                format!(
                    "FLAGS ({seen}) INTERNALDATE \"20-Nov-2026 10:39:50 +0000\" BODY[] {{{size}}}\r\n{mail}"
                )
            } else if items.contains("BODY.PEEK[HEADER]<0.") {
                let header = mail.find("\r\n\r\n").map_or(mail.as_str(), |end| &mail[..end + 4]);
                format!("FLAGS ({seen}) BODY[HEADER]<0> {{{}}}\r\n{header}", header.len())
            } else {
                format!("RFC822.SIZE {size}")
            };
            format!("* {} FETCH (UID {uid} {rest})\r\n", number + 1)
        };
        self.mailbox(|mailbox| {
            let shown = mailbox.messages.iter().enumerate().take(shown);
            shown.filter(|(_, message)| is_in(set, message.0)).map(row).collect::<String>()
        })
    }

    /// Answers a command, and tells of what came.
    async fn finish(&mut self, tag: &str, rows: String) -> Option<()> {
        let news = self.news();
        self.say(&format!("{rows}{news}{tag} OK done\r\n")).await
    }

    fn news(&mut self) -> String {
        let exists = self.mailbox(|mailbox| mailbox.messages.len());
        let is_new = self.shown.is_some_and(|shown| shown != exists);
        self.shown = Some(exists);
        if is_new { format!("* {exists} EXISTS\r\n") } else { String::new() }
    }

    async fn idle(&mut self, tag: &str) -> Option<()> {
        let mut changes = self.mailbox(|mailbox| mailbox.changes.subscribe());
        // It looks once at the beginning, and then only some time after a change.
        let news = self.news();
        self.say(&format!("+ idling\r\n{news}")).await?;
        loop {
            let line = tokio::select! {
                line = self.line() => line?,
                Ok(()) = changes.changed() => {
                    let debounce = tokio::time::sleep(DEBOUNCE);
                    let line = tokio::select! { line = self.line() => Some(line?), () = debounce => None };
                    let Some(line) = line else {
                        let news = self.news();
                        self.say(&news).await?;
                        continue;
                    };
                    line
                }
            };
            if line != "DONE" {
                self.world.lock().unwrap().problems.push(line);
                return None;
            }
            return self.say(&format!("{tag} OK idled\r\n")).await;
        }
    }

    async fn login(&mut self, tag: &str, blob: &str) -> Option<()> {
        let blob = String::from_utf8(STANDARD.decode(blob).ok()?).ok()?;
        let mut parts = blob.split('\0').skip(1);
        let (user, password) = (parts.next()?, parts.next()?);
        let is_right = password == PASSWORD;
        {
            let mut world = self.world.lock().unwrap();
            world.logins.push(Instant::now());
            world.refused += usize::from(!is_right);
        }
        if !is_right {
            return self.say(&format!("{tag} NO [AUTHENTICATIONFAILED] no\r\n")).await;
        }
        self.user = user.to_owned();
        self.say(&format!("{tag} OK [CAPABILITY IMAP4rev1 IDLE] in\r\n")).await
    }

    /// Reads a line, unless the connections are to end.
    async fn line(&mut self) -> Option<String> {
        tokio::select! {
            biased;
            _ = self.restart.changed() => return None,
            read = self.stream.read_until(b'\n', &mut self.partial) => read.ok()?,
        };
        let line = String::from_utf8(std::mem::take(&mut self.partial)).ok()?;
        line.strip_suffix("\r\n").map(str::to_owned)
    }

    async fn say(&mut self, text: &str) -> Option<()> {
        if !self.pace.is_zero() {
            tokio::time::sleep(self.pace).await;
        }
        self.replies += 1;
        if self.replies > self.silent_from {
            while self.stream.read_u8().await.is_ok() {}
            return None;
        }
        self.stream.write_all(text.as_bytes()).await.ok()
    }
}

fn is_in(set: &str, uid: u32) -> bool {
    set.split(',').any(|range| {
        let (low, high) = range.split_once(':').unwrap_or((range, range));
        (low.parse().unwrap_or(0)..=high.parse().unwrap_or(0)).contains(&uid)
    })
}

/// How late an IDLE tells of new mail.
const DEBOUNCE: Duration = Duration::from_millis(500);
pub(crate) const PASSWORD: &str = "canary";
