//! The way of an agent's mailbox into being, and out of it.

use mail_access::Address;
use secrecy::SecretString;

use super::{AgentMail, agent_lock};
use crate::backend::{Claim, MailboxSpec};
use crate::journal::{AgentRecord, Phase};
use crate::safety::Policy;
use crate::{AgentId, AgentMailbox, Error, ErrorKind, Way, password};

impl AgentMail {
    pub(super) async fn begin(&self, id: &AgentId, address: Address) -> Result<AgentRecord, Error> {
        let now = self.0.chance.now();
        if let Some(left) = self.0.journal.tombstone(id, now).await? {
            return Err(Error::new(ErrorKind::NotReady, "provision", id)
                .with_detail("the address was an earlier agent's, and mail for that one may still come")
                .with_retry_after(Some(left)));
        }
        let mut random = [0; 16];
        self.0.chance.fill(&mut random);
        let record = AgentRecord {
            id: id.clone(),
            address,
            claim: Claim::of_random(u128::from_be_bytes(random)),
            phase: Phase::Pending,
            created: now,
            way: self.0.way,
            birth: match self.0.way {
                Way::Hub => Some(self.0.ways.birth(now, false).await?),
                Way::Mailbox => None,
            },
            moving: None,
        };
        Ok(self.0.journal.begin_agent(&record).await?.unwrap_or(record))
    }

    pub(super) async fn finish_provisioning(&self, record: AgentRecord) -> Result<AgentMailbox, Error> {
        self.ensure_domain().await?;
        if record.way == Way::Hub {
            self.0.ways.adopt(&record).await?;
        } else {
            self.make_mailbox(&record).await?;
        }
        let record = self.0.journal.enter(record, Phase::Active).await?;
        tracing::info!(agent = %record.id, "provisioned");
        self.0.fleet.joined(&record);
        self.mailbox(&record).await
    }

    /// Sees to it that an agent has a mailbox of its own, with the password in the secret store.
    pub(crate) async fn make_mailbox(&self, record: &AgentRecord) -> Result<(), Error> {
        // The password is stored before the mailbox gets it: a crash in between loses nothing.
        let secret = if let Some(secret) = self.0.secrets.get(&record.address).await? {
            secret
        } else {
            let secret = password::generate();
            self.0.secrets.put(&record.address, &secret).await?;
            secret
        };
        if let Err(error) = self.0.provisioner.ensure_mailbox(&self.mailbox_spec(record, secret)).await {
            if error.kind() == ErrorKind::AlreadyExists {
                // It belongs to somebody else: nothing of ours is there, so nothing is left behind.
                self.0.secrets.remove(&record.address).await?;
                if record.phase == Phase::Pending {
                    self.0.journal.forget_agent(record, None).await?;
                }
            }
            return Err(error);
        }
        Ok(())
    }

    /// Tells the mail system once more what an agent's mailbox has to be; `false` if there is no such agent now.
    pub(crate) async fn renew_mailbox(&self, id: &AgentId) -> Result<bool, Error> {
        let _alone = self.0.locks.acquire(&agent_lock(id)).await;
        let record = self.0.journal.agent(id).await?.filter(|record| record.phase == Phase::Active);
        // An agent on the hub has no mailbox of its own.
        let Some(record) = record.filter(|record| record.way == Way::Mailbox) else { return Ok(false) };
        let secret = self.login(&record).await?.password().clone();
        self.0.provisioner.ensure_mailbox(&self.mailbox_spec(&record, secret)).await?;
        Ok(true)
    }

    fn mailbox_spec(&self, record: &AgentRecord, secret: SecretString) -> MailboxSpec {
        let mut spec = MailboxSpec::new(record.address.clone(), secret, record.claim.clone());
        spec.display_name = record.id.to_string();
        spec.quota_mib = self.0.quota_mib;
        let mirrored = || self.0.policy.as_ref().and_then(Policy::agent_hourly_limit);
        spec.hourly_limit = self.0.hourly_limit.or_else(mirrored);
        spec
    }

    pub(super) async fn finish_retiring(&self, record: &AgentRecord) -> Result<(), Error> {
        self.0.fleet.left(&record.id);
        self.0.logins.end(&record.address);
        if record.way == Way::Mailbox || record.moving.is_some() {
            self.remove_mailbox(record).await?;
        }
        self.0.ways.release(record).await?;
        let until = self.0.tombstones.and_then(|time| self.0.chance.now().checked_add(time));
        self.0.journal.forget_agent(record, until).await?;
        tracing::info!(agent = %record.id, "retired");
        Ok(())
    }

    /// Removes the mailbox of an agent, and its password.
    pub(crate) async fn remove_mailbox(&self, record: &AgentRecord) -> Result<(), Error> {
        match self.0.provisioner.remove_mailbox(&record.address, &record.claim).await {
            // Somebody removed ours and made another of the same name: that one is not ours to remove.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            other => other?,
        }
        self.0.secrets.remove(&record.address).await
    }

    async fn ensure_domain(&self) -> Result<(), Error> {
        let ensure = || self.0.provisioner.ensure_domain(self.domain());
        self.0.domain_ready.get_or_try_init(ensure).await.copied()
    }
}
