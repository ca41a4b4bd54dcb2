//! The identity provider.

use serde_json::{Map, Value, json};

use super::state::{Reply, State, danger, items, log, success, text};

impl State {
    /// Secrets and all. Without a provider the switch for mailboxes at the first login is shown all the same.
    pub(super) fn get_identity_provider(&self) -> Reply {
        Reply::Json(self.identity_provider.clone().unwrap_or_else(|| json!({"login_provisioning": 1})))
    }

    pub(super) fn edit_identity_provider(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let log = masked_log(attr);
        let Some(kind) = attr.get("authsource") else {
            return Reply::Entries(vec![danger(&log, json!(["required_data_missing", ""]))]);
        };
        let kind = kind.as_str().unwrap_or_default();
        let Some((_, needed)) = KINDS.iter().find(|(name, _)| *name == kind) else {
            return Reply::Entries(vec![danger(&log, json!(["invalid_authsource", null]))]);
        };
        let is_missing = |field: &&&str| text(attr, field).unwrap_or_default().is_empty();
        if let Some(missing) = needed.iter().find(is_missing) {
            return Reply::Entries(vec![danger(&log, json!(["required_data_missing", missing]))]);
        }
        self.identity_provider = Some(shown(kind, attr));
        Reply::Entries(vec![success(&log, json!(["object_modified", ""]))])
    }

    pub(super) fn delete_identity_provider(&mut self, body: &Value) -> Reply {
        // There is but one, so the items only say how often.
        let log = json!(["identity_provider", "delete", null]);
        let entries = items(body).into_iter().map(|_| {
            self.identity_provider = None;
            success(&log, json!(["item_deleted", ""]))
        });
        Reply::Entries(entries.collect())
    }
}

/// Nothing is reached from here, so every test fails, as that of an unreachable provider does.
pub(super) fn test_identity_provider() -> Reply {
    Reply::Json(json!({"type": "error", "msg": "Cannot edit item"}))
}

/// What is stored: all that was sent, with flags as PHP writes them into text.
fn shown(kind: &str, attr: &Value) -> Value {
    let mut stored: Map<String, Value> = attr.as_object().cloned().unwrap_or_default();
    for value in stored.values_mut() {
        match value {
            Value::Bool(flag) => *value = json!(if *flag { "1" } else { "" }),
            Value::Number(number) => *value = json!(number.to_string()),
            _ => {}
        }
    }
    let provisioning = stored
        .get("login_provisioning")
        .and_then(Value::as_str)
        .is_some_and(|flag| !matches!(flag, "" | "0"));
    // A switch that was not sent counts as off once there is a provider.
    stored.insert("login_provisioning".to_owned(), if provisioning { json!(1) } else { json!(false) });
    if kind != "ldap" {
        // No user has come by yet.
        stored.insert("access_token".to_owned(), json!(""));
    }
    Value::Object(stored)
}

/// The secret of the client is masked too.
fn masked_log(attr: &Value) -> Value {
    let mut attr = attr.clone();
    for field in ["client_secret", "bindpass"] {
        if let Some(secret) = attr.get_mut(field) {
            *secret = json!("*");
        }
    }
    log("identity_provider", "edit", "", &attr)
}

/// The kinds, each with what it cannot do without.
const KINDS: [(&str, &[&str]); 3] = [
    ("keycloak", &["server_url", "realm", "client_id", "client_secret", "redirect_url", "version"]),
    (
        "generic-oidc",
        &["authorize_url", "token_url", "client_id", "client_secret", "redirect_url", "userinfo_url"],
    ),
    ("ldap", &["host", "port", "basedn", "username_field", "attribute_field", "binddn", "bindpass"]),
];
