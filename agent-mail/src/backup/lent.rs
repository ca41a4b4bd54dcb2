//! Something that is worked on where a disk keeps nobody else waiting.

use std::io;
use std::path::PathBuf;

use mail_access::ArchiveError;

use super::blocking;

/// A value that is lent to another thread for each piece of work. A call that is dropped takes it along, and so does an
/// error.
pub(super) struct Lent<T>(Option<Box<T>>);

impl<T: Send + 'static> Lent<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Some(Box::new(value)))
    }

    pub(super) async fn with<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut T) -> Result<R, ArchiveError> + Send + 'static,
    ) -> Result<R, ArchiveError> {
        let mut value = self.0.take().ok_or_else(broken_off)?;
        let (value, done) = blocking(move || {
            let done = work(&mut value)?;
            Ok((value, done))
        })
        .await?;
        self.0 = Some(value);
        Ok(done)
    }

    pub(super) fn into_inner(self) -> Result<T, ArchiveError> {
        self.0.map(|value| *value).ok_or_else(broken_off)
    }
}

fn broken_off() -> ArchiveError {
    ArchiveError::File { path: PathBuf::new(), source: io::Error::other("it was broken off before") }
}
