//! How the quarantine works.

use serde::Serialize;

use crate::{DomainName, Error, MailboxAddress, Mib, input};

/// All settings of the quarantine. Mailcow has no route to read them: what is not set here is reset.
#[derive(Clone, Debug)]
pub struct QuarantineSettings {
    retention: u32,
    format: ReleaseFormat,
    max_size: Mib,
    max_score: Option<f64>,
    max_age_days: u32,
    excluded: Vec<DomainName>,
    sender: String,
    subject: String,
    bcc: Option<MailboxAddress>,
    redirect: Option<MailboxAddress>,
    template: String,
}

/// How a released message is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReleaseFormat {
    /// As it came.
    Raw,
    /// As the attachment of a new message.
    Attachment,
}

impl QuarantineSettings {
    /// Builds the settings that keep `retention` messages per mailbox (0 turns the quarantine off) and tell their
    /// recipients from `sender` under `subject`: messages up to 10 MiB and of any score for 365 days, released as they
    /// came, with the template of Mailcow.
    pub fn new(retention: u32, sender: &str, subject: &str) -> Self {
        Self {
            retention,
            format: ReleaseFormat::Raw,
            max_size: Mib::new(10),
            max_score: None,
            max_age_days: 365,
            excluded: Vec::new(),
            sender: sender.to_owned(),
            subject: subject.to_owned(),
            bcc: None,
            redirect: None,
            template: String::new(),
        }
    }

    /// Sets how a released message is delivered.
    pub fn with_release_format(mut self, format: ReleaseFormat) -> Self {
        self.format = format;
        self
    }

    /// Sets how large a message may be to be kept.
    pub fn with_max_size(mut self, size: Mib) -> Self {
        self.max_size = size;
        self
    }

    /// Sets the score from which a message is not told any more.
    pub fn with_max_score(mut self, score: f64) -> Self {
        self.max_score = Some(score);
        self
    }

    /// Sets for how many days a message is kept, at least 1.
    pub fn with_max_age_days(mut self, days: u32) -> Self {
        self.max_age_days = days;
        self
    }

    /// Sets the domains that have no quarantine.
    pub fn with_excluded_domains(mut self, domains: impl IntoIterator<Item = DomainName>) -> Self {
        self.excluded = domains.into_iter().collect();
        self
    }

    /// Sets who gets a copy of each notification.
    pub fn with_bcc(mut self, address: MailboxAddress) -> Self {
        self.bcc = Some(address);
        self
    }

    /// Sets who gets all notifications instead of the recipients.
    pub fn with_redirect(mut self, address: MailboxAddress) -> Self {
        self.redirect = Some(address);
        self
    }

    /// Sets the HTML template (Jinja) of the notification; empty for that of Mailcow.
    pub fn with_template(mut self, html: &str) -> Self {
        html.clone_into(&mut self.template);
        self
    }

    pub(crate) fn attributes(&self, operation: &'static str) -> Result<impl Serialize, Error> {
        let invalid = |reason: &str| Err(Error::InvalidInput { operation, reason: reason.to_owned() });
        input::optional_line(operation, "sender", &self.sender)?;
        input::optional_line(operation, "subject", &self.subject)?;
        input::optional_lines(operation, "template", &self.template)?;
        if self.max_age_days == 0 {
            return invalid("messages are kept for a day at least");
        }
        if self.max_score.is_some_and(|score| !score.is_finite()) {
            return invalid("the score is no number");
        }
        Ok(Attributes {
            action: "settings",
            retention_size: self.retention,
            release_format: match self.format {
                ReleaseFormat::Raw => "raw",
                ReleaseFormat::Attachment => "attachment",
            },
            max_size: self.max_size,
            max_score: self.max_score.map(|score| score.to_string()).unwrap_or_default(),
            max_age: self.max_age_days,
            exclude_domains: &self.excluded,
            sender: &self.sender,
            subject: &self.subject,
            bcc: self.bcc.as_ref().map(MailboxAddress::as_str).unwrap_or_default(),
            redirect: self.redirect.as_ref().map(MailboxAddress::as_str).unwrap_or_default(),
            html_tmpl: &self.template,
        })
    }
}

#[derive(Serialize)]
struct Attributes<'a> {
    action: &'static str,
    retention_size: u32,
    release_format: &'static str,
    max_size: Mib,
    max_score: String,
    max_age: u32,
    exclude_domains: &'a [DomainName],
    sender: &'a str,
    subject: &'a str,
    bcc: &'a str,
    redirect: &'a str,
    html_tmpl: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_the_quarantine_is_refused() {
        let settings = || QuarantineSettings::new(5, "q@example.com", "Quarantine");
        assert!(settings().attributes("edit/quarantine").is_ok());
        for bad in [
            settings().with_max_age_days(0),
            settings().with_max_score(f64::NAN),
            settings().with_template("\0"),
            QuarantineSettings::new(5, "a\nb", ""),
            QuarantineSettings::new(5, "", "a\r\nb"),
        ] {
            assert!(bad.attributes("edit/quarantine").is_err(), "{bad:?} was accepted");
        }
    }
}
