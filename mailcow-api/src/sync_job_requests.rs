//! What is asked of a sync job.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{Error, MailboxAddress, SyncEncryption, input};

/// A sync job to be created.
#[derive(Clone, Debug)]
pub struct NewSyncJob {
    mailbox: MailboxAddress,
    options: SyncJobChange,
}

impl NewSyncJob {
    /// Builds an active sync job that fills `mailbox` from the mailbox of `user` at `host`, each 20 minutes over TLS
    /// at port 993, like the web UI: no *Junk* and *Spam*, folders matched by purpose and subscribed, duplicates
    /// deleted here, nothing deleted there.
    pub fn new(mailbox: MailboxAddress, host: &str, user: &str, password: SecretString) -> Self {
        let options = SyncJobChange::new()
            .with_host(host)
            .with_port(993)
            .with_user(user)
            .with_password(password)
            .with_encryption(SyncEncryption::Tls)
            .with_interval_minutes(20)
            .with_subfolder("")
            .with_max_age_days(0)
            .with_max_bytes_per_second(0)
            .with_timeouts_seconds(600, 600)
            .with_exclude("(?i)spam|(?i)junk")
            .with_custom_options("")
            .with_delete_duplicates(true)
            .with_delete_there(false)
            .with_delete_here(false)
            .with_automap(true)
            .with_skip_cross_duplicates(false)
            .with_subscribe_all(true)
            .with_active(true);
        Self { mailbox, options }
    }

    /// Changes some of the options, as `|options| options.with_port(143)`.
    pub fn with(mut self, change: impl FnOnce(SyncJobChange) -> SyncJobChange) -> Self {
        self.options = change(self.options);
        self
    }

    pub(crate) fn mailbox(&self) -> &MailboxAddress {
        &self.mailbox
    }

    pub(crate) fn body(&self, operation: &'static str) -> Result<impl Serialize, Error> {
        Ok(AddBody { username: &self.mailbox, options: self.options.attributes(operation)? })
    }
}

/// The options of a sync job; what is not set is kept.
#[derive(Clone, Debug, Default)]
pub struct SyncJobChange {
    host: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    password: Option<SecretString>,
    encryption: Option<SyncEncryption>,
    interval: Option<u32>,
    subfolder: Option<String>,
    max_age: Option<u32>,
    max_bytes_per_second: Option<u32>,
    timeouts: Option<(u32, u32)>,
    exclude: Option<String>,
    custom_options: Option<String>,
    delete_duplicates: Option<bool>,
    delete_there: Option<bool>,
    delete_here: Option<bool>,
    automap: Option<bool>,
    skip_cross_duplicates: Option<bool>,
    subscribe_all: Option<bool>,
    dry: Option<bool>,
    active: Option<bool>,
}

