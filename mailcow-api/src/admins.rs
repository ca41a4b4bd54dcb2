//! The administrators of the server.

use std::{fmt, str::FromStr};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    Client, Error,
    client::{EditItems, Read, Write},
    input, loose,
};

/// The user name of an administrator or domain administrator, lower case as Mailcow stores it.
///
/// ```
/// use mailcow_api::AdminName;
///
/// let name: AdminName = "Fleet-Admin".parse()?;
/// assert_eq!(name.as_str(), "fleet-admin");
/// # Ok::<(), mailcow_api::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdminName(String);

impl AdminName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AdminName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let has_letter = text.bytes().any(|b| b.is_ascii_alphanumeric());
        // `get/admin/all` is the list of them.
        if !has_letter || text.len() > 255 || !text.bytes().all(is_known) || text.eq_ignore_ascii_case("all")
        {
            return Err(Error::InvalidInput {
                operation: "the name of an administrator",
                reason: "it is made of letters, digits, dots, hyphens and underscores, and is not \"all\""
                    .to_owned(),
            });
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for AdminName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for AdminName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// An administrator to be created.
#[derive(Clone, Debug)]
pub struct NewAdmin {
    name: AdminName,
    password: SecretString,
    active: bool,
}

impl NewAdmin {
    /// Builds an active administrator.
    pub fn new(name: AdminName, password: SecretString) -> Self {
        Self { name, password, active: true }
    }

    /// Sets whether it may log in, true by default.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }
}

/// What to change on an administrator; what is not set is kept.
#[derive(Clone, Debug, Default)]
pub struct AdminChange {
    pub(crate) name: Option<AdminName>,
    pub(crate) password: Option<SecretString>,
    pub(crate) active: Option<bool>,
    pub(crate) force_two_factor: Option<bool>,
    pub(crate) force_password_change: Option<bool>,
    pub(crate) disable_two_factor: bool,
}

impl AdminChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets another user name.
    pub fn with_name(mut self, name: AdminName) -> Self {
        self.name = Some(name);
        self
    }

    /// Sets a new password.
    pub fn with_password(mut self, password: SecretString) -> Self {
        self.password = Some(password);
        self
    }

    /// Sets whether it may log in.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(active);
        self
    }

    /// Sets whether a second factor has to be set up at the next login.
    pub fn with_force_two_factor(mut self, force: bool) -> Self {
        self.force_two_factor = Some(force);
        self
    }

    /// Sets whether the password has to be changed at the next login.
    pub fn with_force_password_change(mut self, force: bool) -> Self {
        self.force_password_change = Some(force);
        self
    }

    /// Turns the second factors off that have been set up.
    pub fn with_two_factor_disabled(mut self) -> Self {
        self.disable_two_factor = true;
        self
    }

    /// The fields to send.
    pub(crate) fn attributes(&self, operation: &'static str) -> Result<Attributes<'_>, Error> {
        let password = self.password.as_ref().map(ExposeSecret::expose_secret);
        if password.is_some_and(str::is_empty) {
            return Err(Error::InvalidInput { operation, reason: "the password is empty".to_owned() });
        }
        Ok(Attributes {
            username_new: self.name.as_ref(),
            password,
            password2: password,
            active: self.active.map(u8::from),
            force_tfa: self.force_two_factor.map(u8::from),
            force_pw_update: self.force_password_change.map(u8::from),
            disable_tfa: self.disable_two_factor.then_some(1),
        })
    }
}

/// An administrator as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Admin {
    /// The user name.
    pub username: String,
    /// Whether it may log in.
    #[serde(deserialize_with = "loose::flag")]
    pub active: bool,
    /// Whether a second factor is set up.
    #[serde(rename = "tfa_active", deserialize_with = "loose::flag")]
    pub two_factor: bool,
    /// When it was created, in the local time of the server without a zone.
    #[serde(default, deserialize_with = "loose::text")]
    pub created: String,
    /// What is asked of it at the next login.
    #[serde(default, rename = "attributes")]
    pub next_login: NextLogin,
}

/// What is asked of an administrator or domain administrator at its next login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NextLogin {
    /// To set up a second factor.
    #[serde(rename = "force_tfa", deserialize_with = "loose::flag")]
    pub two_factor: bool,
    /// To change the password.
    #[serde(rename = "force_pw_update", deserialize_with = "loose::flag")]
    pub password_change: bool,
}

impl Client {
    /// Returns all administrators (`get/admin/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn admins(&self) -> Result<Vec<Admin>, Error> {
        Ok(self.read(LIST, None).await?.unwrap_or_default())
    }

    /// Returns one administrator, `None` if there is none of that name (`get/admin/{username}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_admin(&self, name: &AdminName) -> Result<Option<Admin>, Error> {
        self.read(GET, Some(name.as_str())).await
    }

    /// Creates an administrator (`add/admin`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `object_exists` and `password_complexity`.
    pub async fn add_admin(&self, new: &NewAdmin) -> Result<(), Error> {
        let password = new.password.expose_secret();
        let body =
            AddBody { username: &new.name, password, password2: password, active: u8::from(new.active) };
        self.write(ADD, new.name.as_str(), &body).await
    }

    /// Changes an administrator (`edit/admin`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `access_denied` (no such administrator) and `no_active_admin` if
    /// nobody could log in afterwards, and [`Error::InvalidInput`] for a change of nothing.
    pub async fn edit_admin(&self, name: &AdminName, change: &AdminChange) -> Result<(), Error> {
        let attr = change.attributes(EDIT.route)?;
        input::change(EDIT.route, &attr)?;
        self.write(EDIT, name.as_str(), &EditItems { items: &[name], attr: &attr }).await
    }

    /// Deletes administrators (`delete/admin`).
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`], with `username_invalid` for a name that does not exist, and
    /// [`Error::InvalidInput`] for an empty list.
    pub async fn delete_admins(&self, names: &[AdminName]) -> Result<(), Error> {
        self.delete_items(DELETE, names).await
    }
}

#[derive(Serialize)]
struct AddBody<'a> {
    username: &'a AdminName,
    password: &'a str,
    password2: &'a str,
    active: u8,
}

/// The attributes that administrators and domain administrators have in common.
#[derive(Default, PartialEq, Serialize)]
pub(crate) struct Attributes<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    username_new: Option<&'a AdminName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password2: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    force_tfa: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    force_pw_update: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_tfa: Option<u8>,
}

const LIST: Read = Read("get/admin/all");
const GET: Read = Read("get/admin");
const ADD: Write = Write { route: "add/admin", success: "admin_added" };
const EDIT: Write = Write { route: "edit/admin", success: "admin_modified" };
const DELETE: Write = Write { route: "delete/admin", success: "admin_removed" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mailcow_refuses_or_cannot_show_are_refused() {
        for bad in ["", "bad name!", "a/b", "a@b.example", "-", "all", "ä", "a\n"] {
            assert!(bad.parse::<AdminName>().is_err(), "{bad:?} was accepted");
        }
        assert_eq!("Ops_2.x".parse::<AdminName>().unwrap().to_string(), "ops_2.x");
    }
}
