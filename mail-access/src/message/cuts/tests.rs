use std::borrow::Cow;
use std::panic::catch_unwind;

use proptest::prelude::*;

use super::*;
use crate::message::Limits;
use crate::message::parse::{Content, decode};
use crate::message::survey::survey;

/// Bytes in lines of Base64, enough of them to be cut out.
fn file(lines: usize, end: &str) -> String {
    let line = format!("{}{end}", STANDARD.encode([0xa7_u8; 57]));
    format!("{}{}{end}", line.repeat(lines), STANDARD.encode("end"))
}

fn part(body: &str) -> String {
    format!("--b\r\nContent-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}")
}

fn mixed(parts: &[String]) -> String {
    format!("Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n", parts.concat())
}

/// Tells how many files were cut out, after the message was read with and without that.
fn cut(raw: &str) -> usize {
    let seen = survey(raw.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(
        shown(&seen),
        shown(&Seen { bytes: Cow::Borrowed(&seen.bytes), files: Vec::new() }),
        "{raw:.2000}"
    );
    let is_restored = catch_unwind(|| {
        let (mut cuts, left) = Cuts::of(&seen);
        let message = mail_parser::MessageParser::new().parse(&left);
        message.is_some_and(|mut message| cuts.restore(&mut message, &left)).then_some(cuts.0.len())
    });
    is_restored.ok().flatten().unwrap_or(0)
}

/// Everything that is read, or `None` where an assertion of the parser fails.
fn shown(seen: &Seen<'_>) -> Option<String> {
    let Content { attachments, text, html, .. } =
        catch_unwind(|| decode(seen, &Limits::default())).ok()?.unwrap();
    let files: Vec<_> =
        attachments.iter().map(|file| (file, String::from_utf8_lossy(&file.content))).collect();
    Some(format!("{text:?} {html:?} {files:?}"))
}

#[test]
fn files_are_cut_out_and_read_as_ever() {
    let text = "--b\r\n\r\nhello\r\n".to_owned();
    for end in ["\r\n", "\n"] {
        let large = file(60, end);
        for (parts, cuts) in [
            (vec![text.clone(), part(&large), part(&large)], 2),
            (vec![part(&format!("{large}{end}{end}")), text.clone()], 1),
            (vec![part(&format!("{end}{large}"))], 1),
            (vec![part(&file(2, end))], 0),
            (vec![part(&large).replace("base64", "BASE64 ")], 1),
            (vec![part(&large).replace("base64", "quoted-printable")], 0),
            (vec![part(&large).replace("image/png", "text/plain")], 0),
            (vec![part(&large).replace("image/png", "application/pdf")], 1),
            (vec![part(&large).replace("--b\r\n", "--b\r\nContent-Type: text/html\r\n")], 0),
        ] {
            assert_eq!(cut(&mixed(&parts)), cuts, "{end:?} {cuts}");
        }
    }
}

#[test]
fn what_has_a_flaw_is_left_to_the_parser() {
    let large = file(60, "\r\n");
    for flaw in ["!", "--", " ", "=", "Q", "QQ", "QR==", "QUI", "QUI=\r\nQUI=", "\u{fc}"] {
        assert_eq!(cut(&mixed(&[part(&format!("{large}{flaw}\r\n"))])), 0, "{flaw:?}");
    }
    assert_eq!(cut(&mixed(&[part(&format!("{large}QQ==\r\n"))])), 1);
}

#[test]
fn what_only_looks_like_a_file_stays_text() {
    let inner = part(&file(60, "\r\n")).replace("--b\r\n", "");
    let text = format!("--b\r\nContent-Type: text/plain\r\n\r\nso it began:\r\n{inner}");
    assert_eq!(cut(&mixed(std::slice::from_ref(&text))), 0);
    assert_eq!(cut(&mixed(&[text, part(&file(60, "\r\n"))])), 0);
    // The boundary behind the file is not the one that the parser looks for.
    let lost = part(&format!("{}--c\r\nmore\r\n", file(60, "\r\n")));
    let text = "--b\r\n\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n".to_owned();
    assert_eq!(cut(&mixed(&[text, lost])), 0);
}

#[test]
fn an_embedded_message_keeps_the_bytes_of_its_files() {
    let large = file(60, "\r\n");
    let single =
        format!("Subject: y\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n{large}");
    let many = mixed(&[part(&large), part(&large)]).replace("boundary=b", "boundary=c").replace("--b", "--c");
    for nested in [single, many] {
        let raw = mixed(&[
            part(&large),
            format!("--b\r\nContent-Type: message/rfc822\r\n\r\n{nested}\r\n"),
            part(&large),
        ]);
        assert!(cut(&raw) > 2);
        let seen = survey(raw.as_bytes(), &Limits::default()).unwrap();
        let content = decode(&seen, &Limits::default()).unwrap();
        let embedded = content.attachments.iter().find(|file| file.content_type == "message/rfc822").unwrap();
        assert_eq!(String::from_utf8_lossy(&embedded.content).trim_end(), nested.trim_end());
    }
}

proptest! {
    #[test]
    fn any_message_is_read_as_ever(raw in jumble()) {
        cut(&raw.replace("FILE", &file(40, "\r\n")));
    }
}

fn jumble() -> impl Strategy<Value = String> {
    let header = "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let piece = prop::sample::select(vec![
        format!("--b\r\n{header}FILE"),
        format!("\r\n--c\r\n{header}FILE"),
        format!("{header}FILE").replace('\r', ""),
        "FILE".into(),
        "FILE==".into(),
        "--b\r\n".into(),
        "\r\n--c\r\n".into(),
        "\r\n--b--\r\n".into(),
        "\r\n--c--\r\n".into(),
        "--bc\r\n".into(),
        "\r\n".into(),
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n".into(),
        "Content-Type: multipart/alternative; boundary=c\r\n\r\n".into(),
        "Content-Type: multipart/digest; boundary=c\r\n\r\n".into(),
        "Content-Type: message/rfc822\r\n\r\n".into(),
        "Content-Type: text/plain\r\n\r\n".into(),
        "Content-Type: application/x\r\n".into(),
        "Content-Disposition: attachment\r\n".into(),
        "Content-Transfer-Encoding: base64\r\n".into(),
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n".into(),
        "Subject: x\r\n".into(),
        "word=\r\n".into(),
    ]);
    prop::collection::vec(piece, 0..24)
        .prop_map(|pieces| format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{}", pieces.concat()))
}
