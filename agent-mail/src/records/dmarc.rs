//! DMARC policies (RFC 7489) and where their reports, and those on TLS (RFC 8460), go.

use std::fmt::Write;

use mail_access::{Address, DomainName};

use crate::spec::{DmarcPolicy, DomainSpec};

pub(super) fn wanted(spec: &DomainSpec) -> String {
    let dmarc = &spec.dns.dmarc;
    let mut text = format!("v=DMARC1; p={}", word(dmarc.policy));
    if let Some(policy) = dmarc.subdomain_policy {
        text += "; sp=";
        text += word(policy);
    }
    if !dmarc.reports_to.is_empty() {
        text += "; rua=";
        text += &mailtos(&dmarc.reports_to);
    }
    text
}

/// Returns the domains elsewhere that get reports on `domain`, each once: they have to say that they want them
/// (RFC 7489 section 7.1).
pub(super) fn elsewhere<'a>(spec: &'a DomainSpec, domain: &DomainName) -> Vec<&'a DomainName> {
    let mut others: Vec<&DomainName> = Vec::new();
    for other in spec.dns.dmarc.reports_to.iter().map(Address::domain) {
        if !other.is_within(domain) && !domain.is_within(other) && !others.contains(&other) {
            others.push(other);
        }
    }
    others
}

/// Writes addresses as URIs, with a comma between them; what would end one there is encoded (RFC 7489 section 6.2).
pub(super) fn mailtos(addresses: &[Address]) -> String {
    let uri = |address: &Address| format!("mailto:{}@{}", encoded(address.local_part()), address.domain());
    addresses.iter().map(uri).collect::<Vec<_>>().join(",")
}

pub(super) fn word(policy: DmarcPolicy) -> &'static str {
    match policy {
        DmarcPolicy::None => "none",
        DmarcPolicy::Quarantine => "quarantine",
        DmarcPolicy::Reject => "reject",
    }
}

fn encoded(local: &str) -> String {
    let mut text = String::new();
    for byte in local.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~+".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("a string takes all");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(reports_to: &[&str]) -> DomainSpec {
        let mut spec =
            DomainSpec::new("a.shop.example".parse().unwrap(), "mail.example.org".parse().unwrap());
        spec.dns.dmarc.reports_to = reports_to.iter().map(|text| text.parse().unwrap()).collect();
        spec
    }

    #[test]
    fn a_policy_says_all_that_is_wanted() {
        let mut spec = spec(&["dmarc@shop.example", "\"x;y\"@other.example"]);
        spec.dns.dmarc.policy = DmarcPolicy::Reject;
        spec.dns.dmarc.subdomain_policy = Some(DmarcPolicy::None);
        assert!(wanted(&spec).starts_with("v=DMARC1; p=reject; sp=none; rua=mailto:dmarc@shop.example,"));
    }

    #[test]
    fn what_would_end_an_address_is_encoded() {
        let spec = spec(&["b!c@other.example", "\"x;y,z\"@other.example", "d\u{f6}@other.example"]);
        assert_eq!(
            mailtos(&spec.dns.dmarc.reports_to),
            "mailto:b%21c@other.example,mailto:%22x%3By%2Cz%22@other.example,mailto:d%C3%B6@other.example"
        );
    }

    #[test]
    fn those_elsewhere_are_named_once() {
        let spec = spec(&["a@shop.example", "a@other.example", "b@other.example", "c@x.a.shop.example"]);
        let others: Vec<&str> = elsewhere(&spec, &spec.domain).into_iter().map(DomainName::as_str).collect();
        assert_eq!(others, ["other.example"]);
    }
}
