//! The YAML in which dynDNS tells what is wrong: lists and mappings in block style, and their texts.

use super::{ProblemEntry, clean, is_whole};

/// Returns the messages of `text` with their paths. Whatever is no such YAML is taken for a message.
pub(super) fn entries(text: &str) -> Vec<ProblemEntry> {
    let mut keys: Vec<(usize, &str)> = Vec::new();
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let (indent, dashed, rest) = undashed(line);
        if let Some(key) = rest.strip_suffix(':').filter(|key| is_key(key)) {
            keys.retain(|(column, _)| *column < indent);
            keys.push((indent, key));
        } else if rest.is_empty() || rest == "{}" || rest == "[]" {
        } else if let Some(dash) = dashed {
            keys.retain(|(column, _)| *column <= dash);
            let path: Vec<&str> = keys.iter().map(|(_, key)| *key).filter(|key| !is_whole(key)).collect();
            found.push((path.join("."), rest.to_owned()));
        } else if let Some((_, message)) = found.last_mut() {
            // A long text goes on in the next line.
            *message = format!("{message} {rest}");
        } else {
            found.push((String::new(), rest.to_owned()));
        }
    }
    let entry =
        |(path, text): (String, String)| ProblemEntry { item: None, path, message: clean(&unquoted(&text)) };
    found.into_iter().map(entry).collect()
}

// The column of what follows the dashes, the column of the last dash, and what follows.
fn undashed(line: &str) -> (usize, Option<usize>, &str) {
    let mut rest = line.trim_start();
    let mut dash = None;
    while let Some(tail) = rest.strip_prefix("- ") {
        dash = Some(line.len() - rest.len());
        rest = tail.trim_start();
    }
    (line.len() - rest.len(), dash, rest.trim_end())
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn unquoted(text: &str) -> String {
    let within = |quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    if let Some(text) = within('\'') {
        return text.replace("''", "'");
    }
    within('"').map_or_else(|| text.to_owned(), |text| text.replace("\\\"", "\"").replace("\\\\", "\\"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        entries(text).into_iter().map(|entry| (entry.path, entry.message)).collect()
    }

    fn entry(path: &str, message: &str) -> (String, String) {
        (path.into(), message.into())
    }

    #[test]
    fn recorded_answers_are_read() {
        let twice = "- non_field_errors:\n  - 'Record content: bad.'\n- non_field_errors:\n  - second\n";
        assert_eq!(read(twice), [entry("", "Record content: bad."), entry("", "second")]);
        let folded = "- 'it''s an invalid\n  network'\n- IP parameter \"myipv4\" cannot\n  be\n";
        assert_eq!(
            read(folded),
            [entry("", "it's an invalid network"), entry("", "IP parameter \"myipv4\" cannot be")]
        );
    }

    #[test]
    fn paths_follow_the_columns() {
        let nested = "- {}\n- records:\n  - content:\n    - blank\n  - late\n  ttl:\n  - low\n- whole\n";
        let expected = [
            entry("records.content", "blank"),
            entry("records", "late"),
            entry("ttl", "low"),
            entry("", "whole"),
        ];
        assert_eq!(read(nested), expected);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>()) {
            for entry in entries(&text) {
                prop_assert!(!entry.message.chars().any(char::is_control));
            }
        }

        #[test]
        fn lines_that_look_like_yaml_are_read(lines in proptest::collection::vec("( {0,4}(- ){0,3}(a:|'b|c'|\"|\\\\|:)?)", 0..8)) {
            entries(&lines.join("\n"));
        }

        #[test]
        fn no_message_is_lost(
            items in proptest::collection::vec(("[a-z_]{1,9}", proptest::collection::vec("[ -~]{1,30}", 1..4)), 1..5),
        ) {
            let mut text = String::new();
            let mut expected = Vec::new();
            for (key, messages) in &items {
                text.extend(["- ", key, ":\n"]);
                for message in messages {
                    text.extend(["  - '", &message.replace('\'', "''"), "'\n"]);
                    let path = if is_whole(key) { "" } else { key };
                    expected.push(entry(path, message.trim()));
                }
            }
            prop_assert_eq!(read(&text), expected);
        }
    }
}
