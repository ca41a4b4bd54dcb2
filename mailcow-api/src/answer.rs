//! The one judge of answers. Mailcow says HTTP 200 for most failures, so a write is done only if its own success
//! code is in the answer and no problem stands beside it.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use crate::{Error, HttpError, HttpResponse, Problem};

/// What a call was about: all that the judge needs to name it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation<'a> {
    pub(crate) route: &'static str,
    pub(crate) subject: &'a str,
    pub(crate) is_write: bool,
}

impl Operation<'_> {
    pub(crate) fn invalid(&self, reason: impl Into<String>) -> Error {
        Error::InvalidInput { operation: self.route, reason: reason.into() }
    }

    /// The error for a call that may have reached the application but has no answer.
    pub(crate) fn unanswered(&self, reason: impl Into<String>, source: Option<HttpError>) -> Error {
        let (operation, reason) = (self.route, reason.into());
        if self.is_write {
            Error::Unknown { operation, subject: self.subject.to_owned(), reason, source }
        } else {
            Error::Unavailable { operation, reason, source }
        }
    }

    fn unexpected(&self, reason: impl Into<String>) -> Error {
        Error::Unexpected { operation: self.route, reason: reason.into() }
    }

    fn refused(&self, problem: Problem) -> Error {
        Error::Refused { operation: self.route, subject: self.subject.to_owned(), problem }
    }

    fn partial(&self, problem: Problem) -> Error {
        Error::Partial { operation: self.route, subject: self.subject.to_owned(), problem }
    }
}

/// Judges how the call went on the wire and returns the body of an answer with status 200.
pub(crate) fn accept(
    operation: Operation<'_>,
    base: &Url,
    sent: Result<HttpResponse, HttpError>,
) -> Result<Vec<u8>, Error> {
    let route = operation.route;
    let response = match sent {
        Ok(response) => response,
        Err(error @ HttpError::Connect(_)) => {
            let reason = "it could not be reached".to_owned();
            return Err(Error::Unavailable { operation: route, reason, source: Some(error) });
        }
        Err(error @ HttpError::Lost(_)) => {
            return Err(operation.unanswered("there is no whole answer", Some(error)));
        }
        Err(error @ HttpError::TooLarge { .. }) if operation.is_write => {
            return Err(operation.unanswered("the answer is too large to read", Some(error)));
        }
        Err(HttpError::TooLarge { limit }) => {
            return Err(operation.unexpected(format!("it is larger than {limit} bytes")));
        }
    };
    match response.status {
        200 => Ok(response.body),
        300..=399 => {
            Err(Error::Redirected { operation: route, host: target_host(base, response.location.as_deref()) })
        }
        401 => Err(Error::Unauthenticated { operation: route, reason: rejection(&response.body) }),
        403 => Err(Error::PermissionDenied { operation: route }),
        404 => Err(Error::Unsupported { operation: route }),
        // Mailcow has no limit of its own: a proxy turned the call away before Mailcow saw it.
        429 => {
            let reason = "a proxy in front of it limits the rate".to_owned();
            Err(Error::Unavailable { operation: route, reason, source: None })
        }
        status @ (201..=299 | 408 | 500..) => {
            Err(operation.unanswered(format!("the status is {status}"), None))
        }
        status => Err(operation.unexpected(format!("the status is {status}"))),
    }
}

/// Judges the answer to a write: `Ok` only if `success`, its own code, is there and nothing else than successes.
pub(crate) fn confirm(operation: Operation<'_>, success: &str, body: &[u8]) -> Result<(), Error> {
    if body.trim_ascii().is_empty() {
        return Err(operation.unanswered("the answer is empty, as after an error inside of mailcow", None));
    }
    let Some(entries) = entries(body) else {
        return Err(operation.unanswered("the answer has no known shape", None));
    };
    let (good, mut bad): (Vec<_>, Vec<_>) = entries.into_iter().partition(Entry::is_good);
    if !bad.is_empty() {
        let problem = bad.swap_remove(0).problem;
        return Err(if good.is_empty() { operation.refused(problem) } else { operation.partial(problem) });
    }
    if good.iter().any(|entry| entry.problem.code() == success) {
        return Ok(());
    }
    // Also `{"type":"success","msg":"Task completed"}`, which Mailcow says when it did nothing.
    Err(operation.unanswered("the answer does not confirm it", None))
}

