//! A deSEC in memory.

mod account;
mod answer;
mod ask;
mod bulk;
mod captcha;
mod clock;
mod confirmation;
mod domains;
mod durations;
mod dyndns;
mod faults;
mod fields;
mod import;
mod items;
mod login;
mod mail;
mod page;
mod policies;
mod registration;
mod root;
mod routes;
mod rrset;
mod rrsets;
#[cfg(feature = "fake-server")]
mod server;
mod state;
mod subnets;
mod tokens;
mod totp;
mod windows;
mod yaml;
mod zone;
mod zonefile;

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

#[cfg(feature = "fake-server")]
pub use self::server::FakeServer;
use self::{
    answer::Answer,
    confirmation::Action,
    faults::Faults,
    state::{Account, AccountId, State},
    tokens::Permissions,
    zone::{Write, Zone},
};
pub use self::{
    faults::{FakeCall, Fault},
    mail::{FakeMail, FakeReminder},
};
use crate::{
    Client, ClientBuilder, DomainName, Error, HttpClient, HttpError, HttpRequest, HttpResponse, Method,
    RecordType, RrSet, SubName, Ttl,
};

/// A stateful deSEC in memory, which answers as the real one was recorded to answer.
///
/// It begins with one account, that of [`email`](Self::email), which has one [`token`](Self::token) with all
/// permissions. Others can register. What the methods here do is about the first account, until it is deleted:
/// after that they panic. The time of the service runs with the clock of tokio. Clones are the same service.
/// Give it to [`ClientBuilder::http_client`], or let it [`serve`](Self::serve) real HTTP.
///
/// It knows no domains that are reserved beyond a few public suffixes, takes one captcha solution and one code of
/// second factors for all, and answers only the methods of [`Method`].
#[derive(Clone)]
pub struct FakeDesec {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    state: State,
    /// The account that the methods are about.
    account: AccountId,
    calls: VecDeque<FakeCall>,
    faults: Faults,
}

impl FakeDesec {
    /// Returns a service with one account, without domains, with a page size of 500, 15 domains at most, and
    /// without throttling.
    pub fn new() -> Self {
        let mut state = State::default();
        let account = state.add_account(EMAIL.into(), None);
        let mut token = state.new_token(account);
        TOKEN.clone_into(&mut token.secret);
        token.settings.may = Permissions::ALL;
        state.tokens.push(token);
        let (calls, faults) = (VecDeque::new(), Faults::default());
        Self { inner: Arc::new(Mutex::new(Inner { state, account, calls, faults })) }
    }

    /// Returns the mail address of the account.
    pub fn email(&self) -> String {
        self.lock().account().email.clone()
    }

    /// Returns the token that the account has from the beginning.
    pub fn token(&self) -> SecretString {
        TOKEN.into()
    }

    /// Returns a builder for a client of this account.
    pub fn client_builder(&self) -> ClientBuilder {
        self.client_builder_for(self.token())
    }

    /// Returns a builder for a client that uses another token.
    pub fn client_builder_for(&self, token: SecretString) -> ClientBuilder {
        Client::builder(token).http_client(Arc::new(self.clone()))
    }

    /// Returns a client of this account, with the settings that are usual.
    ///
    /// # Errors
    /// Those of [`ClientBuilder::build`].
    pub fn client(&self) -> Result<Client, Error> {
        self.client_builder().build()
    }

    /// Returns a client that uses another token, with the settings that are usual.
    ///
    /// # Errors
    /// Those of [`ClientBuilder::build`].
    pub fn client_for(&self, token: SecretString) -> Result<Client, Error> {
        self.client_builder_for(token).build()
    }

    /// Adds a domain with the name servers of the service at its apex; one that exists stays as it is.
    pub fn add_domain(&self, name: &DomainName, minimum_ttl: Ttl) {
        let inner = &mut *self.lock();
        inner.add_zone(name, inner.account, minimum_ttl.seconds());
    }

    /// Adds a domain of somebody else; one that exists stays as it is.
    pub fn add_foreign_domain(&self, name: &DomainName) {
        self.lock().add_zone(name, STRANGER, domains::MINIMUM_TTL);
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
        let state = &mut self.lock().state;
        let (ttl, records) = (Some(ttl.seconds()), Some(records.to_vec()));
        let write = Write { subname: subname.as_str().to_owned(), rtype: rtype.clone(), ttl, records };
        let zone = state.domains.get_mut(domain.as_str()).expect("the domain was added");
        zone.write(&write, state.clock.tick());
    }

    /// Returns the zone of a domain, sorted by name and type; `None` if there is no such domain.
    pub fn zone(&self, domain: &DomainName) -> Option<Vec<RrSet>> {
        self.lock().state.domains.get(domain.as_str()).map(Zone::rrsets)
    }

    /// Sets the password of the account; there is none from the beginning.
    pub fn set_password(&self, password: &SecretString) {
        self.lock().account().password = Some(password.expose_secret().to_owned());
    }

