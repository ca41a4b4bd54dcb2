//! The identifiers that the server gives.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

macro_rules! ids {
    ($($(#[$doc:meta])+ $name:ident $what:literal),+ $(,)?) => {$(
        $(#[$doc])+
        ///
        /// It is a UUID (RFC 9562), in lower case.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// Parses an identifier; upper case is folded.
            fn from_str(text: &str) -> Result<Self, Error> {
                uuid($what, text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                text.parse()
            }
        }
    )+};
}

ids! {
    /// The identifier of an account.
    AccountId "identifier of an account",
    /// The identifier of a captcha.
    CaptchaId "identifier of a captcha",
    /// The identifier of a second factor.
    FactorId "identifier of a second factor",
    /// The identifier of a policy.
    PolicyId "identifier of a policy",
    /// The identifier of a token. It is no secret.
    TokenId "identifier of a token",
}

fn uuid(what: &'static str, text: &str) -> Result<String, Error> {
    let mut groups = text.split('-').map(|group| (group.len(), group.bytes().all(|b| b.is_ascii_hexdigit())));
    if groups.by_ref().eq([8, 4, 4, 4, 12].map(|length| (length, true))) {
        return Ok(text.to_ascii_lowercase());
    }
    // Not shown: what was given may be the secret of a token.
    Err(Error::InvalidInput {
        what,
        reason: "it must be a UUID, such as one in an answer of the server".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uuids_are_taken() {
        let id: TokenId = "3B49C7B0-0D5A-4C9C-9D5E-3c9a6c1d2e3f".parse().unwrap();
        assert_eq!(id.as_str(), "3b49c7b0-0d5a-4c9c-9d5e-3c9a6c1d2e3f");
        assert_eq!(serde_json::from_value::<TokenId>(id.as_str().into()).unwrap(), id);
        for bad in [
            "",
            "not-a-uuid",
            "..",
            "3b49c7b00d5a4c9c9d5e3c9a6c1d2e3f",
            "3b49c7b0-0d5a-4c9c-9d5e-3c9a6c1d2e3f-",
            "3b49c7b0-0d5a-4c9c-9d5e-3c9a6c1d2e3",
            "3b49c7b0-0d5a-4c9c-9d5e-3c9a6c1d2e3/",
        ] {
            assert!(bad.parse::<TokenId>().is_err(), "{bad:?}");
            assert!(serde_json::from_value::<PolicyId>(bad.into()).is_err(), "{bad:?}");
        }
        let error = "xExampLeTokenSecretNotReaL00".parse::<TokenId>().unwrap_err().to_string();
        assert!(
            !error.contains("xExampLe") && error.starts_with("invalid identifier of a token: "),
            "{error}"
        );
    }
}