/// Judges the answer to a read: `None` for `{}` and `[]`, which stand for *not found* and *empty* alike.
pub(crate) fn decode<T: DeserializeOwned>(operation: Operation<'_>, body: &[u8]) -> Result<Option<T>, Error> {
    let mut marks = body.iter().filter(|byte| !byte.is_ascii_whitespace());
    match (marks.next(), marks.next(), marks.next()) {
        (None, ..) => {
            return Err(Error::Unauthenticated {
                operation: operation.route,
                reason: "the answer is empty, as when mailcow sees no key; does a proxy strip the header X-API-Key",
            });
        }
        (Some(b'{'), Some(b'}'), None) | (Some(b'['), Some(b']'), None) => return Ok(None),
        _ => {}
    }
    serde_json::from_slice(body).map(Some).map_err(|error| {
        let bad = entries(body).into_iter().flatten().find(|entry| !entry.is_good());
        match bad {
            Some(entry) => operation.refused(entry.problem),
            // Only the place: the words of serde may repeat a value.
            None => operation.unexpected(format!(
                "its JSON is not as known, line {} column {}",
                error.line(),
                error.column()
            )),
        }
    })
}

struct Entry {
    kind: String,
    problem: Problem,
}

impl Entry {
    fn is_good(&self) -> bool {
        self.kind == "success" || self.kind == "info"
    }
}

