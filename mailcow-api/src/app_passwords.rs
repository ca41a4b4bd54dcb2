//! App passwords: further passwords of a mailbox, each for some protocols.

use std::{fmt, str::FromStr};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Client, Ensured, Error, MailboxAddress, Protocol,
    client::{Read, Write},
    ensure::ensure,
    html::unescape,
    loose, protocols,
};

/// The number by which Mailcow knows an app password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AppPasswordId(u64);

impl FromStr for AppPasswordId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse().map(Self).map_err(|_| Error::InvalidInput {
            operation: "the id of an app password",
            reason: "it is not a number".to_owned(),
        })
    }
}

impl fmt::Display for AppPasswordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for AppPasswordId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::try_from(loose::int(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}

/// An app password to be created.
#[derive(Clone, Debug)]
pub struct NewAppPassword {
    mailbox: MailboxAddress,
    name: String,
    password: SecretString,
    protocols: Vec<Protocol>,
    active: bool,
}

impl NewAppPassword {
    /// Builds an active app password of `mailbox` that is good for `protocols`.
    ///
    /// Mailcow takes the same name twice and gives no id back: choose a name that is unique in the mailbox, best
    /// without `<`, `>`, `&` and quotes.
    pub fn new(
        mailbox: MailboxAddress,
        name: &str,
        password: SecretString,
        protocols: impl IntoIterator<Item = Protocol>,
    ) -> Self {
        let mut protocols: Vec<_> = protocols.into_iter().collect();
        protocols.sort();
        protocols.dedup();
        Self { mailbox, name: name.to_owned(), password, protocols, active: true }
    }

    /// Sets whether it is good for a login at all, true by default.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }

    fn differs(&self, found: &AppPassword) -> Vec<&'static str> {
        let fields =
            [("protocols", self.protocols != found.protocols), ("active", self.active != found.active)];
        fields.into_iter().filter_map(|(field, differs)| differs.then_some(field)).collect()
    }
}

/// What to change on an app password; what is not set is kept.
#[derive(Clone, Debug, Default)]
pub struct AppPasswordChange {
    password: Option<SecretString>,
    protocols: Option<Vec<Protocol>>,
    active: Option<bool>,
}

impl AppPasswordChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a new password.
    pub fn with_password(mut self, password: SecretString) -> Self {
        self.password = Some(password);
        self
    }

    /// Sets the protocols it is good for.
    pub fn with_protocols(mut self, protocols: impl IntoIterator<Item = Protocol>) -> Self {
        self.protocols = Some(protocols.into_iter().collect());
        self
    }

    /// Sets whether it is good for a login at all.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(active);
        self
    }
}

/// An app password as the server shows it, without the hash that the server sends along.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct AppPassword {
    /// The id.
    pub id: AppPasswordId,
    /// The name, freed of the HTML escapes that Mailcow adds at each write and read.
    #[serde(deserialize_with = "unescaped")]
    pub name: String,
    /// The address of the mailbox.
    pub mailbox: String,
    /// What it is good for.
    #[serde(flatten, deserialize_with = "protocols::from_flags")]
    pub protocols: Vec<Protocol>,
    /// Whether it is good for a login at all.
    #[serde(deserialize_with = "loose::flag")]
    pub active: bool,
}

