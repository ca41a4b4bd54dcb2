//! Passwords and tokens, and what a server may say about them.

use super::*;

const TOKEN: &str = "ya29.canary";
/// `user=ada@agents.example^Aauth=Bearer ya29.canary^A^A`
const BLOB: &str = "dXNlcj1hZGFAYWdlbnRzLmV4YW1wbGUBYXV0aD1CZWFyZXIgeWEyOS5jYW5hcnkBAQ==";

fn with_token() -> Login {
    Login::with_token(ada().address().clone(), SecretString::from(TOKEN))
}

async fn submit_as(login: &Login, dialogue: Dialogue) -> (Result<Submission, Error>, String) {
    let script = Script::of([dialogue]);
    let done = script.mail().submit(login, &to_bob()).await;
    assert_eq!(script.problems(), [""; 0]);
    (done, script.heard())
}

fn one_plain_message() -> Dialogue {
    Dialogue::default()
        .hears("MAIL FROM:<ada@agents.example>\r\n")
        .says("250 ok\r\n")
        .hears("RCPT TO:<bob@x.example>\r\n")
        .says("250 ok\r\n")
        .hears("DATA\r\n")
        .says("354 go on\r\n")
        .hears("Subject: x\r\n\r\n..y\r\n.\r\n")
        .says("250 queued\r\n")
}

#[tokio::test(start_paused = true)]
async fn a_token_goes_by_xoauth2_at_once() {
    let dialogue = offering("250 AUTH PLAIN LOGIN XOAUTH2\r\n")
        .hears(format!("AUTH XOAUTH2 {BLOB}\r\n"))
        .says("235 2.7.0 ok\r\n")
        .then(one_plain_message());
    let (done, _) = submit_as(&with_token(), dialogue).await;
    assert!(done.is_ok(), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_long_for_one_line_waits_for_the_request() {
    use base64::Engine as _;
    for (length, in_one) in [(334, true), (335, false)] {
        let token = "t".repeat(length);
        let text = format!("user=ada@agents.example\x01auth=Bearer {token}\x01\x01");
        let blob = base64::engine::general_purpose::STANDARD.encode(text);
        let whole = format!("AUTH XOAUTH2 {blob}\r\n");
        assert_eq!(whole.len() <= 512, in_one, "{}", whole.len());
        let dialogue = offering("250 AUTH XOAUTH2\r\n");
        let dialogue = if in_one {
            dialogue.hears(whole)
        } else {
            dialogue.hears("AUTH XOAUTH2\r\n").says("334 \r\n").hears(format!("{blob}\r\n"))
        };
        let login = Login::with_token(ada().address().clone(), token.into());
        let (done, _) = submit_as(&login, dialogue.says("235 ok\r\n").then(one_plain_message())).await;
        assert!(done.is_ok(), "{length}: {done:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_is_told_in_the_servers_last_words() {
    let refusing = |reply: &str| {
        offering("250 AUTH XOAUTH2\r\n")
            .hears(format!("AUTH XOAUTH2 {BLOB}\r\n"))
            // {"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}
            .says("334 eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIn0=\r\n")
            .hears("\r\n")
            .says(reply)
    };
    let (done, heard) =
        submit_as(&with_token(), refusing("535 5.7.8 Username and Password not accepted\r\n")).await;
    let error = done.unwrap_err();
    assert!(matches!(error, Error::Authentication { .. }), "{error:?}");
    assert_eq!(error.status().unwrap().enhanced, Some((5, 7, 8)));
    assert!(!heard.contains("MAIL"));
    let (done, _) = submit_as(&with_token(), refusing("454 4.7.0 later\r\n")).await;
    assert!(done.unwrap_err().is_retryable());
    for wrong in ["235 2.7.0 welcome all the same\r\n", "334 more\r\n", "250 ok\r\n"] {
        let (done, _) = submit_as(&with_token(), refusing(wrong)).await;
        assert!(matches!(done, Err(Error::Protocol { .. })), "{wrong:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_never_sent_as_a_password_nor_shown() {
    let (done, heard) = submit_as(&with_token(), offering("250 AUTH PLAIN LOGIN\r\n")).await;
    assert!(matches!(done, Err(Error::Protocol { .. })), "{done:?}");
    assert!(!heard.contains("AUTH"), "{heard}");
    for reply in [format!("535 5.7.8 no {TOKEN}\r\n"), format!("501 what is {BLOB}\r\n")] {
        let dialogue = offering("250 AUTH XOAUTH2\r\n").hears(format!("AUTH XOAUTH2 {BLOB}\r\n")).says(reply);
        let (done, _) = submit_as(&with_token(), dialogue).await;
        let error = done.unwrap_err();
        let shown = format!("{error} {error:?} {:?}", with_token());
        assert!(!shown.contains("canary") && !shown.contains("dXNlcj"), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_password_is_never_sent_as_a_token() {
    let (done, heard) = submit_as(&ada(), offering("250 AUTH XOAUTH2\r\n")).await;
    assert!(matches!(done, Err(Error::Protocol { .. })), "{done:?}");
    assert!(!heard.contains("AUTH"), "{heard}");
}
