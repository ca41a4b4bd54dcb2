//! Applies policies, one leading to the next, within the limits of RFC 7208 section 4.6.4.

use std::net::IpAddr;

use super::policy::{Directive, Mechanism, Policy, Prefix, Qualifier};
use super::{Sender, SpfResult, macros};
use crate::readiness::look_up::{REVERSE, reversed};
use crate::readiness::scene::is_within;
use crate::readiness::{Answer, LookUp, RecordData, RecordType, Server};

pub(super) struct Evaluation<'a> {
    look_up: &'a dyn LookUp,
    sender: Sender<'a>,
    /// How many terms have asked.
    terms: usize,
    /// How many of their questions found nothing.
    voids: usize,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(look_up: &'a dyn LookUp, sender: Sender<'a>) -> Self {
        Self { look_up, sender, terms: 0, voids: 0 }
    }

    /// Applies the policy of a domain.
    pub(super) async fn check(&mut self, domain: &str) -> SpfResult {
        self.apply(domain.to_owned()).await.unwrap_or_else(|error| error)
    }

    /// As [`check`](Self::check); an error ends the whole evaluation.
    async fn apply(&mut self, domain: String) -> Result<SpfResult, SpfResult> {
        if !is_name(&domain) {
            return Ok(SpfResult::None);
        }
        let Some(policy) = self.policy_of(&domain).await? else { return Ok(SpfResult::None) };
        for Directive { qualifier, mechanism } in &policy.directives {
            // The depth is bounded by the terms.
            if Box::pin(self.matches(mechanism, &domain)).await? {
                return Ok(match qualifier {
                    Qualifier::Pass => SpfResult::Pass,
                    Qualifier::Fail => SpfResult::Fail,
                    Qualifier::SoftFail => SpfResult::SoftFail,
                    Qualifier::Neutral => SpfResult::Neutral,
                });
            }
        }
        let Some(redirect) = &policy.redirect else { return Ok(SpfResult::Neutral) };
        self.count_term()?;
        let target = self.expand(redirect, &domain)?;
        match Box::pin(self.apply(target.clone())).await? {
            SpfResult::None => Err(permanent(format!("`redirect` leads to {target}, which has no policy"))),
            result => Ok(result),
        }
    }

    async fn policy_of(&mut self, domain: &str) -> Result<Option<Policy>, SpfResult> {
        let answer = self.ask(domain, RecordType::Txt).await?;
        let texts = answer.contents(domain, RecordType::Txt).0.into_iter().filter_map(RecordData::text);
        let policies: Vec<String> = texts.filter(|text| Policy::is_one(text)).collect();
        match policies.as_slice() {
            [] => Ok(None),
            [policy] => policy.parse().map(Some).map_err(|term| permanent(format!("{domain}: {term}"))),
            several => Err(permanent(format!("{domain} has {} policies", several.len()))),
        }
    }

    async fn matches(&mut self, mechanism: &Mechanism, domain: &str) -> Result<bool, SpfResult> {
        match mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip(network, prefix) => Ok(is_in(self.sender.address, *network, *prefix)),
            Mechanism::Include(target) => {
                self.count_term()?;
                let target = self.expand(target, domain)?;
                match self.apply(target.clone()).await? {
                    SpfResult::None => Err(permanent(format!("`include:{target}` has no policy"))),
                    result => Ok(result == SpfResult::Pass),
                }
            }
            Mechanism::A { domain: target, prefix } => {
                self.count_term()?;
                let target = self.target(target.as_deref(), domain)?;
                let addresses = self.addresses_of(&target, true).await?;
                Ok(self.is_among(&addresses, *prefix))
            }
            Mechanism::Mx { domain: target, prefix } => {
                self.count_term()?;
                let target = self.target(target.as_deref(), domain)?;
                self.is_mx(&target, *prefix).await
            }
            Mechanism::Exists(target) => {
                self.count_term()?;
                let target = self.expand(target, domain)?;
                let answer = self.ask(&target, RecordType::A).await?;
                let is_there = !answer.contents(&target, RecordType::A).0.is_empty();
                self.count_void(is_there)?;
                Ok(is_there)
            }
            Mechanism::Ptr(target) => {
                self.count_term()?;
                let target = self.target(target.as_deref(), domain)?;
                self.is_named_within(&target).await
            }
        }
    }

    async fn is_mx(&mut self, domain: &str, prefix: Prefix) -> Result<bool, SpfResult> {
        let answer = self.ask(domain, RecordType::Mx).await?;
        let hosts: Vec<&str> = answer
            .contents(domain, RecordType::Mx)
            .0
            .into_iter()
            .filter_map(|data| match data {
                RecordData::Mx { host, .. } => Some(host.as_str()),
                _ => None,
            })
            .collect();
        self.count_void(!hosts.is_empty())?;
        if hosts.len() > MOST_HOSTS {
            return Err(permanent(format!(
                "{domain} has {} MX, and more than {MOST_HOSTS} are too many",
                hosts.len()
            )));
        }
        for host in hosts {
            let addresses = self.addresses_of(host, false).await?;
            if self.is_among(&addresses, prefix) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn is_named_within(&mut self, domain: &str) -> Result<bool, SpfResult> {
        let reverse = reversed(self.sender.address, REVERSE);
        // Section 5.5: an error here is no match and no error.
        let Ok(answer) = self.ask(&reverse, RecordType::Ptr).await else { return Ok(false) };
        let names = answer.contents(&reverse, RecordType::Ptr).0;
        self.count_void(!names.is_empty())?;
        for data in names.into_iter().take(MOST_HOSTS) {
            let RecordData::Ptr(name) = data else { continue };
            if is_within(name, domain)
                && let Ok(addresses) = self.addresses_of(name, false).await
                && addresses.contains(&self.sender.address)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns a name's addresses of the sender's family.
    async fn addresses_of(&mut self, name: &str, counts: bool) -> Result<Vec<IpAddr>, SpfResult> {
        let rtype = if self.sender.address.is_ipv4() { RecordType::A } else { RecordType::Aaaa };
        let answer = self.ask(name, rtype).await?;
        let found: Vec<IpAddr> =
            answer.contents(name, rtype).0.into_iter().filter_map(RecordData::address).collect();
        if counts {
            self.count_void(!found.is_empty())?;
        }
        Ok(found)
    }

    fn is_among(&self, addresses: &[IpAddr], Prefix { v4, v6 }: Prefix) -> bool {
        let bits = if self.sender.address.is_ipv4() { v4 } else { v6 };
        addresses.iter().any(|address| is_in(self.sender.address, *address, bits))
    }

    async fn ask(&self, name: &str, rtype: RecordType) -> Result<Answer, SpfResult> {
        if !is_name(name) {
            return Ok(Answer::default());
        }
        let answer = self.look_up.look_up(Server::Recursive, name, rtype).await;
        answer.map_err(|error| SpfResult::TempError(format!("{name}: {error}")))
    }

    fn target(&self, domain: Option<&str>, current: &str) -> Result<String, SpfResult> {
        domain.map_or_else(|| Ok(current.to_owned()), |domain| self.expand(domain, current))
    }

    fn expand(&self, text: &str, current: &str) -> Result<String, SpfResult> {
        macros::expand(text, &self.sender, current).ok_or_else(|| permanent(format!("`{text}` is no domain")))
    }

    fn count_term(&mut self) -> Result<(), SpfResult> {
        self.terms += 1;
        if self.terms <= MOST_TERMS {
            return Ok(());
        }
        Err(permanent(format!("the policy needs more than {MOST_TERMS} look-ups")))
    }

    fn count_void(&mut self, is_found: bool) -> Result<(), SpfResult> {
        self.voids += usize::from(!is_found);
        if self.voids <= MOST_VOIDS {
            return Ok(());
        }
        Err(permanent(format!("the policy names more than {MOST_VOIDS} names that are not there")))
    }
}

fn permanent(why: String) -> SpfResult {
    SpfResult::PermError(why)
}

/// Tells whether an address lies in a network; those of different families never do.
fn is_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (one, other, width) = match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (u128::from(one.to_bits()), u128::from(other.to_bits()), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128),
        _ => return false,
    };
    let shift = u32::from(width - bits.min(width));
    one.checked_shr(shift).unwrap_or_default() == other.checked_shr(shift).unwrap_or_default()
}

/// Section 4.3: a domain of one label, or one that is none, has no policy.
fn is_name(name: &str) -> bool {
    name.len() <= 253
        && name.contains('.')
        && name.split('.').all(|label| !label.is_empty() && label.len() <= 63)
}

const MOST_TERMS: usize = 10;
const MOST_VOIDS: usize = 2;
const MOST_HOSTS: usize = 10;
