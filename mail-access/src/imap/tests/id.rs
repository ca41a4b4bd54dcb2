//! What the server is told of the program: ID (RFC 2971).

use std::sync::Arc;

use super::*;
use crate::SmtpImap;

const ID: &str = r#"I1 ID ("name" "a \"b\" \\" "version" "1.0")"#;

fn logged_in(offers: &str) -> Dialogue {
    greeting("SASL-IR AUTH=PLAIN ID")
        .hears("L1 AUTHENTICATE PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n")
        .says(format!("L1 OK [CAPABILITY IMAP4rev1 {offers}] in\r\n"))
}

async fn read(dialogue: Dialogue) -> Result<Vec<u32>, Error> {
    let script = Script::of([dialogue]);
    let config = Script::config().with_imap_id(r#"a "b" \"#, "1.0").unwrap();
    let mail = SmtpImap::new(config, Arc::clone(&script) as _);
    let done = mail.fetch(&ada(), &Selection::After(None), 10).await;
    assert_eq!(script.problems(), [""; 0]);
    done.map(|batch| uids(&batch))
}

#[tokio::test(start_paused = true)]
async fn it_goes_out_once_and_with_a_command_and_its_answer_is_nothing() {
    let listed = format!("{}A2 OK done\r\n", sizes(&[3, 5]));
    let told = |says: String| {
        logged_in("IDLE ID")
            .then(select("A1", 2, 6))
            .hears(format!("{ID}\r\nA2 UID FETCH 1:5 (UID RFC822.SIZE)\r\n"))
            .says(says)
            .then(asks("A3", &format!("UID FETCH 3,5 {BODIES}"), &(body(3) + &body(5))))
    };
    for says in [
        format!("* ID (\"name\" \"Dovecot\" \"os\" NIL)\r\nI1 OK done\r\n{listed}"),
        format!("* ID NIL\r\nI1 OK done\r\n{listed}"),
        format!("I1 NO not now\r\n{listed}"),
        format!("I1 BAD what\r\n{listed}"),
        format!("{listed}I1 OK done\r\n"),
    ] {
        assert_eq!(read(told(says.clone())).await.unwrap(), [3, 5], "{says}");
    }
    let error = read(told(format!("I1 OK done\r\nI1 OK done\r\n{listed}"))).await.unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn it_is_not_told_to_who_does_not_offer_to_hear_it() {
    assert_eq!(read(logged_in("IDLE").then(two_messages())).await.unwrap(), [3, 5]);
}

#[test]
fn values_are_checked() {
    let long = "x".repeat(1025);
    for (name, version) in [
        ("", "1"),
        ("a", ""),
        ("a\r\nA9 LOGOUT", "1"),
        ("a", "1\n"),
        ("a\0", "1"),
        ("\u{e4}", "1"),
        (&long, "1"),
    ] {
        let error = Script::config().with_imap_id(name, version).unwrap_err();
        assert!(matches!(error, Error::Invalid { what: "program", .. }), "{error:?}");
    }
    assert!(Script::config().with_imap_id(&long[1..], "1").is_ok());
}
