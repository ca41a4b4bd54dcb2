//! The HTML escapes that Mailcow puts into its answers.

/// Undoes PHP's `htmlspecialchars` until nothing changes any more.
pub(crate) fn unescape(text: &str) -> String {
    let mut text = text.to_owned();
    loop {
        let mut once = text.clone();
        for (entity, character) in ENTITIES {
            once = once.replace(entity, character);
        }
        if once == text {
            return text;
        }
        text = once;
    }
}

// `&amp;` last, so that one round undoes one escape.
const ENTITIES: [(&str, &str); 6] =
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#039;", "'"), ("&apos;", "'"), ("&amp;", "&")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unescaped_until_stable() {
        assert_eq!(
            unescape("agent &amp;amp;amp;lt;runtime&amp;gt; &#039;x&amp;quot;"),
            "agent <runtime> 'x\""
        );
        assert_eq!(unescape("a & b &unknown;"), "a & b &unknown;");
    }
}
