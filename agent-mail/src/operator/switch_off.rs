use mail_access::DomainName;

use super::Operator;
use super::ledger::Ledger;
use crate::backend::MailChange;
use crate::locks::Locks;
use crate::{Error, ErrorKind};

impl Operator {
    /// Stops a domain from taking mail and logins, and touches nothing else: no mailbox, no mail, no record. An apply
    /// that was interrupted is not resumed any more; the next plan finds what it left. Tells whether the mail system
    /// serves the domain; one whose description is another's is left alone.
    pub(crate) async fn switch_off(&self, domain: &DomainName, description: &str) -> Result<bool, Error> {
        let _alone = Locks::of(&self.0.state, domain).acquire("operator").await;
        let (served, ledger) =
            tokio::try_join!(self.0.admin.survey(domain), Ledger::load(&self.0.state, domain))?;
        let not_resumed = Ledger { applying: None, ..ledger.clone() };
        ledger.replace(&self.0.state, domain, &not_resumed).await?;
        let Some(served) = served else { return Ok(false) };
        if served.description != description {
            return Err(Error::new(ErrorKind::AlreadyExists, "switch off", domain)
                .with_detail("the mail system serves the domain for somebody else"));
        }
        if served.active {
            let (description, limits) = (served.description, served.limits);
            let change = MailChange::SetDomain { description, active: false, limits };
            self.0.admin.change(domain, &change, None).await?;
        }
        Ok(true)
    }
}
