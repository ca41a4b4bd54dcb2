//! Captchas: `/captcha/`.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{CaptchaId, Client, Credential, Error, call::Call, http::Method, pace::Scope, text};

impl Client {
    /// Asks for a captcha, to be solved once by a human (`POST /captcha/`).
    ///
    /// No token is sent. A dropped call leaves a captcha behind, which expires.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the server does not know `kind`.
    pub async fn captcha(&self, kind: &CaptchaKind) -> Result<Captcha, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            kind: &'a CaptchaKind,
        }
        let path = ["captcha"];
        let call = Call {
            credential: Credential::Nothing,
            ..Call::write("ask for", "a captcha", Method::Post, &path, Scope::AccountPassive)
        }
        .with_json(&Body { kind });
        let response = self.call(&call).await?;
        call.json(&response)
    }
}

/// A riddle that only a human shall solve.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Captcha {
    /// Its identifier.
    pub id: CaptchaId,
    /// What kind it is.
    pub kind: CaptchaKind,
    /// The file to be shown or played: PNG for an image, WAV for audio.
    #[serde(deserialize_with = "file")]
    pub challenge: Vec<u8>,
}

impl Captcha {
    /// Returns the solution `text` of this captcha.
    ///
    /// # Errors
    /// Those of [`CaptchaSolution::new`].
    pub fn solve(&self, text: &str) -> Result<CaptchaSolution, Error> {
        CaptchaSolution::new(self.id.clone(), text)
    }
}

impl fmt::Debug for Captcha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captcha")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("challenge_bytes", &self.challenge.len())
            .finish()
    }
}

/// A kind of [`Captcha`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CaptchaKind {
    /// Letters to be read.
    #[default]
    Image,
    /// Letters to be heard.
    Audio,
    /// Any other kind.
    Other(String),
}

impl CaptchaKind {
    /// Returns the name of the kind.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Other(name) => name,
        }
    }
}

impl Serialize for CaptchaKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for CaptchaKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| match name.as_str() {
            "image" => Self::Image,
            "audio" => Self::Audio,
            _ => Self::Other(name),
        })
    }
}

/// The solution of a [`Captcha`]; the server takes it once, right or wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaptchaSolution {
    id: CaptchaId,
    solution: String,
}

impl CaptchaSolution {
    /// Returns the solution `text` of the captcha `id`; blanks at its ends are left out.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if it is empty or has control characters.
    pub fn new(id: CaptchaId, text: &str) -> Result<Self, Error> {
        let solution = text.trim();
        if solution.is_empty() {
            return Err(Error::InvalidInput { what: WHAT, reason: "it is empty".into() });
        }
        text::check(WHAT, solution, LONGEST)?;
        Ok(Self { id, solution: solution.into() })
    }
}

fn file<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    BASE64_STANDARD.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

const WHAT: &str = "solution of a captcha";
const LONGEST: usize = 64;
