//! Lists of any length, page by page.

use std::collections::VecDeque;

use futures_core::Stream;
use futures_util::stream::try_unfold;
use serde::de::DeserializeOwned;

use crate::{Client, Error, call::Call, error::Missing, http::HttpResponse, pace::Scope};

/// A list of the API, before its first page.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) operation: &'static str,
    pub(crate) subject: String,
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) scope: Scope,
    /// What a plain "Not found." is about.
    pub(crate) absent: Missing,
}

impl Client {
    /// Reads `list` page by page, as the stream is read. The stream ends after its first error.
    ///
    /// The first page is asked for by an empty cursor: without one, the server refuses a long list. If it does
    /// so nevertheless, the page that it names is read, once.
    pub(crate) fn pages<T: DeserializeOwned + Send + 'static>(
        &self,
        list: List,
    ) -> impl Stream<Item = Result<T, Error>> + Send + use<T> {
        let reader = Reader {
            client: self.clone(),
            list,
            cursor: Some(String::new()),
            items: VecDeque::new(),
            pages: 0,
            redirected: false,
        };
        try_unfold(reader, |mut reader| async move {
            loop {
                if let Some(item) = reader.items.pop_front() {
                    return Ok(Some((item, reader)));
                }
                let Some(cursor) = reader.cursor.take() else { return Ok(None) };
                reader.turn(cursor).await?;
            }
        })
    }
}

struct Reader<T> {
    client: Client,
    list: List,
    /// Of the next page; `None` after the last one.
    cursor: Option<String>,
    items: VecDeque<T>,
    pages: usize,
    /// Whether the server had to name the first page. A second time is a refusal.
    redirected: bool,
}

impl<T: DeserializeOwned> Reader<T> {
    async fn turn(&mut self, cursor: String) -> Result<(), Error> {
        let List { operation, subject, path, query, scope, absent } = &self.list;
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut pairs: Vec<(&str, &str)> =
            query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        pairs.push(("cursor", &cursor));
        let call = Call {
            query: &pairs,
            scope: scope.clone(),
            absent: *absent,
            is_page: !self.redirected,
            ..Call::read(operation, subject, &path)
        };
        let response = self.client.call(&call).await?;
        if let Some(first) = linked(&response, "first").filter(|_| response.status() == 400) {
            (self.cursor, self.redirected) = (Some(first), true);
            return Ok(());
        }
        self.items = call.json(&response)?;
        self.cursor = linked(&response, "next");
        self.pages += 1;
        if self.cursor.as_ref() == Some(&cursor) || self.pages >= MAX_PAGES && self.cursor.is_some() {
            return Err(call.not_understood("the pages of the list have no end"));
        }
        Ok(())
    }
}

/// Returns the cursor of the page that `response` names by `relation`.
///
/// Only the cursor is taken: the host of a link is whatever the server was called by.
pub(crate) fn linked(response: &HttpResponse, relation: &str) -> Option<String> {
    let headers = response.headers().filter(|(name, _)| name.eq_ignore_ascii_case("link"));
    let link = headers.flat_map(|(_, header)| links(header, relation)).next()?;
    let (_, query) = link.split_once('?')?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find_map(|(name, value)| (name == "cursor").then(|| value.into_owned()))
}

// RFC 8288, section 3: `<target>; name="value"; .., <target>; ..`
fn links<'a>(header: &'a str, relation: &str) -> impl Iterator<Item = &'a str> {
    header.split('<').skip(1).filter_map(move |link| {
        let (target, parameters) = link.split_once('>')?;
        let mut parameters = parameters.split([';', ',']).filter_map(|parameter| parameter.split_once('='));
        let related = parameters.any(|(name, value)| {
            let relations = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && relations.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case(relation))
        });
        related.then_some(target)
    })
}

// 100,000 items of the server's 500 a page.
const MAX_PAGES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn next(link: &str) -> Option<String> {
        linked(&HttpResponse::new(200).with_header("Link", link), "next")
    }

    #[test]
    fn the_cursor_is_taken_and_decoded() {
        let first = r#"<https://desec.io/api/v1/domains/?cursor=>; rel="first""#;
        assert_eq!(next(first), None);
        let prev = r#"<https://desec.io/api/v1/domains/?cursor=p>; rel="prev""#;
        let both =
            format!(r#"{first}, {prev}, <https://evil.example/x/?type=A&cursor=cj0x%3D%3D>; rel="next""#);
        assert_eq!(next(&both).as_deref(), Some("cj0x=="));
        assert_eq!(next("<?cursor=a>; title=x; REL=next").as_deref(), Some("a"));
        assert_eq!(next(r#"<?cursor=a>; rel="prev next""#).as_deref(), Some("a"));
    }

    #[test]
    fn a_link_may_have_a_header_of_its_own() {
        let response = HttpResponse::new(200).with_header("Link", "</style.css>; rel=preload");
        let response = response.with_header("Link", "<?cursor=a>; rel=next");
        assert_eq!(linked(&response, "next").as_deref(), Some("a"));
    }

    #[test]
    fn a_broken_link_is_no_link() {
        for link in
            ["", "<", "<>", "<x>; rel=next", "<x?y=z>; rel=next", "x?cursor=a; rel=next", "<?cursor=a>; rel"]
        {
            assert_eq!(next(link), None, "{link}");
        }
        assert_eq!(linked(&HttpResponse::new(200), "next"), None);
    }
}
