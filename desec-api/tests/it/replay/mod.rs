//! Every recorded exchange, through the typed method of its endpoint.
//!
//! A module for each resource plays its exchanges: `play` returns `None` for an exchange of another resource.
//! Otherwise it calls the typed method on a client whose only answer is the recorded one, asserts what was
//! decoded if that answer is a success, and returns the error if it is none. A recorded request that the typed
//! API cannot express is played with a stand-in, so that at least its answer is judged.

mod account;
mod bulk;
mod confirmation;
mod domains;
mod dyndns;
mod judge;
mod login;
mod policies;
mod registration;
mod root;
mod rrsets;
mod tokens;
mod totp;
mod zonefile;

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use desec_api::{Client, Error, HttpResponse};

use crate::recording::{Exchange, Script, recording};

/// A method, and the form of a path below `/api/v1`.
pub(crate) type Endpoint = (&'static str, &'static str);

/// What became of a played exchange: the error is judged by the caller.
pub(crate) type Played = Option<Result<(), Error>>;

/// Names the modules that play, in two functions that ask each of them.
macro_rules! modules {
    ($($module:ident),+ $(,)?) => {
        async fn play(exchange: &Exchange) -> Played {
            $(if let Some(result) = $module::play(exchange).await { return Some(result); })+
            None
        }

        fn typed() -> impl Iterator<Item = &'static Endpoint> {
            [$($module::ENDPOINTS),+].into_iter().flatten()
        }
    };
}

modules![
    account,
    bulk,
    confirmation,
    domains,
    dyndns,
    login,
    policies,
    registration,
    root,
    rrsets,
    tokens,
    totp,
    zonefile,
];

/// Returns a client that answers as recorded, once, and waits for nothing.
///
/// A list has more answers: an empty page where the recorded one names a next, and the same refusal again where
/// it names a first.
pub(crate) fn client(exchange: &Exchange) -> (Arc<Script>, Client) {
    let answer = exchange.response();
    let rest = match (exchange.status, answer.header("link")) {
        (200, Some(link)) if link.contains(r#"rel="next""#) => {
            Some(HttpResponse::new(200).with_body(b"[]".to_vec()))
        }
        (400, Some(_)) => Some(answer.clone()),
        _ => None,
    };
    let script = Script::new([answer].into_iter().chain(rest));
    let client = script.builder().max_wait(Duration::ZERO).build().unwrap();
    (script, client)
}

/// Returns whether `path` (without its query) has the form of `template`, such as `/domains/{name}/`.
pub(crate) fn matches(template: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let Some(path) = path.strip_prefix("/api/v1") else { return false };
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let fits = |(step, given): (&&str, &&str)| step == given || step.starts_with('{') && !given.is_empty();
    template.len() == path.len() && template.iter().zip(&path).all(fits)
}

/// Tells which exchange was played when a test panics.
struct Playing<'a>(&'a str, usize);

impl Drop for Playing<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("while playing {}[{}]", self.0, self.1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_recorded_exchange_is_played() {
    let (mut total, mut played, mut exempt) = (0, 0, 0);
    let (mut recorded, mut flaws) = (BTreeSet::<&Endpoint>::new(), Vec::new());
    let files = files();
    for file in &files {
        for (n, exchange) in recording(file).iter().enumerate() {
            total += 1;
            let place = Playing(file, n);
            let why = EXEMPT.iter().find(|(of, at, _)| of == file && *at == n);
            match (play(exchange).await, why) {
                (Some(_), Some((.., why))) => flaws.push(format!("{file}[{n}] is played, not exempt: {why}")),
                (Some(result), None) => {
                    played += 1;
                    flaws.extend(judge::flaw(exchange, &result).map(|flaw| format!("{file}[{n}]: {flaw}")));
                    recorded.extend(ENDPOINTS.iter().filter(|endpoint| is_at(exchange, endpoint)));
                }
                (None, Some(_)) => exempt += 1,
                (None, None) => flaws.push(format!("{file}[{n}] is played by no module")),
            }
            drop(place);
        }
    }
    let tested: BTreeSet<&Endpoint> = UNRECORDED.iter().map(|(endpoint, _)| endpoint).collect();
    let claimed: BTreeSet<&Endpoint> = typed().map(listed).collect();
    let covered: BTreeSet<&Endpoint> = claimed.intersection(&recorded).chain(&tested).copied().collect();
    flaws.extend(claimed.difference(&recorded).map(|endpoint| format!("{endpoint:?} is not recorded")));
    flaws.extend(tested.intersection(&recorded).map(|endpoint| format!("{endpoint:?} is recorded")));
    let missing: Vec<&Endpoint> = ENDPOINTS.iter().filter(|endpoint| !covered.contains(endpoint)).collect();
    println!("endpoints covered: {}/{}", covered.len(), ENDPOINTS.len());
    println!("exchanges played: {played}/{total}, {exempt} exempt");
    for ((method, path), test) in UNRECORDED {
        println!("covered without a recording: {method} {path} by {test}");
    }

    assert_eq!((files.len(), total), (58, 660));
    assert_eq!(exempt, EXEMPT.len());
    assert!(flaws.is_empty(), "{flaws:#?}");
    assert!(missing.is_empty(), "not covered: {missing:?}");
    assert_eq!(played + exempt, total);
}

/// Returns the endpoint of the list that a module means.
fn listed((method, template): &Endpoint) -> &'static Endpoint {
    let meant = |(m, path): &&Endpoint| m == method && matches(template, &format!("/api/v1{path}"));
    ENDPOINTS.iter().find(meant).unwrap_or_else(|| panic!("{method} {template} is not in the list"))
}

