//! OAuth2 clients: programs that let their users log in through Mailcow.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    Client, Error,
    client::{EditItems, Read, Write},
    ids::number_id,
    loose,
};

number_id!(
    /// The number by which Mailcow knows an OAuth2 client.
    OauthClientId,
    "the id of an oauth2 client"
);

/// An OAuth2 client as the server shows it.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct OauthClient {
    /// The number by which Mailcow knows it.
    pub id: OauthClientId,
    /// The name it gives itself in the protocol.
    #[serde(deserialize_with = "loose::text")]
    pub client_id: String,
    /// Its secret.
    #[serde(deserialize_with = "loose::secret")]
    pub client_secret: SecretString,
    /// Where users are sent after the login.
    #[serde(deserialize_with = "loose::text")]
    pub redirect_uri: String,
    /// What it may learn.
    #[serde(default, deserialize_with = "loose::text")]
    pub scope: String,
}

impl Client {
    /// Returns all OAuth2 clients with their secrets (`get/oauth2-client/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn oauth_clients(&self) -> Result<Vec<OauthClient>, Error> {
        Ok(self.read(ALL, None).await?.unwrap_or_default())
    }

    /// Returns one OAuth2 client with its secret, `None` if there is none of that id (`get/oauth2-client/{id}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_oauth_client(&self, id: OauthClientId) -> Result<Option<OauthClient>, Error> {
        self.read(GET, Some(id.to_string().as_str())).await
    }

    /// Creates an OAuth2 client (`add/oauth2-client`). **Not** safe to repeat: a second one is made. Mailcow returns
    /// neither id nor secret: list them.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn add_oauth_client(&self, redirect_uri: &Url) -> Result<(), Error> {
        self.write(ADD, redirect_uri.as_str(), &Redirect { redirect_uri: redirect_uri.as_str() }).await
    }

    /// Sets where the users of an OAuth2 client are sent after the login (`edit/oauth2-client`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is none of that id.
    pub async fn edit_oauth_client(&self, id: OauthClientId, redirect_uri: &Url) -> Result<(), Error> {
        self.change_oauth_client(id, &Redirect { redirect_uri: redirect_uri.as_str() }).await
    }

    /// Logs all users of an OAuth2 client out (`edit/oauth2-client`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is none of that id.
    pub async fn revoke_oauth_tokens(&self, id: OauthClientId) -> Result<(), Error> {
        self.change_oauth_client(id, &Revoke { revoke_tokens: 1 }).await
    }

    /// Gives an OAuth2 client a new secret; read it with [`get_oauth_client`](Self::get_oauth_client)
    /// (`edit/oauth2-client`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is none of that id.
    pub async fn renew_oauth_secret(&self, id: OauthClientId) -> Result<(), Error> {
        self.change_oauth_client(id, &Renew { renew_secret: 1 }).await
    }

    /// Deletes an OAuth2 client (`delete/oauth2-client`). Deleting one that does not exist succeeds too.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn delete_oauth_client(&self, id: OauthClientId) -> Result<(), Error> {
        self.write(DELETE, &id.to_string(), &[id]).await
    }

    async fn change_oauth_client(&self, id: OauthClientId, attr: &impl Serialize) -> Result<(), Error> {
        self.write(EDIT, &id.to_string(), &EditItems { items: &[id], attr }).await
    }
}

#[derive(Serialize)]
struct Redirect<'a> {
    redirect_uri: &'a str,
}

#[derive(Serialize)]
struct Revoke {
    revoke_tokens: u8,
}

#[derive(Serialize)]
struct Renew {
    renew_secret: u8,
}

const ALL: Read = Read("get/oauth2-client/all");
const GET: Read = Read("get/oauth2-client");
const ADD: Write = Write { route: "add/oauth2-client", success: "Added client access" };
const EDIT: Write = Write { route: "edit/oauth2-client", success: "object_modified" };
// Mailcow names only the last of several, so one at a time.
const DELETE: Write = Write { route: "delete/oauth2-client", success: "items_deleted" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_not_shown() {
        let json = r#"{"id":"1","client_id":"c","client_secret":"PW-CANARY","redirect_uri":"https://a.example/",
            "grant_types":null,"scope":"profile","user_id":null}"#;
        let client: OauthClient = serde_json::from_str(json).unwrap();
        assert!(!format!("{client:?}").contains("CANARY"));
        assert_eq!((client.id.to_string().as_str(), client.scope.as_str()), ("1", "profile"));
    }
}
