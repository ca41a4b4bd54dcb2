//! The footer of a domain: what is put below each mail that leaves it.

use serde::Serialize;

use crate::{
    Client, DomainName, Error, MailboxAddress,
    client::{EditItems, Write},
    flag::Flag,
    input,
};

/// A footer for each mail of a domain. Placeholders as `{= from_name =}` are replaced by Mailcow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DomainFooter {
    html: String,
    plain: String,
    exclude: Vec<MailboxAddress>,
    skip_replies: Flag,
}

impl DomainFooter {
    /// Builds a footer in both forms of a mail. Two empty texts stand for none.
    pub fn new(html: &str, plain: &str) -> Self {
        Self {
            html: html.to_owned(),
            plain: plain.to_owned(),
            exclude: Vec::new(),
            skip_replies: Flag(false),
        }
    }

    /// Sets the mailboxes that write without it.
    pub fn with_excluded(mut self, mailboxes: impl IntoIterator<Item = MailboxAddress>) -> Self {
        self.exclude = mailboxes.into_iter().collect();
        self
    }

    /// Sets whether replies go without it, false by default.
    pub fn with_skipped_replies(mut self, skip: bool) -> Self {
        self.skip_replies = Flag(skip);
        self
    }
}

impl Client {
    /// Sets the footer of a domain (`edit/domain/footer`) in place of the one it had. Safe to repeat; there is no
    /// route that reads it.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such domain.
    pub async fn set_domain_footer(&self, name: &DomainName, footer: &DomainFooter) -> Result<(), Error> {
        for text in [&footer.html, &footer.plain] {
            input::optional_lines(EDIT.route, "footer", text)?;
        }
        self.write_idempotent(EDIT, name.as_str(), &EditItems { items: &[name], attr: footer }).await
    }
}

const EDIT: Write = Write { route: "edit/domain/footer", success: "domain_footer_modified" };
