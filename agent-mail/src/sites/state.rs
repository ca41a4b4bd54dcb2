use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use mail_access::DomainName;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// What is known of a site's mail. It is what users of a service may see: it holds no secrets.
///
/// ```
/// use agent_mail::sites::{SiteState, SiteStatus};
///
/// let state = SiteState::new("mailcow", "shop.mail.example".parse()?);
/// let text = r#"{"enabled":false,"provider":"mailcow","domain":"shop.mail.example","status":"disabled","last_error":null}"#;
/// assert_eq!(serde_json::to_string(&state)?, text);
/// assert_eq!(serde_json::from_str::<SiteState>(text)?.status, SiteStatus::Disabled);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SiteState {
    /// Whether the site is wanted to have mail.
    pub enabled: bool,
    /// Which mail system serves it, `mailcow`.
    pub provider: String,
    /// The domain of its addresses.
    pub domain: DomainName,
    /// How far it is.
    pub status: SiteStatus,
    /// Why the last call did not succeed, in at most 256 characters.
    pub last_error: Option<String>,
}

impl SiteState {
    /// Describes a site that has no mail.
    pub fn new(provider: impl Into<String>, domain: DomainName) -> Self {
        let status = SiteStatus::Disabled;
        Self { enabled: false, provider: provider.into(), domain, status, last_error: None }
    }

    /// Returns the state of a site of which something is wanted and not done yet.
    pub(super) fn pending(&self, enabled: bool) -> Self {
        Self { enabled, status: SiteStatus::Pending, last_error: None, ..self.clone() }
    }

    /// Returns the state after what was wanted is done.
    pub(super) fn settled(&self) -> Self {
        let status = if self.enabled { SiteStatus::Ready } else { SiteStatus::Disabled };
        Self { status, last_error: None, ..self.clone() }
    }

    /// Returns the state after a failure.
    pub(super) fn failed(&self, error: &Error) -> Self {
        Self { status: SiteStatus::Failed, last_error: Some(told(error)), ..self.clone() }
    }

    /// Returns the state as annotations below `prefix`: a value, or `None` where there has to be none.
    ///
    /// ```
    /// use agent_mail::sites::SiteState;
    ///
    /// let state = SiteState::new("mailcow", "shop.mail.example".parse()?);
    /// let annotations = state.annotations("platform.example");
    /// let keys: Vec<&str> = annotations.keys().map(|key| key.split_once('/').unwrap().1).collect();
    /// assert_eq!(keys, ["mail-domain", "mail-enabled", "mail-last-error", "mail-provider", "mail-status"]);
    /// assert_eq!(SiteState::from_annotations("platform.example", |key| annotations[key].as_deref())?, Some(state));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn annotations(&self, prefix: &str) -> BTreeMap<String, Option<String>> {
        let values = [
            (ENABLED, Some(self.enabled.to_string())),
            (PROVIDER, Some(self.provider.clone())),
            (DOMAIN, Some(self.domain.to_string())),
            (STATUS, Some(self.status.to_string())),
            (LAST_ERROR, self.last_error.clone()),
        ];
        values.into_iter().map(|(key, value)| (format!("{prefix}/{key}"), value)).collect()
    }

    /// Reads the state from annotations below `prefix`, which `lookup` finds; `None` if there is no domain among them.
    ///
    /// # Errors
    /// [`Unexpected`](ErrorKind::Unexpected), naming the annotation whose value is none that
    /// [`annotations`](Self::annotations) writes.
    pub fn from_annotations<'a>(
        prefix: &str,
        lookup: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Option<Self>, Error> {
        let value = |key: &str| lookup(&format!("{prefix}/{key}"));
        let damaged = |key: &str, expected: &str| {
            Error::new(ErrorKind::Unexpected, "read site", format!("{prefix}/{key}"))
                .with_detail(format!("the annotation's value is none; expected is {expected}"))
                .with_fix("correct the annotation, or remove all five of the site")
        };
        let Some(domain) = value(DOMAIN) else { return Ok(None) };
        let domain = domain.parse().map_err(|_| damaged(DOMAIN, "a domain name"))?;
        let mut state = Self::new(value(PROVIDER).unwrap_or_default(), domain);
        if let Some(enabled) = value(ENABLED) {
            state.enabled = enabled.parse().map_err(|_| damaged(ENABLED, "true or false"))?;
        }
        state.status = match value(STATUS) {
            Some(status) => status.parse().map_err(|()| damaged(STATUS, SiteStatus::WORDS))?,
            None if state.enabled => SiteStatus::Pending,
            None => SiteStatus::Disabled,
        };
        state.last_error = value(LAST_ERROR).filter(|error| !error.is_empty()).map(ToOwned::to_owned);
        Ok(Some(state))
    }
}

