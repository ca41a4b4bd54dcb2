//! The client, and how a resource file reads and writes through it.
//!
//! ```text
//! const GET: Read = Read("get/domain");
//! self.read(GET, None)                                   one object or list, no further segment
//! self.read(GET, Some(name.as_str()))                    get/domain/{name}
//! self.read(LOGINS, [mailbox.as_str(), days])            several segments
//! self.read(LIST, Target::from(["all"]).with_query("tags", tags.join(",")))
//! self.read::<String>(HTML, None), self.read::<bool>(..) a bare JSON string, a bare `true`
//! self.read_text(POSTCAT, Some(id))                      raw text
//!
//! const SEARCH: Search = Search("search/mailbox");
//! self.search(SEARCH, &body)                             reads by POST
//!
//! const ADD: Write = Write { route: "add/domain", success: "domain_added" };
//! const EDIT: Write<&[&str]> = Write { route: "edit/fail2ban", success: &["f2b_modified", "object_modified"] };
//! const STS: Write<TaskCompleted> = Write { route: "add/mta-sts", success: TaskCompleted };
//! const RESET: Write<PlainTrue> = Write { route: "get/reset-last-login", success: PlainTrue };
//! const SSO: WriteReturning = WriteReturning("add/sso/domain-admin");
//! self.write(ADD, subject, &body)
//! self.write_idempotent(EDIT, subject, &body)            sent again if there is no answer
//! self.write_at(TAG, [domain.as_str()], &tags)           delete/domain/tag/{domain}
//! self.write_by_get(RESET, [mailbox.as_str()])
//! self.write_returning::<Token>(SSO, subject, &body)
//! self.edit_items(EDIT, &addresses, &attr)               in chunks, judged per item
//! self.delete_items(DELETE, &addresses)                  likewise
//! ```
//! A success code may be free text too, as `"Added client access"`.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use secrecy::SecretString;
use serde::{Serialize, de::DeserializeOwned};

#[allow(unused_imports, reason = "the resource files take their words from here")]
pub(crate) use crate::route::{
    EditItems, PlainTrue, Read, Search, Success, Target, TaskCompleted, Write, WriteReturning,
};
use crate::{
    ClientBuilder, DomainName, Error, Method, PartlyDone,
    answer::{self, Operation},
    capacity::Capacity,
    door::{Call, Door},
};

