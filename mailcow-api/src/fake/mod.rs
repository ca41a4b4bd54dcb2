//! A Mailcow in memory.

mod admins;
mod alias_domains;
mod aliases;
mod app_passwords;
mod cors;
mod dkim;
mod dkim_copies;
mod domain_admins;
mod domains;
mod fail2ban;
mod filters;
mod footers;
mod forwarding_hosts;
mod gate;
mod global_filters;
mod identity_provider;
mod logs;
mod mail_queue;
mod mailboxes;
mod maps;
mod mta_sts;
mod notifications;
mod oauth_clients;
mod password_policy;
mod policies;
mod presets;
mod quarantine;
mod rate_limits;
mod relays;
mod renames;
mod resources;
mod routes;
mod rspamd;
mod search;
#[cfg(feature = "fake-server")]
mod server;
mod spam_scores;
mod state;
mod status;
mod switches;
mod sync_jobs;
mod table;
mod templates;
mod temporary_aliases;

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use secrecy::SecretString;

use self::{state::State, switches::Switches};
use crate::{Client, HttpClient, HttpError, HttpRequest, HttpResponse, Method, RetryPolicy};

#[cfg(feature = "fake-server")]
pub use self::server::FakeServer;
pub use self::switches::FakeHealth;

/// A Mailcow in memory, to test with: it remembers what it was told and answers in the shapes, with the codes and
/// with the oddities of the real one. Clones share everything.
///
/// It knows the routes that set up domains and mailboxes and what belongs to them: aliases of all sorts, app passwords,
/// DKIM keys, sending limits, relay hosts, transports, filters, resources, domain admins, sync jobs, maps, lists of
/// senders, templates, and the settings next to these; also the admins of the server, its identity provider, which it
/// never reaches, footers and notifications, the rules of the ban service, the settings of the spam filter and the
/// global sieve scripts. What a running server collects is put in by the test:
/// [`quarantine`](Self::quarantine), [`put_in_mail_queue`](Self::put_in_mail_queue), [`put_in_log`](Self::put_in_log);
/// the status of host and containers is fixed. Routes that it does not know answer 404 as unknown ones do. Its clock
/// stands still.
///
/// Single calls go wrong by [`fail_next`](Self::fail_next) and [`lose_next`](Self::lose_next), the whole server by
/// [`set_health`](Self::set_health). Ten calls with a wrong key ban the caller until [`lift_bans`](Self::lift_bans).
///
/// ```
/// use mailcow_api::{Error, FakeMailcow, Fault, NewDomain};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let mailcow = FakeMailcow::new();
/// let client = mailcow.client();
/// mailcow.fail_next("add/domain", Fault::DoneButEmpty);
/// let domain = NewDomain::new("agents.example.com".parse()?);
/// assert!(client.add_domain(&domain).await.unwrap_err().outcome_unknown());
/// assert!(client.get_domain(domain.name()).await?.is_some());
/// assert_eq!(mailcow.calls().len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FakeMailcow {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    calls: Mutex<Vec<FakeCall>>,
    faults: Mutex<Vec<(String, Fault)>>,
    switches: Mutex<Switches>,
    listeners: Mutex<Vec<Listener>>,
}

type Listener = Box<dyn Fn(&[FakeLogin]) + Send>;

/// A call that a [`FakeMailcow`] received.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FakeCall {
    /// The method.
    pub method: Method,
    /// The path as sent, as `/api/v1/add/mailbox`.
    pub path: String,
}

/// A login that the mailboxes of a [`FakeMailcow`] accept: the password of a mailbox or an app password.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FakeLogin {
    /// The address of the mailbox, which is the user name.
    pub address: String,
    /// The password.
    pub password: SecretString,
    /// Whether it is good for IMAP.
    pub imap: bool,
    /// Whether it is good for SMTP submission.
    pub smtp: bool,
}

/// How a call of a [`FakeMailcow`] goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is carried out; the answer is 200 with an empty body, as after an exception in Mailcow.
    DoneButEmpty,
    /// It is carried out; the answer is a page with status 500.
    DoneBut500,
    /// It is carried out; the connection is lost. Over real HTTP a 502, as a proxy says then.
    DoneButLost,
    /// It is carried out; the answer is a page with status 502.
    DoneBut502,
    /// It is not carried out; the answer is a page with status 500.
    NotDone500,
    /// It is not carried out; the answer is a page with status 502.
    NotDone502,
    /// It is carried out at once and answered as it should be, but only after this long.
    Slow(Duration),
    /// The server is not reached. Over real HTTP a 502.
    Unreachable,
}

impl FakeMailcow {
    /// Builds an empty server: no domains, one read-write and one read-only key.
    #[allow(clippy::new_without_default, reason = "a server is started, not a default of something")]
    pub fn new() -> Self {
        Self { inner: Arc::default() }
    }

    /// Returns the key that may do everything.
    pub fn api_key(&self) -> SecretString {
        READ_WRITE.into()
    }

    /// Returns the key that may only read.
    pub fn read_only_key(&self) -> SecretString {
        READ_ONLY.into()
    }

    /// Returns a client of this server that may do everything.
    ///
    /// # Panics
    /// Never: the address and the key are right.
    pub fn client(&self) -> Client {
        Client::builder("https://mail.example.com", self.api_key())
            .http_client(Arc::new(self.clone()))
            // A fault of the fake is to be seen.
            .retries(RetryPolicy::none())
            .build()
            .expect("the address and the key are right")
    }

