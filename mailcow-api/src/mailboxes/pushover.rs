//! Pushover: a service that tells phones of new mail.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{
    Client, Error, MailboxAddress,
    client::{EditItems, Write},
    flag::Flag,
    input,
};

/// How a mailbox tells of new mail by Pushover.
#[derive(Clone)]
pub struct PushoverSettings {
    key: SecretString,
    token: SecretString,
    active: bool,
    title: String,
    text: String,
    sound: String,
    senders: String,
    senders_regex: String,
    only_priority: bool,
    evaluate_priority: bool,
}

impl PushoverSettings {
    /// Builds active settings with the key of a user or group and the token of an application, 30 characters each.
    pub fn new(key: SecretString, token: SecretString) -> Self {
        Self {
            key,
            token,
            active: true,
            title: String::new(),
            text: String::new(),
            sound: "pushover".to_owned(),
            senders: String::new(),
            senders_regex: String::new(),
            only_priority: false,
            evaluate_priority: false,
        }
    }

    /// Sets whether it tells at all, true by default.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }

    /// Sets the title and the text of a notice; Mailcow's own if empty.
    pub fn with_words(mut self, title: &str, text: &str) -> Self {
        title.clone_into(&mut self.title);
        text.clone_into(&mut self.text);
        self
    }

    /// Sets the sound, `pushover` by default.
    pub fn with_sound(mut self, sound: &str) -> Self {
        sound.clone_into(&mut self.sound);
        self
    }

    /// Tells only of mail from these addresses.
    pub fn with_senders(mut self, senders: &[MailboxAddress]) -> Self {
        self.senders = senders.iter().map(MailboxAddress::as_str).collect::<Vec<_>>().join(",");
        self
    }

    /// Tells only of mail from addresses that a regular expression fits, as `/(.*@example\.com)/i`.
    pub fn with_sender_pattern(mut self, pattern: &str) -> Self {
        pattern.clone_into(&mut self.senders_regex);
        self
    }

    /// Sets whether mail of high priority is told so, and whether it tells of nothing else.
    pub fn with_priority(mut self, evaluate: bool, only: bool) -> Self {
        (self.evaluate_priority, self.only_priority) = (evaluate, only);
        self
    }
}

impl fmt::Debug for PushoverSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushoverSettings").field("active", &self.active).finish_non_exhaustive()
    }
}

impl Client {
    /// Sets how a mailbox tells of new mail by Pushover (`edit/pushover`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `pushover_key` and `pushover_token`.
    pub async fn set_pushover(
        &self,
        address: &MailboxAddress,
        settings: &PushoverSettings,
    ) -> Result<(), Error> {
        let fields =
            [("title", &settings.title), ("sound", &settings.sound), ("pattern", &settings.senders_regex)];
        for (field, text) in fields {
            input::optional_line(EDIT.route, field, text)?;
        }
        input::optional_lines(EDIT.route, "text", &settings.text)?;
        let attr = Attr {
            active: Flag(settings.active),
            key: settings.key.expose_secret(),
            token: settings.token.expose_secret(),
            title: &settings.title,
            text: &settings.text,
            sound: &settings.sound,
            senders: &settings.senders,
            senders_regex: &settings.senders_regex,
            evaluate_x_prio: Flag(settings.evaluate_priority),
            only_x_prio: Flag(settings.only_priority),
        };
        self.write(EDIT, address.as_str(), &EditItems { items: &[address], attr: &attr }).await
    }

    /// Removes what a mailbox has set for Pushover (`edit/pushover`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] if the server does not do it.
    pub async fn remove_pushover(&self, address: &MailboxAddress) -> Result<(), Error> {
        let body = EditItems { items: &[address], attr: &RemoveAttr { delete: "true" } };
        self.write(EDIT, address.as_str(), &body).await
    }
}

#[derive(Serialize)]
struct Attr<'a> {
    active: Flag,
    key: &'a str,
    token: &'a str,
    title: &'a str,
    text: &'a str,
    sound: &'a str,
    senders: &'a str,
    senders_regex: &'a str,
    evaluate_x_prio: Flag,
    only_x_prio: Flag,
}

#[derive(Serialize)]
struct RemoveAttr {
    delete: &'static str,
}

const EDIT: Write = Write { route: "edit/pushover", success: "pushover_settings_edited" };
