use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use super::pool::{Opener, Place};
use super::reading::{Course, Reading};
use crate::Received;
use crate::wire::Fault;

/// Gives out the messages of a course, over a connection of their own, or several one after the other.
pub(crate) fn messages(opener: Opener, course: Course) -> impl Stream<Item = Result<Received, Fault>> {
    let desk = Arc::new(Mutex::new(Desk::Waiting(Box::new(course))));
    stream::try_unfold(Reader { opener, desk, guard: None, broken: 0 }, |mut reader| async {
        Ok(reader.next().await?.map(|message| (message, reader)))
    })
}

/// Who reads, and where what is read lies while nobody asks for the next message.
struct Reader {
    opener: Opener,
    desk: Arc<Mutex<Desk>>,
    guard: Option<Guard>,
    /// How many connections it lost in a row to messages that can't be read.
    broken: usize,
}

enum Desk {
    /// No connection is open.
    Waiting(Box<Course>),
    /// One is open, and nobody has asked for a message since.
    Open(Box<(Reading, Place)>, Instant),
    Reading,
}

/// The task that looks after a connection which nobody reads from; it ends with this.
struct Guard(AbortHandle);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Received>, Fault> {
        loop {
            let desk = std::mem::replace(&mut *lock(&self.desk), Desk::Reading);
            let (mut reading, place) = match desk {
                Desk::Open(open, _) => *open,
                Desk::Waiting(course) => self.open(*course).await?,
                Desk::Reading => return Ok(None),
            };
            match reading.next().await {
                Ok(Some(message)) => {
                    self.broken = 0;
                    *lock(&self.desk) = Desk::Open(Box::new((reading, place)), Instant::now());
                    return Ok(Some(message));
                }
                Ok(None) => {
                    reading.end().await;
                    return Ok(None);
                }
                Err(fault @ Fault::Unreadable(_)) if self.broken < MAX_BROKEN => {
                    drop(place);
                    self.broken += 1;
                    let Some(course) = reading.break_off(&fault) else { return Err(fault) };
                    *lock(&self.desk) = Desk::Waiting(Box::new(course));
                }
                Err(fault) => return Err(fault),
            }
        }
    }

    async fn open(&mut self, course: Course) -> Result<(Reading, Place), Fault> {
        let (session, place) = self.opener.open().await?;
        let reading = Reading::begin(session, course).await?;
        if self.guard.as_ref().is_none_or(|guard| guard.0.is_finished()) {
            let task = tokio::spawn(look_after(Arc::clone(&self.desk), self.opener.clone()));
            self.guard = Some(Guard(task.abort_handle()));
        }
        Ok((reading, place))
    }
}

/// Gives the connection up when nobody has read from it for a while, and ends then.
async fn look_after(desk: Arc<Mutex<Desk>>, opener: Opener) {
    loop {
        sleep(UNREAD).await;
        let is_wanted = opener.is_wanted();
        let mut desk = lock(&desk);
        let patience = if is_wanted { UNREAD } else { KEPT };
        match std::mem::replace(&mut *desk, Desk::Reading) {
            Desk::Open(open, since) if since.elapsed() >= patience => {
                let (reading, place) = *open;
                *desk = Desk::Waiting(Box::new(reading.into_course()));
                drop(desk);
                return drop(place);
            }
            other => *desk = other,
        }
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a connection may lie unread while others wait for one.
const UNREAD: Duration = Duration::from_secs(5);
/// How long it may while nobody does; Dovecot closes it after 5 minutes.
const KEPT: Duration = Duration::from_mins(2);
/// Each message takes 3 at most.
const MAX_BROKEN: usize = 4;
