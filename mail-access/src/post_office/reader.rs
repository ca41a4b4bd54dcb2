//! Gives out the messages of a folder one after the other.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_core::Stream;
use tokio::task::coop::poll_proceed;
use tokio::time::{Sleep, sleep};

use super::call::Call;
use super::{Fault, Occasion, PostOffice};
use crate::{Error, FolderName, Login, Received, Selection};

pub(super) struct Reader {
    office: PostOffice,
    login: Login,
    folder: FolderName,
    selection: Selection,
    slowness: Option<Pin<Box<Sleep>>>,
    progress: Progress,
}

enum Progress {
    Asked,
    Slow,
    Reading(Rest),
    Ended,
}

/// What is still to be read.
struct Rest {
    uid_validity: u32,
    uids: vec::IntoIter<u32>,
    /// How many come until the link is lost.
    until_lost: Option<u32>,
}

impl Reader {
    pub(super) fn new(office: PostOffice, login: Login, folder: FolderName, selection: Selection) -> Self {
        Self { office, login, folder, selection, slowness: None, progress: Progress::Asked }
    }

    /// Finds out which messages are meant.
    fn begin(&self) -> Result<Rest, Error> {
        let call = self.call();
        let mut rest = self.office.look(&call, |mailbox| {
            let folder = call.folder_in(mailbox)?;
            let uids =
                folder.select(&self.selection).map_err(|expected| call.renumbered(expected, folder))?;
            let uids = uids.collect::<Vec<_>>().into_iter();
            Ok(Rest { uid_validity: folder.uid_validity, uids, until_lost: None })
        })?;
        let broken = |fault| matches!(fault, Fault::StreamBroken { .. });
        if let Some(Fault::StreamBroken { after }) =
            self.office.state().take_fault(Occasion::Streaming { login: self.login.address() }, broken)
        {
            rest.until_lost = Some(after);
        }
        Ok(rest)
    }

    /// Reads the next message that is still there.
    fn next(&self, rest: &mut Rest) -> Result<Option<Received>, Error> {
        let call = self.call();
        if rest.until_lost == Some(0) {
            return Err(self.office.unavailable(MESSAGES));
        }
        let found = {
            let mut state = self.office.state();
            let folder = call.numbered(self.office.enter(&mut state, &call)?, rest.uid_validity)?;
            rest.uids.find_map(|uid| folder.get(uid))
        };
        rest.until_lost = rest.until_lost.map(|left| left - 1);
        Ok(found.map(super::folder::Found::decode))
    }

    fn call(&self) -> Call<'_> {
        Call::of(&self.login, MESSAGES, &self.folder)
    }
}

impl Stream for Reader {
    type Item = Result<Received, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let turn = ready!(poll_proceed(context));
        loop {
            match std::mem::replace(&mut self.progress, Progress::Ended) {
                Progress::Asked => {
                    let pause = self.office.state().take_slowness(self.login.address());
                    self.slowness = pause.map(|pause| Box::pin(sleep(pause)));
                    self.progress = Progress::Slow;
                }
                Progress::Slow => {
                    if let Some(slowness) = &mut self.slowness
                        && slowness.as_mut().poll(context).is_pending()
                    {
                        self.progress = Progress::Slow;
                        return Poll::Pending;
                    }
                    match self.begin() {
                        Ok(rest) => self.progress = Progress::Reading(rest),
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    }
                }
                Progress::Reading(mut rest) => {
                    turn.made_progress();
                    let next = self.next(&mut rest).transpose();
                    if let Some(Ok(_)) = &next {
                        self.progress = Progress::Reading(rest);
                    }
                    return Poll::Ready(next);
                }
                Progress::Ended => return Poll::Ready(None),
            }
        }
    }
}

const MESSAGES: &str = "messages";
