//! The identity provider: recordings played back.

use mailcow_api::{Error, GenericOidc, IdentityProviderKind, IdentityProviderSettings, Keycloak, OidcClient};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::replay;

const ALL: &str = "identity_provider/all.json";

fn client(id: &str, secret: &str) -> OidcClient {
    OidcClient::new(id, secret.into(), "https://mail.example.com")
}

fn oidc(token_url: &str, client: OidcClient) -> IdentityProviderSettings {
    let oidc = GenericOidc::new(
        "https://idp.example.org/auth",
        token_url,
        "https://idp.example.org/userinfo",
        client,
    );
    IdentityProviderSettings::generic_oidc(oidc).with_default_template("Default").with_mapping("a", "Default")
}

#[tokio::test]
async fn settings_are_sent_as_recorded() {
    let settings = oidc("https://idp.example.org/token", client("mailcow", "fake-secret"));
    let recorded = replay::one(ALL, 0, &["ignore_ssl_error"]);
    recorded.set_identity_provider(&settings).await.unwrap();
}

#[tokio::test]
async fn incomplete_settings_cannot_be_sent() {
    // Exchanges 2 and 3 have no known provider at all, exchange 4 is a Keycloak without a realm.
    let keycloak = Keycloak::new("https://idp.example.org", "", "26.1", client("mailcow", "fake-secret"));
    let settings = IdentityProviderSettings::keycloak(keycloak);
    let refused = replay::client([]).set_identity_provider(&settings).await;
    assert!(matches!(refused, Err(Error::InvalidInput { .. })));
    // Their answers are still understood.
    for (at, code) in [(2, "invalid_authsource"), (3, "required_data_missing"), (4, "required_data_missing")]
    {
        let answer = replay::load(ALL).swap_remove(at).response;
        let settings = oidc("https://idp.example.org/token", client("mailcow", "fake-secret"));
        let client = replay::client([{
            let mut exchange = replay::load(ALL).swap_remove(0).omitting(&["ignore_ssl_error"]);
            exchange.response = answer;
            exchange
        }]);
        assert_eq!(replay::code(client.set_identity_provider(&settings).await), code);
    }
}

#[tokio::test]
async fn the_provider_is_read_with_its_secret_and_not_shown() {
    let found = replay::one(ALL, 1, &[]).identity_provider().await.unwrap().unwrap();
    assert_eq!(found.kind, IdentityProviderKind::GenericOidc);
    assert_eq!((found.client_id.as_str(), found.client_secret.expose_secret()), ("mailcow", "fake-secret"));
    assert_eq!(
        (found.mappers.as_slice(), found.templates.as_slice()),
        (&["a".to_owned()][..], &["Default".to_owned()][..])
    );
    assert_eq!(found.fields["token_url"], "https://idp.example.org/token");
    assert!(!found.login_provisioning && !found.fields.contains_key("client_secret"));
    assert!(!format!("{found:?}").contains("fake-secret"));
}

#[tokio::test]
async fn no_provider_is_none() {
    assert!(replay::one(ALL, 7, &[]).identity_provider().await.unwrap().is_none());
    let fresh = replay::one("server/get-empty-collections.json", 33, &[]);
    assert!(fresh.identity_provider().await.unwrap().is_none());
}

#[tokio::test]
async fn a_test_that_fails_is_refused() {
    let settings = oidc("http://127.0.0.1:1/token", client("a", "b"));
    // Recorded with the three fields that matter.
    let answered = |answer: Option<&'static str>| {
        replay::altered(ALL, 5, |exchange| {
            let attr = &mut exchange.body["attr"];
            attr["authorize_url"] = "https://idp.example.org/auth".into();
            attr["userinfo_url"] = "https://idp.example.org/userinfo".into();
            attr["redirect_url"] = "https://mail.example.com".into();
            attr["client_scopes"] = "openid profile email mailcow_template".into();
            attr["default_template"] = "Default".into();
            attr["mappers"] = json!(["a"]);
            attr["templates"] = json!(["Default"]);
            exchange.body["items"] = json!(["identity-provider"]);
            if let Some(answer) = answer {
                exchange.response.body = answer.into();
            }
        })
    };
    let error = answered(None).test_identity_provider(&settings).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    let fine = answered(Some(r#"{"type":"success","msg":"Task completed"}"#));
    fine.test_identity_provider(&settings).await.unwrap();
}

#[tokio::test]
async fn the_provider_is_removed() {
    let client = replay::altered(ALL, 6, |exchange| exchange.body = json!(["identity-provider"]));
    client.delete_identity_provider().await.unwrap();
}
