//! The state of sites in annotations of Kubernetes namespaces, by plain REST (feature `kubernetes`).

mod builder;
#[cfg(feature = "conformance")]
mod fake;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::timeout;
use url::Url;

pub use builder::SitesInKubernetesBuilder;
#[cfg(feature = "conformance")]
pub use fake::{FakeKubernetes, KubernetesFault};

use super::{SiteState, SiteStore, Slug};
use crate::backend::Committed;
use crate::http::{HttpClient, HttpError, HttpRequest, HttpResponse, Method};
use crate::{Error, ErrorKind};

/// The state of sites in annotations of Kubernetes namespaces: a namespace for each site.
///
/// A call reads the namespace (`GET /api/v1/namespaces/{name}`) and changes the five annotations with a merge patch that
/// carries the `resourceVersion` that was read, so that the API server refuses it if anybody wrote in between. It needs
/// the verbs `get` and `patch` on `namespaces`, and never makes or removes one.
///
/// The token is read from its file before each request: what the kubelet renews is used at once. A file that doesn't
/// give it within the time of a request, or that is longer than 16 KiB, is [`Unavailable`](ErrorKind::Unavailable).
///
/// ```
/// use agent_mail::sites::SitesInKubernetes;
///
/// let folder = std::env::temp_dir();
/// let sites = SitesInKubernetes::builder("https://10.96.0.1", "platform.example").token_file(folder.join("token"));
/// assert!(sites.namespace_prefix("tenant-").build().is_ok());
/// # Ok::<(), agent_mail::Error>(())
/// ```
pub struct SitesInKubernetes {
    client: Arc<dyn HttpClient>,
    url: Url,
    token: Token,
    prefix: String,
    namespace_prefix: String,
    deadline: Duration,
}

enum Token {
    /// Where it is, and what whoever reads it holds: one that hangs keeps no other thread busy.
    File(PathBuf, Arc<Mutex<()>>),
    Fixed(SecretString),
}

impl SitesInKubernetes {
    /// Begins a store at an API server, `https://10.96.0.1:443`, with annotations below `prefix`,
    /// `platform.example`.
    pub fn builder(url: &str, prefix: &str) -> SitesInKubernetesBuilder {
        SitesInKubernetesBuilder::new(url, prefix)
    }

    async fn namespace(&self, site: &Slug) -> Result<Namespace, Error> {
        let name = self.name(site)?;
        let request = HttpRequest::new(Method::Get, self.at(&name)?);
        let answer =
            self.send(READ, &name, request).await.map_err(|failure| failure.into_error(READ, &name))?;
        let namespace: Namespace = serde_json::from_slice(&answer.body).map_err(|_| not_understood(&name))?;
        if namespace.metadata.name != name || namespace.metadata.resource_version.is_empty() {
            return Err(not_understood(&name));
        }
        Ok(namespace)
    }

    fn state(&self, namespace: &Namespace) -> Result<Option<SiteState>, Error> {
        let annotations = &namespace.metadata.annotations;
        SiteState::from_annotations(&self.prefix, |key| annotations.get(key).map(String::as_str))
    }

    /// Returns the name of a site's namespace.
    fn name(&self, site: &Slug) -> Result<String, Error> {
        let name = format!("{}{site}", self.namespace_prefix);
        let refused = |detail: &str| {
            Err(Error::new(ErrorKind::InvalidInput, "name namespace", &name)
                .with_detail(detail)
                .with_fix("take another name for the site"))
        };
        if name.len() > 63 {
            return refused("the name of a namespace may be at most 63 characters long");
        }
        if name == "default" || name.starts_with("kube-") {
            return refused("the namespace belongs to Kubernetes");
        }
        Ok(name)
    }

    fn at(&self, name: &str) -> Result<Url, Error> {
        let mut url = self.url.clone();
        let mut path = url.path_segments_mut().map_err(|()| not_understood(name))?;
        path.pop_if_empty().extend(["api", "v1", "namespaces", name]);
        drop(path);
        Ok(url)
    }

    async fn send(
        &self,
        operation: &'static str,
        name: &str,
        request: HttpRequest,
    ) -> Result<HttpResponse, Failure> {
        let token = self.token(operation, name).await.map_err(Failure::Certain)?;
        let bearer = SecretString::from(format!("Bearer {}", token.expose_secret()));
        let request =
            request.with_header("accept", "application/json").with_secret_header("authorization", bearer);
        let answer = match timeout(self.deadline, self.client.send(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(HttpError::NotSent(source))) => {
                return Err(Failure::Certain(unreachable(operation, name).with_source(source)));
            }
            Ok(Err(error)) => return Err(Failure::Unknown(unreachable(operation, name).with_source(error))),
            Err(_) => {
                let late = unreachable(operation, name).with_detail("the API server did not answer in time");
                return Err(Failure::Unknown(late));
            }
        };
        match answer.status {
            200 => Ok(answer),
            409 => Err(Failure::Conflict),
            status => Err(refusal(operation, name, status, &answer)),
        }
    }

