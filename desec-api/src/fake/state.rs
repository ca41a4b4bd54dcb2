//! What the fake remembers, and who may do what with it.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, Ipv4Addr},
};

use super::{
    answer::Answer, ask::Ask, captcha::Captcha, clock::Clock, confirmation::Confirmation, dyndns::Front,
    tokens::Token, totp::Factor, windows::Windows, zone::Zone,
};
use crate::Scope;

pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) accounts: BTreeMap<AccountId, Account>,
    pub(super) tokens: Vec<Token>,
    /// By name, of all accounts.
    pub(super) domains: BTreeMap<String, Zone>,
    pub(super) captchas: Vec<Captcha>,
    pub(super) confirmations: Vec<Confirmation>,
    /// By account; anonymous callers share one address.
    pub(super) windows: Option<HashMap<Option<AccountId>, Windows>>,
    pub(super) page_size: usize,
    /// The address that requests come from.
    pub(super) client: IpAddr,
    pub(super) front: Front,
    ids: u64,
}

pub(super) type AccountId = u64;

pub(super) struct Account {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) email: String,
    pub(super) password: Option<String>,
    pub(super) active: bool,
    pub(super) needs_captcha: bool,
    pub(super) limit_domains: Option<u64>,
    pub(super) outreach: bool,
    pub(super) factors: Vec<Factor>,
    /// Changes with everything that makes older confirmations void.
    pub(super) generation: u64,
}

/// Who sent a request.
pub(super) struct Caller {
    pub(super) account: AccountId,
    /// The place of the token.
    token: usize,
}

impl State {
    /// Returns who is asking.
    pub(super) fn caller(&mut self, ask: &Ask<'_>) -> Result<Caller, Answer> {
        let caller = self.caller_without_factor(ask)?;
        let needs_factor = !self.accounts[&caller.account].factors.is_empty();
        if needs_factor && self.token(&caller).mfa == Some(false) {
            return Err(Answer::forbidden());
        }
        Ok(caller)
    }

    /// Returns who is asking, even where a second factor is still due.
    pub(super) fn caller_without_factor(&mut self, ask: &Ask<'_>) -> Result<Caller, Answer> {
        let Some(secret) = ask.secret()? else {
            return Err(Answer::unauthenticated("Authentication credentials were not provided."));
        };
        self.authenticate(secret).ok_or_else(|| Answer::unauthenticated("Invalid token."))
    }

    /// Returns whose `secret` it is, if that token may be used now and from where the request comes.
    pub(super) fn authenticate(&mut self, secret: &str) -> Option<Caller> {
        let (now, client) = (self.clock.now(), self.client);
        let place = self.tokens.iter().position(|token| token.secret == secret)?;
        let token = &mut self.tokens[place];
        if !token.is_valid(now) || !token.settings.subnets.iter().any(|subnet| subnet.contains(client)) {
            return None;
        }
        token.last_used = Some(now);
        Some(Caller { account: token.account, token: place })
    }

    /// Returns who is asking, if the token may manage tokens.
    pub(super) fn manager(&mut self, ask: &Ask<'_>) -> Result<Caller, Answer> {
        let caller = self.caller(ask)?;
        if self.token(&caller).settings.may.manage_tokens { Ok(caller) } else { Err(Answer::forbidden()) }
    }

    pub(super) fn token(&self, caller: &Caller) -> &Token {
        &self.tokens[caller.token]
    }

    pub(super) fn token_mut(&mut self, caller: &Caller) -> &mut Token {
        &mut self.tokens[caller.token]
    }

    /// Returns the zone, if it belongs to the caller.
    pub(super) fn owned(&self, caller: &Caller, domain: &str) -> Option<&Zone> {
        self.domains.get(domain).filter(|zone| zone.owner == caller.account)
    }

    pub(super) fn domains_of(&self, account: AccountId) -> impl Iterator<Item = (&String, &Zone)> {
        self.domains.iter().filter(move |(_, zone)| zone.owner == account)
    }

    /// Counts a request of an account, or of an anonymous caller.
    pub(super) fn count(&mut self, who: Option<AccountId>, scope: &Scope) -> Result<(), Answer> {
        let Some(windows) = &mut self.windows else { return Ok(()) };
        let counted = windows.entry(who).or_default().count(scope);
        counted.map_err(|wait| Answer::throttled(Some(wait)))
    }

    /// Returns an account by its address.
    pub(super) fn account_of(&self, email: &str) -> Option<AccountId> {
        self.accounts.iter().find(|(_, account)| account.email == email).map(|(id, _)| *id)
    }

    pub(super) fn add_account(&mut self, email: String, password: Option<String>) -> AccountId {
        let (id, created) = (self.id(), self.clock.tick());
        let number = self.ids;
        let account = Account {
            id,
            created,
            email,
            password,
            active: true,
            needs_captcha: false,
            limit_domains: Some(15),
            outreach: true,
            factors: Vec::new(),
            generation: 0,
        };
        self.accounts.insert(number, account);
        number
    }

    /// Returns an identifier that was not used before.
    pub(super) fn id(&mut self) -> String {
        self.ids += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.ids)
    }

    /// Returns a secret that was not used before.
    pub(super) fn secret(&mut self, prefix: &str) -> String {
        self.ids += 1;
        format!("{prefix}{:0width$}", self.ids, width = 28 - prefix.len())
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            clock: Clock::default(),
            accounts: BTreeMap::new(),
            tokens: Vec::new(),
            domains: BTreeMap::new(),
            captchas: Vec::new(),
            confirmations: Vec::new(),
            windows: None,
            page_size: 500,
            client: Ipv4Addr::new(198, 51, 100, 7).into(),
            front: Front::default(),
            ids: 0,
        }
    }
}

/// Returns whether a segment of a path is an identifier.
pub(super) fn is_id(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
}
