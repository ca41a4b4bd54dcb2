//! Domain administrators that are as one wants them.

use super::{DomainAdmin, DomainAdminChange, NewDomainAdmin};
use crate::{
    AdminChange, Client, DomainName, Ensured, Error,
    ensure::{Wish, converge, fields},
};

impl Client {
    /// Makes certain that a domain administrator exists and administers exactly these domains, and writes nothing if
    /// it does. Safe to repeat, also after a dropped call.
    ///
    /// Unless [`how`](Ensured::how) is `Created`, its password may be another:
    /// [`edit_domain_admin`](Self::edit_domain_admin) sets it.
    ///
    /// # Errors
    /// As [`add_domain_admin`](Self::add_domain_admin): among others [`Error::Refused`] with `object_exists` if the name
    /// is that of an administrator of the server.
    pub async fn ensure_domain_admin(&self, wanted: &NewDomainAdmin) -> Result<Ensured<DomainAdmin>, Error> {
        converge(self, wanted).await
    }
}

impl Wish for NewDomainAdmin {
    type Found = DomainAdmin;

    async fn read(&self, client: &Client) -> Result<Option<DomainAdmin>, Error> {
        client.get_domain_admin(&self.name).await
    }

    async fn create(&self, client: &Client) -> Result<(), Error> {
        client.add_domain_admin(self).await
    }

    fn differs(&self, found: &DomainAdmin) -> Vec<&'static str> {
        let wanted = sorted(self.domains.iter().map(DomainName::as_str));
        fields([
            ("domains", wanted != sorted(found.domains.iter().map(String::as_str))),
            ("active", self.active != found.active),
        ])
    }

    async fn change(&self, client: &Client, _: &DomainAdmin, fields: &[&'static str]) -> Result<(), Error> {
        let mut change = DomainAdminChange::new();
        if fields.contains(&"domains") {
            change = change.with_domains(self.domains.iter().cloned());
        }
        if fields.contains(&"active") {
            change = change.with_account(AdminChange::new().with_active(self.active));
        }
        client.edit_domain_admin(&self.name, &change).await
    }
}

/// Mailcow keeps no order and takes no domain twice.
fn sorted<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<_> = names.into_iter().map(str::to_lowercase).collect();
    names.sort_unstable();
    names.dedup();
    names
}