    /// Returns the calls received so far, in order.
    pub fn calls(&self) -> Vec<FakeCall> {
        lock(&self.inner.calls).clone()
    }

    /// Returns how many of the calls received so far were writes.
    pub fn writes(&self) -> usize {
        let is_write = |call: &&FakeCall| call.method == Method::Post && !call.path.contains("/search/");
        lock(&self.inner.calls).iter().filter(is_write).count()
    }

    /// Lets the next call of `route`, as `add/mailbox`, go wrong. Several for one route are used up in order.
    pub fn fail_next(&self, route: &str, fault: Fault) {
        lock(&self.inner.faults).push((route.to_owned(), fault));
    }

    /// Returns the logins that the mailboxes accept now.
    pub fn logins(&self) -> Vec<FakeLogin> {
        lock(&self.inner.state).logins()
    }

    /// Calls `listener` with all logins now and after each write, before the answer to that write goes out.
    ///
    /// The listener must neither send a write to this server nor add another listener.
    pub fn on_logins_changed(&self, listener: impl Fn(&[FakeLogin]) + Send + 'static) {
        let mut listeners = lock(&self.inner.listeners);
        listener(&self.logins());
        listeners.push(Box::new(listener));
    }

    /// Answers one request, at once: nobody waits here for an answer that is held back.
    ///
    /// # Errors
    /// Returns an [`HttpError`] where a [`Fault`], the [`FakeHealth`] or a ban wants it.
    pub fn handle(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        self.answer(request).0
    }

    /// Answers one request, and says how long the answer is held back.
    fn answer(&self, request: &HttpRequest) -> (Result<HttpResponse, HttpError>, Duration) {
        let mut delay = lock(&self.inner.switches).delay();
        (self.carry_out(request, &mut delay), delay)
    }

    fn carry_out(&self, request: &HttpRequest, delay: &mut Duration) -> Result<HttpResponse, HttpError> {
        let (health, is_banned) = lock(&self.inner.switches).door();
        if is_banned || health == FakeHealth::Unreachable {
            return Err(refused());
        }
        let path = request.url.path().to_owned();
        lock(&self.inner.calls).push(FakeCall { method: request.method, path });
        let route = gate::route(request);
        let route: Vec<_> = route.iter().map(String::as_str).collect();
        let fault = self.take_fault(&route);
        match fault {
            Some(Fault::NotDone500) => return Ok(FakeHealth::DatabaseDown.page()),
            Some(Fault::NotDone502) => return Ok(FakeHealth::Starting.page()),
            Some(Fault::Unreachable) => return Err(refused()),
            Some(Fault::Slow(longer)) => *delay += longer,
            _ => {}
        }
        if health != FakeHealth::Well {
            return Ok(health.page());
        }
        let role = gate::role(request, READ_WRITE, READ_ONLY);
        if let Some(refusal) = lock(&self.inner.switches).admit(role) {
            return Ok(refusal);
        }
        if let Some(refusal) = gate::refuse(role, request, route.first().copied().unwrap_or_default()) {
            return Ok(refusal);
        }
        let rival = lock(&self.inner.switches).rival(&route.join("/"), request);
        let fault = if rival.is_some() { Some(Fault::DoneButEmpty) } else { fault };
        let response =
            gate::dispatch(&mut lock(&self.inner.state), &route, rival.as_ref().unwrap_or(request));
        if request.method == Method::Post {
            self.tell_listeners();
        }
        match fault {
            Some(Fault::DoneButEmpty) => Ok(HttpResponse::new(200, "")),
            Some(Fault::DoneBut500) => Ok(FakeHealth::DatabaseDown.page()),
            Some(Fault::DoneBut502) => Ok(FakeHealth::Starting.page()),
            Some(Fault::DoneButLost) => {
                Err(HttpError::Lost(io::Error::from(io::ErrorKind::ConnectionReset).into()))
            }
            _ => Ok(response),
        }
    }

    fn take_fault(&self, route: &[&str]) -> Option<Fault> {
        let mut faults = lock(&self.inner.faults);
        let path = route.join("/");
        let at = faults
            .iter()
            .position(|(wanted, _)| path == *wanted || path.starts_with(&format!("{wanted}/")))?;
        Some(faults.remove(at).1)
    }

    fn tell_listeners(&self) {
        // The listeners are locked first: whoever is told last is told the latest.
        let listeners = lock(&self.inner.listeners);
        let logins = self.logins();
        listeners.iter().for_each(|listener| listener(&logins));
    }
}

#[async_trait]
impl HttpClient for FakeMailcow {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (answer, delay) = self.answer(&request);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        answer
    }
}

impl fmt::Debug for FakeMailcow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeMailcow").field("calls", &lock(&self.inner.calls).len()).finish_non_exhaustive()
    }
}

fn refused() -> HttpError {
    HttpError::Connect(io::Error::from(io::ErrorKind::ConnectionRefused).into())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const READ_WRITE: &str = "FAKE00-READ00-WRITE0-000000-000001";
const READ_ONLY: &str = "FAKE00-READ00-ONLY00-000000-000002";
