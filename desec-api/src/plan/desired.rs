//! What a zone shall have.

use super::{Claim, Plan, diff::Wanted};
use crate::{DomainName, Error, NewRrSet, RrSet, Ttl};

/// What a zone shall have, and what of it belongs to the caller.
///
/// An RRset that is wanted shall have its records and its time to live. Of what is there,
/// - records that equal wanted ones are as they should be, whatever their spelling and order;
/// - records that a [`Claim`] covers are the caller's: those that are not wanted go away, and so do RRsets
///   of which nothing is left;
/// - all others belong to others. Beside wanted records of their RRset they are kept or refused, as
///   [`on_foreign`](Self::on_foreign) says, and everywhere else they stay.
///
/// Nothing can be beside a CNAME (RFC 1034, section 3.6.2), nor two in one: what of others would have to go
/// for one, or for something else in the place of one, is always refused.
///
/// A and AAAA with a time to live of 60 seconds are the work of dynDNS. Their time to live stays as it is,
/// whatever is wanted, and only a claim covers them, not [`prune`](Self::prune).
///
/// ```
/// use desec_api::{Claim, Desired, DomainName, FakeDesec, Foreign, NewRrSet, RecordType, SubName, Ttl, txt};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let (domain, ttl): (DomainName, _) = ("example.com".parse()?, Ttl::new(3600)?);
/// let (apex, text) = (SubName::apex(), RecordType::Txt);
/// let fake = FakeDesec::new();
/// fake.add_domain(&domain, ttl);
/// fake.put(&domain, &apex, &text, ttl, &[txt("v=spf1 a -all"), txt("owner=someone")]);
///
/// let spf = NewRrSet::new(apex.clone(), text.clone(), ttl, [txt("v=spf1 mx -all")]);
/// let desired = Desired::new([spf])
///     .owning(Claim::records(apex, text, "v=spf1"))
///     .on_foreign(Foreign::Merge);
/// fake.client()?.ensure(&domain, &desired).await?;
///
/// let zone = fake.zone(&domain).expect("it was added");
/// let mut texts = zone.iter().find(|set| set.rtype == RecordType::Txt).expect("it is there").records.clone();
/// texts.sort();
/// assert_eq!(texts, [txt("owner=someone"), txt("v=spf1 mx -all")]);
/// # Ok::<(), desec_api::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    pub(super) sets: Vec<NewRrSet>,
    pub(super) claims: Vec<Claim>,
    pub(super) prune: bool,
    pub(super) foreign: Foreign,
    pub(super) minimum_ttl: Option<Ttl>,
}

impl Desired {
    /// Returns a wish for `sets`, without any claim.
    pub fn new(sets: impl IntoIterator<Item = NewRrSet>) -> Self {
        Self { sets: sets.into_iter().collect(), ..Self::default() }
    }

    /// Adds a part of the zone that belongs to the caller.
    pub fn owning(mut self, claim: Claim) -> Self {
        self.claims.push(claim);
        self
    }

    /// Claims the whole zone: all that is not wanted goes away, but for RRsets that are not wanted at all and
    /// are the name servers at the apex or the work of dynDNS.
    pub fn prune(mut self) -> Self {
        self.prune = true;
        self
    }

    /// Sets what to do with records of others in a wanted RRset; they are refused if not set.
    pub fn on_foreign(mut self, foreign: Foreign) -> Self {
        self.foreign = foreign;
        self
    }

    /// Raises all lower times to live to `minimum`, such as
    /// [`Domain::minimum_ttl`](crate::Domain::minimum_ttl).
    pub fn with_minimum_ttl(mut self, minimum: Ttl) -> Self {
        self.minimum_ttl = Some(minimum);
        self
    }

    /// Returns what has to be written so that `zone`, all RRsets of `domain`, is as wanted. Nothing is sent.
    ///
    /// # Errors
    /// - [`Error::InvalidInput`] for contents that the server would refuse, for an RRset without records, for
    ///   two of the same name and type, for a CNAME that is not alone at its name or in its RRset, for types
    ///   that the server manages itself, for name servers below dedyn.io, and for what is too large.
    /// - [`Error::Foreign`] if records that the caller does not own stand against it.
    pub fn plan(&self, domain: &DomainName, zone: &[RrSet]) -> Result<Plan, Error> {
        self.wanted(domain)?.plan(zone)
    }

    /// Returns the wish, checked as far as that is possible without the zone.
    pub(super) fn wanted<'a>(&'a self, domain: &'a DomainName) -> Result<Wanted<'a>, Error> {
        Wanted::new(domain, self)
    }
}

/// What to do with records of others in a wanted RRset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// They stand against the plan: [`Error::Foreign`] names each of them.
    #[default]
    Refuse,
    /// They are kept beside the wanted ones.
    Merge,
}
