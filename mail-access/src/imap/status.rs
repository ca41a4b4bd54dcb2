use std::borrow::Cow;

use super::command::Command;
use super::folders::NAMES;
use super::line::{Line, Reader, unreadable};
use super::session::{Said, Session};
use crate::wire::Fault;
use crate::{FolderName, FolderStatus};

impl Session {
    /// Does what [`MessageStore::status`](crate::MessageStore::status) says.
    pub(crate) async fn status(&mut self, folder: &FolderName) -> Result<FolderStatus, Fault> {
        // There is only one folder that the server can speak of.
        self.status_among(folder, |_, _| true).await
    }

    /// Does the same where the server tells of other folders unasked: `is_it` knows whether it is the one, by its name as
    /// the server writes it.
    pub(super) async fn status_among(
        &mut self,
        folder: &FolderName,
        mut is_it: impl FnMut(&[u8], bool) -> bool + Send,
    ) -> Result<FolderStatus, Fault> {
        let modseq = if self.offers.has("CONDSTORE") { " HIGHESTMODSEQ" } else { "" };
        let items = format!(" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY{modseq})");
        let command = Command::new("STATUS ").folder(folder).words(&items);
        let (mut told, is_utf8) = (None, self.agreed.utf8);
        self.execute(&command, NAMES, |answer| {
            if let Said::Line(line) = answer
                && let Some((name, status)) = told_status(line)
                && is_it(&name, is_utf8)
            {
                // Unasked it tells less.
                told = status.or(told);
            }
        })
        .await?;
        told.ok_or_else(unreadable)
    }
}

/// Reads ` STATUS name (MESSAGES 3 UNSEEN 1 ...)`: the name as it is written, and the state if all of it is there.
pub(super) fn told_status(line: Line<'_>) -> Option<(Cow<'_, [u8]>, Option<FolderStatus>)> {
    let rest = line.after("STATUS")?;
    let name = rest.space()?.astring()?;
    Some((name, status(rest)))
}

/// Reads ` name (MESSAGES 3 UNSEEN 1 ...)`.
fn status(rest: Reader<'_>) -> Option<FolderStatus> {
    let mut rest = rest.space()?;
    rest.astring()?;
    rest.eat(" ")?;
    let items = rest.atoms()?;
    let item = |name: &str| {
        let pair = items.chunks_exact(2).find(|pair| pair[0].eq_ignore_ascii_case(name))?;
        pair[1].parse::<u64>().ok()
    };
    let number = |name| item(name).and_then(|number| u32::try_from(number).ok());
    let mut status = FolderStatus::new(number("UIDVALIDITY")?);
    status.messages = number("MESSAGES")?;
    status.unseen = number("UNSEEN")?;
    status.uid_next = number("UIDNEXT")?;
    status.modseq = item("HIGHESTMODSEQ");
    Some(status)
}
