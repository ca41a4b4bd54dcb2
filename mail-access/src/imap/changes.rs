use super::line::{Line, unreadable};
use super::list::Entries;
use super::select::Inbox;
use super::session::{LONG, SHORT, Said, Session, gone_is_fine, refused};
use crate::wire::Fault;
use crate::{Changes, FolderName, Query, Uid};

impl Session {
    /// Does what [`MessageStore::changes`](crate::MessageStore::changes) says.
    pub(crate) async fn changes(
        &mut self,
        folder: &FolderName,
        uid_validity: u32,
        since: u64,
    ) -> Result<Changes, Fault> {
        if !self.offers.has("CONDSTORE") && !self.offers.has("QRESYNC") {
            return Err(refused(
                "[CANNOT] the server keeps no account of changes: it doesn't offer CONDSTORE",
            ));
        }
        self.enable_resync().await?;
        let inbox = self.select_state(folder).await?;
        inbox.check(uid_validity)?;
        // Some folders can't keep one (NOMODSEQ).
        let modseq =
            inbox.modseq.ok_or_else(|| refused("[CANNOT] the folder keeps no account of changes"))?;
        let mut vanished = Vanished::new(inbox);
        let is_told = self.agreed.resync && since > 0;
        let vanishing = if is_told { " VANISHED" } else { "" };
        let mut changed = Entries::default();
        // What has no state yet has 0.
        let only = if since > 0 { format!(" (CHANGEDSINCE {since}{vanishing})") } else { String::new() };
        let done = self
            .run(&format!("UID FETCH 1:4294967295 {ENTRY}{only}"), LONG, |answer| match answer {
                Said::Line(line) => vanished.read(line),
                answer @ Said::Parsed(_) => changed.add(answer),
            })
            .await;
        gone_is_fine(done)?;
        if !is_told {
            vanished.uids = self.missing(inbox).await?;
        }
        Ok(Changes::new(modseq.max(since), changed.finish()?, vanished.finish()?))
    }

    /// Agrees with the server that it names those that went, where it can (QRESYNC, RFC 7162).
    async fn enable_resync(&mut self) -> Result<(), Fault> {
        let can = ["QRESYNC", "ENABLE", "UNSELECT"].iter().all(|need| self.offers.has(need));
        if self.agreed.resync || !can {
            return Ok(());
        }
        self.agreed.resync = self.enable("QRESYNC").await?;
        Ok(())
    }

    /// Agrees with the server on names and searches in UTF-8, where it can (RFC 6855).
    pub(super) async fn enable_utf8(&mut self) -> Result<(), Fault> {
        let offers = |word| self.offers.has(word);
        let can = (offers("UTF8=ACCEPT") || offers("UTF8=ONLY")) && (offers("ENABLE") || offers("IMAP4REV2"));
        if can && (self.selected.is_none() || offers("UNSELECT") || offers("IMAP4REV2")) {
            self.agreed.utf8 = self.enable("UTF8=ACCEPT").await?;
        }
        Ok(())
    }

    async fn enable(&mut self, what: &str) -> Result<bool, Fault> {
        // It may only be agreed on while no folder is selected (RFC 5161).
        if self.selected.take().is_some() {
            self.run("UNSELECT", SHORT, |_| {}).await?;
        }
        let mut agreed = false;
        self.run(&format!("ENABLE {what}"), SHORT, |answer| {
            if let Said::Line(line) = answer
                && let Some(mut rest) = line.after("ENABLED")
            {
                while rest.eat(" ").is_some() {
                    agreed |= rest.atom().is_some_and(|word| word.eq_ignore_ascii_case(what));
                }
            }
        })
        .await?;
        Ok(agreed)
    }

    /// Lists every UID that was given out and is not there, known or not.
    async fn missing(&mut self, inbox: Inbox) -> Result<Vec<Uid>, Fault> {
        let present = self.search_all(inbox, &Query::everything()).await?;
        let next =
            inbox.uid_next.unwrap_or_else(|| present.last().map_or(1, |last| last.get().saturating_add(1)));
        if next as usize > MAX_VANISHED {
            return Err(refused("[CANNOT] the folder had too many messages to tell which of them went"));
        }
        let mut present = present.into_iter().peekable();
        Ok((1..next).filter_map(Uid::new).filter(|uid| present.next_if_eq(uid).is_none()).collect())
    }
}

/// The messages that went.
struct Vanished {
    uids: Vec<Uid>,
    /// The first UID that no message had yet.
    next: u32,
    readable: bool,
}

impl Vanished {
    fn new(inbox: Inbox) -> Self {
        Self { uids: Vec::new(), next: inbox.uid_next.unwrap_or(u32::MAX), readable: true }
    }

    fn read(&mut self, line: Line<'_>) {
        let Some(rest) = line.after("VANISHED") else { return };
        let ranges = rest.space().and_then(|mut rest| {
            let _ = rest.eat("(EARLIER) ");
            rest.ranges()
        });
        self.readable &= ranges.is_some();
        for (first, last) in ranges.unwrap_or_default() {
            let last = last.min(self.next.saturating_sub(1));
            let count = usize::try_from(last.saturating_sub(first)).unwrap_or(usize::MAX);
            self.readable &= count < MAX_VANISHED.saturating_sub(self.uids.len());
            if self.readable && first <= last {
                self.uids.extend((first..=last).filter_map(Uid::new));
            }
        }
    }

    fn finish(mut self) -> Result<Vec<Uid>, Fault> {
        if !self.readable {
            return Err(unreadable());
        }
        self.uids.sort_unstable();
        self.uids.dedup();
        Ok(self.uids)
    }
}

pub(super) const ENTRY: &str = "(UID FLAGS RFC822.SIZE INTERNALDATE)";
/// UIDs in one answer, 16 MiB of them.
const MAX_VANISHED: usize = 4 << 20;
