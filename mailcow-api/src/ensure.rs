//! The one procedure behind every `ensure_*`: read, create, and after any doubt read again.

use crate::Error;

/// An object that an `ensure_*` call made certain of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "it says whether the object was there before and where it differs"]
pub struct Ensured<T> {
    /// The object as the server shows it.
    pub value: T,
    /// How it came to be there.
    pub how: How,
    /// The fields, by the name in the request, that the caller asked for otherwise. They were not changed.
    pub differs: Vec<&'static str>,
}

/// How an object came to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum How {
    /// This call created it and the server confirmed so.
    Created,
    /// It was there before, or somebody else was faster. Its password, if it has one, may be another.
    Existed,
    /// The create was sent, its outcome is unknown, and the object is there now. Most likely this call created it,
    /// but a competitor may have done so with another password: set the password to be certain.
    Recovered,
}

/// Makes certain that an object exists. Nothing is written if `read` finds it.
pub(crate) async fn ensure<T, R, C>(
    read: impl Fn() -> R,
    create: impl FnOnce() -> C,
    differs: impl FnOnce(&T) -> Vec<&'static str>,
) -> Result<Ensured<T>, Error>
where
    R: Future<Output = Result<Option<T>, Error>>,
    C: Future<Output = Result<(), Error>>,
{
    let found = |value, how| {
        let differs = differs(&value);
        Ensured { value, how, differs }
    };
    if let Some(value) = read().await? {
        return Ok(found(value, How::Existed));
    }
    let (how, error) = match create().await {
        Ok(()) => (How::Created, None),
        Err(error @ Error::Unknown { .. }) => (How::Recovered, Some(error)),
        // Several codes can mean that it exists by now, so any refusal is looked into.
        Err(error @ Error::Refused { .. }) => (How::Existed, Some(error)),
        Err(error) => return Err(error),
    };
    match (read().await, error) {
        (Ok(Some(value)), _) => Ok(found(value, how)),
        (_, Some(error)) | (Err(error), None) => Err(error),
        (Ok(None), None) => Err(Error::Unexpected {
            operation: "ensure",
            reason: "what the server confirmed to have created is not there".to_owned(),
        }),
    }
}
