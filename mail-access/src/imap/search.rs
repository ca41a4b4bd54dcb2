use super::session::{LONG, Said, Session};
use crate::wire::Fault;
use crate::{MessageId, Uid};

impl Session {
    /// Finds the messages from `low` to `high` that `key` fits, by ascending UID.
    pub(super) async fn search(&mut self, low: u32, high: u32, key: &Key<'_>) -> Result<Vec<Uid>, Fault> {
        let mut found = Vec::new();
        let command = format!("UID SEARCH UID {low}:{high} {}", key.written());
        self.run(&command, LONG, |answer| {
            if let Said::Line(line) = answer
                && let Some(numbers) = line.after("SEARCH").and_then(|mut rest| rest.numbers())
            {
                let fitting = numbers.into_iter().filter(|number| (low..=high).contains(number));
                found.extend(fitting.filter_map(Uid::new));
            }
        })
        .await?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

/// What to look for.
pub(super) enum Key<'a> {
    Unseen,
    /// Finds those too in whose Message-ID this one is contained.
    MessageId(&'a MessageId),
}

impl Key<'_> {
    fn written(&self) -> String {
        match self {
            Self::Unseen => "UNSEEN".into(),
            // A Message-ID is printable ASCII, so that a quoted string holds it.
            Self::MessageId(id) => {
                let quoted = id.as_str().replace('\\', "\\\\").replace('"', "\\\"");
                format!("HEADER Message-ID \"{quoted}\"")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_stays_within_its_quotes() {
        let id = r#"a"b\c@x"#.parse().unwrap();
        assert_eq!(Key::MessageId(&id).written(), r#"HEADER Message-ID "a\"b\\c@x""#);
    }

    proptest::proptest! {
        #[test]
        fn no_message_id_ends_the_quotes(text in "[ -~]{1,60}") {
            if let Ok(id) = text.parse::<MessageId>() {
                let written = Key::MessageId(&id).written();
                let inner = written.strip_prefix("HEADER Message-ID \"").and_then(|rest| rest.strip_suffix('"'));
                let mut bytes = inner.unwrap().bytes();
                let mut read = String::new();
                while let Some(byte) = bytes.next() {
                    proptest::prop_assert_ne!(byte, b'"');
                    read.push(char::from(if byte == b'\\' { bytes.next().unwrap() } else { byte }));
                }
                proptest::prop_assert_eq!(read, id.as_str());
            }
        }
    }
}
