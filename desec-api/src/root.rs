//! The entry points of the API: `/`.

use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

use crate::{Client, Credential, Error, call::Call, pace::Scope};

impl Client {
    /// Returns the entry points of the API by name (`GET /`).
    ///
    /// The names of a group are joined by dots, such as `account.show`. A client with a token is shown others
    /// than one without. Methods of this crate need none of them.
    ///
    /// # Errors
    /// [`Error::Other`] if the base URL is not that of the API.
    pub async fn entry_points(&self) -> Result<BTreeMap<String, Url>, Error> {
        let credential = if self.has_token() { Credential::Token } else { Credential::Nothing };
        let call =
            Call { scope: Scope::User, credential, ..Call::read("list", "the entry points of the API", &[]) };
        let response = self.call(&call).await?;
        let entries: BTreeMap<String, Entry> = call.json(&response)?;
        let mut flat = BTreeMap::new();
        for (name, entry) in entries {
            match entry {
                Entry::Url(url) => flat.extend([(name, url)]),
                Entry::Group(group) => {
                    flat.extend(group.into_iter().map(|(member, url)| (format!("{name}.{member}"), url)));
                }
            }
        }
        let parsed = flat.into_iter().map(|(name, url)| Url::parse(&url).map(|url| (name, url)));
        parsed.collect::<Result<_, _>>().map_err(|_| call.not_understood("an entry point is not a URL"))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Url(String),
    Group(BTreeMap<String, String>),
}
