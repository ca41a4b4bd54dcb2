//! The procedures behind every `ensure_*`: read, create or change, and after any doubt read again.

mod hub;
mod rate_limits;
mod tags;

use std::fmt;

use serde_json::json;

use crate::{Client, Error, Problem};

pub use self::hub::{Hub, NewHub};

/// An object that an `ensure_*` call made certain of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "it says whether the object was there before and where it differs"]
pub struct Ensured<T> {
    /// The object as the server shows it.
    pub value: T,
    /// How it came to be there.
    pub how: How,
    /// The fields, by the name in the request, that this call changed.
    pub changed: Vec<&'static str>,
    /// The fields, by the name in the request, that the caller asked for otherwise and that are still so.
    pub differs: Vec<&'static str>,
}

impl<T> Ensured<T> {
    /// Returns what the call did to the object.
    ///
    /// ```
    /// use mailcow_api::{FakeMailcow, NewDomain, Outcome};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let client = FakeMailcow::new().client();
    /// let wanted = NewDomain::new("agents.example.com".parse()?);
    /// assert_eq!(client.converge_domain(&wanted).await?.outcome(), Outcome::Created);
    /// assert_eq!(client.converge_domain(&wanted).await?.outcome(), Outcome::Unchanged);
    /// let wanted = wanted.with_description("agents");
    /// assert_eq!(client.converge_domain(&wanted).await?.outcome(), Outcome::Changed(&["description"]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn outcome(&self) -> Outcome<'_> {
        match (self.how, self.changed.as_slice()) {
            (How::Created | How::Recovered, _) => Outcome::Created,
            (How::Existed, []) => Outcome::Unchanged,
            (How::Existed, fields) => Outcome::Changed(fields),
        }
    }
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

/// What an `ensure_*` call did to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// It was created, as far as one can know.
    Created,
    /// It was there, and these fields of it were changed.
    Changed(&'a [&'static str]),
    /// It was there, and nothing of it was changed.
    Unchanged,
}

impl fmt::Display for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created => f.write_str("created"),
            Self::Changed(fields) => write!(f, "changed {}", fields.join(", ")),
            Self::Unchanged => f.write_str("unchanged"),
        }
    }
}

/// What a caller wants to be on the server.
pub(crate) trait Wish: Sync {
    /// What is there.
    type Found: Send + Sync;

    /// Returns what is there now.
    fn read(&self, client: &Client) -> impl Future<Output = Result<Option<Self::Found>, Error>> + Send;

    /// Creates it, or says why that cannot be.
    fn create(&self, client: &Client) -> impl Future<Output = Result<(), Error>> + Send;

    /// Names the fields that are otherwise.
    fn differs(&self, found: &Self::Found) -> Vec<&'static str>;

    /// Counts what is left to do, where one field takes several steps.
    fn distance(&self, found: &Self::Found) -> usize {
        self.differs(found).len()
    }

    /// Changes these fields, and nothing else.
    fn change(
        &self,
        client: &Client,
        found: &Self::Found,
        fields: &[&'static str],
    ) -> impl Future<Output = Result<(), Error>> + Send;
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
    match read().await? {
        Some(value) => {
            let differs = differs(&value);
            Ok(Ensured { value, how: How::Existed, changed: Vec::new(), differs })
        }
        None => ensure_missing(read, create, differs).await,
    }
}

/// As [`ensure`], for an object that was just seen to be missing.
pub(crate) async fn ensure_missing<T, R, C>(
    read: impl Fn() -> R,
    create: impl FnOnce() -> C,
    differs: impl FnOnce(&T) -> Vec<&'static str>,
) -> Result<Ensured<T>, Error>
where
    R: Future<Output = Result<Option<T>, Error>>,
    C: Future<Output = Result<(), Error>>,
{
    let (how, error) = match create().await {
        Ok(()) => (How::Created, None),
        Err(error @ Error::Unknown { .. }) => (How::Recovered, Some(error)),
        // Several codes can mean that it exists by now, so any refusal is looked into.
        Err(error @ Error::Refused { .. }) => (How::Existed, Some(error)),
        Err(error) => return Err(error),
    };
    match (read().await, error) {
        (Ok(Some(value)), _) => {
            let differs = differs(&value);
            Ok(Ensured { value, how, changed: Vec::new(), differs })
        }
        (_, Some(error)) | (Err(error), None) => Err(error),
        (Ok(None), None) => Err(Error::Unexpected {
            operation: "ensure",
            reason: "what the server confirmed to have created is not there".to_owned(),
        }),
    }
}

/// Makes certain that an object exists and is as wished. Nothing is written if it is so already.
pub(crate) async fn converge<W: Wish>(client: &Client, wish: &W) -> Result<Ensured<W::Found>, Error> {
    let mut ensured =
        ensure(|| wish.read(client), || wish.create(client), |found| wish.differs(found)).await?;
    while !ensured.differs.is_empty() {
        let doubt = match wish.change(client, &ensured.value, &ensured.differs).await {
            Ok(()) => None,
            Err(error) if error.outcome_unknown() => Some(error),
            Err(error) => return Err(error),
        };
        let value = match wish.read(client).await {
            Ok(Some(value)) => value,
            read => return Err(doubt.or(read.err()).unwrap_or_else(gone)),
        };
        let left = wish.differs(&value);
        let is_closer = wish.distance(&value) < wish.distance(&ensured.value);
        let before = std::mem::replace(&mut ensured.differs, left);
        ensured.value = value;
        let left = &ensured.differs;
        ensured.changed.extend(before.iter().filter(|field| !left.contains(field)));
        // Another round is for a change of several steps that broke off in the middle.
        if !is_closer {
            return doubt.map_or(Ok(ensured), Err);
        }
    }
    Ok(ensured)
}

fn gone() -> Error {
    let reason = "what was changed is no longer there".to_owned();
    Error::Unexpected { operation: "ensure", reason }
}

/// The refusal of a setting of something that does not exist, in the words Mailcow has for it.
pub(crate) fn missing(operation: &'static str, subject: &str) -> Error {
    let problem = Problem::decode(&json!("object_doesnt_exist"));
    Error::Refused { operation, subject: subject.to_owned(), problem, further: Vec::new() }
}

/// Names the fields whose condition holds.
pub(crate) fn fields<const N: usize>(conditions: [(&'static str, bool); N]) -> Vec<&'static str> {
    conditions.into_iter().filter_map(|(field, holds)| holds.then_some(field)).collect()
}

#[cfg(test)]
mod tests;
