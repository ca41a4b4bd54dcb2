use std::ffi::OsString;
use std::fmt;

use async_trait::async_trait;
use mail_access::Address;
use secrecy::{ExposeSecret, SecretString};

use crate::backend::SecretStore;
use crate::{Error, ErrorKind};

/// Secrets that whoever started the program has put into its environment. They can be read only.
///
/// The variable of an address is `AGENT_MAIL_SECRET_` and the address in capitals, in which letters and digits stay, `_`
/// is doubled, and every other byte becomes `_` and two hex digits, so that no two addresses share a variable. The case
/// of letters makes no other address. A variable that is empty counts as not set.
///
/// | address | variable |
/// |---|---|
/// | `ada@agents.example` | `AGENT_MAIL_SECRET_ADA_40AGENTS_2EEXAMPLE` |
/// | `order_bot@a-b.example` | `AGENT_MAIL_SECRET_ORDER__BOT_40A_2DB_2EEXAMPLE` |
///
/// An agent can be provisioned if its password is there beforehand. What would change a secret is
/// [`Unsupported`](ErrorKind::Unsupported): storing another one, and removing one that is set, so that an agent is
/// retired for good only when somebody has unset its variable.
pub struct EnvSecrets(Box<Lookup>);

type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

impl EnvSecrets {
    /// Reads the program's environment.
    pub fn new() -> Self {
        Self::from_vars(|name| std::env::var_os(name))
    }

    /// Reads variables through `lookup`.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static) -> Self {
        Self(Box::new(lookup))
    }

    /// Returns the name of the variable that an address's secret stands in.
    ///
    /// ```
    /// use agent_mail::EnvSecrets;
    ///
    /// let name = EnvSecrets::variable(&"ada@agents.example".parse()?);
    /// assert_eq!(name, "AGENT_MAIL_SECRET_ADA_40AGENTS_2EEXAMPLE");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn variable(address: &Address) -> String {
        let address = address.to_string();
        let mut name = String::with_capacity(PREFIX.len() + 3 * address.len());
        name.push_str(PREFIX);
        for byte in address.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => name.push(char::from(byte.to_ascii_uppercase())),
                b'_' => name.push_str("__"),
                other => name.extend(['_', hex(other >> 4), hex(other & 15)]),
            }
        }
        name
    }

    fn read(&self, operation: &'static str, address: &Address) -> Result<Option<SecretString>, Error> {
        let variable = Self::variable(address);
        match (self.0)(&variable).map(OsString::into_string) {
            Some(Ok(secret)) if !secret.is_empty() => Ok(Some(secret.into())),
            None | Some(Ok(_)) => Ok(None),
            Some(Err(_)) => Err(Error::new(ErrorKind::Unexpected, operation, address)
                .with_detail(format!("the variable {variable} holds no text"))
                .with_fix("set the variable to the password, in UTF-8")),
        }
    }
}

impl Default for EnvSecrets {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl SecretStore for EnvSecrets {
    async fn get(&self, address: &Address) -> Result<Option<SecretString>, Error> {
        self.read("read secret", address)
    }

    async fn put(&self, address: &Address, secret: &SecretString) -> Result<(), Error> {
        match self.read("write secret", address)? {
            Some(set) if set.expose_secret() == secret.expose_secret() => Ok(()),
            _ => Err(read_only("write secret", address).with_fix(
                "set the variable before the program starts, or configure a store that can be written",
            )),
        }
    }

    async fn remove(&self, address: &Address) -> Result<(), Error> {
        match self.read("remove secret", address)? {
            None => Ok(()),
            Some(_) => {
                Err(read_only("remove secret", address).with_fix("unset the variable, then repeat this"))
            }
        }
    }
}

/// Shows nothing of what is set.
impl fmt::Debug for EnvSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvSecrets").finish_non_exhaustive()
    }
}

fn read_only(operation: &'static str, address: &Address) -> Error {
    let variable = EnvSecrets::variable(address);
    Error::new(ErrorKind::Unsupported, operation, address)
        .with_detail(format!("the environment can't be changed from here; the variable is {variable}"))
}

fn hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap_or('0').to_ascii_uppercase()
}

const PREFIX: &str = "AGENT_MAIL_SECRET_";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ada() -> Address {
        "Ada@agents.example".parse().unwrap()
    }

    fn with(value: Option<&str>) -> EnvSecrets {
        let value = value.map(OsString::from);
        EnvSecrets::from_vars(move |name| value.clone().filter(|_| name == EnvSecrets::variable(&ada())))
    }

    #[tokio::test]
    async fn what_is_set_is_read_and_nothing_is_changed() {
        let secrets = with(Some("canary-7"));
        assert_eq!(secrets.get(&ada()).await.unwrap().unwrap().expose_secret(), "canary-7");
        assert!(secrets.get(&"bob@agents.example".parse().unwrap()).await.unwrap().is_none());
        secrets.put(&ada(), &"canary-7".into()).await.unwrap();
        for error in [secrets.put(&ada(), &"another".into()).await, secrets.remove(&ada()).await] {
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            let shown = format!("{error} {error:?} {secrets:?}");
            assert!(shown.contains("ADA_40AGENTS") && !shown.contains("canary"), "{shown}");
        }
        let unset = with(None);
        unset.remove(&ada()).await.unwrap();
        assert_eq!(unset.put(&ada(), &"one".into()).await.unwrap_err().kind(), ErrorKind::Unsupported);
        assert!(with(Some("")).get(&ada()).await.unwrap().is_none());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_is_no_text_is_an_error() {
        use std::os::unix::ffi::OsStringExt;
        let secrets = EnvSecrets::from_vars(|_| Some(OsString::from_vec(vec![0xff])));
        assert_eq!(secrets.get(&ada()).await.unwrap_err().kind(), ErrorKind::Unexpected);
    }

    proptest! {
        #[test]
        fn no_two_addresses_share_a_variable(one in "[a-z0-9._+=-]{1,9}", other in "[a-z0-9._+=-]{1,9}") {
            let address = |local: &str| format!("{local}@a.example").parse::<Address>();
            let (Ok(first), Ok(second)) = (address(&one), address(&other)) else { return Ok(()) };
            let (first, second) = (EnvSecrets::variable(&first), EnvSecrets::variable(&second));
            prop_assert_eq!(first == second, one == other);
            prop_assert!(first.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'));
        }
    }
}
