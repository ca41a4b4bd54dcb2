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
