//! The policy that other servers have to use TLS (RFC 8461).

use mail_access::DomainName;
use sha2::{Digest, Sha256};

use crate::spec::MtaStsMode;
use crate::{DomainSpec, Error, ErrorKind};

/// The policy file of a domain, and the mark that says which one it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MtaStsPolicy {
    /// The mark in the `_mta-sts` record; it changes exactly when the policy does.
    pub id: String,
    /// The file, with the type `text/plain`.
    pub text: String,
}

impl MtaStsPolicy {
    /// Returns the policy of a specification; `None` if it wants none.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is to be remembered for more than a year.
    pub fn of(spec: &DomainSpec) -> Result<Option<Self>, Error> {
        let Some(policy) = &spec.dns.mta_sts else { return Ok(None) };
        if policy.max_age > MAX_AGE {
            return Err(Error::new(ErrorKind::InvalidInput, "make records", &spec.domain)
                .with_detail(format!("others remember an MTA-STS policy for at most {MAX_AGE} seconds")));
        }
        let mode = match policy.mode {
            MtaStsMode::Enforce => "enforce",
            MtaStsMode::Testing => "testing",
            MtaStsMode::None => "none",
        };
        let text = format!(
            "version: STSv1\r\nmode: {mode}\r\nmx: {}\r\nmax_age: {}\r\n",
            spec.mail_host, policy.max_age
        );
        let digest = Sha256::digest(text.as_bytes());
        let mut mark = [0_u8; 16];
        mark.copy_from_slice(&digest[..16]);
        let id = format!("{:032x}", u128::from_be_bytes(mark));
        Ok(Some(Self { id, text }))
    }

    /// Returns where others fetch it for a domain; the server there needs a certificate for that name.
    pub fn url(domain: &DomainName) -> String {
        format!("https://mta-sts.{domain}/.well-known/mta-sts.txt")
    }
}

/// RFC 8461 section 3.2.
const MAX_AGE: u32 = 31_557_600;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::MtaSts;

    fn policy(mode: MtaStsMode, host: &str) -> MtaStsPolicy {
        let mut spec = DomainSpec::new("shop.example".parse().unwrap(), host.parse().unwrap());
        spec.dns.mta_sts = Some(MtaSts::new(mode));
        MtaStsPolicy::of(&spec).unwrap().unwrap()
    }

    #[test]
    fn the_mark_changes_exactly_when_the_policy_does() {
        let policy = |mode| self::policy(mode, "mail.shop.example");
        let enforce = policy(MtaStsMode::Enforce);
        assert_eq!(
            enforce.text,
            "version: STSv1\r\nmode: enforce\r\nmx: mail.shop.example\r\nmax_age: 604800\r\n"
        );
        assert_eq!(enforce, policy(MtaStsMode::Enforce));
        assert!(enforce.id.len() == 32 && enforce.id.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(enforce.id, policy(MtaStsMode::Testing).id);
        assert_ne!(enforce.id, self::policy(MtaStsMode::Enforce, "mx.shop.example").id);
    }

    #[test]
    fn a_policy_for_longer_than_a_year_is_refused() {
        let mut spec = DomainSpec::new("shop.example".parse().unwrap(), "mail.shop.example".parse().unwrap());
        assert_eq!(MtaStsPolicy::of(&spec).unwrap(), None);
        spec.dns.mta_sts = Some(MtaSts { max_age: MAX_AGE + 1, ..MtaSts::new(MtaStsMode::None) });
        assert_eq!(MtaStsPolicy::of(&spec).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
