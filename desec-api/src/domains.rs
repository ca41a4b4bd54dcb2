//! Domains: `/domains/`.

use futures_core::Stream;
use serde::{Deserialize, Serialize};

use crate::{
    Client, DomainName, Error, Missing, Timestamp, Ttl, call::Call, checks::body, http::Method, pace::Scope,
    pagination::List,
};

impl Client {
    /// Lists the domains of the account, newest first, a page at a time as the stream is read
    /// (`GET /domains/`).
    ///
    /// [`Domain::keys`] is empty in it: [`domain`](Self::domain) has the keys. Each 500 domains cost one read.
    /// The stream ends after its first error.
    pub fn domains(&self) -> impl Stream<Item = Result<Domain, Error>> + Send + use<> {
        self.pages(List {
            operation: "list",
            subject: "the domains".into(),
            path: vec!["domains".into()],
            query: Vec::new(),
            scope: Scope::Read,
            absent: Missing::Domain,
        })
    }

    /// Returns the domain of the account in whose zone the name `qname` is, if there is one
    /// (`GET /domains/?owns_qname=..`): of several, the closest.
    ///
    /// The name may be in any letter case, with or without a dot at the end, and need not exist; wildcards and
    /// underscores are fine. [`Domain::keys`] is empty.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if `qname` cannot be a name. International names must be in their ASCII form
    /// (`xn--..`).
    pub async fn domain_owning(&self, qname: &str) -> Result<Option<Domain>, Error> {
        let name = queried(qname)?;
        let query = [("owns_qname", name.as_str())];
        let call = Call { query: &query, ..Call::read("find the domain of", &name, &["domains"]) };
        let response = self.call(&call).await?;
        let mut found: Vec<Domain> = call.json(&response)?;
        match found.len() {
            0 | 1 => Ok(found.pop()),
            _ => Err(call.not_understood("the answer names several domains")),
        }
    }

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

    /// Creates a domain (`POST /domains/`), and returns it with its DNSSEC keys.
    ///
    /// Below `dedyn.io` it is delegated at once; elsewhere the registrar must get the name servers and
    /// [`Key::ds`]. A dropped call may have been executed. [`ensure_domain`](Self::ensure_domain) can be
    /// repeated.
    ///
    /// # Errors
    /// - [`Error::Invalid`] if the server refuses the name or the zone file. [`Error::already_exists`] tells
    ///   whether the name is taken: the server's answer is the same whoever has it.
    /// - [`Error::Forbidden`] if the token may not create domains or the account has as many as it may.
    /// - [`Error::InvalidInput`], before anything is sent, for a zone file larger than 1 MiB.
    /// - [`Error::Unknown`] if the server failed or the link was lost: read the domain.
    pub async fn create_domain(&self, domain: &NewDomain) -> Result<Domain, Error> {
        let call = Call {
            body: Some(body("zone file", domain)?),
            ..Call::write(CREATE, domain.name.as_str(), Method::Post, &["domains"], Scope::Domains)
        };
        let response = self.call(&call).await?;
        call.json(&response)
    }

    /// Makes sure that the account has a domain: reads it, and creates it if there is none.
    ///
    /// Repeating the call is safe, and so is calling it several times at once. A domain that exists stays as it
    /// is: the zone file counts for a new one only. A dropped call may have created the domain.
    ///
    /// # Errors
    /// - [`Error::Taken`] if another account has the name, or deSEC itself.
    /// - [`Error::Unknown`] if it cannot be told whether the domain was created: just repeat.
    /// - Otherwise as for [`create_domain`](Self::create_domain).
    pub async fn ensure_domain(&self, domain: &NewDomain) -> Result<Ensured, Error> {
        match self.domain(&domain.name).await {
            Err(Error::NotFound { .. }) => {}
            found => return Ok(Ensured { created: false, domain: found? }),
        }
        let failure = match self.create_domain(domain).await {
            Ok(domain) => return Ok(Ensured { created: true, domain }),
            Err(error) if error.already_exists() || error.outcome_unknown() => error,
            Err(error) => return Err(error),
        };
        match (self.domain(&domain.name).await, failure) {
            (Ok(found), failure) => Ok(Ensured { created: failure.outcome_unknown(), domain: found }),
            (Err(_), Error::Unknown { operation, subject, reason, source, .. }) => {
                Err(Error::Unknown { operation, subject, reason, repeatable: true, source })
            }
            (Err(Error::NotFound { .. }), _) => {
                Err(Error::Taken { operation: CREATE, subject: domain.name.to_string() })
            }
            (Err(unread), _) => Err(unread),
        }
    }

    /// Deletes a domain with all that is in its zone (`DELETE /domains/{name}/`).
    ///
    /// The server answers the same for a domain that does not exist or belongs to another account, which stays.
    /// Repeating the call is safe. A dropped call may have been executed.
    ///
    /// # Errors
    /// - [`Error::Forbidden`] if the token may not delete domains, or not without a policy against it.
    /// - [`Error::Unknown`] if the server failed or the link was lost: just repeat.
    pub async fn delete_domain(&self, name: &DomainName) -> Result<(), Error> {
        let path = ["domains", name.as_str()];
        self.call(&Call::write("delete the domain", name.as_str(), Method::Delete, &path, Scope::Domains))
            .await?;
        Ok(())
    }
}

/// A domain of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Key {
    /// The DNSKEY record.
    pub dnskey: String,
    /// The DS records to be set in the parent zone; none for keys that the server does not manage.
    pub ds: Vec<String>,
    /// The flags of the key (RFC 4034, section 2.1.1).
    pub flags: u16,
    /// The kind of key, such as `csk`; unknown for keys that the server does not manage.
    pub keytype: Option<String>,
    /// Whether the server manages the key.
    pub managed: bool,
}

/// A domain to be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewDomain {
    name: DomainName,
    #[serde(skip_serializing_if = "Option::is_none")]
    zonefile: Option<String>,
}

impl NewDomain {
    /// Returns a domain with an empty zone.
    pub fn new(name: DomainName) -> Self {
        Self { name, zonefile: None }
    }

    /// Sets the zone file to import (RFC 1035, section 5), of about 1 MiB at most.
    ///
    /// The server leaves out what it manages itself: SOA, DNSSEC records and the NS records of the apex; also
    /// names of other domains. Times to live are raised or lowered to what the domain allows. With a flaw in the
    /// file the domain is not created.
    pub fn with_zonefile(mut self, text: impl Into<String>) -> Self {
        self.zonefile = Some(text.into());
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &DomainName {
        &self.name
    }
}

/// What [`Client::ensure_domain`] found or did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ensured {
    /// Whether the call created the domain. If the answer was lost and the domain is there, it counts as
    /// created.
    pub created: bool,
    /// The domain, with its keys.
    pub domain: Domain,
}

// The server finds nothing for another spelling.
fn queried(qname: &str) -> Result<String, Error> {
    let name = qname.to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    let label = |label: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_*".contains(&b);
        (1..=63).contains(&label.len()) && label.bytes().all(allowed)
    };
    if name.len() <= MAX_QNAME && name.split('.').all(label) {
        return Ok(name.to_owned());
    }
    // The offending text may be anything: it is shown escaped and short.
    let shown: String = qname.chars().take(80).collect();
    let reason =
        format!("{shown:?}: it must be parts of 1 to 63 letters, digits, '-', '_' or '*', with dots between");
    Err(Error::InvalidInput { what: "name", reason })
}

const CREATE: &str = "create the domain";
// RFC 1035, section 2.3.4, as text without the dot at the end.
const MAX_QNAME: usize = 253;