/// How far a site's mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SiteStatus {
    /// Something is wanted and not done yet, by a call that runs or was broken off: the next one finishes it.
    Pending,
    /// Its mail works.
    Ready,
    /// The last call failed; the next one finishes it.
    Failed,
    /// It has no mail, or had and keeps the data.
    Disabled,
}

impl SiteStatus {
    const WORDS: &str = "pending, ready, failed or disabled";
}

impl fmt::Display for SiteStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Disabled => "disabled",
        })
    }
}

impl FromStr for SiteStatus {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Pending, Self::Ready, Self::Failed, Self::Disabled]
            .into_iter()
            .find(|status| status.to_string() == text)
            .ok_or(())
    }
}

/// Says an error in one line of bounded length. Its sources stay out: what a server answers is not for tenants.
fn told(error: &Error) -> String {
    let words = format!("{error}; {}", error.fix());
    let line: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= MAX_ERROR {
        return line;
    }
    line.chars().take(MAX_ERROR - 2).chain("..".chars()).collect()
}

const ENABLED: &str = "mail-enabled";
const PROVIDER: &str = "mail-provider";
const DOMAIN: &str = "mail-domain";
const STATUS: &str = "mail-status";
const LAST_ERROR: &str = "mail-last-error";

const MAX_ERROR: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> SiteState {
        SiteState::new("mailcow", "shop.mail.example".parse().unwrap())
    }

    #[test]
    fn annotations_and_json_are_the_five_keys() {
        let error = Error::new(ErrorKind::Unavailable, "enable site", "shop");
        let failed = state().pending(true).failed(&error);
        let written = serde_json::to_string_pretty(&failed.annotations("platform.example")).unwrap();
        let golden = r#"{
  "platform.example/mail-domain": "shop.mail.example",
  "platform.example/mail-enabled": "true",
  "platform.example/mail-last-error": "enable site shop: the server can't be reached; check that the server runs and can be reached, then try again",
  "platform.example/mail-provider": "mailcow",
  "platform.example/mail-status": "failed"
}"#;
        assert_eq!(written, golden);
        let json = serde_json::to_value(&failed).unwrap();
        assert_eq!(json["status"], "failed");
        assert_eq!(serde_json::from_value::<SiteState>(json).unwrap(), failed);
        assert_eq!(failed.pending(true).settled().status, SiteStatus::Ready);
        assert_eq!(failed.pending(false).settled(), state());
    }

    #[test]
    fn what_hands_wrote_is_read_or_named() {
        let read = |values: &[(&str, &str)]| {
            let values: Vec<(String, &str)> =
                values.iter().map(|(k, v)| (format!("p.example/{k}"), *v)).collect();
            let lookup = |key: &str| values.iter().find(|(known, _)| known == key).map(|(_, value)| *value);
            SiteState::from_annotations("p.example", lookup)
        };
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&[(ENABLED, "true")]).unwrap(), None, "without a domain nothing was made");
        let partly =
            read(&[(DOMAIN, "shop.mail.example"), (ENABLED, "true"), (LAST_ERROR, "")]).unwrap().unwrap();
        assert_eq!((partly.status, partly.last_error), (SiteStatus::Pending, None));
        for (key, value) in [(DOMAIN, "a..b"), (ENABLED, "yes"), (STATUS, "Ready")] {
            let error = read(
                &[(DOMAIN, "shop.mail.example"), (key, value)]
                    .map(|(k, v)| if k == key { (k, value) } else { (k, v) }),
            )
            .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unexpected);
            assert!(error.to_string().contains(key), "{error}");
        }
    }

    #[test]
    fn an_error_is_told_in_one_short_line_without_its_sources() {
        let error =
            Error::new(ErrorKind::Rejected, "add\nmailbox", "x".repeat(1000)).with_source("password hunter2");
        let told = told(&error);
        assert_eq!(told.chars().count(), MAX_ERROR);
        assert!(told.ends_with("..") && !told.contains(['\n']) && !told.contains("hunter2"));
        let wide = super::told(&Error::new(ErrorKind::Rejected, "add", "ü".repeat(1000)));
        assert_eq!(wide.chars().count(), MAX_ERROR);
    }
}
