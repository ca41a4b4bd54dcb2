//! A deSEC in memory.

mod bulk;
mod dyndns;
mod routes;
#[cfg(feature = "fake-server")]
mod server;
mod windows;
mod yaml;
mod zone;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use secrecy::SecretString;

#[cfg(feature = "fake-server")]
pub use self::server::FakeServer;
use self::{routes::Answer, windows::Windows, zone::Zone};
use crate::{
    Client, ClientBuilder, DomainName, Error, HttpClient, HttpError, HttpRequest, HttpResponse, Method,
    RecordType, RrSet, SubName, Ttl,
};

/// A stateful deSEC in memory, which answers as the real one was recorded to answer.
///
/// It knows the routes that this crate uses. Clones are the same account. Give it to
/// [`ClientBuilder::http_client`], or let it [`serve`](Self::serve) real HTTP.
#[derive(Clone, Default)]
pub struct FakeDesec {
    state: Arc<Mutex<State>>,
}

impl FakeDesec {
    /// Returns an account without domains, with a page size of 500 and without throttling.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the token of the account.
    pub fn token(&self) -> SecretString {
        TOKEN.into()
    }

    /// Returns a builder for a client of this account.
    pub fn client_builder(&self) -> ClientBuilder {
        Client::builder(self.token()).http_client(Arc::new(self.clone()))
    }

    /// Returns a client of this account, with the settings that are usual.
    ///
    /// # Errors
    /// Those of [`ClientBuilder::build`].
    pub fn client(&self) -> Result<Client, Error> {
        self.client_builder().build()
    }

    /// Adds a domain with the name servers of the service at its apex; one that exists stays as it is.
    pub fn add_domain(&self, name: &DomainName, minimum_ttl: Ttl) {
        let state = &mut *self.lock();
        let tick = state.tick();
        state.domains.entry(name.as_str().into()).or_insert_with(|| Zone::new(tick, minimum_ttl.seconds()));
    }

    /// Writes an RRset as another client would, or deletes it if there are no records. Nothing is checked,
    /// so that a time to live of 60 seconds (dynDNS) is possible.
    ///
    /// # Panics
    /// If there is no such domain.
    pub fn put(
        &self,
        domain: &DomainName,
        subname: &SubName,
        rtype: &RecordType,
        ttl: Ttl,
        records: &[String],
    ) {
        let state = &mut *self.lock();
        let tick = state.tick();
        let zone = state.domains.get_mut(domain.as_str()).expect("the domain was added");
        zone.write(subname.as_str(), rtype, Some(ttl.seconds()), Some(records), tick);
    }

    /// Returns the zone of a domain, sorted by name and type; `None` if there is no such domain.
    pub fn zone(&self, domain: &DomainName) -> Option<Vec<RrSet>> {
        self.lock().domains.get(domain.as_str()).map(Zone::rrsets)
    }

    /// Returns the requests that were received, in order.
    pub fn calls(&self) -> Vec<FakeCall> {
        self.lock().calls.clone()
    }

    /// Lets something go wrong, once. Several faults wait in a queue.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.push_back(fault);
    }

    /// Switches the throttle windows of the real server on, empty, or off. They run on the clock of tokio.
    pub fn throttle(&self, on: bool) {
        self.lock().windows = on.then(Windows::default);
    }

    /// Sets how many RRsets one page has.
    pub fn set_page_size(&self, size: usize) {
        self.lock().page_size = size;
    }

    /// Answers one request. A fault that has no answer shows as 504 ([`Fault::AnswerLost`]) or 502
    /// ([`Fault::Unreachable`]).
    pub fn handle(&self, request: &HttpRequest) -> HttpResponse {
        self.exchange(request).unwrap_or_else(|error| {
            Answer::html(if error.may_have_been_sent() { 504 } else { 502 }, "no answer").into()
        })
    }

    fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        let state = &mut *self.lock();
        let answer = match state.next_fault(request.method() != Method::Get || dyndns::is_update(request)) {
            None => Ok(state.route(request)),
            Some(Fault::Unreachable) => Err(HttpError::not_sent("the fake cannot be reached")),
            Some(Fault::Throttled { retry_after }) => Ok(Answer::throttled(retry_after)),
            Some(Fault::FailsUnstored) => Ok(Answer::failure()),
            Some(Fault::FailsStored) => {
                state.route(request);
                Ok(Answer::failure())
            }
            Some(Fault::AnswerLost) => {
                state.route(request);
                Err(HttpError::lost("the fake dropped the connection"))
            }
        };
        let status = answer.as_ref().ok().map(|answer| answer.status);
        let (method, path) = (request.method(), request.url().path().to_owned());
        state.calls.push(FakeCall { method, path, status });
        answer.map(HttpResponse::from)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked elsewhere may still look at the zone.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FakeDesec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeDesec").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for FakeDesec {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.exchange(&request)
    }
}

/// A request that a [`FakeDesec`] received.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FakeCall {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// The status of the answer; `None` if there was none.
    pub status: Option<u16>,
}

/// Something that goes wrong once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The next write is stored, but answers 500.
    FailsStored,
    /// The next write is not stored and answers 500.
    FailsUnstored,
    /// The next write is stored, but its answer is lost.
    AnswerLost,
    /// The next request is not executed and answers 429.
    Throttled {
        /// The value of `Retry-After`, in whole seconds; without it the answer is one of the web server.
        retry_after: Option<Duration>,
    },
    /// The next request does not reach the server.
    Unreachable,
}

impl Fault {
    fn hits(self, write: bool) -> bool {
        write || matches!(self, Self::Throttled { .. } | Self::Unreachable)
    }
}

struct State {
    domains: BTreeMap<String, Zone>,
    calls: Vec<FakeCall>,
    faults: VecDeque<Fault>,
    windows: Option<Windows>,
    front: dyndns::Front,
    page_size: usize,
    /// Counts writes: the age of everything, and the clock of the timestamps.
    ticks: u64,
}

impl State {
    fn tick(&mut self) -> u64 {
        self.ticks += 1;
        self.ticks
    }

    fn next_fault(&mut self, write: bool) -> Option<Fault> {
        self.faults.pop_front_if(|fault| fault.hits(write))
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            domains: BTreeMap::new(),
            calls: Vec::new(),
            faults: VecDeque::new(),
            windows: None,
            front: dyndns::Front::default(),
            page_size: 500,
            ticks: 0,
        }
    }
}

const TOKEN: &str = "token-of-the-fake-account";
