use std::time::Duration;

use super::FOREVER;
use crate::wire::{Endpoint, Security};
use crate::{Address, DomainName, Error};
use crate::{imap, smtp};

/// Which servers [`SmtpImap`](crate::SmtpImap) reaches, and how much it takes from them.
#[derive(Clone, Debug)]
pub struct SmtpImapConfig {
    pub(super) smtp: Endpoint,
    pub(super) smtp_security: Security,
    pub(super) smtp_limits: smtp::Limits,
    pub(super) imap: Endpoint,
    pub(super) imap_bounds: imap::Bounds,
    pub(super) imap_terms: imap::Terms,
    pub(super) catch_alls: Vec<(DomainName, Address)>,
    pub(super) max_message: u64,
    pub(super) max_batch: u64,
}

impl SmtpImapConfig {
    /// Names the servers: submission over TLS, commonly port 465, and IMAP over TLS, commonly port 993.
    pub fn new(smtp: Endpoint, imap: Endpoint) -> Self {
        let smtp_security = Security::ImplicitTls;
        let smtp_limits = SMTP_LIMITS;
        Self {
            smtp,
            smtp_security,
            smtp_limits,
            imap,
            imap_bounds: IMAP_BOUNDS,
            imap_terms: imap::Terms::default(),
            catch_alls: Vec::new(),
            max_message: MAX_MESSAGE,
            max_batch: MAX_BATCH,
        }
    }

    /// Sets how the submission server's connections become private, by [`Security::ImplicitTls`] else.
    ///
    /// ```
    /// use mail_access::{Endpoint, Security, SmtpImapConfig};
    ///
    /// let smtp = Endpoint::new("mail.agents.example", 587)?;
    /// let imap = Endpoint::new("mail.agents.example", 993)?;
    /// let config = SmtpImapConfig::new(smtp, imap).with_smtp_security(Security::StartTls);
    /// # Ok::<(), mail_access::Error>(())
    /// ```
    pub fn with_smtp_security(mut self, security: Security) -> Self {
        self.smtp_security = security;
        self
    }

    /// Sets how many connections for submission there are at most: 4 for each login and 32 for all of them together
    /// else. 0 counts as 1.
    ///
    /// ```
    /// use mail_access::{Endpoint, SmtpImapConfig};
    ///
    /// let smtp = Endpoint::new("mail.agents.example", 465)?;
    /// let imap = Endpoint::new("mail.agents.example", 993)?;
    /// let config = SmtpImapConfig::new(smtp, imap).with_max_smtp_connections(16, 16);
    /// # Ok::<(), mail_access::Error>(())
    /// ```
    pub fn with_max_smtp_connections(mut self, per_login: usize, in_all: usize) -> Self {
        self.smtp_limits.per_login = per_login.max(1);
        self.smtp_limits.in_all = in_all.max(1);
        self
    }

    /// Sets how many messages go over one connection for submission, 1000 else. 0 counts as 1.
    pub fn with_max_smtp_messages(mut self, messages: u32) -> Self {
        self.smtp_limits.messages = messages.max(1);
        self
    }

    /// Sets how long a connection for submission is kept without a message, 60 s else. A server has a limit of its
    /// own; Postfix' is 300 s, and 10 s under stress.
    pub fn with_smtp_idle(mut self, time: Duration) -> Self {
        self.smtp_limits.idle = time.min(FOREVER);
        self
    }

    /// Sets how long a message waits for a connection while all of them are in use, 5 minutes else. After that it is
    /// [`Error::Unavailable`].
    pub fn with_max_smtp_wait(mut self, time: Duration) -> Self {
        self.smtp_limits.wait = time.min(FOREVER);
        self
    }

    /// Sets how long a login that a server refused is not tried again there, 5 minutes else: servers ban clients that
    /// keep trying, Mailcow after 10 failures within 10 minutes.
    pub fn with_refused_login_pause(mut self, time: Duration) -> Self {
        self.smtp_limits.pause = time.min(FOREVER);
        self.imap_bounds.pause = time.min(FOREVER);
        self
    }

    /// Sets how many connections for reading there are at most, 500 else, one for each login. 0 counts as 1.
    ///
    /// Servers have limits of their own: Dovecot's `service imap { process_limit }` is 1024, and each connection costs
    /// it 1.7 to 3.1 MiB. Where more logins wait for mail than there are connections, they take turns: the one that has
    /// a connection for the longest time gives it up, and asks for one again after a
    /// [while](Self::with_imap_turn). Calls that read don't wait for that; they get the next one that is given up.
    /// Streams of [messages](crate::MessageStore::messages) have one each, and give it up only while nobody reads them.
    pub fn with_max_imap_connections(mut self, in_all: usize) -> Self {
        self.imap_bounds.in_all = in_all.max(1);
        self
    }

    /// Sets how long a connection for reading is kept without anything to do, 5 minutes else. Dovecot closes one after
    /// 30 minutes.
    pub fn with_imap_idle(mut self, time: Duration) -> Self {
        self.imap_bounds.idle = time.min(FOREVER);
        self
    }

