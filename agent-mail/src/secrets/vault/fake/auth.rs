//! Tokens that run out, and AppRoles.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{World, answer, errors};
use crate::http::HttpResponse;

pub(super) struct Role {
    pub(super) secret_id: String,
    pub(super) ttl: Duration,
    pub(super) max_ttl: Duration,
    pub(super) allowed: bool,
}

pub(super) struct Token {
    namespace: String,
    /// `None` for the root token.
    lease: Option<Lease>,
    pub(super) allowed: bool,
}

struct Lease {
    ends: Instant,
    ttl: Duration,
    ends_at_most: Instant,
}

impl Token {
    pub(super) fn root() -> Self {
        Self { namespace: String::new(), lease: None, allowed: true }
    }

    pub(super) fn is_root(&self) -> bool {
        self.lease.is_none()
    }

    fn is_good(&self) -> bool {
        self.lease.as_ref().is_none_or(|lease| Instant::now() < lease.ends)
    }

    fn left(&self) -> u64 {
        let left = self.lease.as_ref().map(|lease| lease.ends.saturating_duration_since(Instant::now()));
        left.unwrap_or_default().as_secs()
    }
}

impl World {
    pub(super) fn new_token(
        &mut self,
        namespace: &str,
        ttl: Duration,
        max_ttl: Duration,
        allowed: bool,
    ) -> String {
        self.made += 1;
        let (name, now) = (format!("hvs.token-{}", self.made), Instant::now());
        let lease = Lease { ends: now + ttl.min(max_ttl), ttl, ends_at_most: now + max_ttl };
        let token = Token { namespace: namespace.to_owned(), lease: Some(lease), allowed };
        self.tokens.insert(name.clone(), token);
        name
    }

    /// Tells whether a token may use the secrets of a namespace; the root token may use all.
    pub(super) fn may(&self, token: &str, namespace: &str) -> bool {
        self.tokens.get(token).is_some_and(|token| {
            token.is_good() && token.allowed && (token.is_root() || token.namespace == namespace)
        })
    }

    pub(super) fn log_in(&mut self, namespace: &str, body: &Value) -> HttpResponse {
        let role = body["role_id"].as_str().unwrap_or_default();
        let known = self.roles.get(&(namespace.to_owned(), role.to_owned()));
        let known = known.filter(|role| body["secret_id"].as_str() == Some(&role.secret_id));
        let Some(Role { ttl, max_ttl, allowed, .. }) = known else {
            return errors(400, &["invalid role or secret ID"]);
        };
        let (ttl, max_ttl, allowed) = (*ttl, *max_ttl, *allowed);
        let token = self.new_token(namespace, ttl, max_ttl, allowed);
        self.authenticated(&token)
    }

    /// Answers below `auth/token/`.
    pub(super) fn of_token(&mut self, name: &str, path: &str) -> HttpResponse {
        let Some(token) = self.tokens.get_mut(name).filter(|token| token.is_good()) else {
            return errors(403, &["permission denied"]);
        };
        match path {
            "lookup-self" => answer(&json!({ "ttl": token.left(), "renewable": !token.is_root() })),
            "renew-self" => {
                let Some(lease) = &mut token.lease else { return errors(400, &["lease is not renewable"]) };
                lease.ends = (Instant::now() + lease.ttl).min(lease.ends_at_most);
                self.authenticated(name)
            }
            "revoke-self" => {
                self.tokens.remove(name);
                HttpResponse::new(204, "")
            }
            _ => errors(405, &["unsupported operation"]),
        }
    }

    fn authenticated(&self, name: &str) -> HttpResponse {
        let Some(token) = self.tokens.get(name) else { return errors(403, &["permission denied"]) };
        let auth = json!({ "auth": {
            "client_token": name, "policies": ["default", "mail"], "token_type": "service",
            "lease_duration": token.left(), "renewable": !token.is_root(), "orphan": true,
        } });
        HttpResponse::new(200, auth.to_string())
    }
}
