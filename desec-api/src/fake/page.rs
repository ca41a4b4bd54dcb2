//! Lists in pages, newest first.

use serde_json::Value;

use super::{
    answer::{Answer, Reply},
    ask::Ask,
    clock::Moment,
};

/// Returns the page of `items` that is asked for. A cursor is the age of an item, so that later items do not
/// shift pages.
pub(super) fn page<T>(
    ask: &Ask<'_>,
    size: usize,
    mut items: Vec<(Moment, T)>,
    show: impl Fn(&T) -> Value,
) -> Reply {
    items.sort_unstable_by_key(|(created, _)| std::cmp::Reverse(*created));
    let total = items.len();
    let all = |items: &[(Moment, T)]| Answer::json(200, items.iter().map(|(_, item)| show(item)).collect());
    let Some(cursor) = ask.query("cursor") else {
        if total <= size {
            return Ok(all(&items));
        }
        let text = format!(
            "Pagination required. You can query up to {size} items at a time ({total} total). \
             Please use the `first` page link (see Link header)."
        );
        return Err(Answer::detail(400, &text).with("link", link(ask, "", "first")));
    };
    let from = Position::parse(cursor).ok_or_else(|| Answer::detail(404, "Invalid cursor"))?;
    let (start, end) = match from {
        Position::Start => (0, size),
        Position::After(age) => {
            let start = items.partition_point(|(created, _)| *created >= age);
            (start, start.saturating_add(size))
        }
        Position::Before(age) => {
            let end = items.partition_point(|(created, _)| *created > age);
            (end.saturating_sub(size), end)
        }
    };
    let end = end.min(total);
    let answer = all(&items[start..end]);
    if total <= size {
        return Ok(answer);
    }
    let mut links = vec![link(ask, "", "first")];
    if start > 0 && start < end {
        links.push(link(ask, &format!("r{}", items[start].0), "prev"));
    }
    if end < total && start < end {
        links.push(link(ask, &format!("p{}", items[end - 1].0), "next"));
    }
    Ok(answer.with("link", links.join(", ")))
}

enum Position {
    Start,
    After(Moment),
    Before(Moment),
}

impl Position {
    fn parse(cursor: &str) -> Option<Self> {
        // The server skips whatever is not base64, and takes nothing for the start.
        if !cursor.contains(|c: char| c.is_ascii_alphanumeric()) {
            return Some(Self::Start);
        }
        match cursor.split_at_checked(1)? {
            ("p", age) => age.parse().ok().map(Self::After),
            ("r", age) => age.parse().ok().map(Self::Before),
            _ => None,
        }
    }
}

// Absolute, with the filter, the parameters sorted by name.
fn link(ask: &Ask<'_>, cursor: &str, rel: &str) -> String {
    let mut url = ask.request.url().clone();
    let others = ask.queries().iter().filter(|(name, _)| name != "cursor");
    let mut pairs: Vec<(&str, &str)> = others.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    pairs.push(("cursor", cursor));
    pairs.sort_unstable();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    format!("<{url}>; rel=\"{rel}\"")
}