    /// Sets how many domains the account may have, or lets it have any number.
    pub fn set_domain_limit(&self, limit: Option<u64>) {
        self.lock().account().limit_domains = limit;
    }

    /// Sets the address from which all further requests come; `198.51.100.7` if not set.
    pub fn set_client_address(&self, address: IpAddr) {
        self.lock().state.client = address;
    }

    /// Returns the mails that were sent, to all accounts, in order.
    pub fn mails(&self) -> Vec<FakeMail> {
        let state = &self.lock().state;
        state.confirmations.iter().map(|confirmation| confirmation.mail.clone()).collect()
    }

    /// Sends the account a mail that it did not ask for.
    pub fn remind(&self, about: FakeReminder) {
        let inner = &mut *self.lock();
        let action = match about {
            FakeReminder::ConfirmAccount => Action::ConfirmAccount,
            FakeReminder::RenewDomain(domain) => Action::RenewDomain(domain.to_string()),
            FakeReminder::ChangeOutreach => Action::ChangeOutreach,
        };
        inner.state.send(inner.account, None, action);
    }

    /// Returns the solution of every captcha.
    pub fn captcha_solution(&self) -> &'static str {
        captcha::SOLUTION
    }

    /// Returns the code that every second factor accepts.
    pub fn totp_code(&self) -> &'static str {
        totp::CODE
    }

    /// Returns the requests that were received, in order; of very many, the last 100,000.
    pub fn calls(&self) -> Vec<FakeCall> {
        self.lock().calls.iter().cloned().collect()
    }

    /// Forgets the requests that were received.
    pub fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    /// Lets something go wrong, once. Several faults wait in a queue.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.push(0, fault);
    }

    /// Lets something go wrong, once, after `spared` requests of its kind have passed: writes for the faults
    /// of writes, reads for those of reads, any requests for the others. They are counted from when the faults before it have happened.
    pub fn inject_after(&self, spared: usize, fault: Fault) {
        self.lock().faults.push(spared, fault);
    }

    /// Switches the throttle windows of the real server on, empty, or off. They run on the clock of tokio.
    pub fn throttle(&self, on: bool) {
        self.lock().state.windows = on.then(HashMap::new);
    }

    /// Sets how many items one page has.
    pub fn set_page_size(&self, size: usize) {
        self.lock().state.page_size = size;
    }

    /// Answers one request. A fault that has no answer shows as 504 ([`Fault::AnswerLost`]) or 502
    /// ([`Fault::Unreachable`]).
    pub fn handle(&self, request: &HttpRequest) -> HttpResponse {
        self.exchange(request).unwrap_or_else(|error| {
            let sent = error.may_have_been_sent();
            let (status, reason) = if sent { (504, "Gateway Time-out") } else { (502, "Bad Gateway") };
            Answer::front(status, reason).into()
        })
    }

    fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        let inner = &mut *self.lock();
        let state = &mut inner.state;
        let answer = match inner.faults.next(request.method() != Method::Get || dyndns::is_update(request)) {
            None => Ok(state.route(request)),
            Some(Fault::Unreachable) => Err(HttpError::not_sent("the fake cannot be reached")),
            Some(Fault::Throttled { retry_after }) => Ok(Answer::throttled(retry_after)),
            Some(Fault::FailsUnstored) => Ok(Answer::failure()),
            Some(Fault::Conflict) => Ok(Answer::conflict()),
            Some(Fault::ReadFails) => Ok(Answer::broken(request)),
            Some(Fault::FailsStored) => {
                state.route(request);
                Ok(Answer::failure())
            }
            Some(Fault::GatewayTimeout { stored }) => {
                if stored {
                    state.route(request);
                }
                Ok(Answer::front(504, "Gateway Time-out"))
            }
            Some(Fault::AnswerLost) => {
                state.route(request);
                Err(HttpError::lost("the fake dropped the connection"))
            }
        };
        let status = answer.as_ref().ok().map(|answer| answer.status);
        if inner.calls.len() == MOST_CALLS {
            inner.calls.pop_front();
        }
        inner.calls.push_back(FakeCall::new(request.method(), request.url().path(), status));
        answer.map(HttpResponse::from)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A test that panicked elsewhere may still look at the zone.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for FakeDesec {
    fn default() -> Self {
        Self::new()
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

impl Inner {
    fn account(&mut self) -> &mut Account {
        self.state.accounts.get_mut(&self.account).expect("the account was not deleted")
    }

    fn add_zone(&mut self, name: &DomainName, owner: AccountId, minimum_ttl: u32) {
        let state = &mut self.state;
        let tick = state.clock.tick();
        state.domains.entry(name.as_str().into()).or_insert_with(|| {
            let mut zone = Zone::new(owner, tick, minimum_ttl);
            zone.delegate(tick);
            zone.publish();
            zone
        });
    }
}

const EMAIL: &str = "alice@example.com";
const TOKEN: &str = "token-of-the-fake-account";
// The owner of foreign domains, who has no account here.
const STRANGER: AccountId = 0;
const MOST_CALLS: usize = 100_000;
