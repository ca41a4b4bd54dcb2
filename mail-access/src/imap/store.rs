use super::command::{Command, changed};
use super::select::Inbox;
use super::session::{SHORT, Session, gone_is_fine};
use super::set;
use crate::wire::Fault;
use crate::{Flag, FlagChange, FolderName, Uid};

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
        self.store(uids, "+FLAGS.SILENT ", &[Flag::Seen]).await
    }

    /// Does what [`MessageStore::change_flags`](crate::MessageStore::change_flags) says.
    pub(crate) async fn change_flags(
        &mut self,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        change: &FlagChange,
    ) -> Result<(), Fault> {
        if uids.is_empty() {
            return Ok(());
        }
        self.select_folder(folder).await?.check(uid_validity)?;
        match change {
            FlagChange::Add(flags) | FlagChange::Remove(flags) if flags.is_empty() => Ok(()),
            FlagChange::Add(flags) => self.store(uids, "+FLAGS.SILENT ", flags).await,
            FlagChange::Remove(flags) => self.store(uids, "-FLAGS.SILENT ", flags).await,
            FlagChange::Set(flags) => self.store(uids, "FLAGS.SILENT ", flags).await,
        }
    }

    /// Changes the flags of messages in the selected folder.
    pub(super) async fn store(&mut self, uids: &[Uid], item: &str, flags: &[Flag]) -> Result<(), Fault> {
        for set in set::sets(uids) {
            let command = Command::new(format!("UID STORE {set} {item}")).flags(flags);
            // The others were changed.
            gone_is_fine(changed(self.execute(&command, SHORT, |_| {}).await))?;
        }
        Ok(())
    }
}