fn is_at(exchange: &Exchange, (method, template): &Endpoint) -> bool {
    *method == exchange.method && matches(template, &exchange.path)
}

fn files() -> Vec<String> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let paths = std::fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path());
    let json = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let mut names: Vec<String> =
        json.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn recordings_are_read() {
    assert_eq!(recording("login").len(), 8);
    assert!(matches("/domains/{name}/", "/api/v1/domains/x.example/?a=b"));
    assert!(!matches("/domains/{name}/", "/api/v1/domains/"));
}

/// The API, but for what is not for clients: `/donation/` and `/serials/`.
const ENDPOINTS: &[Endpoint] = &[
    ("GET", "/"),
    ("POST", "/auth/"),
    ("GET", "/auth/account/"),
    ("PUT", "/auth/account/"),
    ("PATCH", "/auth/account/"),
    ("POST", "/auth/account/delete/"),
    ("POST", "/auth/account/change-email/"),
    ("POST", "/auth/account/reset-password/"),
    ("POST", "/auth/login/"),
    ("POST", "/auth/logout/"),
    ("GET", "/auth/tokens/"),
    ("POST", "/auth/tokens/"),
    ("GET", "/auth/tokens/{id}/"),
    ("PUT", "/auth/tokens/{id}/"),
    ("PATCH", "/auth/tokens/{id}/"),
    ("DELETE", "/auth/tokens/{id}/"),
    ("GET", "/auth/tokens/{id}/policies/"),
    ("GET", "/auth/tokens/{id}/policies/rrsets/"),
    ("POST", "/auth/tokens/{id}/policies/rrsets/"),
    ("GET", "/auth/tokens/{id}/policies/rrsets/{policy}/"),
    ("PUT", "/auth/tokens/{id}/policies/rrsets/{policy}/"),
    ("PATCH", "/auth/tokens/{id}/policies/rrsets/{policy}/"),
    ("DELETE", "/auth/tokens/{id}/policies/rrsets/{policy}/"),
    ("GET", "/auth/totp/"),
    ("POST", "/auth/totp/"),
    ("GET", "/auth/totp/{id}/"),
    ("PUT", "/auth/totp/{id}/"),
    ("PATCH", "/auth/totp/{id}/"),
    ("DELETE", "/auth/totp/{id}/"),
    ("POST", "/auth/totp/{id}/verify/"),
    ("POST", "/captcha/"),
    ("GET", "/domains/"),
    ("POST", "/domains/"),
    ("GET", "/domains/{name}/"),
    ("DELETE", "/domains/{name}/"),
    ("GET", "/domains/{name}/rrsets/"),
    ("POST", "/domains/{name}/rrsets/"),
    ("PUT", "/domains/{name}/rrsets/"),
    ("PATCH", "/domains/{name}/rrsets/"),
    ("GET", "/domains/{name}/rrsets/{subname}/{type}/"),
    ("PUT", "/domains/{name}/rrsets/{subname}/{type}/"),
    ("PATCH", "/domains/{name}/rrsets/{subname}/{type}/"),
    ("DELETE", "/domains/{name}/rrsets/{subname}/{type}/"),
    ("GET", "/domains/{name}/zonefile/"),
    ("GET", "/dyndns/update"),
    ("POST", "/v/activate-account/{code}/"),
    ("POST", "/v/change-email/{code}/"),
    ("POST", "/v/change-outreach-preference/{code}/"),
    ("POST", "/v/confirm-account/{code}/"),
    ("POST", "/v/create-totp/{code}/"),
    ("POST", "/v/delete-account/{code}/"),
    ("POST", "/v/renew-domain/{code}/"),
    ("POST", "/v/reset-password/{code}/"),
];

/// Endpoints of which there is no recording, and the test that calls their typed method.
const UNRECORDED: &[(Endpoint, &str)] = &[
    (("GET", "/auth/totp/{id}/"), "account::a_factor_is_read_renamed_and_deleted"),
    (("PUT", "/auth/totp/{id}/"), "account::a_factor_is_read_renamed_and_deleted"),
    (("PATCH", "/auth/totp/{id}/"), "account::a_factor_is_read_renamed_and_deleted"),
    (("DELETE", "/auth/totp/{id}/"), "account::a_factor_is_read_renamed_and_deleted"),
    (("POST", "/v/change-outreach-preference/{code}/"), "account::what_needs_no_token_sends_none"),
    (("POST", "/v/confirm-account/{code}/"), "account::what_needs_no_token_sends_none"),
    (("POST", "/v/renew-domain/{code}/"), "account::what_needs_no_token_sends_none"),
];

/// Exchanges that no client of this crate can have.
const EXEMPT: &[(&str, usize, &str)] = &[
    ("errors_transport", 5, "a method that no HTTP client of this crate has"),
    ("errors_transport", 6, "a browser asks whether it may"),
    ("errors_transport", 7, "OPTIONS is no method of the API"),
    ("errors_transport", 8, "OPTIONS is no method of the API"),
    ("errors_transport", 9, "for name servers only"),
    ("root", 2, "an unstable version of the API"),
    ("root", 3, "OPTIONS is no method of the API"),
];
