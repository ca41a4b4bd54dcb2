//! Resources: rooms, groups and things that can be booked in a calendar.

mod ensure;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    Client, DomainName, Error, MailboxAddress,
    client::{EditItems, Read, Write},
    flag::Flag,
    input, loose,
    words::word_enum,
};

word_enum!(
    /// What sort of thing a resource is.
    ResourceKind {
        /// A place.
        Location = "location",
        /// A group of people.
        Group = "group",
        /// Anything else.
        Thing = "thing",
    }
);

/// How often a resource can be booked for the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bookings {
    /// As often as one likes; it is always shown as free.
    AlwaysFree,
    /// As often as one likes; it is shown as busy once it is booked.
    Unlimited,
    /// So many times.
    AtMost(u32),
}

impl Bookings {
    fn number(self) -> i64 {
        match self {
            Self::AlwaysFree => 0,
            Self::Unlimited => -1,
            Self::AtMost(count) => count.into(),
        }
    }
}

impl Serialize for Bookings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.number())
    }
}

impl<'de> Deserialize<'de> for Bookings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match loose::int(deserializer)? {
            0 => Self::AlwaysFree,
            count => u32::try_from(count).map_or(Self::Unlimited, Self::AtMost),
        })
    }
}

/// A resource to be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewResource {
    description: String,
    domain: DomainName,
    kind: ResourceKind,
    multiple_bookings: Bookings,
    active: Flag,
}

impl NewResource {
    /// Builds an active resource that is always free. Mailcow makes its address of the description, without blanks.
    pub fn new(description: &str, domain: DomainName, kind: ResourceKind) -> Self {
        Self {
            description: description.to_owned(),
            domain,
            kind,
            multiple_bookings: Bookings::AlwaysFree,
            active: Flag(true),
        }
    }

    /// Sets how often it can be booked for the same time.
    pub fn with_bookings(mut self, bookings: Bookings) -> Self {
        self.multiple_bookings = bookings;
        self
    }

    /// Sets whether it can be booked at all, true by default.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Flag(active);
        self
    }
}

/// What to change on a resource; what is not set is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ResourceChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<ResourceKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multiple_bookings: Option<Bookings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<Flag>,
}

impl ResourceChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the description. The address stays.
    pub fn with_description(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    /// Sets what it is.
    pub fn with_kind(mut self, kind: ResourceKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Sets how often it can be booked for the same time.
    pub fn with_bookings(mut self, bookings: Bookings) -> Self {
        self.multiple_bookings = Some(bookings);
        self
    }

    /// Sets whether it can be booked at all.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(Flag(active));
        self
    }
}

/// A resource as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Resource {
    /// The address, in which upper case is kept but does not count.
    #[serde(rename = "name")]
    pub address: String,
    /// What it is.
    pub kind: ResourceKind,
    /// How often it can be booked for the same time.
    #[serde(rename = "multiple_bookings")]
    pub bookings: Bookings,
    /// The description.
    #[serde(default, deserialize_with = "loose::text")]
    pub description: String,
    /// Whether it can be booked at all.
    #[serde(default, deserialize_with = "loose::flag")]
    pub active: bool,
    /// The domain.
    #[serde(default, deserialize_with = "loose::text")]
    pub domain: String,
}

impl Client {
    /// Returns all resources (`get/resource/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn resources(&self) -> Result<Vec<Resource>, Error> {
        Ok(self.read(LIST, None).await?.unwrap_or_default())
    }

    /// Returns a resource, `None` if there is none of that address (`get/resource/{address}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_resource(&self, address: &MailboxAddress) -> Result<Option<Resource>, Error> {
        self.read(GET, Some(address.as_str())).await
    }

    /// Creates a resource (`add/resource`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `object_exists` (its address is taken), `resource_invalid` (the
    /// kind) and `access_denied` (no such domain).
    pub async fn add_resource(&self, new: &NewResource) -> Result<(), Error> {
        check_description(ADD.route, &new.description)?;
        self.write(ADD, &new.description, new).await
    }

    /// Changes a resource (`edit/resource`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `resource_invalid` if there is none of that address or the kind is unknown.
    pub async fn edit_resource(
        &self,
        address: &MailboxAddress,
        change: &ResourceChange,
    ) -> Result<(), Error> {
        input::change(EDIT.route, change)?;
        if let Some(description) = &change.description {
            check_description(EDIT.route, description)?;
        }
        self.write(EDIT, address.as_str(), &EditItems { items: &[address], attr: change }).await
    }

    /// Deletes a resource (`delete/resource`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is none of that address.
    pub async fn delete_resource(&self, address: &MailboxAddress) -> Result<(), Error> {
        self.write(DELETE, address.as_str(), &[address]).await
    }

    /// Deletes several resources (`delete/resource`).
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless each one was deleted.
    pub async fn delete_resources(&self, items: &[MailboxAddress]) -> Result<(), Error> {
        self.delete_items(DELETE, items).await
    }
}

fn check_description(operation: &'static str, description: &str) -> Result<(), Error> {
    if description.trim().is_empty() {
        return Err(invalid(operation, "the description is empty"));
    }
    input::optional_line(operation, "description", description)
}

fn invalid(operation: &'static str, reason: &str) -> Error {
    Error::InvalidInput { operation, reason: reason.to_owned() }
}

const LIST: Read = Read("get/resource/all");
const GET: Read = Read("get/resource");
const ADD: Write = Write { route: "add/resource", success: "resource_added" };
const EDIT: Write = Write { route: "edit/resource", success: "resource_modified" };
const DELETE: Write = Write { route: "delete/resource", success: "resource_removed" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bookings_and_kinds_keep_what_the_server_says() {
        for (number, bookings) in
            [("0", Bookings::AlwaysFree), ("-1", Bookings::Unlimited), ("\"3\"", Bookings::AtMost(3))]
        {
            assert_eq!(serde_json::from_str::<Bookings>(number).unwrap(), bookings);
        }
        let kind: ResourceKind = serde_json::from_str("\"vehicle\"").unwrap();
        assert_eq!(kind, ResourceKind::Other("vehicle".to_owned()));
        assert_eq!(serde_json::to_string(&kind).unwrap(), "\"vehicle\"");
    }
}
