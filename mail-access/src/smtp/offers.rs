use super::reply::Reply;

/// The extensions that a server offers, each with its parameters (RFC 5321 section 4.1.1.1).
#[derive(Debug, Default)]
pub(super) struct Offers(Vec<(String, String)>);

impl Offers {
    /// Takes them out of the reply to EHLO, whose first line is a greeting.
    pub(super) fn of(reply: &Reply) -> Self {
        let split = |line: &String| {
            let (keyword, parameters) = line.split_once(' ').unwrap_or((line, ""));
            (keyword.to_owned(), parameters.to_owned())
        };
        Self(reply.lines.iter().skip(1).map(split).collect())
    }

    /// Tells whether an extension is offered.
    pub(super) fn has(&self, keyword: &str) -> bool {
        self.parameters(keyword).is_some()
    }

    /// Returns the parameters of an extension that is offered.
    pub(super) fn parameters(&self, keyword: &str) -> Option<&str> {
        let found = self.0.iter().find(|(offered, _)| offered.eq_ignore_ascii_case(keyword));
        found.map(|(_, parameters)| parameters.as_str())
    }

    /// Tells whether a mechanism stands among those of AUTH (RFC 4954).
    pub(super) fn has_mechanism(&self, name: &str) -> bool {
        let offered = self.parameters("AUTH").unwrap_or_default();
        offered.split_ascii_whitespace().any(|mechanism| mechanism.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_a_keyword_and_not_a_part_of_one() {
        let lines = ["PIPELINING is my name", "SIZE 1000", "auth plain XOAUTH2", "AUTH=LOGIN", "8bitmime"];
        let offers = Offers::of(&Reply { code: 250, lines: lines.map(String::from).into() });
        assert!(!offers.has("PIPELINING"), "the first line is no offer");
        assert_eq!(offers.parameters("size"), Some("1000"));
        assert!(offers.has("8BITMIME") && !offers.has("8BIT"));
        assert!(offers.has_mechanism("PLAIN") && offers.has_mechanism("xoauth2"));
        assert!(!offers.has_mechanism("LOGIN") && !offers.has_mechanism("OAUTH2"));
    }
}
