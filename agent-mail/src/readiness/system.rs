//! The readiness of a system's own domain.

use std::time::Duration;

use super::{Gate, Ready, Report};
use crate::{AgentMail, Error, ErrorKind};

impl AgentMail {
    /// Checks whether the domain is ready to send, and keeps the proof if it is: mail to the outside needs one.
    ///
    /// Those who ask at the same time share one check. One that fails leaves an earlier proof as it is, until that
    /// expires or the key changes. A dropped call leaves nothing behind.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if the system has no [`SendGate`](super::SendGate); what the mail system
    /// says if it doesn't tell the key. That the domain isn't ready is no error but in the report.
    pub async fn check_readiness(&self) -> Result<Report, Error> {
        self.gate("check")?.check().await
    }

    /// Keeps the proof that the domain is ready fresh: checks now, again when half of the proof's time is over, and
    /// each five minutes while the domain is not ready, for ever. The caller spawns it.
    ///
    /// What a check finds is logged. It returns at once if the system has no [`SendGate`](super::SendGate). A dropped
    /// call leaves the last proof as it is.
    pub async fn keep_ready(&self) {
        let Ok(gate) = self.gate("check") else { return };
        loop {
            // What went wrong is logged by the gate.
            let _ = gate.check().await;
            tokio::time::sleep(gate.next_check()).await;
        }
    }

    /// Returns the proof by which mail to the outside passes at this moment.
    pub fn ready_proof(&self) -> Option<Ready> {
        self.system().gate.as_ref()?.proof()
    }

    /// Lets mail to the outside pass without a proof for a while. This and each message that passes so is logged as a
    /// warning, with the reason. A later call takes the place of an earlier one; no duration ends it.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if the system has no [`SendGate`](super::SendGate);
    /// [`InvalidInput`](ErrorKind::InvalidInput) if no reason is given.
    pub fn override_send_gate(&self, duration: Duration, reason: &str) -> Result<(), Error> {
        let gate = self.gate("override send gate")?;
        if reason.trim().is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "override send gate", self.domain())
                .with_detail("a reason is needed: it stands in the log"));
        }
        gate.open_for(duration, reason);
        Ok(())
    }

    fn gate(&self, operation: &'static str) -> Result<&Gate, Error> {
        self.system().gate.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, operation, self.domain())
                .with_detail("the system has no send gate")
                .with_fix("give the builder a SendGate")
        })
    }
}
