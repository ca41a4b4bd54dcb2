use std::{fs, path::Path, slice};

use proptest::prelude::*;
use serde_json::Value;

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
    let more = both.replacen('{', r#"{"type":"danger","msg":["sender_acl_invalid","x"]},{"#, 1);
    let problems = judged(&more).unwrap_err();
    let codes: Vec<_> = problems.problems().into_iter().map(Problem::code).collect();
    assert_eq!(codes, ["sender_acl_invalid", "rl_timeframe"]);
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

/// The writes of all recordings among the fixtures: route, body, answer.
fn recorded_answers() -> Vec<Value> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut files: Vec<_> = fs::read_dir(fixtures)
        .unwrap()
        .flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let mut answers = Vec::new();
    for file in files {
        let exchanges: Vec<Value> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let writes = exchanges.into_iter().filter(|exchange| exchange["request"]["method"] == "POST");
        answers.extend(writes.map(|exchange| exchange["response"]["body"].clone()));
    }
    answers.retain(|answer| answer.is_array() || answer.is_object());
    answers
}

/// Every code in the answer, so that as many answers as possible could count as done.
fn codes(answer: &Value) -> Vec<String> {
    let entries = answer.as_array().map_or(slice::from_ref(answer), Vec::as_slice);
    let code = |entry: &Value| match &entry["msg"] {
        Value::Array(words) => words.first()?.as_str().map(str::to_owned),
        msg => msg.as_str().map(str::to_owned),
    };
    entries.iter().filter_map(code).collect()
}

/// Whether an answer holds a message of any other kind than success and info. Knows nothing of the judge.
fn holds_problem(body: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return false };
    let entries = value.as_array().map_or(slice::from_ref(&value), Vec::as_slice);
    entries.iter().any(|entry| !matches!(entry["type"].as_str(), Some("success" | "info")))
}

/// What happens to an answer on its way: bytes changed, cut, doubled.
fn mutate(mut body: Vec<u8>, changes: &[(usize, u8, u8)]) -> Vec<u8> {
    for &(at, what, byte) in changes {
        if body.is_empty() {
            break;
        }
        let at = at % body.len();
        match what % 5 {
            0 => body[at] = byte,
            1 => body.truncate(at),
            2 => body.insert(at, byte),
            3 => drop(body.remove(at)),
            _ => {
                let tail = body[at..].to_vec();
                body.extend(tail);
            }
        }
    }
    body
}

proptest! {
    #[test]
    fn no_mutated_answer_with_a_problem_in_it_is_done(
        pick in any::<prop::sample::Index>(),
        problem in prop::sample::select(vec!["danger", "error", "warning", "DANGER", "", "succes"]),
        at in any::<prop::sample::Index>(),
        words in prop::sample::select(vec![r#""mailbox_added""#, r#"["access_denied","a@b"]"#, "null", "[]", r#"{"x":1}"#]),
        changes in prop::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 0..4),
    ) {
        thread_local!(static ANSWERS: Vec<Value> = recorded_answers());
        let answer = ANSWERS.with(|answers| pick.get(answers).clone());
        let codes = codes(&answer);
        let codes: Vec<_> = codes.iter().map(String::as_str).collect();
        let mut entries = answer.as_array().cloned().unwrap_or_else(|| vec![answer.clone()]);
        let msg: Value = serde_json::from_str(words).unwrap();
        entries.insert(at.index(entries.len() + 1), serde_json::json!({"type": problem, "log": null, "msg": msg}));
        let intact = serde_json::to_vec(&entries).unwrap();
        let items: Vec<_> = ["a@b", "agent-0001@agents.example.com"].map(str::to_owned).into();
        for body in [intact.clone(), mutate(intact, &changes)] {
            let is_bad = holds_problem(&body);
            for success in [Success::AnyOf(&codes), Success::TaskCompleted, Success::PlainTrue] {
                if confirm(WRITE, success, &body).is_ok() {
                    prop_assert!(!is_bad, "{}", String::from_utf8_lossy(&body));
                }
                let mut outcome = PartlyDone::default();
                if confirm_each(WRITE, success, &items, &body, &mut outcome).is_ok() && outcome.is_done() {
                    prop_assert!(!is_bad, "{}", String::from_utf8_lossy(&body));
                }
            }
            if let Ok(Some(_)) = decode::<Value>(READ, &body) {
                prop_assert!(!is_bad || messages(&body).is_none(), "{}", String::from_utf8_lossy(&body));
            }
            prop_assert!(returned::<Value>(WRITE, &body).is_err() || messages(&body).is_none());
        }
    }

    #[test]
    fn no_mutated_success_turns_into_another(
        changes in prop::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 1..6),
    ) {
        let whole = br#"[{"type":"success","log":["mailbox"],"msg":["mailbox_added","a@b.c"]}]"#;
        let body = mutate(whole.to_vec(), &changes);
        if confirm(WRITE, Success::Code("mailbox_added"), &body).is_ok() {
            // An odd number or escape in the log is skipped by the judge and fails here.
            let Ok(value) = serde_json::from_slice::<Value>(&body) else { return Ok(()) };
            let entry = value.get(0).unwrap_or(&value);
            let code = entry["msg"].get(0).unwrap_or(&entry["msg"]);
            prop_assert_eq!((&entry["type"], code), (&"success".into(), &"mailbox_added".into()));
        }
    }
}

