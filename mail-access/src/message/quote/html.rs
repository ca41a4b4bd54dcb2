use std::collections::HashSet;

use super::links::{Link, MOST_LINKS, parse};

/// Finds the links that an HTML text carries in `href`, each URL once, in the order of the text, with their words.
///
/// Reads `<a>` and `<area>`; comments, scripts and styles are skipped, and nothing is fetched or run. It gives 1000
/// links at most.
///
/// ```
/// use mail_access::quote;
///
/// let html = r#"<p>Please <a class="button" href='https://example.org/?a=1&amp;b=2'>confirm <b>now</b></a></p>"#;
/// let links = quote::links_in_html(html);
/// assert_eq!(links[0].url().as_str(), "https://example.org/?a=1&b=2");
/// assert_eq!(links[0].label(), "confirm now");
/// ```
pub fn links_in_html(html: &str) -> Vec<Link> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut open: Option<(url::Url, String)> = None;
    let mut rest = html;
    while found.len() < MOST_LINKS
        && let Some(at) = rest.find('<')
    {
        if let Some((_, label)) = &mut open {
            add_words(label, &rest[..at]);
        }
        let tag = Tag::read(&rest[at..]);
        rest = &rest[at + tag.length..];
        let is_link = matches!(tag.name.as_str(), "a" | "area");
        if is_link || tag.name == "/a" {
            found.extend(open.take().map(|(url, label)| Link::new(url, label.trim().to_owned())));
        }
        if is_link {
            let url = tag.href.and_then(|href| parse(decode(href).trim()));
            open = url.filter(|url| seen.insert(url.clone())).map(|url| (url, String::new()));
        }
        for hidden in ["script", "style"] {
            if tag.name == hidden {
                rest = after_hidden(rest, hidden);
            }
        }
    }
    if let Some((url, mut label)) = open.filter(|_| found.len() < MOST_LINKS) {
        add_words(&mut label, rest);
        found.push(Link::new(url, label.trim().to_owned()));
    }
    found
}

/// A tag or comment, or a `<` that is neither.
struct Tag<'a> {
    /// In lower case, with its slash if it closes.
    name: String,
    href: Option<&'a str>,
    /// Bytes from `<` on.
    length: usize,
}

impl<'a> Tag<'a> {
    fn read(html: &'a str) -> Self {
        let text = |length| Self { name: String::new(), href: None, length };
        if html.starts_with("<!--") {
            // `<!-->` is a whole one.
            return text(html[2..].find("-->").map_or(html.len(), |end| end + 5));
        }
        let inner = &html[1..];
        let slash = usize::from(inner.starts_with('/'));
        let letters = inner[slash..].bytes().take_while(u8::is_ascii_alphanumeric).count();
        if letters == 0 && !inner.starts_with(['!', '?']) {
            return text(1);
        }
        let named = slash + letters;
        let mut tag =
            Self { name: inner[..named.min(12)].to_ascii_lowercase(), href: None, length: 1 + named };
        tag.read_attributes(html);
        tag
    }

    fn read_attributes(&mut self, html: &'a str) {
        loop {
            let rest = &html[self.length..];
            let skipped =
                rest.len() - rest.trim_start_matches(|it: char| it.is_ascii_whitespace() || it == '/').len();
            self.length += skipped;
            let rest = &rest[skipped..];
            if rest.is_empty() {
                return;
            }
            if rest.starts_with('>') {
                self.length += 1;
                return;
            }
            let (name, value, length) = attribute(rest);
            if name.eq_ignore_ascii_case("href") && self.href.is_none() {
                self.href = value;
            }
            self.length += length;
        }
    }
}

/// Reads `name`, `name=value`, `name='value'` or `name="value"`, and how long it is, at least one byte.
fn attribute(text: &str) -> (&str, Option<&str>, usize) {
    let ends = |it: char| it.is_ascii_whitespace() || matches!(it, '>' | '=' | '/');
    let first = text.chars().next().map_or(0, char::len_utf8);
    let named = first + text[first..].find(ends).unwrap_or(text.len() - first);
    let (name, rest) = text.split_at(named);
    let Some(value) = rest.trim_ascii_start().strip_prefix('=').map(str::trim_ascii_start) else {
        return (name, None, named);
    };
    let start = text.len() - value.len();
    if let Some(quote @ ('"' | '\'')) = value.chars().next() {
        return match value[1..].find(quote) {
            Some(end) => (name, Some(&value[1..=end]), start + end + 2),
            None => (name, None, text.len()),
        };
    }
    let end = value.find(|it: char| it.is_ascii_whitespace() || it == '>').unwrap_or(value.len());
    (name, Some(&value[..end]), start + end)
}

