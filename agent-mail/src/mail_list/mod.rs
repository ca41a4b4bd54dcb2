//! Lists of mailboxes in YAML: who has one, and what a plan makes of it (feature `yaml`).
//!
//! ```yaml
//! domains:
//!   - name: shop.example
//!     users:
//!       - ada                        # the local part
//!       - bob@shop.example           # or the whole address
//!       - name: cleo                 # or with what people read, and how much it may hold
//!         display_name: Cleo Sand
//!         quota_mib: 2048
//! ```
//!
//! [`MailList`] reads it strictly; a [`Roster`] compares it with what is there, makes what is missing and takes back
//! what is named.

mod error;
mod node;
mod read;
mod roster;

use std::str::FromStr;

use mail_access::{Address, DomainName};

pub use error::{MailListError, Place};
pub use roster::{Roster, RosterPlan};

use crate::spec::{DomainSpec, MailboxEntry};

/// The mailboxes of some domains, as a file names them.
///
/// ```
/// use agent_mail::mail_list::MailList;
///
/// let list: MailList = "domains: [{name: shop.example, users: [ada, bob]}]".parse()?;
/// assert_eq!(list.domains()[0].users()[1].address().to_string(), "bob@shop.example");
///
/// let wrong = "domains:\n  - name: shop.example\n    users: [ada, ada]".parse::<MailList>().unwrap_err();
/// assert_eq!(wrong.to_string(), "line 3, column 18: \"ada\" stands in line 3 already; expected is each user once");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailList {
    domains: Vec<ListedDomain>,
}

impl MailList {
    /// Returns the domains in the order of the file.
    pub fn domains(&self) -> &[ListedDomain] {
        &self.domains
    }

    /// Returns how many users all domains have.
    pub fn users(&self) -> usize {
        self.domains.iter().map(|domain| domain.users.len()).sum()
    }
}

impl FromStr for MailList {
    type Err = MailListError;

    /// Reads a list. Unknown keys, anything twice, names that are none, values of another type, anchors, tags and a text
    /// of more than 1 MiB are refused; all problems are found at once, but for those that end the reading of YAML.
    fn from_str(text: &str) -> Result<Self, MailListError> {
        read::read(text)
    }
}

/// A domain of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDomain {
    name: DomainName,
    users: Vec<ListedUser>,
}

impl ListedDomain {
    /// Returns the domain's name.
    pub fn name(&self) -> &DomainName {
        &self.name
    }

    /// Returns who has a mailbox, in the order of the file.
    pub fn users(&self) -> &[ListedUser] {
        &self.users
    }

    /// Returns what the domain has to be: `template` with this name, and a mailbox for each user beside its own.
    pub fn spec(&self, template: &DomainSpec) -> DomainSpec {
        let mut spec = template.clone();
        spec.domain = self.name.clone();
        spec.mailboxes.extend(self.users.iter().map(ListedUser::entry));
        spec
    }
}

/// A user of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedUser {
    address: Address,
    display_name: Option<String>,
    quota_mib: Option<u32>,
}

impl ListedUser {
    /// Returns the address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Returns the name that people read, where the list gives one.
    pub fn display_name(&self) -> Option<&str> {
        self.display_name.as_deref()
    }

    /// Returns how much the mailbox may hold in MiB, where the list says so.
    pub fn quota_mib(&self) -> Option<u32> {
        self.quota_mib
    }

    /// Describes the mailbox; its first password has to be changed.
    fn entry(&self) -> MailboxEntry {
        let name = self.display_name.clone().unwrap_or_default();
        let mut entry = MailboxEntry::new(self.address.clone()).with_name(name);
        entry.quota_mib = self.quota_mib;
        entry
    }
}

#[cfg(test)]
mod tests;
