//! The whole zone as text: `/domains/{name}/zonefile/`.

use crate::{Client, DomainName, Error, call::Call, http::Accept, pace::Scope};

impl Client {
    /// Returns the whole zone of `domain` in the format of RFC 1035, section 5
    /// (`GET /domains/{name}/zonefile/`).
    ///
    /// It has the records that the server manages itself, too. It costs one write of the domain, not a read. A
    /// zone file is taken by [`NewDomain::with_zonefile`](crate::NewDomain::with_zonefile).
    ///
    /// # Errors
    /// [`Error::NotFound`] if the domain does not exist or belongs to another account.
    pub async fn export_zonefile(&self, domain: &DomainName) -> Result<String, Error> {
        let path = ["domains", domain.as_str(), "zonefile"];
        let call = Call {
            accept: Accept::Any,
            scope: Scope::Write(domain.clone()),
            ..Call::read("export the zone of", domain.as_str(), &path)
        };
        let response = self.call(&call).await?;
        let is_zone = response.header("content-type").is_some_and(|kind| kind.starts_with("text/dns"));
        let text = is_zone.then(|| String::from_utf8(response.body().to_vec()).ok()).flatten();
        text.ok_or_else(|| call.not_understood("the answer is no zone file"))
    }
}
