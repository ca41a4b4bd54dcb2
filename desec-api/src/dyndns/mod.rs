//! DynDNS: the addresses of names that move.

mod agreement;
mod checkip;
mod events;
mod network;
mod public;
mod refresher;
mod sources;
mod update;

use url::Url;

use self::update::invalid;
pub use self::{
    agreement::Agreement,
    checkip::CheckIp,
    events::{RefreshError, RefresherEvent, RefresherEvents},
    network::{IpAddress, IpNetwork},
    refresher::{Refresher, RefresherHandle},
    sources::{AddressError, AddressSource, PublicAddress, PublicAddresses},
    update::{AddressChange, DynDnsUpdate},
};
use crate::{
    Client, DomainName, Error, Scope,
    call::{Call, Place},
    client::allowed_url,
    http::Accept,
};

/// Updates the addresses of names of one domain, with a time to live of 60 seconds.
///
/// The token of the client needs no permission but, where it has policies, to write A and AAAA of the names;
/// it is sent as a header. Two updates of a domain are possible in two minutes; the client waits for its turn,
/// as long as it [may](crate::ClientBuilder::max_wait).
///
/// ```
/// use desec_api::{AddressChange, DynDns, DynDnsUpdate, DomainName, FakeDesec, Ttl};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let domain: DomainName = "alice.dedyn.io".parse()?;
/// let fake = FakeDesec::new();
/// fake.add_domain(&domain, Ttl::new(3600)?);
///
/// let dyndns = DynDns::new(fake.client()?, domain);
/// let update = DynDnsUpdate::new(AddressChange::Set(vec![[9, 9, 9, 9].into()]), AddressChange::Preserve);
/// dyndns.update(&update).await?;
///
/// let private = DynDnsUpdate::new(AddressChange::Set(vec![[10, 0, 0, 1].into()]), AddressChange::Delete);
/// let refused = dyndns.update(&private).await.unwrap_err().to_string();
/// assert!(refused.contains("10.0.0.1 is not globally routable: 10.0.0.0/8 is for private networks"));
/// # Ok::<(), desec_api::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct DynDns {
    client: Client,
    domain: DomainName,
    url: Url,
}

impl DynDns {
    /// Returns an updater for names of `domain`, through the route of the API, `GET /dyndns/update`.
    pub fn new(client: Client, domain: DomainName) -> Self {
        let url = update_url(client.base());
        Self { client, domain, url }
    }

    /// Sets another address for updates, such as `https://update.dedyn.io/`.
    ///
    /// It must be https, or http to a loopback host. The address of the caller plays no role: what an update
    /// says is all that counts.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if the URL is not allowed.
    pub fn with_update_url(mut self, url: &str) -> Result<Self, Error> {
        self.url = allowed_url("update URL", url)?;
        Ok(self)
    }

    /// Returns the domain.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// Updates all names together, or none.
    ///
    /// Dropped, it may have been executed.
    ///
    /// # Errors
    /// - [`Error::InvalidInput`] if the update has no name, sets no address where it says `Set`, has an
    ///   address that is not globally routable, or is longer than 3,000 bytes as a request.
    /// - [`Error::Invalid`] if the server refuses an address, or a name has a CNAME.
    /// - [`Error::NotFound`] if the domain is not in the account of the token.
    /// - [`Error::Forbidden`] if a policy of the token does not allow it.
    /// - [`Error::Conflict`] if another writer was faster; repeating is safe.
    /// - [`Error::Throttled`] if its turn comes later than the client may wait.
    /// - [`Error::Unknown`] if it may or may not have happened; repeating is safe.
    /// - [`Error::Unauthenticated`], [`Error::Unavailable`], [`Error::Other`] as everywhere.
    pub async fn update(&self, update: &DynDnsUpdate) -> Result<(), Error> {
        let mut url = self.url.clone();
        url.query_pairs_mut().extend_pairs(update.query(&self.domain)?);
        if url.query().is_some_and(|query| query.len() > MAX_QUERY) {
            return Err(invalid("it is too long for one request; split it by names"));
        }
        let call = Call {
            place: Place::Elsewhere(&url),
            scope: Scope::DynDns(self.domain.clone()),
            accept: Accept::Any,
            ..Call::read("update the addresses of", self.domain.as_str(), &[])
        };
        let answer = self.client.call(&call).await?;
        if answer.body().trim_ascii() == b"good" {
            Ok(())
        } else {
            Err(call.not_understood("the answer is not \"good\""))
        }
    }
}

fn update_url(base: &Url) -> Url {
    let mut url = base.clone();
    // No slash at the end, unlike everywhere else in the API.
    let mut segments = url.path_segments_mut().expect("a URL with a host has a path");
    segments.pop_if_empty().extend(["dyndns", "update"]);
    drop(segments);
    url
}

// The server takes a request head of 4 KiB at most; the rest is for the headers.
const MAX_QUERY: usize = 3_000;
