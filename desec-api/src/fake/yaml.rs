//! Errors as YAML text, laid out as dynDNS lays them out.

/// What is wrong with one item.
pub(super) enum Item {
    /// A message about the whole request.
    Bare(String),
    /// A message about an item.
    NonField(String),
}

/// Returns the list of what is wrong with each item; `None` where nothing is.
pub(super) fn list(items: &[Option<Item>]) -> String {
    let shown = |item: &Option<Item>| match item {
        None => "- {}\n".into(),
        Some(Item::Bare(text)) => format!("- {}\n", scalar(text, 2)),
        Some(Item::NonField(text)) => format!("- non_field_errors:\n  - {}\n", scalar(text, 4)),
    };
    items.iter().map(shown).collect()
}

/// Returns a text as it stands at column `indent`: quoted where it must be, in lines of a bit more than 80.
fn scalar(text: &str, indent: usize) -> String {
    let quoted = text.contains(": ") || text.contains(" #");
    let text = if quoted { format!("'{}'", text.replace('\'', "''")) } else { text.to_owned() };
    let (mut lines, mut column) = (String::new(), indent);
    for (n, word) in text.split(' ').enumerate() {
        if n > 0 && column > 80 {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            column = indent;
        } else if n > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += word.chars().count();
    }
    lines
}