/// A client of one Mailcow server with one API key. Clones are cheap and share everything.
///
/// Each call may be dropped at any point. A dropped read leaves nothing behind; a dropped write may or may not be
/// carried out by the server, so read back before sending it again.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    door: Door,
    capacity: Capacity,
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Client {
    /// Starts to build a client of the server at `base_url`, with or without `/api/v1` at its end.
    ///
    /// ```
    /// use mailcow_api::Client;
    ///
    /// let client = Client::builder("https://mail.example.com", "AAAAAA-BBBBBB-CCCCCC".into()).build()?;
    /// # Ok::<(), mailcow_api::Error>(())
    /// ```
    pub fn builder(base_url: &str, api_key: SecretString) -> ClientBuilder {
        ClientBuilder::new(base_url, api_key)
    }

    /// Sets another API key for this client and its clones, and lets calls go out again after the server has turned
    /// away the former one.
    ///
    /// Once an answer was HTTP 401 (a wrong or inactive key, an address that the key is not for, a proxy that wants
    /// another credential), every further call fails at once with [`Error::Unauthenticated`] and nothing is sent:
    /// after about ten such calls Mailcow blocks the address of this host. The same key may be set again after its
    /// list of addresses was corrected.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use mailcow_api::{Client, Error, FakeMailcow};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let mailcow = FakeMailcow::new();
    /// let builder = Client::builder("https://mail.example.com", "OLD-KEY".into());
    /// let client = builder.http_client(Arc::new(mailcow.clone())).build()?;
    /// for _ in 0..20 {
    ///     assert!(matches!(client.version().await, Err(Error::Unauthenticated { .. })));
    /// }
    /// assert_eq!(mailcow.calls().len(), 1);
    /// client.replace_key(mailcow.api_key())?;
    /// client.version().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] if it holds other characters than letters, digits and hyphens.
    pub fn replace_key(&self, api_key: SecretString) -> Result<(), Error> {
        self.inner.door.keys.replace(api_key)
    }

    pub(crate) fn new(door: Door) -> Self {
        Self { inner: Arc::new(Inner { door, capacity: Capacity::default(), turns: Mutex::default() }) }
    }

    /// Reads one object or list. `None` means not found or empty.
    pub(crate) async fn read<'a, T: DeserializeOwned>(
        &self,
        route: Read,
        target: impl Into<Target<'a>>,
    ) -> Result<Option<T>, Error> {
        self.get(route.0, &target.into(), answer::decode).await
    }

    /// Reads raw text. `None` means not found or empty.
    pub(crate) async fn read_text<'a>(
        &self,
        route: Read,
        target: impl Into<Target<'a>>,
    ) -> Result<Option<String>, Error> {
        self.get(route.0, &target.into(), answer::text).await
    }

    /// Reads by POST. `None` means not found or empty.
    pub(crate) async fn search<T: DeserializeOwned>(
        &self,
        route: Search,
        body: &impl Serialize,
    ) -> Result<Option<T>, Error> {
        let operation = Operation { route: route.0, subject: "the server" };
        self.post(operation, &Target::default(), body, true, |body| answer::decode(operation, body)).await
    }

    /// Writes and returns once the server has confirmed it.
    pub(crate) async fn write<S: Into<Success<'static>>>(
        &self,
        write: Write<S>,
        subject: &str,
        body: &impl Serialize,
    ) -> Result<(), Error> {
        let (operation, success) = (Operation { route: write.route, subject }, write.success.into());
        self.post(operation, &Target::default(), body, false, |body| {
            answer::confirm(operation, success, body)
        })
        .await
    }

    /// As [`write`](Self::write), for a write that done twice is the same as done once: it is repeated if there is no
    /// answer.
    pub(crate) async fn write_idempotent<S: Into<Success<'static>>>(
        &self,
        write: Write<S>,
        subject: &str,
        body: &impl Serialize,
    ) -> Result<(), Error> {
        let (operation, success) = (Operation { route: write.route, subject }, write.success.into());
        self.post(operation, &Target::default(), body, true, |body| answer::confirm(operation, success, body))
            .await
    }

    /// Writes to a route with further segments, which are the subject too.
    pub(crate) async fn write_at<'a, S: Into<Success<'static>>>(
        &self,
        write: Write<S>,
        target: impl Into<Target<'a>>,
        body: &impl Serialize,
    ) -> Result<(), Error> {
        let target = target.into();
        let (subject, success) = (target.subject(), write.success.into());
        let operation = Operation { route: write.route, subject: &subject };
        self.post(operation, &target, body, false, |body| answer::confirm(operation, success, body)).await
    }

    /// Writes by GET, which Mailcow has too.
    pub(crate) async fn write_by_get<'a, S: Into<Success<'static>>>(
        &self,
        write: Write<S>,
        target: impl Into<Target<'a>>,
    ) -> Result<(), Error> {
        let success = write.success.into();
        let judge = |operation: Operation<'_>, body: &[u8]| answer::confirm(operation, success, body);
        self.get(write.route, &target.into(), judge).await
    }

    /// Writes and returns the object that the server answers with.
    pub(crate) async fn write_returning<T: DeserializeOwned>(
        &self,
        route: WriteReturning,
        subject: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let operation = Operation { route: route.0, subject };
        self.post(operation, &Target::default(), body, false, |body| answer::returned(operation, body)).await
    }

    /// Changes several items alike, in chunks. Not all done is [`Error::PartlyDone`].
    pub(crate) async fn edit_items<I: Serialize + fmt::Display, S: Into<Success<'static>>>(
        &self,
        write: Write<S>,
        items: &[I],
        attr: &impl Serialize,
    ) -> Result<(), Error> {
        let body = |chunk: &[I]| serde_json::to_string(&EditItems { items: chunk, attr });
        self.write_chunks(write.route, write.success.into(), items, body).await
    }

    /// Deletes several items, in chunks. Not all done is [`Error::PartlyDone`].
    pub(crate) async fn delete_items<I: Serialize + fmt::Display, S: Into<Success<'static>>>(
        &self,
        write: Write<S>,
        items: &[I],
    ) -> Result<(), Error> {
        self.write_chunks(write.route, write.success.into(), items, serde_json::to_string).await
    }

    /// Makes a call that no typed method covers.
    pub(crate) async fn call(&self, call: Call<'_>) -> Result<Vec<u8>, Error> {
        self.inner.door.call(call).await
    }

    /// Returns what is known of the room in the domains.
    pub(crate) fn capacity(&self) -> &Capacity {
        &self.inner.capacity
    }

    /// Waits until no other call of this client makes or deletes the DKIM key of `domain`.
    pub(crate) async fn dkim_turn(&self, domain: &DomainName) -> tokio::sync::OwnedMutexGuard<()> {
        self.turn(format!("dkim {domain}")).await
    }

    /// Waits until no other call of this client works on `what`, for things that the server would make twice.
    pub(crate) async fn turn(&self, what: String) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.inner.turns.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever waits or works holds a second reference; the rest is no longer needed.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(what).or_default())
        };
        turn.lock_owned().await
    }

    async fn get<T>(
        &self,
        route: &'static str,
        target: &Target<'_>,
        judge: impl FnOnce(Operation<'_>, &[u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let subject = target.subject();
        let operation = Operation { route, subject: &subject };
        let call = Call { operation, route, method: Method::Get, target, body: None, is_repeatable: true };
        let answered = self.inner.door.call(call).await;
        traced(operation, answered.and_then(|body| judge(operation, &body)))
    }

    async fn post<T>(
        &self,
        operation: Operation<'_>,
        target: &Target<'_>,
        body: &impl Serialize,
        is_repeatable: bool,
        judge: impl FnOnce(&[u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let json = serde_json::to_string(body).map_err(|_| not_json(operation))?;
        let body = Some(json.into());
        let answered = self
            .inner
            .door
            .call(Call {
                operation,
                route: operation.route,
                method: Method::Post,
                target,
                body,
                is_repeatable,
            })
            .await;
        traced(operation, answered.and_then(|body| judge(&body)))
    }

    async fn write_chunks<I: fmt::Display>(
        &self,
        route: &'static str,
        success: Success<'static>,
        items: &[I],
        body: impl Fn(&[I]) -> serde_json::Result<String>,
    ) -> Result<(), Error> {
        let names: Vec<_> = items.iter().map(ToString::to_string).collect();
        let about = format!("{} items", items.len());
        let operation =
            Operation { route, subject: names.first().filter(|_| names.len() == 1).unwrap_or(&about) };
        check_items(operation, &names)?;
        let size = *self.inner.door.chunks.of(operation.kind());
        let (mut outcome, mut rest) = (PartlyDone::default(), names.as_slice());
        for (chunk, chunk_names) in items.chunks(size).zip(names.chunks(size)) {
            let json = body(chunk).map_err(|_| not_json(operation))?;
            let target = &Target::default();
            let call = Call {
                operation,
                route,
                method: Method::Post,
                target,
                body: Some(json.into()),
                is_repeatable: false,
            };
            let answered = self.inner.door.call(call).await;
            let judged = traced(
                operation,
                answered.and_then(|body| {
                    answer::confirm_each(operation, success, chunk_names, &body, &mut outcome)
                }),
            );
            if let Err(error) = judged {
                if rest.len() == names.len() && !error.outcome_unknown() {
                    // Nothing was done: the plain error says all.
                    return Err(error);
                }
                if error.outcome_unknown() {
                    outcome.unknown.extend_from_slice(chunk_names);
                    rest = &rest[chunk_names.len()..];
                }
                outcome.cause = Some(error);
                break;
            }
            rest = &rest[chunk_names.len()..];
        }
        outcome.not_sent.extend_from_slice(rest);
        if outcome.is_done() {
            return Ok(());
        }
        Err(Error::PartlyDone { operation: route, items: Box::new(outcome) })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("door", &self.inner.door).finish_non_exhaustive()
    }
}

/// Refuses what no answer could be sorted by.
fn check_items(operation: Operation<'_>, names: &[String]) -> Result<(), Error> {
    if names.is_empty() {
        return Err(operation.invalid("there are no items"));
    }
    let mut sorted: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(operation.invalid("an item is there twice"));
    }
    if sorted.iter().any(|name| name.is_empty() || name.chars().any(char::is_control)) {
        return Err(operation.invalid("an item is empty or holds a control character"));
    }
    Ok(())
}

fn not_json(operation: Operation<'_>) -> Error {
    operation.invalid("it cannot be written as JSON")
}

pub(crate) fn traced<T>(operation: Operation<'_>, result: Result<T, Error>) -> Result<T, Error> {
    let outcome = result.as_ref().map_or_else(Error::label, |_| "ok");
    tracing::debug!(operation = operation.route, outcome, "mailcow call");
    result
}

#[cfg(test)]
mod tests;
