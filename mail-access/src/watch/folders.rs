//! Folders that are asked again and again how they are.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;

use crate::{Error, FolderChange, FolderName, FolderStatus, Login, MessageStore};

/// Gives out how each folder is, and then each change that it sees by asking.
pub(crate) struct Polled(Option<Next>);

type Next = Pin<Box<dyn Future<Output = (Box<Asker>, Result<FolderChange, Error>)> + Send>>;

struct Asker {
    store: Arc<dyn MessageStore>,
    login: Login,
    folders: Vec<(FolderName, Option<FolderStatus>)>,
    every: Duration,
    /// Which one is asked next.
    at: usize,
}

impl Polled {
    pub(crate) fn new(
        store: Arc<dyn MessageStore>,
        login: Login,
        folders: &[FolderName],
        every: Duration,
    ) -> Self {
        let folders = folders.iter().map(|folder| (folder.clone(), None)).collect();
        Self(Some(Box::pin(Box::new(Asker { store, login, folders, every, at: 0 }).into_next())))
    }
}

impl Asker {
    async fn into_next(mut self: Box<Self>) -> (Box<Self>, Result<FolderChange, Error>) {
        loop {
            if self.at == self.folders.len() {
                self.at = 0;
                tokio::time::sleep(self.every).await;
                continue;
            }
            let (folder, known) = &mut self.folders[self.at];
            let status = match self.store.status(&self.login, folder).await {
                Ok(status) => status,
                Err(error) => return (self, Err(error)),
            };
            self.at += 1;
            if known.replace(status) != Some(status) {
                let change = FolderChange::new(folder.clone(), status);
                return (self, Ok(change));
            }
        }
    }
}

impl Stream for Polled {
    type Item = Result<FolderChange, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = &mut self.0 else { return Poll::Ready(None) };
        let Poll::Ready((asker, change)) = next.as_mut().poll(cx) else { return Poll::Pending };
        self.0 = change.is_ok().then(|| Box::pin(asker.into_next()) as Next);
        Poll::Ready(Some(change))
    }
}
