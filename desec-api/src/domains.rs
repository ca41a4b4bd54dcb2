//! Domains: `/domains/`.

use serde::Deserialize;

use crate::{Client, DomainName, Error, Timestamp, Ttl, call::Call};

impl Client {
    /// Returns the domain called `name` (`GET /domains/{name}/`).
    ///
    /// # Errors
    /// [`Error::NotFound`] if it does not exist or belongs to another account.
    ///
    /// ```
    /// use desec_api::{DomainName, FakeDesec, Ttl};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let name: DomainName = "example.com".parse()?;
    /// let fake = FakeDesec::new();
    /// fake.add_domain(&name, Ttl::new(3600)?);
    ///
    /// let domain = fake.client()?.domain(&name).await?;
    /// assert_eq!(domain.minimum_ttl.seconds(), 3600);
    /// # Ok::<(), desec_api::Error>(()) }).unwrap();
    /// ```
    pub async fn domain(&self, name: &DomainName) -> Result<Domain, Error> {
        let path = ["domains", name.as_str()];
        let call = Call::read("read the domain", name.as_str(), &path);
        let response = self.call(&call).await?;
        call.json(&response)
    }
}

/// A domain of the account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Domain {
    /// Its name.
    pub name: DomainName,
    /// The lowest time to live that its RRsets may have.
    pub minimum_ttl: Ttl,
    /// When it was created.
    pub created: Timestamp,
    /// When its zone was last published; not yet right after creation.
    pub published: Option<Timestamp>,
    /// When it was last written, also without any change.
    pub touched: Option<Timestamp>,
    /// Its DNSSEC keys; empty in lists of domains.
    #[serde(default)]
    pub keys: Vec<Key>,
}

/// A DNSSEC key of a [`Domain`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Key {
    /// The DNSKEY record.
    pub dnskey: String,
    /// The DS records to be set in the parent zone.
    pub ds: Vec<String>,
    /// The flags of the key (RFC 4034, section 2.1.1).
    pub flags: u16,
    /// The kind of key, such as `csk`; unknown for keys that the server does not manage.
    pub keytype: Option<String>,
    /// Whether the server manages the key.
    pub managed: bool,
}
