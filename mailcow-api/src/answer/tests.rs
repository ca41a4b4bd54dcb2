use proptest::prelude::*;

use super::*;

const WRITE: Operation<'_> = Operation { route: "add/mailbox", subject: "a@b.example" };
const READ: Operation<'_> = Operation { route: "get/domain", subject: "b.example" };

fn judged(body: &str) -> Result<(), Error> {
    confirm(WRITE, "mailbox_added".into(), body.as_bytes())
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
        assert!(matches!(error, Error::Unknown { .. }) && error.outcome_unknown(), "{unconfirmed}: {error}");
    }
}

#[test]
fn a_problem_beside_the_success_is_reported() {
    let both = r#"[{"type":"danger","msg":"rl_timeframe"},{"type":"success","msg":["mailbox_added","a@b"]}]"#;
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
    assert_eq!(error.to_string(), "the server redirects add/mailbox to evil.example, correct the base url");
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