impl SyncJobChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the foreign server.
    pub fn with_host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// Sets its port.
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Sets the user name there.
    pub fn with_user(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }

    /// Sets the password there.
    pub fn with_password(mut self, password: SecretString) -> Self {
        self.password = Some(password);
        self
    }

    /// Sets how the connection is encrypted.
    pub fn with_encryption(mut self, encryption: SyncEncryption) -> Self {
        self.encryption = Some(encryption);
        self
    }

    /// Sets how often it runs, 1 to 43800 minutes.
    pub fn with_interval_minutes(mut self, minutes: u32) -> Self {
        self.interval = Some(minutes);
        self
    }

    /// Sets the folder into which all is put, empty for the same folders as there.
    pub fn with_subfolder(mut self, folder: &str) -> Self {
        self.subfolder = Some(folder.to_owned());
        self
    }

    /// Sets how old a message may be, up to 32000 days; 0 for any age.
    pub fn with_max_age_days(mut self, days: u32) -> Self {
        self.max_age = Some(days);
        self
    }

    /// Sets how fast it may be, up to 125 000 000 bytes per second; 0 for no limit.
    pub fn with_max_bytes_per_second(mut self, bytes: u32) -> Self {
        self.max_bytes_per_second = Some(bytes);
        self
    }

    /// Sets how long the foreign server and Mailcow may be silent, 1 to 32000 seconds each.
    pub fn with_timeouts_seconds(mut self, there: u32, here: u32) -> Self {
        self.timeouts = Some((there, here));
        self
    }

    /// Sets which folders are left out, a regular expression.
    pub fn with_exclude(mut self, pattern: &str) -> Self {
        self.exclude = Some(pattern.to_owned());
        self
    }

    /// Sets further options of imapsync. Mailcow takes only those on a list of its own.
    pub fn with_custom_options(mut self, options: &str) -> Self {
        self.custom_options = Some(options.to_owned());
        self
    }

    /// Sets whether messages that are there twice are deleted here.
    pub fn with_delete_duplicates(mut self, delete: bool) -> Self {
        self.delete_duplicates = Some(delete);
        self
    }

    /// Sets whether messages are deleted there once they are copied.
    pub fn with_delete_there(mut self, delete: bool) -> Self {
        self.delete_there = Some(delete);
        self
    }

    /// Sets whether messages are deleted here that are no longer there.
    pub fn with_delete_here(mut self, delete: bool) -> Self {
        self.delete_here = Some(delete);
        self
    }

    /// Sets whether folders like *Sent* are matched by their purpose.
    pub fn with_automap(mut self, automap: bool) -> Self {
        self.automap = Some(automap);
        self
    }

    /// Sets whether a message in several folders is copied only once.
    pub fn with_skip_cross_duplicates(mut self, skip: bool) -> Self {
        self.skip_cross_duplicates = Some(skip);
        self
    }

    /// Sets whether all folders are subscribed.
    pub fn with_subscribe_all(mut self, subscribe: bool) -> Self {
        self.subscribe_all = Some(subscribe);
        self
    }

    /// Sets whether it only pretends.
    pub fn with_dry(mut self, dry: bool) -> Self {
        self.dry = Some(dry);
        self
    }

    /// Sets whether it runs at its times.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(active);
        self
    }

    /// The fields to send, once they are known to be good: Mailcow says `access_denied` to bad ones or silently
    /// replaces them.
    pub(crate) fn attributes(&self, operation: &'static str) -> Result<Attributes<'_>, Error> {
        let invalid = |reason: &str| Err(Error::InvalidInput { operation, reason: reason.to_owned() });
        if let Some(host) = &self.host {
            input::word(operation, "host", host)?;
        }
        if let Some(user) = &self.user {
            input::line(operation, "user name", user)?;
        }
        for (field, text) in [
            ("subfolder", &self.subfolder),
            ("pattern", &self.exclude),
            ("custom options", &self.custom_options),
        ] {
            input::optional_line(operation, field, text.as_deref().unwrap_or_default())?;
        }
        let password = self.password.as_ref().map(ExposeSecret::expose_secret);
        if password.is_some_and(str::is_empty) {
            return invalid("the password is empty");
        }
        if self.port == Some(0) {
            return invalid("there is no port 0");
        }
        if matches!(self.encryption, Some(SyncEncryption::Other(_))) {
            return invalid("the connection is encrypted by TLS, by STARTTLS or not at all");
        }
        if self.interval.is_some_and(|minutes| !(1..=43_800).contains(&minutes)) {
            return invalid("the interval is 1 to 43800 minutes");
        }
        if self.max_age.is_some_and(|days| days > 32_000) {
            return invalid("the age is at most 32000 days");
        }
        if self.max_bytes_per_second.is_some_and(|bytes| bytes > 125_000_000) {
            return invalid("the speed is at most 125000000 bytes per second");
        }
        let (there, here) = self.timeouts.unzip();
        if [there, here].into_iter().flatten().any(|seconds| !(1..=32_000).contains(&seconds)) {
            return invalid("a timeout is 1 to 32000 seconds");
        }
        Ok(Attributes {
            host1: self.host.as_deref(),
            port1: self.port,
            user1: self.user.as_deref(),
            password1: password,
            enc1: self.encryption.as_ref(),
            mins_interval: self.interval,
            subfolder2: self.subfolder.as_deref(),
            maxage: self.max_age,
            maxbytespersecond: self.max_bytes_per_second,
            timeout1: there,
            timeout2: here,
            exclude: self.exclude.as_deref(),
            custom_params: self.custom_options.as_deref(),
            delete2duplicates: self.delete_duplicates.map(u8::from),
            delete1: self.delete_there.map(u8::from),
            delete2: self.delete_here.map(u8::from),
            automap: self.automap.map(u8::from),
            skipcrossduplicates: self.skip_cross_duplicates.map(u8::from),
            subscribeall: self.subscribe_all.map(u8::from),
            dry: self.dry.map(u8::from),
            active: self.active.map(u8::from),
        })
    }
}

#[derive(Serialize)]
struct AddBody<'a> {
    username: &'a MailboxAddress,
    #[serde(flatten)]
    options: Attributes<'a>,
}

/// The fields by the names Mailcow gives them.
#[derive(Default, PartialEq, Serialize)]
pub(crate) struct Attributes<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    host1: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port1: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user1: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password1: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enc1: Option<&'a SyncEncryption>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mins_interval: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subfolder2: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maxage: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maxbytespersecond: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout1: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout2: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_params: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete2duplicates: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete1: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete2: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    automap: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipcrossduplicates: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscribeall: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mailcow_would_refuse_without_a_reason_or_replace_is_refused() {
        let options = SyncJobChange::new;
        for bad in [
            options().with_host("a b"),
            options().with_user(" "),
            options().with_port(0),
            options().with_password("".into()),
            options().with_encryption(SyncEncryption::Other("WRONG".to_owned())),
            options().with_interval_minutes(0),
            options().with_interval_minutes(43_801),
            options().with_max_age_days(32_001),
            options().with_max_bytes_per_second(125_000_001),
            options().with_timeouts_seconds(0, 600),
            options().with_timeouts_seconds(600, 32_001),
            options().with_subfolder("a\nb"),
        ] {
            assert!(bad.attributes("add/syncjob").is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let mailbox = "agent-1@b.example".parse().unwrap();
        let job = NewSyncJob::new(mailbox, "imap.old.test", "old", "PW-CANARY".into());
        assert!(!format!("{job:?}").contains("CANARY"));
    }
}