#[test]
fn an_array_is_no_message_and_a_field_is_there_once() {
    for odd in [
        r#"[["success","mailbox_added"]]"#,
        r#"["success","mailbox_added"]"#,
        r#"[{"type":"danger","type":"success","msg":"mailbox_added"}]"#,
        r#"[{"type":"success","msg":"x","msg":"mailbox_added"}]"#,
        r#"[[{"type":"success","msg":"mailbox_added"}]]"#,
    ] {
        assert!(matches!(judged(odd), Err(Error::Unknown { .. })), "{odd}");
    }
}

#[test]
fn each_form_of_success_is_only_itself() {
    let task = br#"{"type":"success","msg":"Task completed"}"#;
    assert!(confirm(WRITE, Success::TaskCompleted, task).is_ok());
    assert!(confirm(WRITE, Success::AnyOf(&["mailbox_added", "x"]), task).is_err());
    assert!(confirm(WRITE, Success::PlainTrue, b" true\n").is_ok());
    for other in [&b"false"[..], b"\"true\"", b"truer", b"", task] {
        assert!(confirm(WRITE, Success::PlainTrue, other).is_err());
    }
    let text = br#"[{"type":"success","msg":"Added client access"}]"#;
    assert!(confirm(WRITE, Success::Code("Added client access"), text).is_ok());
    assert!(confirm(WRITE, Success::Code(Problem::FREE_TEXT), text).is_err());
}

#[test]
fn an_object_of_its_own_is_returned_and_a_message_is_not_taken_for_it() {
    #[derive(Debug, Default, Deserialize, PartialEq)]
    struct Token {
        #[serde(default)]
        token: String,
    }
    assert_eq!(returned::<Token>(WRITE, br#"{"token":"T"}"#).unwrap().token, "T");
    let refused = br#"[{"type":"danger","log":[],"msg":["object_doesnt_exist","nope"]}]"#;
    assert!(matches!(returned::<Token>(WRITE, refused), Err(Error::Refused { .. })));
    let nothing = br#"{"type":"success","msg":"Task completed"}"#;
    assert!(returned::<Token>(WRITE, nothing).unwrap_err().outcome_unknown());
    assert!(returned::<Token>(WRITE, b"").unwrap_err().outcome_unknown());
    // Nor by a read, although each of its fields may be absent.
    assert!(matches!(decode::<Token>(READ, refused), Err(Error::Refused { .. })));
    assert!(matches!(decode::<Token>(READ, nothing), Err(Error::Unexpected { .. })));
}

#[test]
fn text_is_raw_and_a_log_is_no_message() {
    assert_eq!(text(READ, b"*** ENVELOPE\n").unwrap().unwrap(), "*** ENVELOPE\n");
    assert_eq!(text(READ, b"{}").unwrap(), None);
    assert!(matches!(text(READ, br#"{"type":"error","msg":"no such mail"}"#), Err(Error::Refused { .. })));
    let log = br#"[{"id":1,"type":"danger","msg":"\"x\"","call":"[]"}]"#;
    assert!(decode::<Value>(READ, log).unwrap().is_some());
}