/// Returns what is behind the end of a script or style; nothing if it has none.
fn after_hidden<'a>(html: &'a str, name: &str) -> &'a str {
    let is_end = |at: usize| {
        html.as_bytes()[at + 2..].get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name.as_bytes()))
    };
    html.match_indices("</").find(|&(at, _)| is_end(at)).map_or("", |(at, _)| &html[at..])
}

/// Adds the words of a text, single spaces between them, up to a measure.
fn add_words(label: &mut String, html: &str) {
    if label.len() >= LONGEST_LABEL || html.is_empty() {
        return;
    }
    for character in
        decode(html).chars().filter(|character| !character.is_control() || character.is_whitespace())
    {
        match character {
            _ if label.len() >= LONGEST_LABEL => return,
            space if space.is_whitespace() => {
                if !label.is_empty() && !label.ends_with(' ') {
                    label.push(' ');
                }
            }
            other => label.push(other),
        }
    }
}

/// Decodes numeric character references and the named ones that URLs and their words carry.
fn decode(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(LONGEST_REFERENCE).position(|byte| byte == b';');
        let (character, length) =
            end.and_then(|end| Some((reference(&rest[1..end])?, end + 1))).unwrap_or(('&', 1));
        text.push(character);
        rest = &rest[length..];
    }
    text.push_str(rest);
    text
}

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return code.ok().and_then(char::from_u32);
    }
    NAMED.iter().find(|(known, _)| *known == name).map(|&(_, character)| character)
}

/// Bytes; a button has fewer.
const LONGEST_LABEL: usize = 300;

/// Bytes of a character reference with `&` and `;`.
const LONGEST_REFERENCE: usize = 12;

const NAMED: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("szlig", 'ß'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("agrave", 'à'),
    ("ccedil", 'ç'),
    ("ntilde", 'ñ'),
    ("rsquo", '’'),
    ("lsquo", '‘'),
    ("rdquo", '”'),
    ("ldquo", '“'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("hellip", '…'),
    ("raquo", '»'),
    ("rarr", '→'),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(html: &str) -> Vec<(String, String)> {
        links_in_html(html).into_iter().map(|it| (it.url().to_string(), it.label().to_owned())).collect()
    }

    #[test]
    fn all_ways_to_write_an_attribute_are_read() {
        for html in [
            "<a href=https://a.example/x>go</a>",
            "<A HREF = 'https://a.example/x' >go</A>",
            "<a title=\"a > b\" href=\"https://a.example/x\"\n>go</a>",
            "<a href=\"&#104;ttps:&#x2F;/a.example/x\">\n go&nbsp;</a>",
            "<a/href='https://a.example/x'>go",
            "<a href='https://a.example/x'><span>go</span><!-- no --></a>",
            "a < b <a download href='https://a.example/x'>go<a>",
            "<!--><a href='https://a.example/x'>go</a>",
            "<!--[if !mso]><!--><a href='https://a.example/x'>go</a><!--<![endif]-->",
        ] {
            assert_eq!(pairs(html), [("https://a.example/x".to_owned(), "go".to_owned())], "{html}");
        }
    }

    #[test]
    fn what_nobody_can_click_is_left_out() {
        for html in [
            "<!-- <a href='https://a.example'>x</a> -->",
            "<script>'<a href=https://a.example>'</script>",
            "<style><a href='https://a.example'></STYLE>",
            "<a href='javascript:alert(1)'>x</a>",
            "<a href='mailto:a@b.example'>x</a>",
            "<a href='/relative'>x</a>",
            "<abbr href='https://a.example'>x</abbr>",
            "<a href='https://a.example",
            "<!--",
            "<",
        ] {
            assert_eq!(pairs(html), [], "{html}");
        }
    }
}
