//! Which web pages may call the API of the server from a browser.

use serde::{Serialize, Serializer};
use url::{Origin, Url};

use crate::{Client, Error, client::Write, input};

/// Which web pages may call the API, and how. Mailcow has no route to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    origins: Vec<String>,
    methods: Vec<CorsMethod>,
}

impl Cors {
    /// Builds the permission for pages of `origins`, of which only scheme, host and port count.
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] if there is none, or one that is not http or https.
    pub fn new<'a>(
        origins: impl IntoIterator<Item = &'a Url>,
        methods: impl IntoIterator<Item = CorsMethod>,
    ) -> Result<Self, Error> {
        let origin = |url: &Url| match url.origin() {
            origin @ Origin::Tuple(..) if matches!(url.scheme(), "http" | "https") => {
                Ok(origin.ascii_serialization())
            }
            _ => Err(Error::InvalidInput {
                operation: EDIT.route,
                reason: "an origin is an http or https address".to_owned(),
            }),
        };
        let origins = origins.into_iter().map(origin).collect::<Result<Vec<_>, _>>()?;
        input::some(EDIT.route, &origins)?;
        Self { origins, methods: methods.into_iter().collect() }.with_some_methods()
    }

    /// Builds the permission for pages from anywhere.
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] if there is no method.
    pub fn from_anywhere(methods: impl IntoIterator<Item = CorsMethod>) -> Result<Self, Error> {
        Self { origins: vec!["*".to_owned()], methods: methods.into_iter().collect() }.with_some_methods()
    }

    fn with_some_methods(self) -> Result<Self, Error> {
        input::some(EDIT.route, &self.methods)?;
        Ok(self)
    }
}

/// A method that pages may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CorsMethod {
    /// GET, which reads.
    Get,
    /// POST, which writes.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
    /// OPTIONS.
    Options,
}

impl CorsMethod {
    /// Returns the word of HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }
}

impl Serialize for CorsMethod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Client {
    /// Sets which web pages may call the API, replacing what was set before (`edit/cors`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `cors_invalid_origin` or `cors_invalid_method`.
    pub async fn set_cors(&self, cors: &Cors) -> Result<(), Error> {
        let attr = Attr { allowed_origins: &cors.origins, allowed_methods: &cors.methods };
        self.write(EDIT, "the server", &Body { attr }).await
    }
}

#[derive(Serialize)]
struct Body<'a> {
    attr: Attr<'a>,
}

#[derive(Serialize)]
struct Attr<'a> {
    allowed_origins: &'a [String],
    allowed_methods: &'a [CorsMethod],
}

const EDIT: Write = Write { route: "edit/cors", success: "cors_headers_edited" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_origin_of_an_address_counts() {
        let url: Url = "https://App.example.org/page?x=1".parse().unwrap();
        assert_eq!(Cors::new([&url], [CorsMethod::Get]).unwrap().origins, ["https://app.example.org"]);
        let file: Url = "file:///etc/passwd".parse().unwrap();
        assert!(Cors::new([&file], [CorsMethod::Get]).is_err());
        assert!(Cors::new([], [CorsMethod::Get]).is_err() && Cors::new([&url], []).is_err());
        assert!(Cors::from_anywhere([]).is_err());
    }
}
