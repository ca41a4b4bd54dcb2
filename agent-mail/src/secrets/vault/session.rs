//! The token that calls are made with: got, renewed before it runs out, replaced when it was revoked.

use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout};

use super::call::{Door, Failure, What, refusal};
use super::path;
use crate::http::{HttpResponse, Method};
use crate::{Error, ErrorKind};

/// How a program shows Vault who it is. `Debug` shows no secret.
#[derive(Clone)]
pub struct VaultLogin(Kind);

#[derive(Clone)]
enum Kind {
    Token(SecretString),
    AppRole { role_id: String, secret_id: SecretString, mount: Vec<String> },
}

impl VaultLogin {
    /// Uses a token that was made elsewhere. It is renewed before it runs out, if Vault lets it be.
    pub fn token(token: SecretString) -> Self {
        Self(Kind::Token(token))
    }

    /// Logs in as an AppRole, at the mount `approle`, and again when the token has run out.
    pub fn app_role(role_id: impl Into<String>, secret_id: SecretString) -> Self {
        Self(Kind::AppRole { role_id: role_id.into(), secret_id, mount: vec!["approle".to_owned()] })
    }

    /// Sets the mount of the AppRole method; a token has none.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is not segments of letters, digits, `-`, `_` and dots.
    pub fn with_mount(mut self, mount: &str) -> Result<Self, Error> {
        let segments = path::checked(mount).ok_or_else(|| super::no_path("mount of the AppRole method"))?;
        if let Kind::AppRole { mount, .. } = &mut self.0 {
            *mount = segments;
        }
        Ok(self)
    }
}

impl fmt::Debug for VaultLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Token(_) => "VaultLogin(token)",
            Kind::AppRole { .. } => "VaultLogin(app role)",
        })
    }
}

#[derive(Debug)]
pub(super) struct Session {
    login: VaultLogin,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    lease: Option<Lease>,
    /// Counts the tokens, to tell one from the next.
    serial: u64,
    /// When a login was last refused.
    refused: Option<Instant>,
    /// When a call's 403 last led to a login.
    replaced: Option<Instant>,
}

#[derive(Debug)]
struct Lease {
    token: SecretString,
    /// `None` is for ever.
    ends: Option<Instant>,
    /// When it is to be renewed, or looked at again.
    due: Option<Instant>,
    renewable: bool,
    /// How long it was good for when it was new.
    full: Duration,
}

/// A token, and which one it is.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) value: SecretString,
    serial: u64,
}

impl Session {
    pub(super) fn new(login: VaultLogin) -> Self {
        Self { login, state: Mutex::default() }
    }

    /// Returns a token that has not run out; one call at a time gets or renews it, for all.
    pub(super) async fn token(&self, door: &Door, what: &What<'_>) -> Result<Token, Error> {
        let mut state = self.enter(door, what).await?;
        let now = Instant::now();
        match &state.lease {
            Some(lease) if lease.due.is_none_or(|due| now < due) => {}
            Some(lease) if lease.renewable && lease.ends.is_some_and(|ends| now < ends) => {
                self.renew(&mut state, door, what).await?;
            }
            _ => self.begin(&mut state, door, what).await?,
        }
        Ok(state.token())
    }

    /// Returns another token in place of one that a call was refused with: one that somebody got meanwhile, or, once a
    /// minute at most, that of a new login. `None` if there is none: the refusal stands.
    pub(super) async fn another(
        &self,
        door: &Door,
        what: &What<'_>,
        refused: &Token,
    ) -> Result<Option<Token>, Error> {
        let mut state = self.enter(door, what).await?;
        if state.serial != refused.serial {
            return Ok(Some(state.token()));
        }
        let lately = state.replaced.is_some_and(|at| at.elapsed() < PAUSE);
        if lately || matches!(self.login.0, Kind::Token(_)) {
            return Ok(None);
        }
        state.replaced = Some(Instant::now());
        self.begin(&mut state, door, what).await?;
        Ok(Some(state.token()))
    }

    /// Returns when the token has to be looked at next.
    pub(super) async fn due(&self) -> Option<Instant> {
        self.state.lock().await.lease.as_ref().and_then(|lease| lease.due)
    }

