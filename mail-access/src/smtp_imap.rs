mod store;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustls::ClientConfig;
use tokio::time::Instant;

use crate::imap::{Ends, Fetched, Trust};
use crate::wire::{Connector, Endpoint, Fault, Security, TlsConnector, sasl};
use crate::{
    Address, Arrival, Batch, DomainName, Error, Login, MailAccess, Outgoing, Position, Selection, Submission,
    Uid,
};
use crate::{imap, smtp};

/// A mail system behind two real servers: messages go out by SMTP submission (RFC 6409) and are read by IMAP
/// (RFC 3501), both over TLS: from the first byte on (RFC 8314), or, for submission only and if
/// [asked for](SmtpImapConfig::with_smtp_security), by STARTTLS.
///
/// # Connections
/// For submission there are at most 4 connections for each login and 32 in all, which is below what servers allow one
/// client (Postfix 50); calls that find none free wait in turn, for 5 minutes at most. Each connection belongs to a
/// task of its own on the runtime of the call that opened it. Where that one stands still or ends, messages that the
/// task had not begun with take another connection after 5 s, and what becomes of one that it had is unknown. It is
/// used for one message after the other, up to 1000, and closed after 60 s without one; when the server closes it
/// first, that is noticed at once. Where calls wait, the envelope of the next message goes out together with the end of
/// the one before (RFC 2920), if the server answered its last one within 250 ms; it waits no longer than 1 s there. The
/// first connection of a login is opened alone, and others when it is logged in: a wrong password is shown to the
/// server once, and then not again for 5 minutes, in which the answer is the same
/// [`Error::Authentication`] with the time that is left. Another password is another login, and its connections are
/// its own. [`SmtpImapConfig`] changes these figures. A login without a connection costs nothing. Logins that are
/// [checked](MailAccess::check_submission) have connections beside these, 4 at a time.
///
/// For reading each login has one connection at most, and there are 500 in all. It belongs to a task as well, which
/// does one call after the other, keeps the connection for 5 minutes without one, and answers those who
/// [wait](MailAccess::wait) for mail in between: by IDLE (RFC 2177), renewed every 5 minutes and given up after 30 s
/// without an answer, or by asking every 5 s where the server has none. Any number of calls may wait for one login. A
/// refused login is not tried again either, and the logins of many take turns, 32 at a time. Where there are more logins
/// than connections they take turns in waiting; see [`SmtpImapConfig::with_max_imap_connections`]. Mail that is
/// submitted here wakes those who wait for it here within milliseconds; see [`hint`](Self::hint).
///
/// It never retries what may have happened: only a kept connection that turns out to be closed before the message was
/// taken is replaced once.
///
/// # Dropped calls
/// No call harms another by being dropped. A message that has not begun to go out then is taken back. One that has, be
/// it but its envelope, is carried to its end in the background, within the deadlines, so that as a rule it is taken,
/// and nobody is told. It is the same with a call that reads or marks.
/// When the value itself is dropped, the idle connections take leave (QUIT, LOGOUT) and those in use do so after their
/// message or call.
///
/// Of what a submission server offers it uses PIPELINING, SIZE, 8BITMIME, SMTPUTF8, CHUNKING, DSN, and AUTH by PLAIN,
/// LOGIN or, with a token, XOAUTH2. A server may take as long as RFC 5321 section 4.5.3.2 allows: 5 minutes for a
/// command, 10 for the message. Who is in a hurry drops the call.
///
/// It logs (by `tracing`, level DEBUG) which operation ended how, and nothing of logins and messages. The crate
/// `async-imap` that it uses logs what servers send, mail included, at TRACE, but no passwords.
///
/// ```
/// use mail_access::{Endpoint, SmtpImap, tls_config};
///
/// let smtp = Endpoint::new("mail.agents.example", 465)?;
/// let imap = Endpoint::new("mail.agents.example", 993)?;
/// let mail = SmtpImap::over_tls(smtp, imap, tls_config(None)?);
/// # Ok::<(), mail_access::Error>(())
/// ```
pub struct SmtpImap {
    config: SmtpImapConfig,
    submissions: smtp::Pool,
    mailboxes: imap::Pool,
    ends: Arc<Ends>,
}

impl SmtpImap {
    /// Reaches the servers of `config` by `connector`.
    pub fn new(config: SmtpImapConfig, connector: Arc<dyn Connector>) -> Self {
        let SmtpImapConfig {
            smtp,
            smtp_security,
            smtp_limits,
            imap,
            imap_bounds,
            imap_terms,
            catch_alls,
            ..
        } = &config;
        let submissions = smtp::Pool::new(Arc::clone(&connector), smtp.clone(), *smtp_security, *smtp_limits);
        let mailboxes =
            imap::Pool::new(connector, imap.clone(), *imap_bounds, imap_terms.clone(), catch_alls);
        Self { config, submissions, mailboxes, ends: Arc::default() }
    }

    /// Reaches two servers by TLS; see [`tls_config`](crate::tls_config).
    pub fn over_tls(smtp: Endpoint, imap: Endpoint, tls: impl Into<Arc<ClientConfig>>) -> Self {
        Self::new(SmtpImapConfig::new(smtp, imap), Arc::new(TlsConnector::new(tls)))
    }

