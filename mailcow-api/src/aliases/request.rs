//! What is asked for when an alias is created or changed.

use std::{fmt, str::FromStr};

use serde::Serialize;

use crate::{DomainName, Error, MailboxAddress, flag::Flag, input};

/// The address of an alias: a full one, or `@domain` for all that have no mailbox or alias of their own.
///
/// ```
/// use mailcow_api::AliasAddress;
///
/// let everything: AliasAddress = "@agents.example.com".parse()?;
/// assert!(everything.is_catch_all());
/// assert!("not an address".parse::<AliasAddress>().is_err());
/// # Ok::<(), mailcow_api::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AliasAddress(String);

impl AliasAddress {
    /// Builds the address that catches what is sent to `domain` and has no other place there.
    pub fn catch_all(domain: &DomainName) -> Self {
        Self(format!("@{domain}"))
    }

    /// Returns the address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it stands for a whole domain.
    pub fn is_catch_all(&self) -> bool {
        self.0.starts_with('@')
    }
}

impl FromStr for AliasAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.strip_prefix('@') {
            Some(domain) => Ok(Self::catch_all(&domain.parse()?)),
            None => text.parse::<MailboxAddress>().map(Self::from),
        }
    }
}

impl From<MailboxAddress> for AliasAddress {
    fn from(address: MailboxAddress) -> Self {
        Self(address.as_str().to_owned())
    }
}

impl fmt::Display for AliasAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the mail to an alias goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AliasTarget {
    /// To these addresses, here or elsewhere.
    Addresses(Vec<MailboxAddress>),
    /// Nowhere: it is accepted and discarded.
    Discard,
    /// To the spam filter, which learns it as spam.
    LearnSpam,
    /// To the spam filter, which learns it as good mail.
    LearnHam,
}

impl AliasTarget {
    fn fields(&self, operation: &'static str) -> Result<TargetFields, Error> {
        let mut fields = TargetFields::default();
        match self {
            Self::Addresses(list) if list.is_empty() => {
                return Err(invalid(operation, "the alias leads nowhere"));
            }
            Self::Addresses(list) => {
                fields.goto = Some(list.iter().map(MailboxAddress::as_str).collect::<Vec<_>>().join(","));
            }
            Self::Discard => fields.goto_null = Some(Flag(true)),
            Self::LearnSpam => fields.goto_spam = Some(Flag(true)),
            Self::LearnHam => fields.goto_ham = Some(Flag(true)),
        }
        Ok(fields)
    }
}

impl From<MailboxAddress> for AliasTarget {
    fn from(address: MailboxAddress) -> Self {
        Self::Addresses(vec![address])
    }
}

/// An alias to be created.
#[derive(Clone, Debug)]
pub struct NewAlias {
    pub(super) address: AliasAddress,
    pub(super) target: AliasTarget,
    pub(super) attr: AliasChange,
}

impl NewAlias {
    /// Builds an active alias that web mail shows and that its targets may send from.
    ///
    /// Mailcow takes each of these for *no* if it is not said, so all three are always sent.
    pub fn new(address: AliasAddress, target: impl Into<AliasTarget>) -> Self {
        let attr = AliasChange {
            active: Some(Flag(true)),
            sogo_visible: Some(Flag(true)),
            sender_allowed: Some(Flag(true)),
            ..AliasChange::default()
        };
        Self { address, target: target.into(), attr }
    }

    /// Returns the address.
    pub fn address(&self) -> &AliasAddress {
        &self.address
    }

    /// Sets whether it takes mail, true by default.
    pub fn with_active(mut self, active: bool) -> Self {
        self.attr.active = Some(Flag(active));
        self
    }

    /// Sets whether web mail shows it, true by default.
    pub fn with_webmail_visible(mut self, visible: bool) -> Self {
        self.attr.sogo_visible = Some(Flag(visible));
        self
    }

    /// Sets whether its targets may send from it, true by default.
    pub fn with_sender_allowed(mut self, allowed: bool) -> Self {
        self.attr.sender_allowed = Some(Flag(allowed));
        self
    }

    /// Sets whether only users of this server may write to it, false by default.
    pub fn with_internal(mut self, internal: bool) -> Self {
        self.attr.internal = Some(Flag(internal));
        self
    }