    /// Sets how long a call waits for its connection while all of them are in use, 5 minutes else. After that it is
    /// [`Error::Unavailable`].
    pub fn with_max_imap_wait(mut self, time: Duration) -> Self {
        self.imap_bounds.wait = time.min(FOREVER);
        self
    }

    /// Sets for how long a login that waits for mail and gave its connection up to others asks for none, 30 s else.
    ///
    /// Its mail is seen that much later, and longer if there are so many others that a round takes longer: a login costs
    /// Dovecot about 14 ms, and 32 are under way at a time.
    pub fn with_imap_turn(mut self, time: Duration) -> Self {
        self.imap_bounds.turn = time.min(FOREVER);
        self
    }

    /// Has those who wait for mail look for it in turn: they give the connection up after each look, and have
    /// another one after a [while](Self::with_imap_turn). It is for servers whose IDLE is none, and costs a login for
    /// each look.
    pub fn with_imap_polling(mut self) -> Self {
        self.imap_bounds.polls = true;
        self
    }

    /// Has the connections for reading compressed both ways where the server offers it (COMPRESS=DEFLATE, RFC 4978).
    ///
    /// It is for slow links only: on a fast one reading takes 45 % more time. It holds for each connection, also for one
    /// that only waits for mail, and costs some 50 KiB for each here and up to 0.2 MiB at the server; whoever watches
    /// many inboxes gives them a [`SmtpImap`](crate::SmtpImap) of their own without it. A server gets nowhere by it with a small answer
    /// that inflates to a large one: over 64 KiB an answer may have 200 times the bytes that were sent, or else it is
    /// [`Error::Protocol`], and all limits hold for what comes out. A message of one letter repeated can't be read so.
    ///
    /// ```
    /// use mail_access::{Endpoint, SmtpImapConfig};
    ///
    /// let smtp = Endpoint::new("mail.agents.example", 465)?;
    /// let imap = Endpoint::new("mail.agents.example", 993)?;
    /// let config = SmtpImapConfig::new(smtp, imap).with_imap_compression();
    /// # Ok::<(), mail_access::Error>(())
    /// ```
    pub fn with_imap_compression(mut self) -> Self {
        self.imap_terms.is_compressed = true;
        self
    }

    /// Has each connection for reading tell the server the name and version of the program, where the server offers
    /// that (ID, RFC 2971); nothing is told else. Operators see it in their logs, and some servers ask for it.
    ///
    /// It goes out together with the first command after the login, and what the server tells of itself is ignored.
    ///
    /// ```
    /// use mail_access::{Endpoint, SmtpImapConfig};
    ///
    /// let smtp = Endpoint::new("mail.agents.example", 465)?;
    /// let imap = Endpoint::new("mail.agents.example", 993)?;
    /// let config = SmtpImapConfig::new(smtp, imap).with_imap_id("postroom", "1.2.0")?;
    /// # Ok::<(), mail_access::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] unless each is 1 to 1024 characters of printable ASCII.
    pub fn with_imap_id(mut self, name: &str, version: &str) -> Result<Self, Error> {
        let fields = imap::id_fields(name, version);
        self.imap_terms.id = Some(fields.map_err(|problem| Error::Invalid { what: "program", problem })?);
        Ok(self)
    }

    /// Names the mailbox that gets what comes for any other address of a domain, so that mail to them wakes who waits
    /// for it there; see [`SmtpImap::hint`](crate::SmtpImap::hint).
    pub fn with_catch_all(mut self, domain: DomainName, mailbox: Address) -> Self {
        self.catch_alls.push((domain, mailbox));
        self
    }

    /// Sets the largest message that is read whole, in bytes, 128 MiB else; of a larger one only the header is
    /// ([`Received::is_truncated`](crate::Received::is_truncated)). Over 500 MiB it counts as 500 MiB.
    pub fn with_max_message(mut self, bytes: u32) -> Self {
        self.max_message = u64::from(bytes).min(LARGEST_MESSAGE);
        self
    }

    /// Sets how many bytes a batch holds at most, 64 MiB else; one message is always given out.
    pub fn with_max_batch(mut self, bytes: u32) -> Self {
        self.max_batch = bytes.into();
        self
    }
}

pub(crate) const SMTP_LIMITS: smtp::Limits = smtp::Limits {
    per_login: 4,
    in_all: 32,
    messages: 1000,
    idle: Duration::from_mins(1),
    wait: Duration::from_mins(5),
    pause: Duration::from_mins(5),
};
const IMAP_BOUNDS: imap::Bounds = imap::Bounds {
    in_all: 500,
    opening: 32,
    idle: Duration::from_mins(5),
    wait: Duration::from_mins(5),
    pause: Duration::from_mins(5),
    turn: Duration::from_secs(30),
    polls: false,
};
/// async-imap reads into buffers of 512 MiB at most.
const LARGEST_MESSAGE: u64 = 500 << 20;
const MAX_MESSAGE: u64 = 128 << 20;
const MAX_BATCH: u64 = 64 << 20;
