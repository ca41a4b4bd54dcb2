use std::ops::Range;

use super::fetch::Row;
use super::session::{Allowance, LONG, SHORT, Session, gone_is_fine, refused};
use crate::wire::Fault;
use crate::{FolderName, Position};

impl Session {
    /// Does what [`MessageStore::read`](crate::MessageStore::read) says, for a range that is in order.
    pub(crate) async fn read(
        &mut self,
        folder: &FolderName,
        at: Position,
        range: Range<u64>,
    ) -> Result<Vec<u8>, Fault> {
        self.select_folder(folder).await?.check(at.uid_validity)?;
        if at.uid == 0 {
            return Err(gone());
        }
        let length = range.end.saturating_sub(range.start);
        let section = match u32::try_from(range.start) {
            Ok(start) if length > 0 => format!(" BODY.PEEK[]<{start}.{length}>"),
            // No message goes as far; it has to be there all the same.
            _ => String::new(),
        };
        let allowance = Allowance { bytes: SHORT.bytes + 2 * length, literal: length, ..LONG };
        let (mut is_there, mut bytes) = (false, section.is_empty().then(Vec::new));
        let done = self
            .run(&format!("UID FETCH {} (UID{section})", at.uid), allowance, |answer| {
                let row = Row::read(answer).filter(|row| row.uid.is_some_and(|uid| uid.get() == at.uid));
                if let Some(row) = row {
                    is_there = true;
                    if row.origin.map(u64::from) == Some(range.start)
                        && let Some(content) = row.content
                    {
                        bytes = Some(content.to_vec());
                    }
                }
            })
            .await;
        gone_is_fine(done)?;
        match bytes {
            _ if !is_there => Err(gone()),
            Some(bytes) => Ok(bytes),
            None => Err(Fault::Protocol("it doesn't give out the piece that was asked for".into())),
        }
    }
}

fn gone() -> Fault {
    refused("[EXPUNGEISSUED] the message is no longer there")
}
