use mail_access::Login;

use super::prove;
use crate::backend::{Claim, LoginRotation};
use crate::journal::{AgentRecord, Phase, RotationRecord};
use crate::system::agent_lock;
use crate::{AgentId, AgentMail, Error, ErrorKind, Way, password};

impl AgentMail {
    /// Gives an agent a new password in place of all earlier ones, without a moment in which none works.
    ///
    /// A second password is made beside the first, proven by a login for submission and one for reading, stored, and only then are the others taken away.
    /// Whatever breaks off in between, the stored password works, and the next call goes on; each attempt makes a
    /// password of its own, so that nothing that may be stored is ever changed. Mailboxes that are open in this system
    /// take the new one at once. Those of other programs have to be opened again when the mail system refuses them;
    /// connections that were logged in before stay so for as long as the mail system lets them.
    ///
    /// Calls of one system take turns. Two programs must not do it for one agent at the same time.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if the builder was given no
    /// [`LoginRotation`](crate::backend::LoginRotation), or if the agent is on a hub; [`NotFound`](ErrorKind::NotFound) if there is no such agent;
    /// [`NotReady`](ErrorKind::NotReady) if it isn't provisioned yet; else what the backends say.
    pub async fn rotate(&self, id: &AgentId) -> Result<(), Error> {
        let system = self.system();
        let rotation = system.rotation.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, ROTATE, id)
                .with_detail("no backend gives mailboxes a second password")
                .with_fix("give the builder a LoginRotation")
        })?;
        let _alone = system.locks.acquire(&agent_lock(id)).await;
        let not = |kind| Error::new(kind, ROTATE, id).with_fix("provision the agent");
        let agent = match system.journal.agent(id).await? {
            Some(agent) if agent.phase == Phase::Active => agent,
            Some(agent) if agent.phase == Phase::Pending => return Err(not(ErrorKind::NotReady)),
            _ => return Err(not(ErrorKind::NotFound)),
        };
        if agent.way == Way::Hub || agent.moving.is_some() {
            return Err(Error::new(ErrorKind::Unsupported, ROTATE, id)
                .with_detail("its mail comes over a hub, or it is moving: it has no password of its own")
                .with_fix("change the password of the hub's mailbox, or finish the move"));
        }
        let stored = match system.journal.rotation(id).await? {
            Some(stored) if stored.stored => stored,
            _ => self.store_another(rotation, &agent).await?,
        };
        rotation.keep_only_login(&agent.address, &agent.claim, &stored.label).await?;
        system.journal.note_rotation(id, None).await?;
        tracing::info!(agent = %id, "password rotated");
        Ok(())
    }

    /// Returns the agents whose [`rotate`](Self::rotate) was begun and not finished: their stored passwords work, and
    /// others may still work too. The next `rotate` finishes it.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn unfinished_rotations(&self) -> Result<Vec<AgentId>, Error> {
        self.system().journal.rotations().await
    }

    /// Makes a password beside those that are there, proves it and stores it.
    async fn store_another(
        &self,
        rotation: &dyn LoginRotation,
        agent: &AgentRecord,
    ) -> Result<RotationRecord, Error> {
        let system = self.system();
        // Never one that was tried before: it may be the stored one.
        let label = Claim::generate().as_str().to_owned();
        let mut record = RotationRecord { label, stored: false };
        system.journal.note_rotation(&agent.id, Some(&record)).await?;
        let secret = password::generate();
        rotation.add_login(&agent.address, &agent.claim, &record.label, &secret).await?;
        let login = Login::new(agent.address.clone(), secret);
        prove(&*system.mail, &login).await?;
        system.secrets.put(&agent.address, login.password()).await?;
        system.logins.replace(login);
        record.stored = true;
        system.journal.note_rotation(&agent.id, Some(&record)).await?;
        Ok(record)
    }
}

const ROTATE: &str = "rotate password";
