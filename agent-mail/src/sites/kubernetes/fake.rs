use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::http::{HttpClient, HttpError, HttpRequest, HttpResponse, Method};

/// A Kubernetes API server in memory that knows namespaces and their annotations (feature `conformance`).
///
/// It answers as a real one does: tokens, `resourceVersion` and its conflicts, merge patches (RFC 7396), the rules of
/// annotations. Cheap to clone; the clones are one server.
#[derive(Clone)]
pub struct FakeKubernetes(Arc<Mutex<Cluster>>);

/// What goes wrong at the next request of a [`FakeKubernetes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KubernetesFault {
    /// It answers with this status and does nothing.
    Answer(u16),
    /// It never answers and does nothing.
    Hang,
    /// The connection breaks before it does anything.
    LoseRequest,
    /// It does what it was asked, and the connection breaks before the answer.
    LoseAnswer,
    /// Somebody else writes to the namespace first.
    Overtake,
}

struct Cluster {
    token: SecretString,
    namespaces: BTreeMap<String, (u64, Value)>,
    version: u64,
    faults: Vec<(Method, KubernetesFault)>,
    patches: usize,
}

impl FakeKubernetes {
    /// Makes a cluster without namespaces that takes one token.
    pub fn new(token: impl Into<SecretString>) -> Self {
        let (namespaces, faults) = (BTreeMap::new(), Vec::new());
        Self(Arc::new(Mutex::new(Cluster {
            token: token.into(),
            namespaces,
            version: 100,
            faults,
            patches: 0,
        })))
    }

    /// Takes another token from now on.
    pub fn set_token(&self, token: impl Into<SecretString>) {
        self.cluster().token = token.into();
    }

    /// Makes a namespace with an annotation of somebody else.
    pub fn add_namespace(&self, name: &str) {
        let mut cluster = self.cluster();
        cluster.version += 1;
        let version = cluster.version;
        cluster.namespaces.insert(name.to_owned(), (version, json!({ "other.example/owner": "somebody" })));
    }

    /// Returns the annotations of a namespace.
    pub fn annotations(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let cluster = self.cluster();
        let (_, annotations) = cluster.namespaces.get(name)?;
        serde_json::from_value(annotations.clone()).ok()
    }

    /// Sets an annotation past the API, as somebody else would.
    pub fn annotate(&self, name: &str, key: &str, value: &str) {
        let mut cluster = self.cluster();
        cluster.version += 1;
        let next = cluster.version;
        if let Some((version, annotations)) = cluster.namespaces.get_mut(name) {
            *version = next;
            annotations[key] = value.into();
        }
    }

    /// Lets a fault happen at the next request of a method, after those that were ordered before.
    pub fn fail_next(&self, method: Method, fault: KubernetesFault) {
        self.cluster().faults.push((method, fault));
    }

    /// Returns how many patches were made.
    pub fn patches(&self) -> usize {
        self.cluster().patches
    }

    fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl HttpClient for FakeKubernetes {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        // Others get their turn between any two requests, as over a network.
        tokio::task::yield_now().await;
        let fault = {
            let mut cluster = self.cluster();
            let at = cluster.faults.iter().position(|(method, _)| *method == request.method);
            at.map(|at| cluster.faults.remove(at).1)
        };
        let answer = match fault {
            Some(KubernetesFault::Answer(code)) => status(code, "InternalError"),
            Some(KubernetesFault::Hang) => std::future::pending().await,
            Some(KubernetesFault::LoseRequest) => return Err(HttpError::Lost("connection reset".into())),
            Some(KubernetesFault::Overtake) => {
                let name = request.url.path().rsplit('/').next().unwrap_or_default().to_owned();
                self.annotate(&name, "other.example/note", "overtaken");
                self.cluster().answer(&request)
            }
            Some(KubernetesFault::LoseAnswer) => {
                self.cluster().answer(&request);
                return Err(HttpError::Lost("connection reset".into()));
            }
            None => self.cluster().answer(&request),
        };
        tokio::task::yield_now().await;
        Ok(answer)
    }
}

impl Cluster {
    fn answer(&mut self, request: &HttpRequest) -> HttpResponse {
        let bearer = format!("Bearer {}", self.token.expose_secret());
        let token = request.secret_headers.iter().find(|(name, _)| *name == "authorization");
        if token.is_none_or(|(_, value)| value.expose_secret() != bearer) {
            return status(401, "Unauthorized");
        }
        let Some(name) = request.url.path().strip_prefix("/api/v1/namespaces/") else {
            return status(404, "NotFound");
        };
        if !self.namespaces.contains_key(name) {
            return status(404, "NotFound");
        }
        match request.method {
            Method::Get => self.show(name),
            Method::Patch => self.patch(name, request),
            _ => status(405, "MethodNotAllowed"),
        }
    }

    fn patch(&mut self, name: &str, request: &HttpRequest) -> HttpResponse {
        let merge = ("content-type", "application/merge-patch+json".to_owned());
        if !request.headers.contains(&merge) {
            return status(415, "UnsupportedMediaType");
        }
        let body = request.body.as_ref().map(|body| body.expose_secret().to_owned()).unwrap_or_default();
        let Ok(patch) = serde_json::from_str::<Value>(&body) else { return status(400, "BadRequest") };
        let Some((version, annotations)) = self.namespaces.get_mut(name) else {
            return status(404, "NotFound");
        };
        let metadata = &patch["metadata"];
        if metadata.get("resourceVersion").is_some_and(|seen| *seen != json!(version.to_string())) {
            return status(409, "Conflict");
        }
        let mut next = annotations.clone();
        for (key, value) in metadata["annotations"].as_object().into_iter().flatten() {
            match value {
                Value::Null => drop(next.as_object_mut().and_then(|all| all.remove(key))),
                Value::String(_) if is_key(key) => next[key] = value.clone(),
                _ => return status(422, "Invalid"),
            }
        }
        if next.to_string().len() > MAX_ANNOTATIONS {
            return status(422, "Invalid");
        }
        self.patches += 1;
        // A patch that changes nothing leaves the version, as in etcd.
        if *annotations != next {
            self.version += 1;
            (*version, *annotations) = (self.version, next);
        }
        self.show(name)
    }

    fn show(&self, name: &str) -> HttpResponse {
        let (version, annotations) = &self.namespaces[name];
        let namespace = json!({
            "kind": "Namespace",
            "apiVersion": "v1",
            "metadata": { "name": name, "resourceVersion": version.to_string(), "annotations": annotations },
            "spec": { "finalizers": ["kubernetes"] },
            "status": { "phase": "Active" },
        });
        HttpResponse::new(200, namespace.to_string())
    }
}

/// Shows how many namespaces there are.
impl fmt::Debug for FakeKubernetes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeKubernetes")
            .field("namespaces", &self.cluster().namespaces.len())
            .finish_non_exhaustive()
    }
}

fn status(code: u16, reason: &str) -> HttpResponse {
    let message = "the words of the server, which may hold anything";
    let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": code });
    HttpResponse::new(code, status.to_string())
}

/// A qualified name: a DNS sub-domain, a slash, and up to 63 letters, digits and `-_.`.
fn is_key(key: &str) -> bool {
    let Some((prefix, name)) = key.split_once('/') else { return false };
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    prefix.len() <= 253
        && prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        && (1..=63).contains(&name.len())
        && name.bytes().all(inner)
}

/// All annotations of an object together, in bytes.
const MAX_ANNOTATIONS: usize = 256 << 10;
