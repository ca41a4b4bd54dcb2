//! The mails that the service would send.

use secrecy::SecretString;

use crate::DomainName;

/// A mail with a code, which confirms something.
///
/// `Debug` does not show the code.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FakeMail {
    /// The address it goes to.
    pub to: String,
    /// What the code confirms: the step before the code in `/v/{action}/{code}/`, such as `activate-account`.
    pub action: &'static str,
    /// The code. It is valid for a day.
    pub code: SecretString,
}

/// Something that the service asks for by mail, without being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FakeReminder {
    /// Is the account still used? (`confirm-account`)
    ConfirmAccount,
    /// Is the domain still used? (`renew-domain`)
    RenewDomain(DomainName),
    /// An advertisement that can be declined (`change-outreach-preference`).
    ChangeOutreach,
}
