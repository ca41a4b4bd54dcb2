//! The DKIM key of a domain (RFC 6376). Mailcow keeps one per domain.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedMutexGuard;

use crate::{
    Client, DomainName, Ensured, Error,
    client::{Read, Write},
    ensure::ensure,
    flag::Flag,
    input, loose,
};

/// Which DKIM key to make: its selector and its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkimKeySpec {
    selector: String,
    bits: u16,
}

impl DkimKeySpec {
    /// Builds the description of an RSA key of 2048 bits under `selector`.
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] if the selector is not one or more labels of letters, digits, hyphens and
    /// underscores.
    pub fn new(selector: &str) -> Result<Self, Error> {
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if !selector.split('.').all(is_label) {
            return Err(invalid("a selector is made of letters, digits, hyphens and underscores"));
        }
        Ok(Self { selector: selector.to_owned(), bits: 2048 })
    }

    /// Sets the size in bits.
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] unless it is 1024 to 4096: Mailcow makes weaker keys too, but RFC 8301 wants
    /// receivers to ignore them.
    pub fn with_bits(mut self, bits: u16) -> Result<Self, Error> {
        if !(1024..=4096).contains(&bits) {
            return Err(invalid("an RSA key has 1024 to 4096 bits"));
        }
        self.bits = bits;
        Ok(self)
    }

    /// Returns the selector.
    pub fn selector(&self) -> &str {
        &self.selector
    }

    /// Returns the size in bits.
    pub fn bits(&self) -> u16 {
        self.bits
    }
}

/// The public half of the DKIM key of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Dkim {
    /// The selector; the record belongs at `{selector}._domainkey.{domain}`.
    #[serde(rename = "dkim_selector")]
    pub selector: String,
    /// The whole TXT record in one piece; longer than the 255 bytes of one DNS string.
    #[serde(rename = "dkim_txt")]
    pub txt: String,
    /// The public key alone, base64 of its DER form.
    #[serde(rename = "pubkey")]
    pub public_key: String,
    /// The size in bits as Mailcow guesses it from the length of the text: 1536 is shown as 1024.
    #[serde(default, rename = "length", deserialize_with = "loose::int")]
    pub bits: i64,
}

