//! Whom requests count for: an account, or an address.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::time::Instant;

use super::{Scope, turnstile::Turnstile, windows::Windows};

/// The turnstiles of an account or an address, made when they are needed.
#[derive(Debug)]
pub(super) struct Holder {
    paced: bool,
    user: Arc<Turnstile<Windows>>,
    scopes: Mutex<Scopes>,
}

#[derive(Debug, Default)]
struct Scopes {
    turnstiles: HashMap<Scope, Arc<Turnstile<Windows>>>,
    /// The size at which idle ones are looked for.
    sweep_at: usize,
}

impl Holder {
    pub(super) fn new(paced: bool) -> Self {
        Self { paced, user: turnstile(&Scope::User, paced), scopes: Mutex::default() }
    }

    pub(super) fn turnstile(&self, scope: &Scope) -> Arc<Turnstile<Windows>> {
        if *scope == Scope::User {
            return Arc::clone(&self.user);
        }
        self.locked(|scopes| {
            if scopes.turnstiles.len() >= scopes.sweep_at {
                scopes.sweep();
            }
            let make = || turnstile(scope, self.paced);
            Arc::clone(scopes.turnstiles.entry(scope.clone()).or_insert_with(make))
        })
    }

    /// Looks at the windows of a scope, if there are any.
    pub(super) fn peek<T>(&self, scope: &Scope, look: impl FnOnce(&mut Windows) -> T) -> Option<T> {
        if *scope == Scope::User {
            return Some(self.user.with(look));
        }
        let turnstile = self.locked(|scopes| scopes.turnstiles.get(scope).cloned())?;
        Some(turnstile.with(look))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.locked(|scopes| scopes.turnstiles.len())
    }

    fn locked<T>(&self, f: impl FnOnce(&mut Scopes) -> T) -> T {
        f(&mut self.scopes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Scopes {
    // Domains that were not written for a day need no windows.
    fn sweep(&mut self) {
        let now = Instant::now();
        self.turnstiles.retain(|_, turnstile| {
            // One that somebody holds may be entered in a moment.
            Arc::strong_count(turnstile) > 1 || !turnstile.with(|windows| windows.is_idle(now))
        });
        self.sweep_at = 2 * self.turnstiles.len() + FEW;
    }
}

fn turnstile(scope: &Scope, paced: bool) -> Arc<Turnstile<Windows>> {
    Turnstile::new(Windows::new(if paced { scope.windows() } else { &[] }))
}

const FEW: usize = 64;
