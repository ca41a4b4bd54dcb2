//! Real Postfix and Dovecot on loopback, for tests; outside semver.

mod accounts;
mod certificates;
mod dovecot;
mod maps;
mod postfix;
mod requirements;
mod supervise;

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tempfile::TempDir;

pub use accounts::LocalUser;
use maps::{Directory, MapServer};
pub use requirements::Unavailable;
use supervise::{Daemon, Guard, StartError};

/// How [`LocalServers`] are to be.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LocalServersConfig {
    /// The domains whose mail is kept; mail to any other is accepted and discarded.
    pub domains: Vec<String>,
    /// The accounts to begin with.
    pub users: Vec<LocalUser>,
    /// The largest mail accepted, in bytes.
    pub message_size_limit: u64,
    /// How many recipients of a mail are accepted; those behind them are put off.
    pub recipients_limit: u32,
    /// Whether a mail whose Message-ID the mailbox has seen is accepted and lost, as on Mailcow.
    pub duplicate_filter: bool,
    /// Whether Postfix offers what Mailcow hides: CHUNKING and SMTPUTF8.
    pub all_extensions: bool,
    /// How long Postfix waits for the next command, in whole seconds.
    pub submission_timeout: Duration,
}

impl LocalServersConfig {
    /// Returns Mailcow's settings for the hosted domains, without users.
    pub fn new<D: AsRef<str>>(domains: impl IntoIterator<Item = D>) -> Self {
        Self {
            domains: domains.into_iter().map(|domain| domain.as_ref().to_lowercase()).collect(),
            users: Vec::new(),
            message_size_limit: 100 * 1024 * 1024,
            recipients_limit: 1000,
            duplicate_filter: true,
            all_extensions: false,
            submission_timeout: Duration::from_mins(5),
        }
    }

    /// Adds an account.
    pub fn with_user(mut self, user: LocalUser) -> Self {
        self.users.push(user);
        self
    }

    /// Sets the largest mail accepted, in bytes.
    pub fn with_message_size_limit(mut self, bytes: u64) -> Self {
        self.message_size_limit = bytes;
        self
    }

    /// Sets how many recipients of a mail are accepted.
    pub fn with_recipients_limit(mut self, recipients: u32) -> Self {
        self.recipients_limit = recipients;
        self
    }

    /// Sets whether a mail whose Message-ID the mailbox has seen is accepted and lost.
    pub fn with_duplicate_filter(mut self, on: bool) -> Self {
        self.duplicate_filter = on;
        self
    }

    /// Sets whether Postfix offers what Mailcow hides: CHUNKING and SMTPUTF8.
    pub fn with_all_extensions(mut self, on: bool) -> Self {
        self.all_extensions = on;
        self
    }

    /// Sets how long Postfix waits for the next command before it closes the connection, in whole seconds.
    pub fn with_submission_timeout(mut self, time: Duration) -> Self {
        self.submission_timeout = time;
        self
    }
}

impl Default for LocalServersConfig {
    /// Hosts `example.test`.
    fn default() -> Self {
        Self::new(["example.test"])
    }
}

/// Postfix and Dovecot, running from a temporary folder, set as Mailcow sets them where a client notices.
///
/// They listen on 127.0.0.1 only: submission by implicit TLS and by STARTTLS, and implicit-TLS IMAP and POP3, with a
/// certificate for `localhost`, `mail.example.test` and 127.0.0.1 from an authority of their own. Changes to accounts and
/// aliases hold from the next login and the next mail on. Dropping the value stops the servers and removes the
/// folder; when the process is killed, a shell that watches it does both.
#[derive(Debug)]
pub struct LocalServers {
    // Dropped in this order: first who asks, then who answers, the folder (by guard or owner) last.
    postfix: Mutex<Daemon>,
    dovecot: Mutex<Daemon>,
    _maps: MapServer,
    guard: Guard,
    directory: Arc<Mutex<Directory>>,
    accounts: Mutex<Accounts>,
    domains: Vec<String>,
    ca_pem: String,
    ports: postfix::Ports,
    dovecot_ports: dovecot::Ports,
    folder: TempDir,
}

#[derive(Debug, Default)]
struct Accounts {
    generation: u64,
    users: Vec<LocalUser>,
}

impl LocalServers {
    /// Checks whether the servers are installed and may be run, without starting any.
    ///
    /// # Errors
    /// Says what is missing. A test harness shows its tests as ignored with that reason; an error of
    /// [`start`](Self::start) after this said yes is a failure.
    pub fn available() -> Result<(), Unavailable> {
        requirements::check().map(drop)
    }