/// Reads the entries of an answer: an array of them or a single one. `None` if anything else is there.
fn entries(body: &[u8]) -> Option<Vec<Entry>> {
    #[derive(Deserialize)]
    struct Raw {
        r#type: String,
        msg: Value,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Shape {
        One(Raw),
        Many(Vec<Raw>),
    }
    let raw = match serde_json::from_slice(body).ok()? {
        Shape::One(raw) => vec![raw],
        Shape::Many(raw) => raw,
    };
    Some(raw.into_iter().map(|raw| Entry { kind: raw.r#type, problem: Problem::decode(&raw.msg) }).collect())
}

fn target_host(base: &Url, location: Option<&str>) -> String {
    let target = location.and_then(|location| base.join(location).ok());
    target.as_ref().and_then(Url::host_str).unwrap_or("an unnamed host").to_owned()
}

fn rejection(body: &[u8]) -> &'static str {
    let says = |text: &[u8]| body.windows(text.len()).any(|window| window == text);
    if says(b"api access denied for ip") {
        "the address of this host is not in the list of allowed addresses of the key"
    } else {
        "it is unknown or inactive"
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WRITE: Operation<'_> = Operation { route: "add/mailbox", subject: "a@b.example", is_write: true };
    const READ: Operation<'_> = Operation { route: "get/domain", subject: "b.example", is_write: false };

    fn judged(body: &str) -> Result<(), Error> {
        confirm(WRITE, "mailbox_added", body.as_bytes())
    }

    fn status(operation: Operation<'_>, status: u16, body: &str) -> Error {
        let base = "https://mail.example.com/api/v1/".parse().unwrap();
        let answer = HttpResponse::new(status, body).with_location("https://evil.example/?token=x");
        accept(operation, &base, Ok(answer)).unwrap_err()
    }

    #[test]
    fn only_the_own_code_of_a_write_is_success() {
        assert!(judged(r#"[{"type":"success","log":[],"msg":["mailbox_added","a@b"]}]"#).is_ok());
        for unconfirmed in [
            r#"{"type":"success","msg":"Task completed"}"#,
            r#"[{"type":"success","msg":["rl_saved","a@b"]}]"#,
            "[]",
            "{}",
            "",
            " \n",
            "<html>mailbox_added</html>",
            r#"["mailbox_added"]"#,
            r#"{"type":"success"}"#,
        ] {
            let error = judged(unconfirmed).unwrap_err();
            assert!(
                matches!(error, Error::Unknown { .. }) && error.outcome_unknown(),
                "{unconfirmed}: {error}"
            );
        }
    }

    #[test]
    fn a_problem_beside_the_success_is_reported() {
        let both =
            r#"[{"type":"danger","msg":"rl_timeframe"},{"type":"success","msg":["mailbox_added","a@b"]}]"#;
        let error = judged(both).unwrap_err();
        assert_eq!(error.problem().unwrap().code(), "rl_timeframe");
        assert!(matches!(error, Error::Partial { .. }));
        let warning = both.replace("danger", "warning");
        assert!(matches!(judged(&warning), Err(Error::Partial { .. })));
        let alone = r#"[{"type":"danger","msg":["object_exists","a@b"]}]"#;
        assert!(matches!(judged(alone), Err(Error::Refused { .. })));
        let protocol = r#"{"type":"error","msg":"Cannot find attributes in post data"}"#;
        assert!(matches!(judged(protocol), Err(Error::Refused { .. })));
    }

    #[test]
    fn a_status_means_the_same_for_every_route() {
        assert!(matches!(status(WRITE, 401, "{}"), Error::Unauthenticated { .. }));
        let by_address = status(WRITE, 401, r#"{"type":"error","msg":"api access denied for ip 192.0.2.1"}"#);
        assert!(by_address.to_string().contains("allowed addresses"), "{by_address}");
        assert!(matches!(status(WRITE, 403, ""), Error::PermissionDenied { .. }));
        assert!(matches!(status(READ, 404, ""), Error::Unsupported { .. }));
        assert!(matches!(status(WRITE, 502, "<html>"), Error::Unknown { .. }));
        assert!(status(READ, 502, "<html>").is_retryable());
        assert!(status(WRITE, 429, "").is_retryable());
        assert!(matches!(status(READ, 405, ""), Error::Unexpected { .. }));
    }

    #[test]
    fn a_redirect_names_only_the_host() {
        let error = status(WRITE, 307, "");
        assert_eq!(
            error.to_string(),
            "the server redirects add/mailbox to evil.example, correct the base url"
        );
    }

    #[test]
    fn a_read_tells_none_from_refused_from_unreadable() {
        let read = |body: &str| decode::<Vec<u32>>(READ, body.as_bytes());
        assert_eq!(read("[1, 2]").unwrap(), Some(vec![1, 2]));
        assert_eq!(read("{ }\n").unwrap(), None);
        assert_eq!(read("[]").unwrap(), None);
        assert!(matches!(read(""), Err(Error::Unauthenticated { .. })));
        assert!(matches!(read(r#"{"type":"error","msg":"x y"}"#), Err(Error::Refused { .. })));
        let error = read(r#"["SECRET"]"#).unwrap_err();
        assert!(matches!(error, Error::Unexpected { .. }) && !format!("{error:?}").contains("SECRET"));
    }

    proptest! {
        #[test]
        fn no_answer_with_a_problem_in_it_is_ok(
            codes in prop::collection::vec((0usize..5, "[a-z_]{1,12}"), 0..6),
            at in 0usize..7,
            danger in prop::sample::select(vec!["danger", "warning", "error", "DANGER", "succes"]),
        ) {
            let mut entries: Vec<_> = codes.iter().map(|(kind, code)| match kind {
                0 => serde_json::json!({"type": "success", "log": null, "msg": ["mailbox_added", code]}),
                1 => serde_json::json!({"type": "success", "msg": code}),
                2 => serde_json::json!({"type": "info", "msg": [code, 7, {"x": null}]}),
                _ => serde_json::json!({"type": "success", "msg": "mailbox_added"}),
            }).collect();
            entries.insert(at.min(entries.len()), serde_json::json!({"type": danger, "msg": "mailbox_added"}));
            prop_assert!(judged(&serde_json::to_string(&entries).unwrap()).is_err());
        }

        #[test]
        fn no_cut_answer_is_ok(cut in 0usize..52) {
            let whole = r#"[{"type":"success","msg":["mailbox_added","a@b.c"]}]"#;
            prop_assert!(cut == whole.len() || judged(&whole[..cut]).is_err());
        }
    }
}
