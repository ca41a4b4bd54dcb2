use async_imap::imap_proto::rfc4315::UidSetMember;
use async_imap::imap_proto::{Response, ResponseCode};

use super::command::{Command, changed};
use super::session::{LONG, Said, Session, is_gone, refused};
use super::set;
use crate::wire::Fault;
use crate::{FolderName, Position, Uid};

impl Session {
    /// Does what [`MessageStore::copy`](crate::MessageStore::copy) says.
    pub(crate) async fn copy(
        &mut self,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Fault> {
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        // One command copies all or nothing; two don't.
        let set = set::sets(uids).join(",");
        if set.len() > MAX_SET {
            let problem =
                "as many scattered messages can't be copied at once; at most 30000 bytes hold their UIDs";
            return Err(Fault::Invalid { what: "uids", problem });
        }
        let mut refused = None;
        for _ in 0..ATTEMPTS {
            self.select_folder(folder).await?.check(uid_validity)?;
            match self.carry("UID COPY", &set, uids.len(), to).await {
                // Nothing was copied, since some were removed by another client; now the server knows that.
                Err(Fault::Refused(status)) if is_gone(&status) => refused = Some(status),
                done => return done,
            }
        }
        match refused {
            Some(status) if !self.list(&set).await?.is_empty() => Err(Fault::Refused(status)),
            _ => Ok(Vec::new()),
        }
    }

    /// Does what [`MessageStore::move_to`](crate::MessageStore::move_to) says. A server that can't do it (RFC 6851)
    /// copies and removes; if that is interrupted and repeated, what was copied is copied again.
    pub(crate) async fn move_to(
        &mut self,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Fault> {
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        let at_once = self.offers.has("MOVE");
        if !at_once && !self.offers.has("UIDPLUS") {
            return Err(refused("[CANNOT] the server can't move: it offers neither MOVE nor UIDPLUS"));
        }
        self.select_folder(folder).await?.check(uid_validity)?;
        let mut moved = Vec::new();
        for set in set::sets(uids) {
            if at_once {
                moved.extend(self.carry("UID MOVE", &set, uids.len(), to).await?);
            } else {
                let copied = self.carry("UID COPY", &set, uids.len(), to).await?;
                let mut these: Vec<Uid> = copied.iter().map(|(uid, _)| *uid).collect();
                if these.is_empty() {
                    // It doesn't tell which ones it copied: all that were there, and so all that are still.
                    these = changed(self.list(&set).await)?.iter().map(|one| one.uid).collect();
                }
                self.remove(&these).await?;
                moved.extend(copied);
            }
        }
        Ok(moved)
    }

    /// Copies or moves at most `count` messages of the selected folder and returns where they are now.
    async fn carry(
        &mut self,
        verb: &str,
        set: &str,
        count: usize,
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Fault> {
        let mut carried = Vec::new();
        let command = Command::new(format!("{verb} {set} ")).folder(to);
        // MOVE tells it before it is done, COPY when it is.
        let done = self.execute(&command, LONG, |answer| {
            let Said::Parsed(Response::Data { outcome, .. } | Response::Done { outcome, .. }) = answer else {
                return;
            };
            if let Some(ResponseCode::CopyUid(uid_validity, from, to)) = &outcome.code {
                let places = members(to).map(|uid| Position { uid_validity: *uid_validity, uid });
                let pairs = members(from).filter_map(Uid::new).zip(places);
                carried.extend(pairs.take(count));
            }
        });
        changed(done.await)?;
        carried.sort_unstable_by_key(|(uid, _)| *uid);
        Ok(carried)
    }
}

fn members(set: &[UidSetMember]) -> impl Iterator<Item = u32> {
    set.iter().flat_map(|member| match member {
        UidSetMember::Uid(uid) => *uid..=*uid,
        UidSetMember::UidRange(range) => range.clone(),
    })
}

const ATTEMPTS: usize = 3;
/// Dovecot ends a connection that sends a command of more than 64 KiB.
const MAX_SET: usize = 30_000;
