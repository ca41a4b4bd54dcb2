use std::collections::HashSet;

use url::Url;

/// A link to a web page, as a stranger wrote it: nothing tells where it leads before it is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    url: Url,
    label: String,
}

impl Link {
    pub(super) fn new(url: Url, label: String) -> Self {
        Self { url, label }
    }

    /// Returns where it leads: an `http` or `https` URL with a host.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the words that carry it in HTML; empty in plain text.
    pub fn label(&self) -> &str {
        &self.label
    }
}

/// Finds the links in a plain text, each once, in the order of the text.
///
/// Takes `http` and `https` URLs (RFC 3986 appendix C), without the punctuation and closing brackets that belong to
/// the sentence around them. A URL over 8 KiB is left out, and it gives 1000 links at most.
///
/// ```
/// use mail_access::quote;
///
/// let links = quote::links("See <https://example.org/a>, or https://example.org/wiki/Mail_(post).");
/// let urls: Vec<_> = links.iter().map(|link| link.url().as_str()).collect();
/// assert_eq!(urls, ["https://example.org/a", "https://example.org/wiki/Mail_(post)"]);
/// ```
pub fn links(text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut rest = text;
    while found.len() < MOST_LINKS
        && let Some((start, end)) = candidate(rest)
    {
        let link = &rest[start..end];
        rest = &rest[end..];
        if let Some(url) = parse(without_punctuation(link)).filter(|url| seen.insert(url.clone())) {
            found.push(Link::new(url, String::new()));
        }
    }
    found
}

/// Returns where the next URL may be, and what may come after it.
pub(super) fn candidate(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut from = 0;
    loop {
        let colon = from + text[from..].find("://")?;
        from = colon + 3;
        for scheme in ["https", "http"] {
            let Some(start) = colon.checked_sub(scheme.len()) else { continue };
            let before = start.checked_sub(1).map(|at| bytes[at]);
            if bytes[start..colon].eq_ignore_ascii_case(scheme.as_bytes())
                && !before.is_some_and(|byte| byte.is_ascii_alphanumeric())
            {
                let length = text[from..].find(ends_link).unwrap_or(text.len() - from);
                return Some((start, from + length));
            }
        }
    }
}

pub(super) fn parse(text: &str) -> Option<Url> {
    let url = (text.len() <= LONGEST).then(|| Url::parse(text).ok())??;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// Space, quotes and brackets that no URL has, and the punctuation of scripts without spaces.
fn ends_link(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || "<>\"`{}|\\^。、，；：！？（）「」『』【】《》〈〉“”„«»‹›…\u{200b}\u{feff}".contains(character)
}

/// Takes off what belongs to the sentence; a closing bracket stays where the URL has the opening one.
fn without_punctuation(mut link: &str) -> &str {
    let count = |link: &str, byte: u8| link.bytes().filter(|&other| other == byte).count();
    let mut surplus = [(b')', b'('), (b']', b'[')]
        .map(|(close, open)| (close, count(link, close).saturating_sub(count(link, open))));
    while let Some(last) = link.bytes().next_back() {
        let bracket = surplus.iter_mut().find(|(close, _)| *close == last);
        match bracket {
            Some((_, 0)) => break,
            Some((_, left)) => *left -= 1,
            None if b".,;:!?'*_~".contains(&last) => {}
            None => break,
        }
        link = &link[..link.len() - 1];
    }
    link
}

/// More than any letter has; the others are left out.
pub(super) const MOST_LINKS: usize = 1000;
/// Bytes; browsers take no more than this either.
const LONGEST: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(text: &str) -> Vec<String> {
        links(text).iter().map(|link| link.url().to_string()).collect()
    }

    #[test]
    fn sentences_around_a_link_are_left_out() {
        for (text, url) in [
            ("Go to https://example.org/a.", "https://example.org/a"),
            ("(see https://example.org/a)", "https://example.org/a"),
            ("(see https://example.org/a).", "https://example.org/a"),
            ("[x](https://example.org/a_(b))", "https://example.org/a_(b)"),
            ("\"https://example.org/?q=1&b=2\"!", "https://example.org/?q=1&b=2"),
            ("*https://example.org/a*", "https://example.org/a"),
            ("Outlook<https://example.org/a>", "https://example.org/a"),
            ("请看https://example.org/a。谢谢", "https://example.org/a"),
            ("HTTPS://EXAMPLE.ORG/A", "https://example.org/A"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x"),
            (
                "https://example.org/a?next=https://example.com/",
                "https://example.org/a?next=https://example.com/",
            ),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ] {
            assert_eq!(urls(text), [url], "{text}");
        }
    }

    #[test]
    fn what_is_no_link_is_left_out() {
        for text in [
            "ftp://example.org",
            "https://",
            "xhttp://a.example",
            "http:// a",
            "javascript://x",
            "a@b.example",
        ] {
            assert_eq!(urls(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn each_link_is_found_once() {
        assert_eq!(
            urls("https://a.example https://b.example https://a.example/"),
            ["https://a.example/", "https://b.example/"]
        );
    }
}
