use std::time::SystemTime;

use async_imap::imap_proto::rfc4315::UidSetMember;
use async_imap::imap_proto::{Response, ResponseCode};

use super::command::{Command, changed};
use super::date;
use super::session::{LONG, Said, Session};
use crate::wire::Fault;
use crate::{Flag, FolderName, Position};

impl Session {
    /// Does what [`MessageStore::append`](crate::MessageStore::append) says.
    pub(crate) async fn append(
        &mut self,
        folder: &FolderName,
        message: &[u8],
        flags: &[Flag],
        date: Option<SystemTime>,
    ) -> Result<Option<Position>, Fault> {
        let mut command = Command::new("APPEND ").folder(folder).words(" ").flags(flags).words(" ");
        if let Some(date) = date {
            command = command.words(&format!("\"{}\" ", date::write(date)));
        }
        let header = memchr::memmem::find(message, b"\r\n\r\n").map_or(message, |end| &message[..end]);
        let is_utf8 = self.agreed.utf8 && !header.is_ascii() && str::from_utf8(header).is_ok();
        let command = if is_utf8 { command.utf8(message) } else { command.literal(message) };
        let mut place = None;
        let done = self
            .execute(&command, LONG, |answer| {
                if let Said::Parsed(Response::Done { outcome, .. }) = answer
                    && let Some(ResponseCode::AppendUid(uid_validity, uids)) = &outcome.code
                    && let [UidSetMember::Uid(uid)] = uids.as_slice()
                {
                    place = Some(Position { uid_validity: *uid_validity, uid: *uid });
                }
            })
            .await;
        changed(done)?;
        Ok(place)
    }
}

/// Tells what keeps a message from being filed.
pub(crate) fn check(message: &[u8]) -> Result<(), Fault> {
    let problem = if message.is_empty() {
        "it has no bytes"
    } else if u32::try_from(message.len()).is_err() {
        "it has 4 GiB or more, which no server takes"
    } else if message.contains(&0) {
        "it holds a NUL, which no message may (RFC 5322 section 2.2)"
    } else {
        return Ok(());
    };
    Err(Fault::Invalid { what: "message", problem })
}
