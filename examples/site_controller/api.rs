//! The endpoints.

use std::time::Duration;

use agent_mail::DomainName;
use agent_mail::sites::{NewSiteMailbox, SiteMailbox, SiteState, Sites, Slug};
use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use super::token::Token;

/// What the service serves, for programs.
pub(crate) const OPENAPI: &str = include_str!("openapi.json");

/// The most that a request's body may hold, in bytes.
pub(crate) const MAX_BODY: usize = 16 << 10;

const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) fn router(sites: Sites, token: Token) -> Router {
    let guarded = Router::new()
        .route("/sites/{slug}/mail/enable", post(enable))
        .route("/sites/{slug}/mail/disable", post(disable))
        .route("/sites/{slug}/mail/mailboxes", post(add_mailbox))
        .route("/sites/{slug}/mail/status", get(status))
        .with_state(sites)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(in_time))
        .layer(from_fn_with_state(token, with_token));
    Router::new()
        .route("/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], OPENAPI)))
        .merge(guarded)
        .fallback(async || {
            Problem::new(StatusCode::NOT_FOUND, "no_route", "there is nothing here", "see /openapi.json")
        })
        .method_not_allowed_fallback(async || {
            let detail = "the method is not for this path";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", detail, "see /openapi.json")
        })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Enable {
    #[serde(default)]
    domain: Option<DomainName>,
}

async fn enable(
    State(sites): State<Sites>,
    path: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<SiteState>, Problem> {
    let site = slug(path)?;
    let body = body.map_err(too_large)?;
    let wish = if body.is_empty() { Enable { domain: None } } else { parsed(&body)? };
    Ok(Json(match wish.domain {
        Some(domain) => sites.enable_at(&site, domain).await?,
        None => sites.enable(&site).await?,
    }))
}

async fn disable(
    State(sites): State<Sites>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<SiteState>, Problem> {
    Ok(Json(sites.disable(&slug(path)?).await?))
}

async fn status(
    State(sites): State<Sites>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<SiteState>, Problem> {
    Ok(Json(sites.status(&slug(path)?).await?))
}

async fn add_mailbox(
    State(sites): State<Sites>,
    path: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<SiteMailbox>), Problem> {
    let site = slug(path)?;
    let mailbox: NewSiteMailbox = parsed(&body.map_err(too_large)?)?;
    let added = sites.add_mailbox(&site, &mailbox).await?;
    Ok((if added.created { StatusCode::CREATED } else { StatusCode::OK }, Json(added)))
}

/// Lets those in who know the token, and tells others nothing.
async fn with_token(State(token): State<Token>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION);
    if given.is_some_and(|given| token.is_in(given.as_bytes())) {
        return next.run(request).await;
    }
    let detail = "the token is missing or wrong";
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthenticated",
        detail,
        "send the header Authorization: Bearer <token>",
    )
    .into_response()
}

/// Ends calls that take too long. The site stays pending then, and the next call finishes.
async fn in_time(request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(DEADLINE, next.run(request)).await;
    answered.unwrap_or_else(|_| {
        let detail = "it took longer than 60 seconds";
        let fix = "ask for the status, then try again: it is safe to repeat";
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "too_slow", detail, fix).into_response()
    })
}

fn slug(path: Result<Path<String>, PathRejection>) -> Result<Slug, Problem> {
    let Ok(Path(text)) = path else {
        let detail = "the name of the site is no text";
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_input",
            detail,
            "take a name like blue-shop",
        ));
    };
    Ok(text.parse()?)
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let detail = format!("the body is not what it should be: {error}");
        Problem::new(StatusCode::BAD_REQUEST, "invalid_input", detail, "see /openapi.json")
    })
}

fn too_large(rejection: BytesRejection) -> Problem {
    let detail = format!("the body can't be read; it may hold {MAX_BODY} bytes");
    Problem::new(rejection.into_response().status(), "invalid_input", detail, "send less")
}
