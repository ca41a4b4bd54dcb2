//! Which resource answers where.

use super::{
    account,
    answer::{Answer, Reply},
    ask::{Ask, decoded},
    captcha, confirmation, domains, dyndns, login, policies, registration, root, rrset, rrsets,
    state::State,
    tokens, totp, zonefile,
};
use crate::HttpRequest;

impl State {
    pub(super) fn route(&mut self, request: &HttpRequest) -> Answer {
        self.dispatch(request).unwrap_or_else(|refusal| refusal)
    }

    fn dispatch(&mut self, request: &HttpRequest) -> Reply {
        front(request)?;
        // The web server in front knows no account: only the address that all requests come from.
        if let Some(windows) = &mut self.windows
            && !windows.entry(None).or_default().admit(request.url())
        {
            return Err(Answer::throttled(None));
        }
        if let Some(reply) = dyndns::answer(self, request) {
            return reply;
        }
        let path = request.url().path();
        let below = path.strip_prefix("/api/v1/").ok_or_else(Answer::no_page)?;
        let steps: Vec<String> = below.trim_end_matches('/').split('/').map(decoded).collect();
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        let route = Route::find(&steps).ok_or_else(Answer::no_page)?;
        if !path.ends_with('/') {
            let query = request.url().query().map(|query| format!("?{query}")).unwrap_or_default();
            return Err(Answer::redirect(format!("{path}/{query}")));
        }
        if below.ends_with("//") {
            return Err(Answer::no_page());
        }
        let ask = &Ask::new(request);
        if let Route::Zonefile(domain) = route {
            return zonefile::export(self, ask, domain).map_err(Answer::plain);
        }
        if !ask.accepts_json() {
            return Err(Answer::detail(406, "Could not satisfy the request Accept header."));
        }
        match route {
            Route::Root => root::show(self, ask),
            Route::Register => registration::register(self, ask),
            Route::Account => account::account(self, ask),
            Route::AccountDelete => account::delete(self, ask),
            Route::ChangeEmail => account::change_email(self, ask),
            Route::ResetPassword => account::reset_password(self, ask),
            Route::Login => login::login(self, ask),
            Route::Logout => login::logout(self, ask),
            Route::Captcha => captcha::create(self, ask),
            Route::Confirm(action, code) => confirmation::confirm(self, ask, action, code),
            Route::Tokens => tokens::collection(self, ask),
            Route::Token(id) => tokens::one(self, ask, id),
            Route::PoliciesRoot(id) => policies::root(self, ask, id),
            Route::Policies(id) => policies::collection(self, ask, id),
            Route::Policy(id, policy) => policies::one(self, ask, id, policy),
            Route::Factors => totp::collection(self, ask),
            Route::Factor(id) => totp::one(self, ask, id),
            Route::FactorVerify(id) => totp::verify(self, ask, id),
            Route::Domains => domains::collection(self, ask),
            Route::Domain(domain) => domains::one(self, ask, domain),
            Route::RrSets(domain) => rrsets::collection(self, ask, domain),
            Route::RrSet { domain, subname, rtype } => rrset::one(self, ask, domain, subname, rtype),
            Route::Serials => Err(Answer::detail(403, "Inadmissible client IP.")),
            Route::Zonefile(_) => unreachable!("answered above"),
        }
    }
}

#[derive(Clone, Copy)]
enum Route<'a> {
    Root,
    Register,
    Account,
    AccountDelete,
    ChangeEmail,
    ResetPassword,
    Login,
    Logout,
    Captcha,
    Confirm(&'a str, &'a str),
    Tokens,
    Token(&'a str),
    PoliciesRoot(&'a str),
    Policies(&'a str),
    Policy(&'a str, &'a str),
    Factors,
    Factor(&'a str),
    FactorVerify(&'a str),
    Domains,
    Domain(&'a str),
    Zonefile(&'a str),
    RrSets(&'a str),
    RrSet { domain: &'a str, subname: &'a str, rtype: &'a str },
    Serials,
}

impl<'a> Route<'a> {
    fn find(steps: &[&'a str]) -> Option<Self> {
        Some(match *steps {
            [""] => Self::Root,
            _ if steps.contains(&"") => return None,
            ["auth"] => Self::Register,
            ["auth", "account"] => Self::Account,
            ["auth", "account", "delete"] => Self::AccountDelete,
            ["auth", "account", "change-email"] => Self::ChangeEmail,
            ["auth", "account", "reset-password"] => Self::ResetPassword,
            ["auth", "login"] => Self::Login,
            ["auth", "logout"] => Self::Logout,
            ["auth", "tokens"] => Self::Tokens,
            ["auth", "tokens", id] => Self::Token(id),
            ["auth", "tokens", id, "policies"] => Self::PoliciesRoot(id),
            ["auth", "tokens", id, "policies", "rrsets"] => Self::Policies(id),
            ["auth", "tokens", id, "policies", "rrsets", policy] => Self::Policy(id, policy),
            ["auth", "totp"] => Self::Factors,
            ["auth", "totp", id] => Self::Factor(id),
            ["auth", "totp", id, "verify"] => Self::FactorVerify(id),
            ["captcha"] => Self::Captcha,
            ["v", action, code] if confirmation::is_action(action) => Self::Confirm(action, code),
            ["domains"] => Self::Domains,
            ["domains", domain] => Self::Domain(domain),
            ["domains", domain, "zonefile"] => Self::Zonefile(domain),
            ["domains", domain, "rrsets"] => Self::RrSets(domain),
            ["domains", domain, "rrsets", subname, rtype] => {
                let subname = subname.strip_suffix("...").or(subname.strip_suffix('@')).unwrap_or(subname);
                Self::RrSet { domain, subname, rtype }
            }
            ["serials"] => Self::Serials,
            _ => return None,
        })
    }
}

// What the web server in front refuses by itself.
fn front(request: &HttpRequest) -> Result<(), Answer> {
    let url = request.url();
    let head = url.path().len() + url.query().map_or(0, |query| query.len() + 1);
    if head > 8 * 1024 - " HTTP/1.1".len() {
        return Err(Answer::front(414, "Request-URI Too Large"));
    }
    if request.body().is_some_and(|body| body.len() > 1024 * 1024) {
        return Err(Answer::front(413, "Request Entity Too Large"));
    }
    if head > 4 * 1024 {
        return Err(Answer::front(502, "Bad Gateway"));
    }
    Ok(())
}
