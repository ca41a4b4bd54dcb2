//! The one door to the wire: every call goes through here, and here it learns its manners.

use std::{error::Error as StdError, fmt, io, sync::Arc, time::Duration};

use secrecy::SecretString;
use tokio::{sync::Semaphore, time::Instant};
use url::Url;

use crate::{
    Error, HttpClient, HttpRequest, HttpResponse, Method, RetryPolicy,
    answer::{self, Operation},
    http::ProxyCredential,
    key::KeyRing,
    retry::RetryBudget,
    route::{PerKind, Target},
};

/// Where the server is, and how it is to be called.
pub(crate) struct Door {
    pub(crate) base: Url,
    pub(crate) keys: KeyRing,
    pub(crate) proxy: Option<ProxyCredential>,
    pub(crate) http: Arc<dyn HttpClient>,
    /// How long one attempt may take, counted from when it goes out.
    pub(crate) deadlines: PerKind<Duration>,
    /// How many may be on their way at once. Who waits longest comes first.
    pub(crate) permits: PerKind<Semaphore>,
    pub(crate) retries: RetryPolicy,
    pub(crate) budget: RetryBudget,
    /// How many items go into one call.
    pub(crate) chunks: PerKind<usize>,
}

/// One call: what is sent.
pub(crate) struct Call<'a> {
    pub(crate) operation: Operation<'a>,
    pub(crate) route: &'a str,
    pub(crate) method: Method,
    pub(crate) target: &'a Target<'a>,
    pub(crate) body: Option<SecretString>,
    /// Whether doing it twice is the same as doing it once.
    pub(crate) is_repeatable: bool,
}

impl Door {
    /// Makes a call and returns the body of an answer with status 200.
    pub(crate) async fn call(&self, call: Call<'_>) -> Result<Vec<u8>, Error> {
        let operation = call.operation;
        let url = call.target.url(&self.base, call.route).map_err(|reason| operation.invalid(reason))?;
        let mut deadline = *self.deadlines.of(operation.kind());
        let (began, mut retry, mut open) = (Instant::now(), 0, None);
        loop {
            let error = match self.attempt(&call, &url, deadline).await {
                Ok(body) => {
                    self.budget.refill();
                    return Ok(body);
                }
                Err(error) => error,
            };
            let may_help =
                (error.is_retryable() && !is_about_tls(&error)) || matches!(error, Error::Unknown { .. });
            let next = (call.is_repeatable && may_help).then(|| self.retries.next(retry, began.elapsed()));
            let next = next.flatten().filter(|_| self.budget.take());
            // Whatever comes later, an attempt without an answer may have been carried out.
            open = open.or_else(|| matches!(error, Error::Unknown { .. }).then_some(()));
            let Some((pause, left)) = next else {
                return Err(match open {
                    Some(()) if !error.outcome_unknown() => {
                        operation.unanswered("an earlier attempt has no answer, and so has the last", None)
                    }
                    _ => error,
                });
            };
            tracing::debug!(
                operation = operation.route,
                retry,
                outcome = error.label(),
                "mailcow call is repeated"
            );
            tokio::time::sleep(pause).await;
            deadline = deadline.min(left);
            retry += 1;
        }
    }

    async fn attempt(&self, call: &Call<'_>, url: &Url, deadline: Duration) -> Result<Vec<u8>, Error> {
        let operation = call.operation;
        // Never closed, so there is always a permit in the end; a dropped call gives it back.
        let _permit = self.permits.of(operation.kind()).acquire().await;
        let key = self.keys.take().await.map_err(|kind| Error::Unauthenticated {
            operation: operation.route,
            kind,
            reason: "an earlier call was turned away, so nothing was sent; see Client::replace_key",
        })?;
        let mut request = HttpRequest::new(call.method, url.clone(), key.secret());
        request.body.clone_from(&call.body);
        request.proxy.clone_from(&self.proxy);
        let Ok(sent) = tokio::time::timeout(deadline, self.http.send(request)).await else {
            return Err(operation.unanswered(format!("no answer within {} s", deadline.as_secs_f32()), None));
        };
        let was_let_in = sent.as_ref().is_ok_and(was_let_in);
        let answered = answer::accept(operation, &self.base, sent);
        match &answered {
            Err(Error::Unauthenticated { kind, .. }) => key.rejected(*kind),
            _ if was_let_in => key.accepted(),
            _ => {}
        }
        answered
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("base", &self.base.as_str())
            .field("deadlines", &self.deadlines)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

/// Returns whether rustls ended the connection: another attempt would meet the same certificate.
fn is_about_tls(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An io::Error hides what it holds from `source`.
        cause = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}

/// Returns whether an answer shows that the key is known: pages of a proxy and empty answers do not.
fn was_let_in(response: &HttpResponse) -> bool {
    match response.status {
        200 => !response.body.trim_ascii().is_empty(),
        403 => true,
        _ => false,
    }
}
