//! The one door to the wire: every call goes through here.

use std::{fmt, sync::Arc, time::Duration};

use secrecy::SecretString;
use url::Url;

use crate::{
    Error, HttpClient, HttpRequest, Method,
    answer::{self, Operation},
    route::{PerKind, Target},
};

/// Where the server is, and how it is to be called.
pub(crate) struct Door {
    pub(crate) base: Url,
    pub(crate) api_key: SecretString,
    pub(crate) http: Arc<dyn HttpClient>,
    pub(crate) deadline: Duration,
    /// How many items go into one call.
    pub(crate) chunks: PerKind<usize>,
}

impl Door {
    /// Sends one call and returns the body of an answer with status 200.
    pub(crate) async fn call(
        &self,
        operation: Operation<'_>,
        method: Method,
        target: &Target<'_>,
        body: Option<SecretString>,
    ) -> Result<Vec<u8>, Error> {
        let url = target.url(&self.base, operation.route).map_err(|reason| operation.invalid(reason))?;
        let mut request = HttpRequest::new(method, url, self.api_key.clone());
        request.body = body;
        let deadline = self.deadline;
        match tokio::time::timeout(deadline, self.http.send(request)).await {
            Ok(sent) => answer::accept(operation, &self.base, sent),
            Err(_) => {
                Err(operation.unanswered(format!("no answer within {} s", deadline.as_secs_f32()), None))
            }
        }
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("base", &self.base.as_str())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
