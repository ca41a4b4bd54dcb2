//! Keeps secrets out of what is sent.

use std::fmt;

use async_trait::async_trait;
use mail_access::NewMessage;
use secrecy::{ExposeSecret, SecretString};

use super::secrets_in::{self, Secret};
use super::{Letter, OutboundCheck, Ruling};
use crate::Error;

/// Looks for secrets in subject, texts, header fields and files of what is sent: private keys, the tokens of some thirty
/// services, passwords behind their name or in a URL, and long random words.
///
/// In subject and texts a secret is replaced by what it was (`[redacted: private key]`), or the message is refused;
/// where nothing can be replaced, in a header field, a name or a file, it is refused. What a mail quotes below its text is
/// left alone: it was in the correspondent's own mail; only an exact secret is refused there too.
///
/// In a [`Policy`](crate::safety::Policy) it looks for the password of the agent's own mailbox as well.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use agent_mail::safety::{Policy, Redaction};
/// use agent_mail::{Embedded, NewMessage};
///
/// let world = Embedded::new("agents.example".parse()?);
/// let mail = world.system().policy(Policy::new().with_redaction(Redaction::new())).build()?;
/// let ada = mail.provision(&"ada".parse()?).await?;
/// ada.send(NewMessage::to(ada.address()).with_text("The key is AKIAIOSFODNN7EXAMPLE.")).await?;
/// let text = ada.fetch_unseen(1).await?.remove(0).text().unwrap().expose().to_owned();
/// assert_eq!(text.trim_end(), "The key is [redacted: aws access key].");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Redaction {
    refuses: bool,
    random_words: bool,
    exact: Vec<SecretString>,
}

impl Redaction {
    /// Replaces what it finds.
    pub fn new() -> Self {
        Self { refuses: false, random_words: true, exact: Vec::new() }
    }

    /// Refuses messages in which it finds anything.
    #[must_use]
    pub fn refusing(mut self) -> Self {
        self.refuses = true;
        self
    }

    /// Takes long random words for no secrets.
    #[must_use]
    pub fn without_random_words(mut self) -> Self {
        self.random_words = false;
        self
    }

    /// Looks for this secret too, of at least 6 characters; shorter ones are not looked for.
    #[must_use]
    pub fn with_secret(mut self, secret: SecretString) -> Self {
        self.exact.push(secret);
        self
    }

    /// Decides on a message, looking for one more secret.
    pub(super) fn judge(&self, message: &NewMessage, own: Option<&SecretString>) -> Ruling {
        let exact: Vec<&str> = self.exact.iter().chain(own).map(ExposeSecret::expose_secret).collect();
        let found_in = |text: &str| secrets_in::find(text, &exact, self.random_words);
        let mut fixed = message.clone();
        let mut found: Vec<&'static str> = Vec::new();
        let (subject, text, html) = (message.subject(), message.text(), message.html());
        if let Some(clean) = replaced(subject, &found_in(subject), &mut found) {
            fixed = fixed.with_subject(clean);
        }
        if let Some(clean) = text.and_then(|text| replaced(text, &found_in(text), &mut found)) {
            fixed = fixed.with_text(clean);
        }
        if let Some(clean) = html.and_then(|html| replaced(html, &found_in(html), &mut found)) {
            fixed = fixed.with_html(clean);
        }
        if self.refuses && !found.is_empty() {
            return refuse("it holds a secret", &found);
        }
        let fields = message.headers().map(|(_, value)| value.to_owned());
        let files = message.attachments().iter().flat_map(|file| {
            let content = std::str::from_utf8(&file.content).ok().map(ToOwned::to_owned);
            content.into_iter().chain(file.name.clone())
        });
        let fast: Vec<&'static str> =
            fields.chain(files).flat_map(|text| found_in(&text)).map(|secret| secret.what).collect();
        if !fast.is_empty() {
            return refuse("a header field or a file of it holds a secret", &fast);
        }
        let all = fixed.canonical();
        let is_within =
            |secret: &&str| secret.len() >= secrets_in::SHORTEST && contains(&all, secret.as_bytes());
        if exact.iter().any(is_within) {
            return refuse("it holds a secret", &["password"]);
        }
        if found.is_empty() {
            return Ruling::Pass;
        }
        tracing::warn!(secrets = found.len(), "secrets were taken out of a message");
        Ruling::Change(Box::new(fixed))
    }
}

#[async_trait]
impl OutboundCheck for Redaction {
    fn name(&self) -> &'static str {
        "redaction"
    }

    async fn check(&self, letter: &Letter) -> Result<Ruling, Error> {
        Ok(self.judge(&letter.message, None))
    }
}

impl Default for Redaction {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows how it works, not what it looks for.
impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("refuses", &self.refuses)
            .field("random_words", &self.random_words)
            .field("exact", &self.exact.len())
            .finish()
    }
}

fn replaced(text: &str, secrets: &[Secret], found: &mut Vec<&'static str>) -> Option<String> {
    let mut clean = String::with_capacity(text.len());
    let mut end = 0;
    for secret in secrets {
        clean.push_str(&text[end..secret.range.start]);
        clean.extend(["[redacted: ", secret.what, "]"]);
        end = secret.range.end;
        found.push(secret.what);
    }
    clean.push_str(&text[end..]);
    (!secrets.is_empty()).then_some(clean)
}

fn refuse(why: &str, found: &[&'static str]) -> Ruling {
    let mut kinds = found.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    Ruling::Refuse(format!("{why}: {}", kinds.join(", ")))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use mail_access::{Address, Attachment};

    use super::*;

    fn letter() -> NewMessage {
        NewMessage::to("bob@b.example".parse::<Address>().unwrap())
    }

    #[test]
    fn what_can_be_replaced_is_and_the_rest_is_refused() {
        let redaction = Redaction::new().with_secret("open sesame".to_owned().into());
        let key = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
        let Ruling::Change(fixed) = redaction
            .judge(&letter().with_subject(format!("a {key} b")).with_html(format!("<p>{key}</p>")), None)
        else {
            panic!("it is changed")
        };
        assert_eq!(fixed.subject(), "a [redacted: github token] b");
        assert_eq!(fixed.html(), Some("<p>[redacted: github token]</p>"));
        for refused in [
            letter().with_header("X-Key", key),
            letter().with_attachment(Attachment::new("a.txt", "text/plain", key)),
            letter().with_attachment(Attachment::new(key, "text/plain", "")),
            letter().with_attachment(Attachment::new("a.bin", "application/zip", *b"\xff\xfeopen sesame")),
            letter().with_calendar("SUMMARY:open sesame"),
        ] {
            let ruling = redaction.judge(&refused, None);
            assert!(matches!(&ruling, Ruling::Refuse(why) if !why.contains(key)), "{ruling:?}");
        }
        let plain = letter().with_subject("Hello").with_text("Nothing here, on 2026-01-02, order 12345678.");
        assert!(matches!(redaction.judge(&plain, None), Ruling::Pass));
        let strict = redaction.refusing().judge(&letter().with_text("say open sesame"), None);
        assert!(matches!(strict, Ruling::Refuse(why) if why == "it holds a secret: password"));
    }
}