    /// Reads the token anew, within the time of a request: Kubernetes renews it while the program runs.
    async fn token(&self, operation: &'static str, name: &str) -> Result<SecretString, Error> {
        let (path, alone) = match &self.token {
            Token::Fixed(token) => return Ok(token.clone()),
            Token::File(path, alone) => (path.clone(), alone.clone()),
        };
        let shown = path.display().to_string();
        let failed = |detail: &str| {
            Error::new(ErrorKind::Unavailable, operation, format!("namespace {name}"))
                .with_detail(format!("the token file {shown} {detail}"))
                .with_fix("mount the service account's token where the configuration says")
        };
        let read = async {
            let alone = alone.lock_owned().await;
            tokio::task::spawn_blocking(move || {
                let read = read_token(&path);
                drop(alone);
                read
            })
            .await
        };
        let text = match timeout(self.deadline, read).await {
            Ok(Ok(Ok(text))) => text,
            Ok(Ok(Err(source))) => return Err(failed("can't be read").with_source(source)),
            Ok(Err(source)) => return Err(failed("can't be read").with_source(source)),
            Err(_) => return Err(failed("could not be read in time")),
        };
        let token = text.expose_secret().trim();
        if token.len() > LONGEST_TOKEN {
            return Err(failed("is longer than a token can be"));
        }
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(failed("holds no token"));
        }
        Ok(SecretString::from(token))
    }
}

/// Reads no more than shows that it is too much.
fn read_token(path: &Path) -> std::io::Result<SecretString> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST_TOKEN as u64 + 2).read_to_string(&mut text)?;
    Ok(text.into())
}

#[async_trait]
impl SiteStore for SitesInKubernetes {
    async fn read(&self, site: &Slug) -> Result<Option<SiteState>, Error> {
        self.state(&self.namespace(site).await?)
    }

    async fn replace(
        &self,
        site: &Slug,
        seen: Option<&SiteState>,
        next: &SiteState,
    ) -> Result<Committed, Error> {
        let name = self.name(site)?;
        let mut unknown = None;
        for _ in 0..ATTEMPTS {
            let namespace = self.namespace(site).await?;
            let found = self.state(&namespace)?;
            // A patch whose answer was lost may have been made.
            if unknown.is_some() && found.as_ref() == Some(next) {
                return Ok(Committed::Done);
            }
            if found.as_ref() != seen {
                return Ok(Committed::Conflict);
            }
            let patch = json!({ "metadata": {
                "resourceVersion": namespace.metadata.resource_version,
                "annotations": next.annotations(&self.prefix),
            } });
            let request = HttpRequest::new(Method::Patch, self.at(&name)?)
                .with_body("application/merge-patch+json", patch.to_string());
            match self.send(WRITE, &name, request).await {
                Ok(_) => return Ok(Committed::Done),
                // Somebody wrote something else about the namespace: look again.
                Err(Failure::Conflict) => {}
                Err(Failure::Unknown(error)) => unknown = Some(error),
                Err(Failure::Certain(error)) => return Err(error),
            }
        }
        Err(match unknown {
            Some(error) => Failure::Unknown(error).into_error(WRITE, &name),
            None => Error::new(ErrorKind::Unavailable, WRITE, format!("namespace {name}"))
                .with_detail("others change the namespace all the time")
                .with_fix("find out who writes to it so often, then try again"),
        })
    }
}

/// Shows where.
impl fmt::Debug for SitesInKubernetes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SitesInKubernetes")
            .field("url", &self.url.as_str())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Namespace {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    resource_version: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Why a request did not bring what it should.
enum Failure {
    /// Somebody else wrote first.
    Conflict,
    /// It did not happen.
    Certain(Error),
    /// It may have happened.
    Unknown(Error),
}

impl Failure {
    fn into_error(self, operation: &'static str, name: &str) -> Error {
        match self {
            Self::Certain(error) => error,
            Self::Unknown(error) if operation == READ => error,
            Self::Unknown(error) => {
                Error::new(ErrorKind::Interrupted, operation, format!("namespace {name}"))
                    .with_repeatable()
                    .with_source(error)
            }
            Self::Conflict => not_understood(name),
        }
    }
}

/// The API server's own words for a failure (`Status`, of which only the reason is a fixed word).
#[derive(Deserialize)]
struct Status {
    reason: Option<String>,
}

fn refusal(operation: &'static str, name: &str, status: u16, answer: &HttpResponse) -> Failure {
    let kind = match status {
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::PermissionDenied,
        404 => ErrorKind::NotFound,
        429 => ErrorKind::RateLimited,
        400..=499 => ErrorKind::Rejected,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Unexpected,
    };
    let mut error =
        Error::new(kind, operation, format!("namespace {name}")).with_retry_after(answer.retry_after);
    error = match kind {
        ErrorKind::Unauthenticated => {
            error.with_fix("check that the token is one of this cluster and not expired")
        }
        ErrorKind::PermissionDenied => {
            error.with_fix("let the service account get and patch namespaces by a ClusterRole")
        }
        ErrorKind::NotFound => error.with_fix("make the site's namespace first"),
        ErrorKind::Unexpected => error.with_detail(format!("the API server answered with status {status}")),
        _ => error,
    };
    let reason = serde_json::from_slice::<Status>(&answer.body).ok().and_then(|status| status.reason);
    if let Some(reason) =
        reason.filter(|word| word.len() <= 40 && word.bytes().all(|b| b.is_ascii_alphanumeric()))
    {
        error = error.with_code(reason);
    }
    // What an API server in trouble answers says nothing about whether the write went through.
    if status >= 500 { Failure::Unknown(error) } else { Failure::Certain(error) }
}

fn unreachable(operation: &'static str, name: &str) -> Error {
    Error::new(ErrorKind::Unavailable, operation, format!("namespace {name}"))
}

fn not_understood(name: &str) -> Error {
    Error::new(ErrorKind::Unexpected, READ, format!("namespace {name}"))
}

const READ: &str = "read site";
const WRITE: &str = "write site";
const ATTEMPTS: u32 = 8;
/// Bytes. Those of service accounts have one or two thousand, and no server takes a header beyond this.
const LONGEST_TOKEN: usize = 16 * 1024;

#[cfg(all(test, feature = "conformance"))]
mod tests;
