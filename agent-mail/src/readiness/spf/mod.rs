//! Who may send for a domain (RFC 7208), by our own look-ups, so that any world can answer them.

mod evaluation;
mod macros;
mod policy;

use std::fmt::{self, Display};
use std::net::IpAddr;

pub(super) use policy::Policy;

use super::LookUp;
use evaluation::Evaluation;
use macros::Sender;

/// What a domain's policy says of a mail (RFC 7208 section 2.6).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpfResult {
    /// The host may send for the domain.
    Pass,
    /// It may not.
    Fail,
    /// It probably may not.
    SoftFail,
    /// The policy says nothing of it.
    Neutral,
    /// There is no policy.
    None,
    /// It could not be found out now, and why.
    TempError(String),
    /// The policy can't be applied as it stands, and why.
    PermError(String),
}

impl Display for SpfResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("pass"),
            Self::Fail => f.write_str("fail"),
            Self::SoftFail => f.write_str("softfail"),
            Self::Neutral => f.write_str("neutral"),
            Self::None => f.write_str("none"),
            Self::TempError(why) => write!(f, "temperror: {why}"),
            Self::PermError(why) => write!(f, "permerror: {why}"),
        }
    }
}

/// Evaluates a domain's policy for a mail from `local_part` in it, that a host which calls itself `helo` sends from
/// `address`: `check_host` of RFC 7208 section 4.
///
/// It asks for at most 10 terms and 2 names that are not there (section 4.6.4), each within the time of `look_up`. An
/// explanation (`exp`) is not fetched, and the macro `p` stands for `unknown`.
pub async fn evaluate(
    look_up: &dyn LookUp,
    address: IpAddr,
    local_part: &str,
    domain: &str,
    helo: &str,
) -> SpfResult {
    let domain = domain.to_ascii_lowercase();
    let sender = Sender { address: address.to_canonical(), local_part, domain: &domain, helo };
    Evaluation::new(look_up, sender).check(&domain).await
}
