use super::command::{Command, changed};
use super::session::{LONG, Session, gone_is_fine, refused};
use super::set;
use crate::wire::Fault;
use crate::{Flag, FolderName, Uid};

impl Session {
    /// Does what [`MessageStore::expunge`](crate::MessageStore::expunge) says.
    pub(crate) async fn expunge(
        &mut self,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
    ) -> Result<(), Fault> {
        if uids.is_empty() {
            return Ok(());
        }
        if !self.offers.has("UIDPLUS") {
            return Err(refused("[CANNOT] the server can't remove by UID: it doesn't offer UIDPLUS"));
        }
        self.select_folder(folder).await?.check(uid_validity)?;
        self.remove(uids).await
    }

    /// Removes these messages from the selected folder, and no others that are marked as deleted.
    pub(super) async fn remove(&mut self, uids: &[Uid]) -> Result<(), Fault> {
        self.store(uids, "+FLAGS.SILENT ", &[Flag::Deleted]).await?;
        for set in set::sets(uids) {
            let command = Command::new(format!("UID EXPUNGE {set}"));
            gone_is_fine(changed(self.execute(&command, LONG, |_| {}).await))?;
        }
        Ok(())
    }
}
