//! Settings, maps and counters of the spam filter Rspamd.

use serde::{Deserialize, Serialize};

use crate::{
    Client, Error,
    client::{EditItems, Read, Write},
    ids::number_id,
    input, loose,
};

number_id!(
    /// The number by which Mailcow knows an Rspamd setting.
    RspamdSettingId,
    "the id of an rspamd setting"
);

/// An Rspamd setting to be created.
#[derive(Clone, Debug)]
pub struct NewRspamdSetting {
    description: String,
    content: String,
    active: bool,
}

impl NewRspamdSetting {
    /// Builds an active setting; `content` is in the language of Rspamd's *user settings*.
    pub fn new(description: &str, content: &str) -> Self {
        Self { description: description.to_owned(), content: content.to_owned(), active: true }
    }

    /// Sets whether it applies, true by default.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }
}

/// What to change on an Rspamd setting; what is not set is kept.
#[derive(Clone, Debug, Default)]
pub struct RspamdSettingChange {
    description: Option<String>,
    content: Option<String>,
    active: Option<bool>,
}

impl RspamdSettingChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the description.
    pub fn with_description(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    /// Sets the content.
    pub fn with_content(mut self, content: &str) -> Self {
        self.content = Some(content.to_owned());
        self
    }

    /// Sets whether it applies.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(active);
        self
    }
}

/// An Rspamd setting as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct RspamdSetting {
    /// The id.
    pub id: RspamdSettingId,
    /// The description.
    #[serde(rename = "desc", deserialize_with = "loose::text")]
    pub description: String,
    /// The content, in the language of Rspamd's *user settings*.
    #[serde(deserialize_with = "loose::text")]
    pub content: String,
    /// Whether it applies.
    #[serde(deserialize_with = "loose::flag")]
    pub active: bool,
}

/// How often Rspamd has done something with a message since it started.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "(String, Count)")]
#[non_exhaustive]
pub struct RspamdAction {
    /// What it did, as `reject` or `no action`.
    pub name: String,
    /// How often.
    pub count: i64,
}

impl From<(String, Count)> for RspamdAction {
    fn from((name, Count(count)): (String, Count)) -> Self {
        Self { name, count }
    }
}

#[derive(Deserialize)]
struct Count(#[serde(deserialize_with = "loose::int")] i64);

impl Client {
    /// Returns all Rspamd settings (`get/rsetting/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn rspamd_settings(&self) -> Result<Vec<RspamdSetting>, Error> {
        Ok(self.read(ALL, None).await?.unwrap_or_default())
    }

    /// Returns one Rspamd setting, `None` if there is none of that id (`get/rsetting/{id}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_rspamd_setting(&self, id: RspamdSettingId) -> Result<Option<RspamdSetting>, Error> {
        self.read(GET, Some(id.to_string().as_str())).await
    }

    /// Creates an Rspamd setting (`add/rsetting`). **Not** safe to repeat: a second one is made.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn add_rspamd_setting(&self, new: &NewRspamdSetting) -> Result<(), Error> {
        input::line(ADD.route, "description", &new.description)?;
        input::lines(ADD.route, "content", &new.content)?;
        let body = AddBody { desc: &new.description, content: &new.content, active: u8::from(new.active) };
        self.write(ADD, &new.description, &body).await
    }

    /// Changes an Rspamd setting (`edit/rsetting`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `settings_map_invalid` if there is none of that id, and
    /// [`Error::InvalidInput`] for a change of nothing.
    pub async fn edit_rspamd_setting(
        &self,
        id: RspamdSettingId,
        change: &RspamdSettingChange,
    ) -> Result<(), Error> {
        if let Some(description) = &change.description {
            input::line(EDIT.route, "description", description)?;
        }
        if let Some(content) = &change.content {
            input::lines(EDIT.route, "content", content)?;
        }
        let attr = EditAttr {
            desc: change.description.as_deref(),
            content: change.content.as_deref(),
            active: change.active.map(u8::from),
        };
        input::change(EDIT.route, &attr)?;
        self.write(EDIT, &id.to_string(), &EditItems { items: &[id], attr: &attr }).await
    }

    /// Deletes Rspamd settings (`delete/rsetting`). Deleting one that does not exist succeeds too.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn delete_rspamd_settings(&self, ids: &[RspamdSettingId]) -> Result<(), Error> {
        self.delete_items(DELETE, ids).await
    }

    /// Replaces a map of Rspamd, as `global_smtp_from_blacklist.map` (`edit/rspamd-map`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `global_map_invalid` if Mailcow has no such map.
    pub async fn set_rspamd_map(&self, map: &str, content: &str) -> Result<(), Error> {
        input::word(MAP.route, "name of the map", map)?;
        input::optional_lines(MAP.route, "content", content)?;
        let attr = MapAttr { rspamd_map_data: content };
        self.write(MAP, map, &EditItems { items: &[map], attr: &attr }).await
    }

    /// Returns how often Rspamd has done what (`get/rspamd/actions`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn rspamd_actions(&self) -> Result<Vec<RspamdAction>, Error> {
        Ok(self.read(ACTIONS, None).await?.unwrap_or_default())
    }
}

#[derive(Serialize)]
struct AddBody<'a> {
    desc: &'a str,
    content: &'a str,
    active: u8,
}

#[derive(Default, PartialEq, Serialize)]
struct EditAttr<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    desc: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<u8>,
}

#[derive(Serialize)]
struct MapAttr<'a> {
    rspamd_map_data: &'a str,
}

const ALL: Read = Read("get/rsetting/all");
const GET: Read = Read("get/rsetting");
const ADD: Write = Write { route: "add/rsetting", success: "settings_map_added" };
const EDIT: Write = Write { route: "edit/rsetting", success: "object_modified" };
const DELETE: Write = Write { route: "delete/rsetting", success: "settings_map_removed" };
const MAP: Write = Write { route: "edit/rspamd-map", success: "object_modified" };
const ACTIONS: Read = Read("get/rspamd/actions");
