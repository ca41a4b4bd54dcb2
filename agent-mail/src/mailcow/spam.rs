//! Whose mail a domain always takes and whose never.

use mailcow_api::{Error as MailcowError, SenderPattern, SpamList, SpamPolicyId};

use super::admin::Step;
use crate::Error;
use crate::spec::SpamPolicy;

impl Step<'_> {
    pub(super) async fn set_spam_policy(&self, policy: &SpamPolicy) -> Result<(), Error> {
        self.served().await?;
        let SpamPolicy { allow, block } = policy.canonical();
        let lists = [(SpamList::Allow, allow), (SpamList::Deny, block)];
        let (mut surplus, mut missing) = (Vec::new(), Vec::new());
        for (list, mut wanted) in lists {
            for (id, sender) in self.did(self.listed(list).await)? {
                match wanted.iter().position(|wanted| *wanted == sender) {
                    Some(at) => drop(wanted.remove(at)),
                    None => surplus.push(id),
                }
            }
            missing.extend(wanted.into_iter().map(|sender| (list, sender)));
        }
        // First, as a sender stands on one list at most.
        if !surplus.is_empty() {
            let done = self.client.delete_domain_spam_policies(&surplus).await;
            let is_so = async {
                let (allowed, blocked) =
                    tokio::try_join!(self.listed(SpamList::Allow), self.listed(SpamList::Deny))?;
                Ok(!allowed.iter().chain(&blocked).any(|(id, _)| surplus.contains(id)))
            };
            self.settled(done, is_so).await?;
        }
        for (list, sender) in missing {
            let pattern: SenderPattern = self.did(sender.parse())?;
            let done = self.client.add_domain_spam_policy(&self.name, list, &pattern).await;
            let is_so = async { Ok(self.listed(list).await?.iter().any(|(_, listed)| *listed == sender)) };
            self.settled(done, is_so).await?;
        }
        Ok(())
    }

    async fn listed(&self, list: SpamList) -> Result<Vec<(SpamPolicyId, String)>, MailcowError> {
        let entries = self.client.domain_spam_policies(&self.name, list).await?;
        Ok(entries.into_iter().map(|entry| (entry.id, entry.sender.to_ascii_lowercase())).collect())
    }
}
