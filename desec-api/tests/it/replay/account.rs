use std::collections::BTreeSet;

use desec_api::{Account, AccountPatch, CaptchaSolution, EmailAddress, Error};
use serde_json::Value;

use super::{Played, client, matches};
use crate::recording::Exchange;

pub(crate) const ENDPOINTS: &[(&str, &str)] = &[
    ("GET", ACCOUNT),
    ("PUT", ACCOUNT),
    ("PATCH", ACCOUNT),
    ("POST", "/auth/account/delete/"),
    ("POST", "/auth/account/change-email/"),
    ("POST", "/auth/account/reset-password/"),
];

pub(crate) async fn play(exchange: &Exchange) -> Played {
    let (_, template) = ENDPOINTS.iter().find(|(_, template)| matches(template, &exchange.path))?;
    Some(match *template {
        ACCOUNT => account(exchange).await,
        template => by_mail(exchange, template).await,
    })
}

async fn account(exchange: &Exchange) -> Result<(), Error> {
    let patch = match exchange.sent.get("outreach_preference") {
        None => Some(AccountPatch::new()),
        Some(value) => value.as_bool().map(|allowed| AccountPatch::new().with_outreach_preference(allowed)),
    };
    let (script, client) = client(exchange);
    let typed = patch.clone().unwrap_or_default();
    let account: Result<Account, Error> = match exchange.method.as_str() {
        "GET" => client.account().await,
        "PUT" => client.replace_account(&typed).await,
        "PATCH" => client.update_account(&typed).await,
        // Not possible by the typed methods: the answer is judged.
        "POST" | "DELETE" => return client.account().await.map(drop),
        other => panic!("{other}"),
    };
    if patch.is_some() {
        exchange.assert_sent(&script.seen());
    }
    let (account, recorded) = (account?, &exchange.body);
    assert_eq!(account.id.as_str(), recorded["id"]);
    assert_eq!(account.email.as_str(), recorded["email"]);
    assert_eq!(account.created.as_str(), recorded["created"]);
    assert_eq!(account.limit_domains, recorded["limit_domains"].as_u64());
    assert_eq!(Some(account.domains_under_management), recorded["domains_under_management"].as_u64());
    assert_eq!(Some(account.outreach_preference), recorded["outreach_preference"].as_bool());
    Ok(())
}

async fn by_mail(exchange: &Exchange, template: &str) -> Result<(), Error> {
    let (script, client) = client(exchange);
    let address = |member: &str| exchange.sent[member].as_str().unwrap().parse::<EmailAddress>().unwrap();
    let (email, password) = (address("email"), exchange.sent["password"].as_str().unwrap_or_default().into());
    let mut expressed = true;
    let done = match template.rsplit('/').nth(1).unwrap() {
        "delete" => client.delete_account(&email, &password).await,
        "change-email" => {
            let mut done = client.change_email(&email, &password, &address("new_email")).await;
            if let Err(Error::InvalidInput { .. }) = done {
                // The same address is not sent.
                assert_eq!((script.calls(), exchange.status), (0, 400));
                expressed = false;
                done = client.change_email(&email, &password, &"x@example.com".parse().unwrap()).await;
            }
            done
        }
        "reset-password" => {
            let solution = solution(&exchange.sent["captcha"]);
            expressed = solution.is_some();
            client.reset_password(&email, &solution.unwrap_or_else(stand_in)).await
        }
        other => panic!("{other}"),
    };
    let seen = script.seen_without_token();
    if expressed {
        exchange.assert_sent(&seen);
    }
    done
}

/// Returns the recorded solution of a captcha.
pub(crate) fn solution(sent: &Value) -> Option<CaptchaSolution> {
    let id = sent["id"].as_str()?.parse().unwrap();
    Some(CaptchaSolution::new(id, sent["solution"].as_str().unwrap()).unwrap())
}

fn stand_in() -> CaptchaSolution {
    CaptchaSolution::new("00000000-0000-4000-8000-000000000000".parse().unwrap(), "X").unwrap()
}

const ACCOUNT: &str = "/auth/account/";

// Until the frame plays all recordings.
#[tokio::test]
async fn the_recordings_of_the_account_are_played() {
    let files = [
        "tokens_create",
        "tokens_delete",
        "tokens_get",
        "tokens_list",
        "tokens_restrictions",
        "tokens_update",
        "policies_create",
        "policies_delete",
        "policies_get",
        "policies_list",
        "policies_root",
        "policies_update",
        "account_actions",
        "account_get",
        "account_update",
        "login",
        "logout",
        "register",
        "totp",
        "root",
        "throttle_account",
    ];
    let endpoints = [
        ENDPOINTS,
        super::tokens::ENDPOINTS,
        super::policies::ENDPOINTS,
        super::login::ENDPOINTS,
        super::registration::ENDPOINTS,
        super::totp::ENDPOINTS,
        super::confirmation::ENDPOINTS,
        super::root::ENDPOINTS,
    ]
    .concat();
    let (mut played, mut left) = (0, BTreeSet::new());
    let mut covered: BTreeSet<(&str, &str)> = BTreeSet::new();
    for file in files {
        for exchange in crate::recording::recording(file) {
            let all = [
                play(&exchange).await,
                super::tokens::play(&exchange).await,
                super::policies::play(&exchange).await,
                super::login::play(&exchange).await,
                super::registration::play(&exchange).await,
                super::totp::play(&exchange).await,
                super::confirmation::play(&exchange).await,
                super::root::play(&exchange).await,
            ];
            let results: Vec<_> = all.into_iter().flatten().collect();
            let request = format!("{} {}", exchange.method, exchange.path);
            let [result] = &results[..] else {
                assert!(results.is_empty(), "{request} is played twice");
                left.insert(request);
                continue;
            };
            played += 1;
            let is_it = |(method, template): &&(&str, &str)| {
                *method == exchange.method && matches(template, &exchange.path)
            };
            covered.extend(endpoints.iter().find(is_it));
            let fits = match (exchange.status, result) {
                (200..300, Ok(()))
                | (400, Err(Error::Invalid { .. }))
                | (401, Err(Error::Unauthenticated { .. }))
                | (403, Err(Error::Unauthenticated { .. } | Error::Forbidden { .. }))
                | (404, Err(Error::NotFound { .. }))
                | (405 | 406, Err(Error::Other { .. }))
                | (409, Err(Error::Conflict { .. })) => true,
                (429, Err(error)) => error.retry_after() == Some(std::time::Duration::from_mins(1)),
                _ => false,
            };
            assert!(fits, "{file}: {request} {}: {result:?}", exchange.status);
        }
    }
    assert_eq!(played, 141);
    assert!(left.iter().all(|request| request.contains("/domains/") || request.contains("/v2/")), "{left:?}");
    assert_eq!(covered.len(), endpoints.len(), "{covered:?}");
}
