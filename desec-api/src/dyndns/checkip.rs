//! deSEC's own service that tells a caller its address.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    str,
};

use async_trait::async_trait;
use futures_util::future::join;
use url::Url;

use super::{
    network::{IpAddress, IpNetwork},
    public::objection,
    sources::{AddressError, AddressSource, PublicAddress, PublicAddresses},
};
use crate::{
    Client, Error, Scope,
    call::{Call, Place},
    client::allowed_url,
    error::Credential,
    http::Accept,
};

/// Asks `checkipv4.dedyn.io` and `checkipv6.dedyn.io` which address this machine has.
///
/// An answer counts only if it is one globally routable address of the right family. A family that does not
/// answer is [`PublicAddress::Unknown`], because whether there is no such connection or no server cannot be
/// told. The requests carry no token. Three a minute are possible.
#[derive(Clone, Debug)]
pub struct CheckIp {
    client: Client,
    v4: Option<Url>,
    v6: Option<Url>,
    special: bool,
}

impl CheckIp {
    /// Returns a source that asks for both families, through the connections and the pace of `client`, which
    /// needn't have a token.
    pub fn new(client: Client) -> Self {
        Self { client, v4: Some(url(V4)), v6: Some(url(V6)), special: false }
    }

    /// Asks another server for the IPv4 address. It must be https, or http to a loopback host.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if the URL is not allowed.
    pub fn with_v4_url(mut self, url: &str) -> Result<Self, Error> {
        self.v4 = Some(allowed_url("URL for the IPv4 address", url)?);
        Ok(self)
    }

    /// Asks another server for the IPv6 address. It must be https, or http to a loopback host.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if the URL is not allowed.
    pub fn with_v6_url(mut self, url: &str) -> Result<Self, Error> {
        self.v6 = Some(allowed_url("URL for the IPv6 address", url)?);
        Ok(self)
    }

    /// Asks nobody for the IPv4 address, which stays unknown.
    pub fn without_v4(mut self) -> Self {
        self.v4 = None;
        self
    }

    /// Asks nobody for the IPv6 address, which stays unknown.
    pub fn without_v6(mut self) -> Self {
        self.v6 = None;
        self
    }

    /// Accepts addresses that are not globally routable, for tests and private networks.
    pub fn allowing_special_addresses(mut self) -> Self {
        self.special = true;
        self
    }

    async fn ask<A: IpAddress>(&self, url: Option<&Url>) -> Result<PublicAddress<A>, AddressError> {
        let Some(url) = url else { return Ok(PublicAddress::Unknown) };
        let call = Call {
            place: Place::Elsewhere(url),
            scope: Scope::CheckIp,
            accept: Accept::Any,
            credential: Credential::Nothing,
            ..Call::read("learn", A::FAMILY, &[])
        };
        let failed = |error| AddressError::failed_by(format!("no {} address from checkip", A::FAMILY), error);
        let answer = self.client.call(&call).await.map_err(failed)?;
        let text = str::from_utf8(answer.body()).unwrap_or_default().trim();
        let Ok(address) = text.parse::<A>() else {
            let reason = format!("the answer of checkip is no {} address", A::FAMILY);
            return Err(AddressError::failed(reason));
        };
        match objection(&IpNetwork::only(address)) {
            Some(objection) if !self.special => {
                Err(AddressError::failed(format!("checkip answers {address}, which is {objection}")))
            }
            _ => Ok(PublicAddress::Found(address)),
        }
    }
}

#[async_trait]
impl AddressSource for CheckIp {
    async fn addresses(&self) -> Result<PublicAddresses, AddressError> {
        let asked = join(self.ask::<Ipv4Addr>(self.v4.as_ref()), self.ask::<Ipv6Addr>(self.v6.as_ref()));
        let addresses = match asked.await {
            (Ok(v4), Ok(v6)) => PublicAddresses { v4, v6 },
            (Ok(v4), Err(_)) if v4 != PublicAddress::Unknown => {
                PublicAddresses { v4, v6: PublicAddress::Unknown }
            }
            (Err(_), Ok(v6)) if v6 != PublicAddress::Unknown => {
                PublicAddresses { v4: PublicAddress::Unknown, v6 }
            }
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        if addresses.is_unknown() {
            return Err(AddressError::failed("no family is asked for"));
        }
        Ok(addresses)
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("the address of the service is a URL")
}

const V4: &str = "https://checkipv4.dedyn.io/";
const V6: &str = "https://checkipv6.dedyn.io/";
