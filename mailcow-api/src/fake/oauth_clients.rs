//! OAuth2 clients. Of these nothing but the empty answers was recorded; the codes are those of Mailcow's source.

use serde_json::{Value, json};

use super::state::{Reply, State, danger, int, items, log, success, text};

#[derive(Debug)]
pub(super) struct OauthClientRow {
    redirect_uri: String,
    /// How often the secret was made anew.
    renewals: u64,
}

impl State {
    pub(super) fn list_oauth_clients(&self) -> Reply {
        self.oauth_clients.show_all(|_| true, |id, row| row.show(id))
    }

    pub(super) fn get_oauth_client(&self, id: &str) -> Reply {
        self.oauth_clients.show_one(id, |id, row| row.show(id))
    }

    /// Adds a client, also one that is there already.
    pub(super) fn add_oauth_client(&mut self, body: &Value) -> Reply {
        let redirect_uri = text(body, "redirect_uri").unwrap_or_default();
        self.oauth_clients.add(OauthClientRow { redirect_uri, renewals: 0 });
        Reply::Entries(vec![success(&log("oauth2", "add", "client", body), "Added client access")])
    }

    pub(super) fn edit_oauth_client(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|id| {
            let log = log("oauth2", "edit", "client", attr);
            let Some(row) = self.oauth_clients.get_mut(&id) else { return danger(&log, "access_denied") };
            row.renewals += u64::from(int(attr, "renew_secret") == Some(1));
            row.redirect_uri = text(attr, "redirect_uri").unwrap_or_else(|| row.redirect_uri.clone());
            success(&log, json!(["object_modified", plain(&id)]))
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_oauth_client(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|id| {
            self.oauth_clients.remove(&id);
            success(&log("oauth2", "delete", "client", body), json!(["items_deleted", plain(&id)]))
        });
        Reply::Entries(entries.collect())
    }
}

impl OauthClientRow {
    fn show(&self, id: u64) -> Value {
        json!({
            "id": id,
            "client_id": format!("{id:012x}"),
            "client_secret": format!("{:024x}", (id << 32) + self.renewals),
            "redirect_uri": self.redirect_uri,
            "grant_types": null,
            "scope": "profile",
            "user_id": null,
        })
    }
}

/// An id as a text, whichever way it was sent.
fn plain(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}
