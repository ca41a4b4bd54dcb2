use std::fmt;
use std::sync::Arc;

use mail_access::{Address, Copies, DomainName, EnvelopeRule, Hub, HubAccess, Login, MailAccess};
use serde::{Deserialize, Serialize};

use crate::backend::{MailAdmin, MailChange};
use crate::spec::ForwardEntry;
use crate::{Error, ErrorKind};

/// How the mail of an agent comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Way {
    /// Into a mailbox of its own.
    #[default]
    Mailbox,
    /// Into the one mailbox that all agents on the hub share. The agent has an address and no password.
    Hub,
}

/// The mailbox that agents share, to which all mail of the domain comes that has no mailbox of its own: a hub.
///
/// [`mail_access::Hub`] says how a server is set up for one: a mailbox, a catch-all that leads to it, the permission to
/// send as every address of the domain, and a filter that keeps copies. An address that somebody else's mailbox or
/// alias has gets nothing over the hub; give the agents a [prefix](crate::AgentMailBuilder::prefix) of their own.
///
/// At its start a system reads the shared mailbox once. Whoever holds the system may read every address on the hub.
#[derive(Clone)]
pub struct OnHub {
    login: Login,
    rule: EnvelopeRule,
    copies: Copies,
    admin: Option<Arc<dyn MailAdmin>>,
}

impl OnHub {
    /// Makes one of the shared mailbox's login, on a server that notes the recipient as [Mailcow
    /// does](EnvelopeRule::mailcow).
    pub fn new(login: Login) -> Self {
        Self { login, rule: EnvelopeRule::mailcow(), copies: Copies::Together, admin: None }
    }

    /// Sets where the server notes for whom it delivered a message.
    #[must_use]
    pub fn with_rule(mut self, rule: EnvelopeRule) -> Self {
        self.rule = rule;
        self
    }

    /// Sets how a message goes to several addresses of the hub.
    #[must_use]
    pub fn with_copies(mut self, copies: Copies) -> Self {
        self.copies = copies;
        self
    }

    /// Sets who can send the mail of a mailbox on, so that nothing is lost while an agent [moves](crate::AgentMail::move_to)
    /// to the hub.
    #[must_use]
    pub fn with_admin(mut self, admin: Arc<dyn MailAdmin>) -> Self {
        self.admin = Some(admin);
        self
    }

    pub(crate) fn login(&self) -> &Login {
        &self.login
    }

    pub(crate) fn start(&self, access: Arc<dyn MailAccess>) -> HubAccess {
        Hub::builder(access, self.login.clone(), self.rule.clone()).with_copies(self.copies).start_access()
    }

    /// Lets the mail of a mailbox go on to the hub, under another name that tells whose it is.
    pub(crate) async fn divert(&self, domain: &DomainName, address: &Address) -> Result<(), Error> {
        let admin = self.admin.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "move", address)
                .with_detail("nothing can send on the mail that comes while the agent moves")
                .with_fix("give the hub a MailAdmin")
        })?;
        let mut forward = ForwardEntry::new(address.clone(), vec![second_name(address)?]);
        forward.keep_copy = false;
        admin.change(domain, &MailChange::SetForward { forward }, None).await
    }
}

/// Shows the shared mailbox.
impl fmt::Debug for OnHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnHub").field("mailbox", self.login.address()).finish_non_exhaustive()
    }
}

/// The name under which mail of an address is sent on to the hub while it has a mailbox too: no agent has it, as no agent's
/// address begins so.
pub(crate) fn second_name(address: &Address) -> Result<Address, Error> {
    let local = format!("{SECOND}{}", address.local_part());
    Address::new(&local, address.domain().clone()).map_err(|source| {
        Error::new(ErrorKind::InvalidInput, "move", address)
            .with_detail(format!(
                "the name under which its mail is sent on would begin with {SECOND} and be too long"
            ))
            .with_source(source)
    })
}

const SECOND: &str = "moved-";
