//! Which error each recorded refusal must become.

use desec_api::{Credential, Error, ForbiddenBy, Missing, Problem, ProblemFormat};
use serde_json::Value;

use super::matches;
use crate::recording::Exchange;

/// Returns what is wrong with `result`, which a typed method made of the answer of `exchange`.
pub(super) fn flaw(exchange: &Exchange, result: &Result<(), Error>) -> Option<String> {
    let said = exchange.body.to_string();
    let fits = match (exchange.status, result) {
        (200..300, Ok(())) => true,
        (400 | 413, Err(error)) => matches!(error, Error::Invalid { .. }),
        (401, Err(error)) => matches!(error, Error::Unauthenticated { .. }),
        (403, Err(Error::Unauthenticated { credential, .. })) => {
            *credential == Credential::Password && said.contains("Invalid username/password.")
        }
        (403, Err(Error::Forbidden { by, .. })) => *by == forbidden_by(&said),
        (404, Err(Error::NotFound { missing, .. })) => missing_of(&said).contains(missing),
        (409, Err(error)) => matches!(error, Error::Conflict { .. }),
        (429, Err(Error::Throttled { retry_after, .. })) => {
            let response = exchange.response();
            let told = response.header("retry-after").map(|seconds| seconds.parse::<u64>().unwrap());
            retry_after.map(|wait| wait.as_secs()) == told
        }
        (500.., Err(error)) => {
            if writes(exchange) {
                matches!(error, Error::Unknown { .. })
            } else {
                matches!(error, Error::Unavailable { .. })
            }
        }
        (404, Err(error)) => missing_of(&said).is_empty() && matches!(error, Error::Other { .. }),
        (200..300 | 403 | 429, Err(_)) | (_, Ok(())) => false,
        (_, Err(error)) => matches!(error, Error::Other { .. }),
    };
    let fits =
        fits && result.as_ref().err().and_then(problem).is_none_or(|problem| is_whole(exchange, problem));
    let Exchange { method, path, status, .. } = exchange;
    (!fits).then(|| format!("{method} {path}: {status} {said} became {result:?}"))
}

fn problem(error: &Error) -> Option<&Problem> {
    match error {
        Error::Invalid { problem, .. }
        | Error::Forbidden { problem, .. }
        | Error::Conflict { problem, .. } => Some(problem),
        _ => None,
    }
}

/// Returns whether each message of the answer is an entry of its own, and there are no others.
fn is_whole(exchange: &Exchange, problem: &Problem) -> bool {
    let mut said = Vec::new();
    match &exchange.body {
        Value::String(_) => return problem.format != ProblemFormat::Json && !problem.entries.is_empty(),
        body => messages(body, &mut said),
    }
    let clean = |text: &&str| -> String {
        text.chars().take(500).map(|c| if c.is_control() { ' ' } else { c }).collect()
    };
    let said: Vec<String> = said.iter().map(clean).collect();
    let kept: Vec<&String> = problem.entries.iter().map(|entry| &entry.message).collect();
    problem.status == exchange.status && kept == said.iter().collect::<Vec<_>>()
}

fn messages<'a>(tree: &'a Value, found: &mut Vec<&'a str>) {
    match tree {
        Value::String(text) => found.push(text),
        Value::Array(list) => list.iter().for_each(|inner| messages(inner, found)),
        Value::Object(members) => members.values().for_each(|inner| messages(inner, found)),
        _ => {}
    }
}

fn forbidden_by(said: &str) -> ForbiddenBy {
    let known = [
        ("Insufficient token permissions.", ForbiddenBy::Policy),
        ("You do not have permission to perform this action.", ForbiddenBy::Permission),
        ("Login token required.", ForbiddenBy::Permission),
        ("Domain limit exceeded.", ForbiddenBy::Limit),
    ];
    known.into_iter().find(|(text, _)| said.contains(text)).map_or(ForbiddenBy::Other, |(_, by)| by)
}

// A plain "Not found." means whatever the path was about.
fn missing_of(said: &str) -> &'static [Missing] {
    let known: [(&str, &[Missing]); 7] = [
        ("No RRset matches the given query.", &[Missing::RrSet]),
        ("No Domain matches the given query.", &[Missing::Domain]),
        ("No Token matches the given query.", &[Missing::Token]),
        ("No TokenDomainPolicy matches the given query.", &[Missing::Policy]),
        ("No TOTPFactor matches the given query.", &[Missing::Factor]),
        ("nohost", &[Missing::Domain]),
        ("\"Not found.\"", &[Missing::Domain, Missing::Token, Missing::Policy, Missing::Factor]),
    ];
    known.into_iter().find(|(text, _)| said.contains(text)).map_or(&[], |(_, missing)| missing)
}

fn writes(exchange: &Exchange) -> bool {
    exchange.method != "GET" || matches("/dyndns/update", &exchange.path)
}
