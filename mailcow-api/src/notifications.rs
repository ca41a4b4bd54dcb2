//! The messages that the server itself sends to its users.

use serde::Serialize;

use crate::{Client, DomainName, Error, MailboxAddress, client::Write, input};

/// The message to a user whose mailbox is nearly full. Mailcow has no route to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaNotification {
    sender: String,
    subject: String,
    template: String,
}

impl QuotaNotification {
    /// Builds the message of `sender` under `subject`, with the text of Mailcow.
    pub fn new(sender: &str, subject: &str) -> Self {
        Self { sender: sender.to_owned(), subject: subject.to_owned(), template: String::new() }
    }

    /// Sets the HTML template (Jinja), empty for that of Mailcow.
    pub fn with_template(mut self, html: &str) -> Self {
        html.clone_into(&mut self.template);
        self
    }
}

/// The message to a user who has forgotten the password. Mailcow has no route to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordResetNotification {
    sender: String,
    subject: String,
    text: String,
    html: String,
}

impl PasswordResetNotification {
    /// Builds the message of `sender` under `subject`. In both templates `{{link}}` stands for the link; an empty one is
    /// that of Mailcow.
    pub fn new(sender: &str, subject: &str, text: &str, html: &str) -> Self {
        let (sender, subject) = (sender.to_owned(), subject.to_owned());
        Self { sender, subject, text: text.to_owned(), html: html.to_owned() }
    }
}

impl Client {
    /// Replaces the message to users whose mailbox is nearly full (`edit/quota_notification`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn set_quota_notification(&self, message: &QuotaNotification) -> Result<(), Error> {
        input::optional_line(QUOTA.route, "sender", &message.sender)?;
        input::optional_line(QUOTA.route, "subject", &message.subject)?;
        input::optional_lines(QUOTA.route, "template", &message.template)?;
        let attr =
            QuotaAttr { sender: &message.sender, subject: &message.subject, html_tmpl: &message.template };
        self.write(QUOTA, SERVER, &Body { items: "none", attr }).await
    }

    /// Replaces who gets a copy of these messages to the users of a domain (`edit/quota_notification_bcc`). Safe to
    /// repeat.
    ///
    /// # Errors
    /// Returns [`Error::Partial`] with `goto_invalid` if the server does not take one of the addresses.
    pub async fn set_quota_notification_bcc(
        &self,
        domain: &DomainName,
        recipients: &[MailboxAddress],
        active: bool,
    ) -> Result<(), Error> {
        let bcc_rcpt = recipients.iter().map(MailboxAddress::as_str).collect::<Vec<_>>().join(",");
        let attr = BccAttr { domain, active: u8::from(active), bcc_rcpt };
        self.write(QUOTA_BCC, domain.as_str(), &Body { items: "none", attr }).await
    }

    /// Replaces the message to users who have forgotten the password (`edit/reset-password-notification`). Safe to
    /// repeat.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn set_password_reset_notification(
        &self,
        message: &PasswordResetNotification,
    ) -> Result<(), Error> {
        input::optional_line(RESET.route, "sender", &message.sender)?;
        input::optional_line(RESET.route, "subject", &message.subject)?;
        input::optional_lines(RESET.route, "template", &message.text)?;
        input::optional_lines(RESET.route, "template", &message.html)?;
        let attr = ResetAttr {
            from: &message.sender,
            subject: &message.subject,
            text_tmpl: &message.text,
            html_tmpl: &message.html,
        };
        self.write(RESET, SERVER, &Body { items: "none", attr }).await
    }
}

#[derive(Serialize)]
struct Body<A> {
    items: &'static str,
    attr: A,
}

#[derive(Serialize)]
struct QuotaAttr<'a> {
    sender: &'a str,
    subject: &'a str,
    html_tmpl: &'a str,
}

#[derive(Serialize)]
struct BccAttr<'a> {
    domain: &'a DomainName,
    active: u8,
    bcc_rcpt: String,
}

#[derive(Serialize)]
struct ResetAttr<'a> {
    from: &'a str,
    subject: &'a str,
    text_tmpl: &'a str,
    html_tmpl: &'a str,
}

const QUOTA: Write = Write { route: "edit/quota_notification", success: "saved_settings" };
const QUOTA_BCC: Write = Write { route: "edit/quota_notification_bcc", success: "saved_settings" };
const RESET: Write = Write { route: "edit/reset-password-notification", success: "saved_settings" };
const SERVER: &str = "the server";