    /// Starts both servers and returns when they listen.
    ///
    /// # Errors
    /// When [`available`](Self::available) fails, the configuration names an account it cannot hold, or a server
    /// does not start; its log is part of the reason then.
    pub fn start(config: &LocalServersConfig) -> Result<Self, Unavailable> {
        let ids = requirements::check()?;
        for _ in 0..PORT_ATTEMPTS {
            match Self::start_once(config, ids) {
                Err(StartError::PortTaken) => {}
                done => return done.map_err(Unavailable::from),
            }
        }
        Err(StartError::PortTaken.into())
    }

    fn start_once(config: &LocalServersConfig, ids: postfix::Ids) -> Result<Self, StartError> {
        let [smtps, submission, imaps, pop3s] = free_ports()?;
        let pop3s = Path::new(dovecot::DOVECOT_POP3).exists().then_some(pop3s);
        let dovecot_ports = dovecot::Ports { imaps, pop3s };
        let ports = postfix::Ports { smtps, submission };
        let folder = tempfile::Builder::new().prefix("mail-").tempdir()?;
        let path = folder.path();
        // Postfix and the owner of the mail go through it; nobody else can list it.
        fs::set_permissions(path, Permissions::from_mode(0o711))?;
        fs::create_dir(path.join("log"))?;
        let ca_pem =
            certificates::issue(&path.join("tls")).map_err(|error| StartError::Failed(error.to_string()))?;
        let dovecot = dovecot::prepare(path, dovecot_ports, owner(imaps), config.duplicate_filter)?;
        let postfix = postfix::prepare(path, ports, ids, config)?;
        let directory = Arc::new(Mutex::new(Directory::default()));
        let servers = Self {
            postfix: Mutex::new(postfix),
            dovecot: Mutex::new(dovecot),
            _maps: MapServer::start(&path.join("maps"), &directory)?,
            guard: Guard::new(path)?,
            directory,
            accounts: Mutex::default(),
            domains: config.domains.clone(),
            ca_pem,
            ports,
            dovecot_ports,
            folder,
        };
        servers.set_users(&config.users)?;
        servers.run(|servers| {
            lock(&servers.dovecot).start()?;
            lock(&servers.postfix).start()
        })?;
        Ok(servers)
    }

    /// Returns the port of submission over TLS on 127.0.0.1.
    pub fn smtps_port(&self) -> u16 {
        self.ports.smtps
    }

    /// Returns the port of submission by STARTTLS on 127.0.0.1.
    pub fn submission_port(&self) -> u16 {
        self.ports.submission
    }

    /// Returns the port of IMAP over TLS on 127.0.0.1.
    pub fn imaps_port(&self) -> u16 {
        self.dovecot_ports.imaps
    }

    /// Returns the port of POP3 over TLS on 127.0.0.1; `None` where Dovecot's POP3 is not installed.
    pub fn pop3s_port(&self) -> Option<u16> {
        self.dovecot_ports.pop3s
    }

    /// Returns the certificate, in PEM, of the authority that signed the servers' certificate.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Makes these the only accounts, all at once; the mail of the others is removed.
    ///
    /// # Errors
    /// When an address cannot be held or is outside the hosted domains, or a file cannot be written.
    pub fn set_users(&self, users: &[LocalUser]) -> io::Result<()> {
        self.publish(&mut lock(&self.accounts), users.to_vec())
    }

    /// Adds an account with one password and no quota; see [`put_user`](Self::put_user).
    ///
    /// # Errors
    /// As [`set_users`](Self::set_users).
    pub fn add_user(&self, address: &str, password: impl Into<SecretString>) -> io::Result<()> {
        self.put_user(&LocalUser::new(address, password))
    }

    /// Adds an account, or replaces the one with this address and keeps its mail.
    ///
    /// # Errors
    /// As [`set_users`](Self::set_users).
    pub fn put_user(&self, new: &LocalUser) -> io::Result<()> {
        let mut accounts = lock(&self.accounts);
        let others = accounts.users.iter().filter(|user| user.address != new.address).cloned();
        let users = others.chain([new.clone()]).collect();
        self.publish(&mut accounts, users)
    }

