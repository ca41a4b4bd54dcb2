use super::command::Command;
use super::folders::NAMES;
use super::line::{Reader, unreadable};
use super::session::{Said, Session};
use crate::wire::Fault;
use crate::{FolderName, FolderStatus};

impl Session {
    /// Does what [`MessageStore::status`](crate::MessageStore::status) says.
    pub(crate) async fn status(&mut self, folder: &FolderName) -> Result<FolderStatus, Fault> {
        let modseq = if self.offers.has("CONDSTORE") { " HIGHESTMODSEQ" } else { "" };
        let items = format!(" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY{modseq})");
        let command = Command::new("STATUS ").folder(folder).words(&items);
        let mut told = None;
        self.execute(&command, NAMES, |answer| {
            // There is only one folder that the server can speak of.
            if let Said::Line(line) = answer
                && let Some(rest) = line.after("STATUS")
            {
                told = status(rest);
            }
        })
        .await?;
        told.ok_or_else(unreadable)
    }
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
