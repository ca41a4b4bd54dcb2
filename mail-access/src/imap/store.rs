use super::select::Inbox;
use super::session::{EXPUNGED, SHORT, Session};
use super::set;
use crate::Uid;
use crate::wire::Fault;

impl Session {
    /// Does what [`MailAccess::mark_seen`](crate::MailAccess::mark_seen) says.
    pub(crate) async fn mark_seen(
        &mut self,
        inbox: Inbox,
        uid_validity: u32,
        uids: &[Uid],
    ) -> Result<(), Fault> {
        if uids.is_empty() {
            return Ok(());
        }
        inbox.check(uid_validity)?;
        for set in set::sets(uids) {
            let command = format!("UID STORE {set} +FLAGS.SILENT (\\Seen)");
            match self.run(&command, SHORT, |_| {}).await {
                // The others were marked; those that went away need no mark.
                Err(Fault::Refused(status)) if status.text.starts_with(EXPUNGED) => {}
                Err(Fault::Lost(error)) => return Err(Fault::Interrupted(error)),
                done => done?,
            }
        }
        Ok(())
    }
}