    /// Removes an account and its mail; sessions that are open stay open. Unknown accounts are fine.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn remove_user(&self, address: &str) -> io::Result<()> {
        let address = address.to_lowercase();
        let mut accounts = lock(&self.accounts);
        let users = accounts.users.iter().filter(|user| user.address != address).cloned().collect();
        self.publish(&mut accounts, users)
    }

    /// Makes these the only aliases: `address` or `@domain` (what has no mailbox or alias there) to a
    /// comma-separated list of targets.
    ///
    /// As on Mailcow the targets may send as the alias.
    pub fn set_aliases(&self, aliases: &[(&str, &str)]) {
        let lower = |(from, to): &(&str, &str)| (from.to_lowercase(), to.to_lowercase());
        lock(&self.directory).aliases = aliases.iter().map(lower).collect();
    }

    /// Makes these the only sender permissions besides everybody's own: `address` or `@domain`, and a login.
    pub fn set_sender_acl(&self, permissions: &[(&str, &str)]) {
        let senders = &mut lock(&self.directory).senders;
        senders.clear();
        for (pattern, login) in permissions {
            senders.entry(pattern.to_lowercase()).or_default().insert(login.to_lowercase());
        }
    }

    /// Gives the inbox a greater UIDVALIDITY, as a restored mailbox has; its messages keep their UIDs.
    ///
    /// # Errors
    /// When the mailbox does not exist or Dovecot does not run.
    pub fn reset_uidvalidity(&self, address: &str) -> io::Result<()> {
        dovecot::reset_uid_validity(self.folder.path(), &address.to_lowercase())
    }

    /// Removes messages from an inbox for good, behind the back of whoever reads it.
    ///
    /// # Errors
    /// When the mailbox does not exist or Dovecot does not run.
    pub fn expunge(&self, address: &str, uids: &[u32]) -> io::Result<()> {
        dovecot::expunge(self.folder.path(), &address.to_lowercase(), uids)
    }

    /// Returns whether every accepted mail was delivered, bounced or discarded.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub fn queue_is_empty(&self) -> io::Result<bool> {
        postfix::queue_is_empty(self.folder.path())
    }

    /// Stops Dovecot: connections end, logins are refused, mail waits in the queue.
    pub fn stop_dovecot(&self) {
        lock(&self.dovecot).stop();
    }

    /// Stops Postfix: connections end, submission is refused, the queue stays.
    pub fn stop_postfix(&self) {
        lock(&self.postfix).stop();
    }

    /// Stops Dovecot if it runs and starts it on its port.
    ///
    /// # Errors
    /// When it does not start, with its log.
    pub fn restart_dovecot(&self) -> Result<(), Unavailable> {
        self.run(|servers| lock(&servers.dovecot).restart())
    }

    /// Stops Postfix if it runs and starts it on its port.
    ///
    /// # Errors
    /// When it does not start, with its log.
    pub fn restart_postfix(&self) -> Result<(), Unavailable> {
        self.run(|servers| lock(&servers.postfix).restart())
    }

    /// Returns the last lines of both logs, for the message of a failed test.
    pub fn log_tail(&self) -> String {
        let tail = |name: &str| {
            let log = fs::read(self.folder.path().join("log").join(name)).unwrap_or_default();
            let log = String::from_utf8_lossy(&log).into_owned();
            let lines: Vec<&str> = log.lines().collect();
            format!("== {name}\n{}\n", lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n"))
        };
        tail("dovecot.log") + &tail("postfix.log")
    }

    /// Runs what starts daemons and tells the guard which ones there are.
    fn run<E: From<StartError>>(&self, start: impl FnOnce(&Self) -> Result<(), E>) -> Result<(), E> {
        let done = start(self);
        let ids = [&self.postfix, &self.dovecot].map(|daemon| lock(daemon).id());
        self.guard.watch(ids.into_iter().flatten()).map_err(StartError::from)?;
        done
    }

    fn publish(&self, accounts: &mut Accounts, users: Vec<LocalUser>) -> io::Result<()> {
        let folder = self.folder.path();
        for user in &users {
            let domain = user.domain()?;
            if !self.domains.iter().any(|hosted| hosted == domain) {
                let reason = format!("`{domain}` is not hosted by these servers");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
            }
        }
        for user in &users {
            dovecot::welcome(folder, &user.address, owner(self.dovecot_ports.imaps))?;
            dovecot::set_sieve(folder, &user.address, user.sieve.as_deref())?;
        }
        accounts.generation += 1;
        accounts::publish(folder, accounts.generation, &users)?;
        let now: BTreeSet<String> = users.iter().map(|user| user.address.clone()).collect();
        lock(&self.directory).mailboxes.clone_from(&now);
        let before = std::mem::replace(&mut accounts.users, users);
        for gone in before.iter().filter(|user| !now.contains(&user.address)) {
            dovecot::set_sieve(folder, &gone.address, None)?;
            dovecot::forget(folder, &gone.address)?;
        }
        Ok(())
    }
}

/// Returns ports that were free just now.
fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        *port = listener.local_addr()?.port();
        // Held until all are found, so that no two are the same.
        listeners.push(listener);
    }
    Ok(ports)
}

/// Returns the user id that owns the mail: one for each instance, as Linux counts inotify instances, which
/// Dovecot needs one of for each IDLE, by user.
fn owner(port: u16) -> u32 {
    port.into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No holder leaves a value half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const PORT_ATTEMPTS: usize = 5;
const TAIL_LINES: usize = 60;
