//! Lists of any length, page by page.

use serde::de::DeserializeOwned;

use crate::{Client, Error, client::Call, http::HttpResponse};

impl Client {
    /// Reads the whole list at `path`.
    ///
    /// The first page is asked for by an empty cursor: without one, the server refuses a long list.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        subject: &str,
        path: &[&str],
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        for _ in 0..MAX_PAGES {
            let query: &[_] = &[("cursor", cursor.as_str())];
            let call = Call { query, ..Call::read(operation, subject, path) };
            let response = self.call(&call).await?;
            all.append(&mut call.json::<Vec<T>>(&response)?);
            match next_cursor(&response) {
                None => return Ok(all),
                Some(next) if next == cursor => break,
                Some(next) => cursor = next,
            }
        }
        let reason = "the pages of the list have no end".into();
        Err(Error::Unexpected { operation, subject: subject.into(), reason })
    }
}

// Only the cursor is taken: the host of a link is whatever the server was called by.
fn next_cursor(response: &HttpResponse) -> Option<String> {
    let link = links(response.header("link")?).find_map(|(target, next)| next.then_some(target))?;
    let (_, query) = link.split_once('?')?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find_map(|(name, value)| (name == "cursor").then(|| value.into_owned()))
}

// RFC 8288, section 3: `<target>; name="value"; .., <target>; ..`
fn links(header: &str) -> impl Iterator<Item = (&str, bool)> {
    header.split('<').skip(1).filter_map(|link| {
        let (target, parameters) = link.split_once('>')?;
        let next = parameters.split([';', ',']).any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else { return false };
            let relations = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && relations.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
        });
        Some((target, next))
    })
}

// 100,000 items of the server's 500 a page.
const MAX_PAGES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn next(link: &str) -> Option<String> {
        next_cursor(&HttpResponse::new(200).with_header("Link", link))
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
    fn a_broken_link_is_no_link() {
        for link in
            ["", "<", "<>", "<x>; rel=next", "<x?y=z>; rel=next", "x?cursor=a; rel=next", "<?cursor=a>; rel"]
        {
            assert_eq!(next(link), None, "{link}");
        }
        assert_eq!(next_cursor(&HttpResponse::new(200)), None);
    }
}
