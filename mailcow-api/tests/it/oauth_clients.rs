//! OAuth2 clients: recordings played back. Only the empty answers were recorded; the others are those of mailcow's
//! source.

use mailcow_api::{Client, OauthClientId};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::replay;

fn id(number: u32) -> OauthClientId {
    number.to_string().parse().unwrap()
}

fn answered(route: &str, body: Value, msg: &Value) -> Client {
    replay::altered("rspamd/all.json", 4, |exchange| {
        exchange.path = format!("/api/v1/{route}");
        exchange.body = body;
        exchange.response.body = json!([{"type": "success", "log": [], "msg": msg}]).to_string().into();
    })
}

#[tokio::test]
async fn none_are_none() {
    assert!(
        replay::one("server/get-empty-collections.json", 12, &[]).oauth_clients().await.unwrap().is_empty()
    );
    let none = replay::one("server/get-nonexistent.json", 13, &[]).get_oauth_client(id(999)).await.unwrap();
    assert!(none.is_none());
}

#[tokio::test]
async fn clients_are_created_changed_and_deleted() {
    let url = "https://app.example.org/callback".parse().unwrap();
    let redirect = json!({"redirect_uri": "https://app.example.org/callback"});
    let modified = json!(["object_modified", "1"]);
    let edit = |attr: Value| answered("edit/oauth2-client", json!({"items": [1], "attr": attr}), &modified);
    let add = answered("add/oauth2-client", redirect.clone(), &json!("Added client access"));
    add.add_oauth_client(&url).await.unwrap();
    let odd = answered("add/oauth2-client", redirect.clone(), &json!("Client ID exists"));
    assert!(odd.add_oauth_client(&url).await.unwrap_err().outcome_unknown());
    edit(redirect).edit_oauth_client(id(1), &url).await.unwrap();
    edit(json!({"revoke_tokens": 1})).revoke_oauth_tokens(id(1)).await.unwrap();
    edit(json!({"renew_secret": 1})).renew_oauth_secret(id(1)).await.unwrap();
    let delete = answered("delete/oauth2-client", json!([1]), &json!(["items_deleted", "1"]));
    delete.delete_oauth_client(id(1)).await.unwrap();
}

#[tokio::test]
async fn a_client_is_read_with_its_secret() {
    let row = json!({"id": 1, "client_id": "c1", "client_secret": "s1", "redirect_uri": "https://app.example.org/",
        "grant_types": null, "scope": "profile", "user_id": null});
    let client = replay::altered("server/get-nonexistent.json", 13, |exchange| {
        exchange.path = exchange.path.replace("999", "1");
        exchange.response.body = row.to_string().into();
    });
    let found = client.get_oauth_client(id(1)).await.unwrap().unwrap();
    assert_eq!((found.client_id.as_str(), found.client_secret.expose_secret()), ("c1", "s1"));
}
