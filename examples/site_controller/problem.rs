//! What a caller gets who can't have what was asked for.

use agent_mail::{Error, ErrorKind};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A failure as JSON: its kind, what happened, and what to do about it.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    fix: &'static str,
    retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        kind: &'static str,
        detail: impl Into<String>,
        fix: &'static str,
    ) -> Self {
        Self { status, kind, detail: detail.into(), fix, retry_after: None }
    }
}

impl From<Error> for Problem {
    /// Tells the error's own words; its sources are for the log.
    fn from(error: Error) -> Self {
        let (status, kind) = match error.kind() {
            ErrorKind::InvalidInput => (StatusCode::BAD_REQUEST, "invalid_input"),
            ErrorKind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            ErrorKind::AlreadyExists => (StatusCode::CONFLICT, "already_exists"),
            ErrorKind::NotReady => (StatusCode::CONFLICT, "not_ready"),
            ErrorKind::Stale => (StatusCode::CONFLICT, "stale"),
            ErrorKind::Rejected => (StatusCode::UNPROCESSABLE_ENTITY, "rejected"),
            ErrorKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            ErrorKind::Interrupted => (StatusCode::SERVICE_UNAVAILABLE, "interrupted"),
            ErrorKind::Unsupported => (StatusCode::NOT_IMPLEMENTED, "unsupported"),
            // The service's own credentials at a backend are no matter of its callers.
            ErrorKind::Unauthenticated | ErrorKind::PermissionDenied => {
                (StatusCode::BAD_GATEWAY, "backend_refuses")
            }
            _ => (StatusCode::BAD_GATEWAY, "unexpected"),
        };
        let retry_after = error.retry_after().map(|after| after.as_secs().max(1));
        Self { retry_after, ..Self::new(status, kind, error.to_string(), error.fix()) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Json(json!({ "problem": { "kind": self.kind, "detail": self.detail, "fix": self.fix } }));
        let mut response = (self.status, body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
