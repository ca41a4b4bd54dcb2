use crate::Status;
use crate::wire::{Buffered, Fault, read_line};

/// A whole reply: its code and its lines without the code (RFC 5321 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) lines: Vec<String>,
}

impl Reply {
    /// Reads one reply of one or more lines.
    pub(super) async fn read(stream: &mut Buffered) -> Result<Self, Fault> {
        let mut reply = Self { code: 0, lines: Vec::new() };
        loop {
            let line = read_line(stream, MAX_LINE).await?;
            let (code, last, text) = split(&line).ok_or_else(|| broken("a line of it has no reply code"))?;
            if reply.lines.is_empty() {
                reply.code = code;
            } else if reply.code != code {
                return Err(broken("its lines have different codes"));
            }
            reply.lines.push(text);
            if last {
                return Ok(reply);
            }
            if reply.lines.len() == MAX_LINES {
                return Err(broken("it has too many lines"));
            }
        }
    }

    /// Takes the enhanced code of the last line and the text of all (RFC 2034).
    pub(super) fn status(&self) -> Status {
        let (mut enhanced, mut texts) = (None, Vec::new());
        for line in &self.lines {
            let (code, text) = enhanced_code(line, self.code);
            enhanced = code.or(enhanced);
            texts.push(text);
        }
        Status::new(self.code, enhanced, &texts.join(" "))
    }
}

/// Splits `250-text` or `250 text`; the code alone is a last line as well.
fn split(line: &[u8]) -> Option<(u16, bool, String)> {
    let (code, rest) = line.split_at_checked(3)?;
    if !(b'2'..=b'5').contains(&code[0]) || !code[1..].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    let (last, text) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', text)) => (true, text),
        Some((b'-', text)) => (false, text),
        Some(_) => return None,
    };
    Some((code, last, String::from_utf8_lossy(text).into_owned()))
}

/// Splits `5.1.1 text`; the class has to agree with the reply code (RFC 2034 section 4).
fn enhanced_code(line: &str, code: u16) -> (Option<(u8, u16, u16)>, &str) {
    let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut numbers = first.split('.').map(|number| {
        let fine = (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        if fine { number.parse::<u16>().ok() } else { None }
    });
    let found =
        (numbers.next().flatten(), numbers.next().flatten(), numbers.next().flatten(), numbers.next());
    match found {
        (Some(class), Some(subject), Some(detail), None) if class == code / 100 => {
            (u8::try_from(class).ok().map(|class| (class, subject, detail)), rest)
        }
        _ => (None, line),
    }
}

fn broken(problem: &str) -> Fault {
    Fault::Protocol(format!("a reply is broken: {problem}"))
}

/// Four times what RFC 5321 section 4.5.3.1.5 allows.
const MAX_LINE: usize = 2048;
const MAX_LINES: usize = 128;

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::wire::buffered;

    async fn read(sent: &str) -> Result<Reply, Fault> {
        let (here, mut there) = tokio::io::duplex(1 << 20);
        there.write_all(sent.as_bytes()).await.unwrap();
        drop(there);
        Reply::read(&mut buffered(Box::new(here))).await
    }

    #[tokio::test]
    async fn replies_have_one_code_and_some_lines() {
        for (sent, code, lines) in [
            ("250 ok\r\n", 250, &["ok"][..]),
            ("250\r\n", 250, &[""]),
            ("250-a\r\n250-\r\n250 b\r\n", 250, &["a", "", "b"]),
            ("250-a\r\n250\r\n", 250, &["a", ""]),
        ] {
            let reply = read(sent).await.unwrap();
            assert_eq!((reply.code, reply.lines), (code, lines.iter().map(ToString::to_string).collect()));
        }
        let long = format!("250 {}\r\n", "a".repeat(MAX_LINE));
        let endless = "250-a\r\n".repeat(MAX_LINES + 1);
        for broken in
            ["250_ok\r\n", "25 ok\r\n", "abc\r\n", "150 x\r\n", "600 x\r\n", "250-a\r\n251 b\r\n", "\r\n"]
        {
            assert!(matches!(read(broken).await, Err(Fault::Protocol(_))), "{broken:?}");
        }
        assert!(matches!(read(&long).await, Err(Fault::Protocol(_))));
        assert!(matches!(read(&endless).await, Err(Fault::Protocol(_))));
        assert!(matches!(read("250-a\r\n").await, Err(Fault::Lost(_))));
    }

    #[test]
    fn enhanced_codes_are_taken_where_they_are_ones() {
        for (code, line, enhanced, text) in [
            (550, "5.1.1 no such user", Some((5, 1, 1)), "no such user"),
            (250, "2.0.0", Some((2, 0, 0)), ""),
            (550, "4.1.1 other class", None, "4.1.1 other class"),
            (550, "5.1 short", None, "5.1 short"),
            (550, "5.1.1.1 long", None, "5.1.1.1 long"),
            (550, "5.1.1234 long", None, "5.1.1234 long"),
            (550, "192.0.2.1 blocked", None, "192.0.2.1 blocked"),
        ] {
            let status = Reply { code, lines: vec![line.into()] }.status();
            assert_eq!((status.enhanced, status.text.as_str()), (enhanced, text));
        }
        let lines = vec!["5.7.1 first".into(), "5.7.1 second".into()];
        assert_eq!(Reply { code: 550, lines }.status().to_string(), "550 5.7.1 first second");
    }
}
