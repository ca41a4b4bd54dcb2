//! A Vault in memory that answers as the real one does: KV engines of version 2, tokens, AppRoles, namespaces, seals.

mod auth;
mod kv;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use self::auth::{Role, Token};
use self::kv::Engine;
use crate::http::{HttpClient, HttpError, HttpRequest, HttpResponse, Method};

/// A Vault with an engine at `secret`, a root token, and no AppRole; its clock is tokio's. Clones are one Vault.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::sync::Arc;
///
/// use agent_mail::backend::SecretStore;
/// use agent_mail::conformance::FakeVault;
/// use agent_mail::{Vault, VaultLogin};
///
/// let fake = FakeVault::new();
/// let login = VaultLogin::token(fake.root_token());
/// let vault = Vault::new("https://vault.example", login, Arc::new(fake.clone()))?;
/// let ada = "ada@agents.example".parse()?;
/// vault.put(&ada, &"a password".into()).await?;
/// assert_eq!(fake.paths("secret"), ["mail/users/agents.example/ada"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct FakeVault(Arc<Mutex<World>>);

/// How a node answers that does not serve requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FakeState {
    /// It serves.
    #[default]
    Active,
    /// It is sealed: 503.
    Sealed,
    /// It is on standby and says this: 307, 429, 472 or 473.
    Standby(u16),
}

/// How one call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FakeFault {
    /// It is not sent.
    NotSent,
    /// It is not carried out; the connection is lost.
    LostBefore,
    /// It is carried out; the connection is lost.
    LostAfter,
    /// It is carried out, and no answer ever comes.
    Hangs,
    /// It is not carried out; this status is the answer.
    Status(u16),
    /// It is carried out; this status is the answer.
    StatusAfter(u16),
}

#[derive(Default)]
struct World {
    state: FakeState,
    namespaces: BTreeSet<String>,
    engines: BTreeMap<(String, String), Engine>,
    tokens: HashMap<String, Token>,
    roles: HashMap<(String, String), Role>,
    faults: VecDeque<Option<FakeFault>>,
    calls: Vec<(Method, String)>,
    made: u64,
}

impl FakeVault {
    /// Starts one.
    #[allow(clippy::new_without_default, reason = "a server is started, not a default of something")]
    pub fn new() -> Self {
        let mut world = World::default();
        world.namespaces.insert(String::new());
        world.engines.insert((String::new(), "secret".to_owned()), Engine::default());
        world.tokens.insert(ROOT.to_owned(), Token::root());
        Self(Arc::new(Mutex::new(world)))
    }

    /// Returns the token that may do everything and never runs out.
    pub fn root_token(&self) -> SecretString {
        ROOT.into()
    }

    /// Makes a token that runs out after `ttl` unless it is renewed, and after `max_ttl` in any case.
    pub fn add_token(&self, namespace: &str, ttl: Duration, max_ttl: Duration) -> SecretString {
        self.world().new_token(namespace, ttl, max_ttl, true).into()
    }

    /// Makes an AppRole whose tokens last `ttl`, and with renewals `max_ttl`; returns its role id and secret id.
    pub fn add_role(&self, namespace: &str, ttl: Duration, max_ttl: Duration) -> (String, SecretString) {
        let mut world = self.world();
        world.made += 1;
        let (role, secret) = (format!("role-{}", world.made), format!("secret-id-{}", world.made));
        let key = (namespace.to_owned(), role.clone());
        world.roles.insert(key, Role { secret_id: secret.clone(), ttl, max_ttl, allowed: true });
        (role, secret.into())
    }

    /// Sets whether the tokens of a role, present and future, may use secrets.
    pub fn allow_role(&self, namespace: &str, role: &str, allowed: bool) {
        let mut world = self.world();
        if let Some(role) = world.roles.get_mut(&(namespace.to_owned(), role.to_owned())) {
            role.allowed = allowed;
        }
        for token in world.tokens.values_mut().filter(|token| !token.is_root()) {
            token.allowed = allowed;
        }
    }

    /// Makes a namespace with an engine at `mount` in it.
    pub fn add_engine(&self, namespace: &str, mount: &str) {
        let mut world = self.world();
        world.namespaces.insert(namespace.to_owned());
        world.engines.insert((namespace.to_owned(), mount.to_owned()), Engine::default());
    }

    /// Takes away an engine with all that is in it.
    pub fn remove_engine(&self, namespace: &str, mount: &str) {
        self.world().engines.remove(&(namespace.to_owned(), mount.to_owned()));
    }

    /// Revokes all tokens but the root token.
    pub fn revoke_all(&self) {
        self.world().tokens.retain(|_, token| token.is_root());
    }

    /// Seals or unseals it, or makes it a standby node.
    pub fn set_state(&self, state: FakeState) {
        self.world().state = state;
    }

    /// Lets the call after the next `n` fail.
    pub fn fail_call(&self, n: usize, fault: FakeFault) {
        let mut world = self.world();
        if world.faults.len() <= n {
            world.faults.resize(n + 1, None);
        }
        world.faults[n] = Some(fault);
    }

    /// Takes back the faults that have not come yet, and tells whether there were any.
    pub fn calm(&self) -> bool {
        self.world().faults.drain(..).any(|fault| fault.is_some())
    }

    /// Returns all calls so far: what each did, and its path without `/v1/`.
    pub fn calls(&self) -> Vec<(Method, String)> {
        self.world().calls.clone()
    }