impl Client {
    /// Returns the app passwords of a mailbox, none if it does not exist (`get/app-passwd/all/{address}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn app_passwords(&self, mailbox: &MailboxAddress) -> Result<Vec<AppPassword>, Error> {
        Ok(self.read(LIST, Some(mailbox.as_str())).await?.unwrap_or_default())
    }

    /// Creates an app password (`add/app-passwd`). **Not** safe to repeat: a second one of the same name is made.
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `access_denied` (no such mailbox) and `password_complexity`.
    pub async fn add_app_password(&self, new: &NewAppPassword) -> Result<(), Error> {
        if new.name.trim().is_empty() || new.name.chars().any(char::is_control) {
            return Err(invalid(ADD, "the name is empty or holds control characters"));
        }
        if new.protocols.is_empty() {
            return Err(invalid(ADD, "a password for no protocol is of no use"));
        }
        let body = AddBody {
            username: &new.mailbox,
            app_name: &new.name,
            app_passwd: new.password.expose_secret(),
            app_passwd2: new.password.expose_secret(),
            active: u8::from(new.active),
            protocols: new.protocols.iter().map(|protocol| protocol.field()).collect(),
        };
        self.write(ADD, new.mailbox.as_str(), &body).await
    }

    /// Makes certain that a mailbox has an app password of that name and writes nothing if it has. Safe to repeat; of
    /// several with one name the oldest counts.
    ///
    /// Mailcow would make a second one. Clones of this client take turns; separate clients and programs that create the
    /// same one at the same moment must take care of that themselves.
    ///
    /// Unless [`how`](Ensured::how) is `Created`, it may be another password:
    /// [`edit_app_password`](Self::edit_app_password) sets it.
    ///
    /// # Errors
    /// As [`add_app_password`](Self::add_app_password).
    pub async fn ensure_app_password(&self, wanted: &NewAppPassword) -> Result<Ensured<AppPassword>, Error> {
        let _turn = self.turn(format!("app passwords {}", wanted.mailbox)).await;
        let name = unescape(&wanted.name);
        let find = || async {
            let all = self.app_passwords(&wanted.mailbox).await?;
            Ok(all.into_iter().filter(|found| found.name == name).min_by_key(|found| found.id))
        };
        ensure(find, || self.add_app_password(wanted), |found| wanted.differs(found)).await
    }

    /// Changes an app password of `mailbox` (`edit/app-passwd`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `app_passwd_id_invalid` and `password_complexity`, and
    /// [`Error::InvalidInput`] for a change of nothing.
    pub async fn edit_app_password(
        &self,
        mailbox: &MailboxAddress,
        id: AppPasswordId,
        change: &AppPasswordChange,
    ) -> Result<(), Error> {
        let password = change.password.as_ref().map(ExposeSecret::expose_secret);
        if password.is_none() && change.protocols.is_none() && change.active.is_none() {
            return Err(invalid(EDIT, "nothing is to be changed"));
        }
        if password.is_some_and(str::is_empty) || change.protocols.as_ref().is_some_and(Vec::is_empty) {
            return Err(invalid(EDIT, "the password or the list of protocols is empty"));
        }
        let attr = EditAttr {
            username: mailbox,
            app_passwd: password,
            app_passwd2: password,
            active: change.active.map(u8::from),
            protocols: change.protocols.as_ref().map(|list| list.iter().map(|p| p.field()).collect()),
        };
        self.write(EDIT, &id.to_string(), &EditBody { items: [id], attr }).await
    }

    /// Deletes an app password (`delete/app-passwd`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `app_passwd_id_invalid` if there is none of that id.
    pub async fn delete_app_password(&self, id: AppPasswordId) -> Result<(), Error> {
        self.write(DELETE, &id.to_string(), &[id]).await
    }

    /// Deletes several app passwords (`delete/app-passwd`), up to the first that does not exist.
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless each one was deleted.
    pub async fn delete_app_passwords(&self, items: &[AppPasswordId]) -> Result<(), Error> {
        self.delete_items(DELETE, items).await
    }
}

#[derive(Serialize)]
struct AddBody<'a> {
    username: &'a MailboxAddress,
    app_name: &'a str,
    app_passwd: &'a str,
    app_passwd2: &'a str,
    active: u8,
    protocols: Vec<&'static str>,
}

#[derive(Serialize)]
struct EditBody<'a> {
    items: [AppPasswordId; 1],
    attr: EditAttr<'a>,
}

#[derive(Serialize)]
struct EditAttr<'a> {
    // Without it mailcow dies in the middle of the edit.
    username: &'a MailboxAddress,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_passwd: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_passwd2: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocols: Option<Vec<&'static str>>,
}

fn unescaped<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    loose::text(deserializer).map(|name| unescape(&name))
}

fn invalid(write: Write, reason: &str) -> Error {
    Error::InvalidInput { operation: write.route, reason: reason.to_owned() }
}

const LIST: Read = Read("get/app-passwd/all");
const ADD: Write = Write { route: "add/app-passwd", success: "app_passwd_added" };
const EDIT: Write = Write { route: "edit/app-passwd", success: "object_modified" };
const DELETE: Write = Write { route: "delete/app-passwd", success: "app_passwd_removed" };
