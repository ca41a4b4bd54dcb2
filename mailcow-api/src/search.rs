//! Lists in pages: mailboxes and domains by `search/*`, which costs the server one page at a time where `get/*/all`
//! sums up every mailbox for every mailbox.

use std::{collections::VecDeque, num::NonZeroU16};

use futures_core::Stream;
use futures_util::stream::try_unfold;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Client, Domain, Error, Mailbox, client::Search, loose};

/// What to list, and in pages of which size.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct SearchQuery {
    text: String,
    page_size: NonZeroU16,
}

impl SearchQuery {
    /// Builds a query for everything, in pages of 100.
    pub fn all() -> Self {
        Self { text: String::new(), page_size: PAGE_SIZE }
    }

    /// Lists only what holds `text`: in the address, the display name or a tag of a mailbox, in the name of a domain.
    pub fn with_text(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }

    /// Sets how many come in one page. 100 mailboxes are about 180 kB.
    pub fn with_page_size(mut self, rows: NonZeroU16) -> Self {
        self.page_size = rows;
        self
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows.
    #[serde(rename = "data")]
    pub rows: Vec<T>,
    /// How many rows match the query on all pages.
    #[serde(rename = "recordsFiltered", deserialize_with = "loose::int")]
    pub matching: i64,
}

impl Client {
    /// Lists mailboxes in the order of their addresses, a page at a time as the stream is read
    /// (`search/mailbox`). The stream ends after its first error.
    ///
    /// A mailbox that is created or deleted meanwhile moves the others: one of them can then be missing or come twice.
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// use mailcow_api::{FakeMailcow, SearchQuery};
    /// # use mailcow_api::{Mib, NewDomain, NewMailbox};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let client = FakeMailcow::new().client();
    /// # client.add_domain(&NewDomain::new("agents.example.com".parse()?)).await?;
    /// # for name in ["a", "b", "c"] {
    /// #     let address = format!("{name}@agents.example.com").parse()?;
    /// #     client.add_mailbox(&NewMailbox::new(address, "Fake-Passw0rd-1".into(), Mib::new(64))).await?;
    /// # }
    /// let query = SearchQuery::all().with_text("agents.example.com").with_page_size(2.try_into().unwrap());
    /// let all: Vec<_> = client.search_mailboxes(query).try_collect().await?;
    /// assert_eq!(all.len(), 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn search_mailboxes(
        &self,
        query: SearchQuery,
    ) -> impl Stream<Item = Result<Mailbox, Error>> + Send + use<> {
        self.pages(MAILBOXES, query)
    }

    /// Returns one page of the mailboxes, from row number `start` (from 0) on (`search/mailbox`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn mailbox_page(&self, query: &SearchQuery, start: u64) -> Result<Page<Mailbox>, Error> {
        self.page(MAILBOXES, query, start).await
    }

    /// Lists domains in the order of their names, a page at a time as the stream is read (`search/domain`). The stream
    /// ends after its first error. What was said of [`search_mailboxes`](Self::search_mailboxes) counts here too.
    pub fn search_domains(
        &self,
        query: SearchQuery,
    ) -> impl Stream<Item = Result<Domain, Error>> + Send + use<> {
        self.pages(DOMAINS, query)
    }

    /// Returns one page of the domains, from row number `start` (from 0) on (`search/domain`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn domain_page(&self, query: &SearchQuery, start: u64) -> Result<Page<Domain>, Error> {
        self.page(DOMAINS, query, start).await
    }

    fn pages<T: DeserializeOwned + Send + 'static>(
        &self,
        list: List,
        query: SearchQuery,
    ) -> impl Stream<Item = Result<T, Error>> + Send + use<T> {
        let reader =
            Reader { client: self.clone(), list, query, start: 0, rows: VecDeque::new(), is_last: false };
        try_unfold(reader, |mut reader| async move {
            loop {
                if let Some(row) = reader.rows.pop_front() {
                    return Ok(Some((row, reader)));
                }
                if reader.is_last {
                    return Ok(None);
                }
                reader.turn().await?;
            }
        })
    }

    async fn page<T: DeserializeOwned>(
        &self,
        list: List,
        query: &SearchQuery,
        start: u64,
    ) -> Result<Page<T>, Error> {
        if query.text.chars().any(char::is_control) {
            return Err(Error::InvalidInput {
                operation: list.route.0,
                reason: "the text holds a control character".to_owned(),
            });
        }
        let column = |at: u8| Column {
            data: at.to_string(),
            name: "",
            searchable: list.searchable.contains(&at),
            orderable: true,
            search: Pattern { value: "", regex: false },
        };
        let body = Body {
            draw: 1,
            start,
            length: query.page_size,
            search: Pattern { value: &query.text, regex: false },
            order: [Order { column: NAME, dir: "asc" }],
            columns: (0..COLUMNS).map(column).collect(),
        };
        self.search(list.route, &body)
            .await?
            .ok_or(Error::Unexpected { operation: list.route.0, reason: "it holds no page".to_owned() })
    }
}

struct Reader<T> {
    client: Client,
    list: List,
    query: SearchQuery,
    start: u64,
    rows: VecDeque<T>,
    is_last: bool,
}

impl<T: DeserializeOwned> Reader<T> {
    /// Reads the next page.
    async fn turn(&mut self) -> Result<(), Error> {
        let page = self.client.page::<T>(self.list, &self.query, self.start).await?;
        // Not by the total, which is not true once something is searched for.
        self.is_last = page.rows.len() < usize::from(self.query.page_size.get());
        self.start += page.rows.len() as u64;
        self.rows = page.rows.into();
        Ok(())
    }
}

/// A list and its columns by number, as the web page shows them. Any other searchable one makes the answer empty.
#[derive(Clone, Copy)]
struct List {
    route: Search,
    searchable: &'static [u8],
}

#[derive(Serialize)]
struct Body<'a> {
    draw: u8,
    start: u64,
    length: NonZeroU16,
    search: Pattern<'a>,
    order: [Order; 1],
    columns: Vec<Column>,
}

#[derive(Serialize)]
struct Pattern<'a> {
    value: &'a str,
    regex: bool,
}

#[derive(Serialize)]
struct Order {
    column: u8,
    dir: &'static str,
}

#[derive(Serialize)]
struct Column {
    data: String,
    name: &'static str,
    searchable: bool,
    orderable: bool,
    search: Pattern<'static>,
}

const PAGE_SIZE: NonZeroU16 = NonZeroU16::new(100).unwrap();
const COLUMNS: u8 = 25;
const NAME: u8 = 2;
const MAILBOXES: List = List { route: Search("search/mailbox"), searchable: &[NAME, 7, 23] };
const DOMAINS: List = List { route: Search("search/domain"), searchable: &[NAME] };