    async fn enter(&self, door: &Door, what: &What<'_>) -> Result<MutexGuard<'_, State>, Error> {
        let entered = timeout(door.deadline, self.state.lock()).await;
        entered.map_err(|elapsed| Failure::NotDone(elapsed.into()).unavailable(what))
    }

    async fn begin(&self, state: &mut State, door: &Door, what: &What<'_>) -> Result<(), Error> {
        match &self.login.0 {
            Kind::Token(token) => look_up(state, door, token, what).await,
            Kind::AppRole { role_id, secret_id, mount } => {
                if state.refused.is_some_and(|at| at.elapsed() < PAUSE) {
                    return Err(not_known(what));
                }
                let body = serde_json::json!({ "role_id": role_id, "secret_id": secret_id.expose_secret() });
                let mut path = vec!["auth"];
                path.extend(mount.iter().map(String::as_str));
                path.push("login");
                let answer = door.call(Method::Post, &path, None, Some(body.to_string().into())).await;
                let answer = answer.map_err(|failure| failure.unavailable(what))?;
                match answer.status {
                    200 => state.take(auth(&answer, what)?, None),
                    400 | 403 => {
                        state.refused = Some(Instant::now());
                        return Err(not_known(what));
                    }
                    _ => return Err(refusal(what, &answer)),
                }
                tracing::debug!("logged in to vault");
                Ok(())
            }
        }
    }

    /// Renews the token; while it still is good, a failure only means that it is tried again soon.
    async fn renew(&self, state: &mut State, door: &Door, what: &What<'_>) -> Result<(), Error> {
        let Some(lease) = &mut state.lease else { return Ok(()) };
        let token = lease.token.clone();
        let path = ["auth", "token", "renew-self"];
        let answer = door.call(Method::Post, &path, Some(&token), Some("{}".into())).await;
        match answer {
            Ok(answer) if answer.status == 200 => {
                let full = lease.full;
                let auth = auth(&answer, what)?;
                let is_short = Duration::from_secs(auth.lease_duration) < full / 3;
                state.take(auth, Some(full));
                // It can't be renewed for much longer: a new one is needed anyway.
                if is_short && matches!(self.login.0, Kind::AppRole { .. }) {
                    return self.begin(state, door, what).await;
                }
                Ok(())
            }
            Ok(answer) if answer.status == 403 && matches!(self.login.0, Kind::AppRole { .. }) => {
                self.begin(state, door, what).await
            }
            outcome => {
                let refused = matches!(outcome, Ok(ref answer) if [400, 403].contains(&answer.status));
                lease.renewable &= !refused;
                let now = Instant::now();
                lease.due = lease.ends.map(|ends| if refused { ends } else { ends.min(now + AGAIN) });
                tracing::warn!("the vault token was not renewed");
                Ok(())
            }
        }
    }
}

impl State {
    fn token(&self) -> Token {
        let value = self.lease.as_ref().map_or_else(SecretString::default, |lease| lease.token.clone());
        Token { value, serial: self.serial }
    }

    fn take(&mut self, auth: Auth, full: Option<Duration>) {
        let (now, length) = (Instant::now(), Duration::from_secs(auth.lease_duration).min(LONGEST));
        let is_for_ever = length.is_zero();
        self.lease = Some(Lease {
            token: auth.client_token.into(),
            ends: (!is_for_ever).then(|| now + length),
            due: (!is_for_ever).then(|| now + if auth.renewable { length * 2 / 3 } else { length }),
            renewable: auth.renewable,
            full: full.unwrap_or(length),
        });
        self.refused = None;
        self.serial += u64::from(full.is_none());
    }
}

/// Finds out how long a token that was given lasts. Where it may not ask, it is used as it is.
async fn look_up(state: &mut State, door: &Door, token: &SecretString, what: &What<'_>) -> Result<(), Error> {
    let answer = door.call(Method::Get, &["auth", "token", "lookup-self"], Some(token), None).await;
    let answer = answer.map_err(|failure| failure.unavailable(what))?;
    let (ttl, renewable) = match answer.status {
        200 => {
            let found: LookedUp = serde_json::from_slice(&answer.body).map_err(|_| unreadable(what))?;
            (found.data.ttl, found.data.renewable)
        }
        400 | 403 | 404 => (0, false),
        _ => return Err(refusal(what, &answer)),
    };
    let auth = Auth { client_token: token.expose_secret().to_owned(), lease_duration: ttl, renewable };
    state.take(auth, None);
    Ok(())
}

#[derive(Deserialize)]
struct Auth {
    client_token: String,
    lease_duration: u64,
    renewable: bool,
}

#[derive(Deserialize)]
struct LookedUp {
    data: LookedUpToken,
}

#[derive(Deserialize)]
struct LookedUpToken {
    ttl: u64,
    #[serde(default)]
    renewable: bool,
}

fn auth(answer: &HttpResponse, what: &What<'_>) -> Result<Auth, Error> {
    #[derive(Deserialize)]
    struct Authenticated {
        auth: Auth,
    }
    // The error would show what it found.
    let read = serde_json::from_slice::<Authenticated>(&answer.body).map_err(|_| unreadable(what));
    read.map(|answer| answer.auth)
}

fn not_known(what: &What<'_>) -> Error {
    what.error(ErrorKind::Unauthenticated)
        .with_detail("vault does not know the role, or not with this secret id")
        .with_fix("check the role id and the secret id, and whether the secret id has run out")
}

pub(super) fn unreadable(what: &What<'_>) -> Error {
    what.error(ErrorKind::Unexpected).with_detail("vault's answer can't be understood")
}

/// Between two logins that a refusal leads to, and after a login that was refused.
const PAUSE: Duration = Duration::from_mins(1);
/// However long a lease is, it is taken for this: no clock counts to what a server may say.
const LONGEST: Duration = Duration::from_hours(24 * 365);
/// Between two tries to renew a token that is still good.
const AGAIN: Duration = Duration::from_secs(10);