impl Client {
    /// Returns the DKIM key of a domain, `None` if it has none or does not exist (`get/dkim/{domain}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_dkim(&self, domain: &DomainName) -> Result<Option<Dkim>, Error> {
        self.read(GET, Some(domain.as_str())).await
    }

    /// Makes a DKIM key (`add/dkim`).
    ///
    /// Two simultaneous makes for one domain can leave a published key that does not fit the stored one. All clones
    /// of this client take turns per domain; separate clients and programs must take care of that themselves.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `dkim_domain_or_sel_invalid` if there is a key already, and with
    /// `access_denied` if there is no such domain.
    pub async fn add_dkim(&self, domain: &DomainName, spec: &DkimKeySpec) -> Result<(), Error> {
        let _turn = self.dkim_turn(domain).await;
        self.make_dkim(domain, spec).await
    }

    /// Makes certain that a domain has a DKIM key and writes nothing if it has. Safe to repeat. A key that is there
    /// is kept, whatever its selector (see [`Ensured::differs`]); the size is not compared.
    ///
    /// ```
    /// use mailcow_api::{DkimKeySpec, FakeMailcow, NewDomain};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let client = FakeMailcow::new().client();
    /// let domain = "agents.example.com".parse()?;
    /// # client.add_domain(&NewDomain::new("agents.example.com".parse()?)).await?;
    /// let dkim = client.ensure_dkim(&domain, &DkimKeySpec::new("dkim")?).await?.value;
    /// assert!(dkim.txt.starts_with("v=DKIM1;k=rsa;"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such domain.
    pub async fn ensure_dkim(
        &self,
        domain: &DomainName,
        wanted: &DkimKeySpec,
    ) -> Result<Ensured<Dkim>, Error> {
        let _turn = self.dkim_turn(domain).await;
        let differs = |found: &Dkim| {
            if found.selector == wanted.selector { Vec::new() } else { vec!["dkim_selector"] }
        };
        ensure(|| self.get_dkim(domain), || self.make_dkim(domain, wanted), differs).await
    }

    /// Deletes the DKIM key of a domain (`delete/dkim`). Deleting none succeeds too.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn delete_dkim(&self, domain: &DomainName) -> Result<(), Error> {
        let _turn = self.dkim_turn(domain).await;
        self.write(DELETE, domain.as_str(), &[domain]).await
    }

    /// Deletes the DKIM keys of several domains (`delete/dkim`). Those without one count as deleted.
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless the server confirms each one.
    pub async fn delete_dkim_keys(&self, domains: &[DomainName]) -> Result<(), Error> {
        let _turns = self.dkim_turns(domains).await;
        self.delete_items(DELETE, domains).await
    }

    /// Copies the DKIM key of a domain to others (`add/dkim_duplicate`), **over** those that they have. Safe to
    /// repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `dkim_domain_or_sel_invalid` if there is no key to copy.
    pub async fn duplicate_dkim(&self, from: &DomainName, to: &[DomainName]) -> Result<(), Error> {
        input::some(DUPLICATE.route, to)?;
        let _turns = self.dkim_turns(to).await;
        let body = DuplicateBody { from_domain: from, to_domain: to };
        self.write(DUPLICATE, from.as_str(), &body).await
    }

    /// Brings a private key along (`add/dkim_import`) as PEM.
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `dkim_domain_or_sel_exists` (there is a key, and `overwrite` is
    /// not set) and `private_key_error`.
    pub async fn import_dkim(
        &self,
        domain: &DomainName,
        selector: &str,
        private_key: &SecretString,
        overwrite: bool,
    ) -> Result<(), Error> {
        let spec = DkimKeySpec::new(selector)?;
        input::lines(IMPORT.route, "private key", private_key.expose_secret())?;
        let _turn = self.dkim_turn(domain).await;
        let body = ImportBody {
            domain,
            dkim_selector: spec.selector(),
            private_key_file: private_key.expose_secret(),
            overwrite_existing: Flag(overwrite),
        };
        self.write(IMPORT, domain.as_str(), &body).await
    }

    /// Waits for the turns of several domains, always in the same order, so that no two calls wait for each other.
    async fn dkim_turns(&self, domains: &[DomainName]) -> Vec<OwnedMutexGuard<()>> {
        let mut turns = Vec::new();
        for domain in domains.iter().collect::<BTreeSet<_>>() {
            turns.push(self.dkim_turn(domain).await);
        }
        turns
    }

    async fn make_dkim(&self, domain: &DomainName, spec: &DkimKeySpec) -> Result<(), Error> {
        let body = AddBody { domains: domain, dkim_selector: &spec.selector, key_size: spec.bits };
        self.write(ADD, domain.as_str(), &body).await
    }
}

#[derive(Serialize)]
struct AddBody<'a> {
    domains: &'a DomainName,
    dkim_selector: &'a str,
    key_size: u16,
}

#[derive(Serialize)]
struct DuplicateBody<'a> {
    from_domain: &'a DomainName,
    to_domain: &'a [DomainName],
}

#[derive(Serialize)]
struct ImportBody<'a> {
    domain: &'a DomainName,
    dkim_selector: &'a str,
    private_key_file: &'a str,
    overwrite_existing: Flag,
}

fn invalid(reason: &str) -> Error {
    Error::InvalidInput { operation: "a dkim key", reason: reason.to_owned() }
}

const GET: Read = Read("get/dkim");
const ADD: Write = Write { route: "add/dkim", success: "dkim_added" };
const DUPLICATE: Write = Write { route: "add/dkim_duplicate", success: "dkim_duplicated" };
const IMPORT: Write = Write { route: "add/dkim_import", success: "dkim_added" };
const DELETE: Write = Write { route: "delete/dkim", success: "dkim_removed" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_and_sizes_are_checked() {
        for bad in ["", "bad selector", "a..b", "a;b", "ä"] {
            assert!(DkimKeySpec::new(bad).is_err(), "{bad:?} was accepted");
        }
        let spec = DkimKeySpec::new("s1.mail_2026").unwrap();
        assert_eq!((spec.selector(), spec.bits()), ("s1.mail_2026", 2048));
        assert!(spec.clone().with_bits(512).is_err());
        assert_eq!(spec.with_bits(4096).unwrap().bits(), 4096);
    }
}