    /// Returns the paths that an engine without namespace has anything of, deleted versions too.
    pub fn paths(&self, mount: &str) -> Vec<String> {
        let world = self.world();
        world.engines.get(&(String::new(), mount.to_owned())).map(Engine::paths).unwrap_or_default()
    }

    /// Stores a field `password` as another program does, and returns the version.
    pub fn store(&self, mount: &str, path: &str, password: &str) -> u64 {
        let mut world = self.world();
        let engine = world.engines.entry((String::new(), mount.to_owned())).or_default();
        engine.store(path, json!({ "password": password }))
    }

    /// Answers one request.
    ///
    /// # Errors
    /// Where a fault says so.
    pub fn handle(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut world = self.world();
        let path = request.url.path().trim_start_matches('/').strip_prefix("v1/").unwrap_or_default();
        let path = decoded(path);
        world.calls.push((request.method, path.clone()));
        let lost = || Err(HttpError::Lost("the connection is gone".into()));
        match world.faults.pop_front().flatten() {
            Some(FakeFault::NotSent) => Err(HttpError::NotSent("connection refused".into())),
            Some(FakeFault::LostBefore) => lost(),
            Some(FakeFault::Status(status)) => Ok(errors(status, &["asked for by the test"])),
            Some(FakeFault::LostAfter | FakeFault::Hangs) => {
                world.answer(request, &path);
                lost()
            }
            Some(FakeFault::StatusAfter(status)) => {
                world.answer(request, &path);
                Ok(errors(status, &["asked for by the test"]))
            }
            None => Ok(world.answer(request, &path)),
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl HttpClient for FakeVault {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let hangs = matches!(self.world().faults.front(), Some(Some(FakeFault::Hangs)));
        // Others get their turn in between, as over a network.
        tokio::task::yield_now().await;
        let answer = self.handle(&request);
        tokio::task::yield_now().await;
        if hangs {
            return std::future::pending().await;
        }
        answer
    }
}

/// Shows how many calls there were.
impl fmt::Debug for FakeVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeVault").field("calls", &self.world().calls.len()).finish_non_exhaustive()
    }
}

impl World {
    fn answer(&mut self, request: &HttpRequest, path: &str) -> HttpResponse {
        match self.state {
            FakeState::Active => {}
            FakeState::Sealed => return errors(503, &["Vault is sealed"]),
            FakeState::Standby(status) => return HttpResponse::new(status, ""),
        }
        let namespace = header(request, "x-vault-namespace").trim_matches('/').to_owned();
        if !self.namespaces.contains(&namespace) {
            return no_route(path);
        }
        let body =
            request.body.as_ref().map_or(Ok(Value::Null), |body| serde_json::from_str(body.expose_secret()));
        let Ok(body) = body else { return errors(400, &["failed to parse JSON input"]) };
        if let Some(mount) = path.strip_prefix("auth/").and_then(|path| path.strip_suffix("/login")) {
            return match mount {
                "approle" => self.log_in(&namespace, &body),
                _ => no_route(path),
            };
        }
        let token = secret_header(request, "x-vault-token");
        if token.is_empty() {
            return errors(400, &["missing client token"]);
        }
        if let Some(path) = path.strip_prefix("auth/token/") {
            return self.of_token(&token, path);
        }
        if !self.may(&token, &namespace) {
            return errors(403, &["permission denied"]);
        }
        let engines = self.engines.iter_mut().filter(|((there, _), _)| *there == namespace);
        for ((_, mount), engine) in engines {
            if let Some(rest) = path.strip_prefix(mount.as_str()).and_then(|rest| rest.strip_prefix('/')) {
                let list = request.url.query_pairs().any(|(name, value)| name == "list" && value == "true");
                return engine.answer(request.method, rest, list, &body);
            }
        }
        no_route(path)
    }
}

/// Decodes a path as Go does before Vault sees it.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let digits = || Some(16 * digit(rest.clone().next()?)? + digit(rest.clone().nth(1)?)?);
        match digits().filter(|_| byte == b'%') {
            Some(value) => {
                bytes.push(value);
                rest.nth(1);
            }
            None => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    u8::try_from(char::from(byte).to_digit(16)?).ok()
}

fn header(request: &HttpRequest, name: &str) -> String {
    let mut headers = request.headers.iter();
    headers.find(|(known, _)| *known == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

fn secret_header(request: &HttpRequest, name: &str) -> String {
    let mut headers = request.secret_headers.iter();
    let found = headers.find(|(known, _)| *known == name);
    found.map(|(_, value)| value.expose_secret().to_owned()).unwrap_or_default()
}

fn errors(status: u16, errors: &[&str]) -> HttpResponse {
    HttpResponse::new(status, json!({ "errors": errors }).to_string())
}

fn no_route(path: &str) -> HttpResponse {
    errors(404, &[&format!("no handler for route \"{path}\". route entry not found.")])
}

fn answer(data: &Value) -> HttpResponse {
    let body = json!({
        "request_id": "00000000-0000-0000-0000-000000000000", "lease_id": "", "renewable": false,
        "lease_duration": 0, "data": data, "wrap_info": null, "warnings": null, "auth": null,
    });
    HttpResponse::new(200, body.to_string())
}

const ROOT: &str = "hvs.root-token-of-the-fake";
