//! The password policy: recordings played back.

use mailcow_api::{Error, Mib, NewMailbox, PasswordPolicy, ProblemKind};

use crate::replay;

const ALL: &str = "password_policy/all.json";

fn strict() -> PasswordPolicy {
    PasswordPolicy::new(10).with_letter(true).with_special(true).with_both_cases(true).with_digit(true)
}

/// Adds the fields that the recording left to the server and this client does not.
fn with_defaults(exchange: &mut replay::Exchange) {
    exchange.body["active"] = 1.into();
    exchange.body["authsource"] = "mailcow".into();
    exchange.body["force_pw_update"] = 0.into();
}

#[tokio::test]
async fn the_policy_is_read_and_replaced() {
    assert_eq!(replay::one(ALL, 0, &[]).password_policy().await.unwrap(), PasswordPolicy::new(6));
    replay::one(ALL, 2, &[]).set_password_policy(&strict()).await.unwrap();
    assert_eq!(replay::one(ALL, 3, &[]).password_policy().await.unwrap(), strict());
    replay::one(ALL, 9, &[]).set_password_policy(&PasswordPolicy::new(6)).await.unwrap();
    let none = replay::client([]).set_password_policy(&PasswordPolicy::new(0)).await;
    assert!(matches!(none, Err(Error::InvalidInput { .. })));
}

#[tokio::test]
async fn the_policy_in_words_is_a_bare_text() {
    for (name, at, words) in
        [(ALL, 1, "Minimum password length is 6"), ("presets/language.json", 1, "Mindestlänge")]
    {
        let client = replay::altered(name, at, |exchange| {
            // The recording holds the text itself, the wire the JSON of it.
            let text = String::from_utf8(exchange.response.body.clone()).unwrap();
            exchange.response.body = serde_json::json!(text).to_string().into();
        });
        let html = client.password_policy_html().await.unwrap();
        assert!(html.starts_with("<p class=\"help-block small\">- ") && html.contains(words), "{html}");
    }
}

#[tokio::test]
async fn passwords_that_break_it_are_told() {
    let new =
        |password: &str| NewMailbox::new("pol@example.net".parse().unwrap(), password.into(), Mib::new(10));
    for (at, password) in [(4, "alllower1!"), (5, "NoDigits!!x"), (6, "NoSpecial123"), (7, "Sh0rt!")] {
        let client = replay::altered(ALL, at, with_defaults);
        let error = client.add_mailbox(&new(password)).await.unwrap_err();
        assert_eq!(error.problem().unwrap().kind(), ProblemKind::PasswordPolicy, "{password}");
    }
    let client = replay::altered(ALL, 8, with_defaults);
    client.add_mailbox(&new("Good-Passw0rd-1")).await.unwrap();
}