    /// Has those looked after at once who wait for mail to an address: it is on its way to them.
    ///
    /// A server tells of new mail late: Dovecot 500 ms after it came. Of what is submitted here those who wait here are
    /// woken within milliseconds; this is the way to wake them for mail that another process sent. It costs the server
    /// a few looks at the mailbox within a second, and nothing where nobody waits. The address may bear a plus-tag
    /// (`ada+x@` for `ada@`), and the case of its letters doesn't count. Mail for an address that no login bears wakes
    /// the [catch-all](SmtpImapConfig::with_catch_all) of its domain.
    pub fn hint(&self, address: &Address) {
        self.mailboxes.hint(address);
    }

    fn limits(&self) -> imap::Limits {
        imap::Limits { message: self.config.max_message, batch: self.config.max_batch }
    }
}

#[async_trait]
impl MailAccess for SmtpImap {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Error> {
        let done = submit(&self.submissions, &self.config.smtp, login, message).await;
        if let Ok(submission) = &done {
            submission.accepted.iter().for_each(|address| self.mailboxes.hint(address));
        }
        done
    }

    async fn check_submission(&self, login: &Login) -> Result<(), Error> {
        report("check_submission", &self.config.smtp, login, self.submissions.check(login).await)
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, Error> {
        let (asked, limits) = (Arc::new(selection.clone()), self.limits());
        let ends = Arc::clone(&self.ends);
        let mut trust = Trust { login: login.address().clone(), doubts: ends.doubts(login.address()), ends };
        let mut connections = 1..MAX_BROKEN;
        let done = loop {
            let (selection, known) = (Arc::clone(&asked), trust.clone());
            let done = self.mailboxes.run(login, READING, move |session| {
                let (selection, trust) = (Arc::clone(&selection), known.clone());
                Box::pin(async move {
                    let inbox = session.select().await?;
                    session.fetch(inbox, &selection, limit, limits, trust).await
                })
            });
            match done.await {
                Ok(Fetched::Batch(batch)) => {
                    self.ends.gave(login.address(), batch.uid_validity, &batch.messages);
                    break Ok(batch);
                }
                // The message is asked for on another connection, and by less of it, until it lets the others by.
                Ok(Fetched::Broken(suspect)) if connections.next().is_some() => {
                    trust.doubts.extend([suspect.doubt()]);
                }
                Ok(Fetched::Broken(suspect)) => break Err(suspect.fault),
                Err(fault) => break Err(fault),
            }
        };
        report("fetch", &self.config.imap, login, done)
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), Error> {
        let uids: Arc<[Uid]> = uids.into();
        let done = self.mailboxes.run(login, READING, move |session| {
            let uids = Arc::clone(&uids);
            Box::pin(async move {
                let inbox = session.select().await?;
                session.mark_seen(inbox, uid_validity, &uids).await
            })
        });
        report("mark_seen", &self.config.imap, login, done.await)
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, Error> {
        let end = Instant::now() + at_most.min(FOREVER);
        let done = self.mailboxes.wait(login, after, end);
        report("wait", &self.config.imap, login, done.await)
    }
}

/// Shows where it leads, and no login.
impl fmt::Debug for SmtpImap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpImap")
            .field("config", &self.config)
            .field("submissions", &self.submissions)
            .field("mailboxes", &self.mailboxes)
            .finish_non_exhaustive()
    }
}

/// Which servers [`SmtpImap`] reaches, and how much it takes from them.
#[derive(Clone, Debug)]
pub struct SmtpImapConfig {
    smtp: Endpoint,
    smtp_security: Security,
    smtp_limits: smtp::Limits,
    imap: Endpoint,
    imap_bounds: imap::Bounds,
    imap_terms: imap::Terms,
    catch_alls: Vec<(DomainName, Address)>,
    max_message: u64,
    max_batch: u64,
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
    /// many inboxes gives them a [`SmtpImap`] of their own without it. A server gets nowhere by it with a small answer
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
    /// for it there; see [`SmtpImap::hint`].
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

/// Hands a message over and takes the login out of what the server says to it.
pub(crate) async fn submit(
    submissions: &smtp::Pool,
    server: &Endpoint,
    login: &Login,
    message: &Outgoing,
) -> Result<Submission, Error> {
    let mut done = submissions.submit(login, message).await;
    if let Ok(submission) = &mut done {
        let said = submission.refused.iter_mut().map(|(_, status)| status).chain([&mut submission.status]);
        said.for_each(|status| *status = sasl::without_login(status.clone(), login));
    }
    report("submit", server, login, done)
}

/// Logs how an operation ended and makes the error that the caller gets.
pub(crate) fn report<T>(
    operation: &'static str,
    server: &Endpoint,
    login: &Login,
    done: Result<T, Fault>,
) -> Result<T, Error> {
    let outcome = done.as_ref().err().map_or("ok", Fault::name);
    tracing::debug!(operation, %server, outcome);
    done.map_err(|fault| fault.lift(operation, server, login))
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
/// Connections that a fetch may lose to a message that can't be read.
const MAX_BROKEN: usize = 6;
/// Marking twice is marking.
const READING: imap::Manner = imap::Manner { in_inbox: true, is_repeatable: true };
/// As good as for ever, and no overflow.
pub(crate) const FOREVER: Duration = Duration::from_hours(10 * 365 * 24);
/// async-imap reads into buffers of 512 MiB at most.
const LARGEST_MESSAGE: u64 = 500 << 20;
const MAX_MESSAGE: u64 = 128 << 20;
const MAX_BATCH: u64 = 64 << 20;

#[cfg(test)]
mod tests;
