//! Resources that are as one wants them.

use super::{NewResource, Resource, ResourceChange};
use crate::{
    Client, Ensured, Error,
    ensure::{Wish, converge, fields},
};

impl Client {
    /// Makes certain that there is a resource of that description, to which Mailcow makes the address, and that it is
    /// as wanted, and writes nothing if it is. Safe to repeat, also after a dropped call.
    ///
    /// # Errors
    /// As [`add_resource`](Self::add_resource): among others [`Error::Refused`] with `object_exists` if the address is
    /// that of a mailbox.
    pub async fn ensure_resource(&self, wanted: &NewResource) -> Result<Ensured<Resource>, Error> {
        converge(self, wanted).await
    }
}

impl Wish for NewResource {
    type Found = Resource;

    async fn read(&self, client: &Client) -> Result<Option<Resource>, Error> {
        let is_same = |found: &Resource| {
            let local_part = found.address.rsplit_once('@').map_or("", |(local_part, _)| local_part);
            found.domain.eq_ignore_ascii_case(self.domain.as_str())
                && key(local_part) == key(&self.description)
        };
        Ok(client.resources().await?.into_iter().find(is_same))
    }

    async fn create(&self, client: &Client) -> Result<(), Error> {
        client.add_resource(self).await
    }

    fn differs(&self, found: &Resource) -> Vec<&'static str> {
        fields([
            ("description", self.description != found.description),
            ("kind", self.kind != found.kind),
            ("multiple_bookings", self.multiple_bookings != found.bookings),
            ("active", self.active.0 != found.active),
        ])
    }

    async fn change(&self, client: &Client, found: &Resource, fields: &[&'static str]) -> Result<(), Error> {
        let has = |field| fields.contains(&field);
        let change = ResourceChange {
            description: has("description").then(|| self.description.clone()),
            kind: has("kind").then(|| self.kind.clone()),
            multiple_bookings: has("multiple_bookings").then_some(self.multiple_bookings),
            active: has("active").then_some(self.active),
        };
        client.edit_resource(&found.address.parse()?, &change).await
    }
}

/// What Mailcow makes the address of: letters and digits; case does not count.
fn key(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
