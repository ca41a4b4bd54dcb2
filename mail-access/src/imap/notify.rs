//! Several folders that are watched by one session: the server tells of them (NOTIFY, RFC 5465), or is asked.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::time::{Instant, timeout, timeout_at};

use super::command::Command;
use super::folders::{NAMES, name};
use super::pool::{Opener, Place};
use super::session::{Said, Session};
use super::status::told_status;
use crate::wire::Fault;
use crate::{FolderChange, FolderName, FolderStatus};

/// Gives out how the folders are, and then each change, over a connection of their own.
pub(crate) fn folder_changes(
    opener: Opener,
    folders: Vec<FolderName>,
    every: Duration,
) -> impl Stream<Item = Result<FolderChange, Fault>> {
    stream::try_unfold(Err((opener, folders)), move |begun| async move {
        let (mut watch, place) = match begun {
            Ok(open) => open,
            Err((opener, folders)) => {
                let (session, place): (Session, Place) = opener.open().await?;
                (Watch::begin(session, folders, every).await?, place)
            }
        };
        Ok(Some((watch.next().await?, Ok((watch, place)))))
    })
}

struct Watch {
    session: Session,
    folders: Vec<(FolderName, Option<FolderStatus>)>,
    /// Those of which it is to be asked how they are.
    due: VecDeque<usize>,
    /// The server tells by itself that there is something to ask for.
    is_told: bool,
    every: Duration,
    asked: Instant,
}

impl Watch {
    async fn begin(session: Session, folders: Vec<FolderName>, every: Duration) -> Result<Self, Fault> {
        let due = (0..folders.len()).collect();
        let folders = folders.into_iter().map(|folder| (folder, None)).collect();
        let mut watch = Self { session, folders, due, is_told: false, every, asked: Instant::now() };
        if watch.session.offers.has("NOTIFY") && !watch.folders.is_empty() {
            watch.agree().await?;
        }
        Ok(watch)
    }

    /// Has the server tell of the folders. One that can't is asked again and again.
    async fn agree(&mut self) -> Result<(), Fault> {
        let mut command = Command::new("NOTIFY SET (MAILBOXES (");
        for (at, (folder, _)) in self.folders.iter().enumerate() {
            command = command.words(if at == 0 { "" } else { " " }).folder(folder);
        }
        // Dovecot holds the names as they were sent against its own, which are in UTF-8.
        let is_plain =
            |(folder, _): &(FolderName, _)| folder.as_str().is_ascii() && !folder.as_str().contains('&');
        let all = if self.folders.iter().all(is_plain) {
            ""
        } else {
            " (PERSONAL (MessageNew MessageExpunge FlagChange))"
        };
        let command = command.words(&format!(") (MessageNew MessageExpunge FlagChange)){all}"));
        let mut gives_up = false;
        let done = self.session.execute(&command, NAMES, |answer| gives_up |= is_overflow(answer));
        match done.await {
            Ok(()) => self.is_told = !gives_up,
            Err(Fault::Refused(status)) if !status.is_temporary() => {}
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<FolderChange, Fault> {
        loop {
            while let Some(at) = self.due.pop_front() {
                let status = self.ask(at).await?;
                if self.folders[at].1.replace(status) != Some(status) {
                    return Ok(FolderChange::new(self.folders[at].0.clone(), status));
                }
            }
            self.hear().await?;
        }
    }

    async fn ask(&mut self, at: usize) -> Result<FolderStatus, Fault> {
        let folder = self.folders[at].0.clone();
        let (folders, due) = (&self.folders, &mut self.due);
        let asked = self.session.status_among(&folder, |written, is_utf8| {
            let found = place(folders, written, is_utf8);
            if let Some(other) = found.filter(|other| *other != at && !due.contains(other)) {
                due.push_back(other);
            }
            found == Some(at)
        });
        let status = asked.await?;
        self.asked = Instant::now();
        Ok(status)
    }

    /// Waits until there is something to ask for.
    async fn hear(&mut self) -> Result<(), Fault> {
        if !self.is_told {
            let pause = timeout_at(self.asked + self.every, self.listen()).await;
            self.due = (0..self.folders.len()).collect();
            return pause.map_or(Ok(()), |heard| heard);
        }
        if self.session.can_idle() {
            // Dovecot tells of nothing unless an IDLE runs, and of what changed before as soon as it does.
            self.session.listen().await?;
        }
        if let Ok(heard) = timeout(SILENCE.min(self.every), self.listen()).await {
            return heard;
        }
        // It may be gone, or have forgotten: what it says now proves that it is there.
        self.due = (0..self.folders.len()).collect();
        Ok(())
    }

    /// Reads what the server says by itself, up to something that concerns a folder. It may be dropped and called again.
    async fn listen(&mut self) -> Result<(), Fault> {
        loop {
            let (folders, due, is_utf8) = (&self.folders, &mut self.due, self.session.agreed.utf8);
            let mut is_over = false;
            let heard = self.session.overhear(NAMES, |answer| match answer {
                Said::Line(line) => {
                    let found = told_status(line).and_then(|(name, _)| place(folders, &name, is_utf8));
                    due.extend(found.filter(|at| !due.contains(at)));
                }
                answer @ Said::Parsed(_) => is_over = is_overflow(answer),
            });
            heard.await?;
            if is_over {
                self.due = (0..self.folders.len()).collect();
                return self.agree().await;
            }
            // What comes before an IDLE has begun would not be seen while that is waited for.
            if !self.due.is_empty() && !self.session.is_beginning() {
                return Ok(());
            }
        }
    }
}

/// Tells whether the server says that it doesn't tell, or no more.
fn is_overflow(answer: Said<'_>) -> bool {
    matches!(answer, Said::Parsed(answer) if format!("{answer:?}").contains(OVERFLOW))
}

/// Finds the folder of a name. What Dovecot tells unasked has its names in UTF-8, whatever was agreed on.
fn place(folders: &[(FolderName, Option<FolderStatus>)], written: &[u8], is_utf8: bool) -> Option<usize> {
    let told = name(written, is_utf8);
    let is_told = |(folder, _): &(FolderName, _)| told.as_ref() == Some(folder);
    let is_written = |(folder, _): &(FolderName, _)| folder.as_str().as_bytes() == written;
    folders.iter().position(is_told).or_else(|| folders.iter().position(is_written))
}

/// The server gave up telling (RFC 5465 section 5.8).
const OVERFLOW: &str = "NOTIFICATIONOVERFLOW";
/// Dovecot says something every 2 minutes.
const SILENCE: Duration = Duration::from_secs(150);