    /// Sets a comment of at most 160 characters that the users see.
    pub fn with_public_comment(mut self, comment: &str) -> Self {
        self.attr.public_comment = Some(comment.to_owned());
        self
    }

    /// Sets a comment of at most 160 characters that only administrators see.
    pub fn with_private_comment(mut self, comment: &str) -> Self {
        self.attr.private_comment = Some(comment.to_owned());
        self
    }

    pub(super) fn body(&self, operation: &'static str) -> Result<AliasBody<'_>, Error> {
        self.attr.check(operation)?;
        // Mailcow skips it and says that all is well.
        if is_own(&self.address, &self.target) {
            return Err(invalid(operation, "the alias leads to itself"));
        }
        let target = self.target.fields(operation)?;
        Ok(AliasBody { address: Some(&self.address), attr: &self.attr, target })
    }
}

/// What to change on an alias; what is not set is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AliasChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<AliasAddress>,
    #[serde(skip)]
    pub(super) target: Option<AliasTarget>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) active: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sogo_visible: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sender_allowed: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) internal: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) public_comment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) private_comment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expand_alias: Option<Flag>,
}

impl AliasChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets another address.
    pub fn with_address(mut self, address: AliasAddress) -> Self {
        self.address = Some(address);
        self
    }

    /// Sets where its mail goes. Mailcow needs it for each change of an alias that discards or learns.
    pub fn with_target(mut self, target: impl Into<AliasTarget>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Sets whether it takes mail.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(Flag(active));
        self
    }

    /// Sets whether web mail shows it.
    pub fn with_webmail_visible(mut self, visible: bool) -> Self {
        self.sogo_visible = Some(Flag(visible));
        self
    }

    /// Sets whether its targets may send from it.
    pub fn with_sender_allowed(mut self, allowed: bool) -> Self {
        self.sender_allowed = Some(Flag(allowed));
        self
    }

    /// Sets whether only users of this server may write to it.
    pub fn with_internal(mut self, internal: bool) -> Self {
        self.internal = Some(Flag(internal));
        self
    }

    /// Sets the comment that the users see, at most 160 characters.
    pub fn with_public_comment(mut self, comment: &str) -> Self {
        self.public_comment = Some(comment.to_owned());
        self
    }

    /// Sets the comment that only administrators see, at most 160 characters.
    pub fn with_private_comment(mut self, comment: &str) -> Self {
        self.private_comment = Some(comment.to_owned());
        self
    }

    /// Makes the same alias in each alias domain of its domain, instead of the other changes.
    pub fn with_expansion_to_alias_domains(mut self) -> Self {
        self.expand_alias = Some(Flag(true));
        self
    }

    pub(super) fn body(&self, operation: &'static str) -> Result<AliasBody<'_>, Error> {
        input::change(operation, self)?;
        self.check(operation)?;
        let target = self.target.as_ref().map_or(Ok(TargetFields::default()), |to| to.fields(operation))?;
        Ok(AliasBody { address: None, attr: self, target })
    }

    fn check(&self, operation: &'static str) -> Result<(), Error> {
        for comment in [&self.public_comment, &self.private_comment].into_iter().flatten() {
            input::optional_line(operation, "comment", comment)?;
            if comment.chars().count() > 160 {
                return Err(invalid(operation, "a comment is longer than 160 characters"));
            }
        }
        Ok(())
    }
}

#[derive(Serialize)]
pub(super) struct AliasBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a AliasAddress>,
    #[serde(flatten)]
    attr: &'a AliasChange,
    #[serde(flatten)]
    target: TargetFields,
}

#[derive(Default, Serialize)]
struct TargetFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    goto: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goto_null: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goto_spam: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goto_ham: Option<Flag>,
}

fn is_own(address: &AliasAddress, target: &AliasTarget) -> bool {
    matches!(target, AliasTarget::Addresses(list) if list.iter().any(|to| to.as_str() == address.as_str()))
}

fn invalid(operation: &'static str, reason: &str) -> Error {
    Error::InvalidInput { operation, reason: reason.to_owned() }
}
