//! The tags of a domain or mailbox, checked because Mailcow fails half-way on bad ones.

use crate::{Error, input};

/// Refuses tags that Mailcow drops (empty, beyond the 25th) or dies of (the same one twice on a domain).
pub(crate) fn check(operation: &'static str, tags: &[String]) -> Result<(), Error> {
    let invalid = |reason: &str| Err(Error::InvalidInput { operation, reason: reason.to_owned() });
    if tags.len() > MAX_TAGS {
        return invalid("there are more than 25 tags");
    }
    for (at, tag) in tags.iter().enumerate() {
        // PHP takes "0" for empty; a comma separates tags in a search.
        if tag.is_empty() || tag == "0" || tag.len() > 255 || tag.chars().any(|c| c == ',' || c.is_control())
        {
            return invalid("a tag is 1 to 255 bytes, not \"0\", without commas and control characters");
        }
        // The server compares without regard to case.
        if tags[..at].iter().any(|other| other.to_lowercase() == tag.to_lowercase()) {
            return invalid("a tag is there twice");
        }
    }
    Ok(())
}

/// Joins tags for a search by them.
pub(crate) fn query(operation: &'static str, tags: &[&str]) -> Result<String, Error> {
    input::some(operation, tags)?;
    check(operation, &tags.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>())?;
    Ok(tags.join(","))
}

/// Returns the tags of `wanted` that are not in `found`; the server compares without regard to case.
pub(crate) fn missing(wanted: &[String], found: &[String]) -> Vec<String> {
    let is_missing = |tag: &&String| !found.iter().any(|other| other.to_lowercase() == tag.to_lowercase());
    wanted.iter().filter(is_missing).cloned().collect()
}

const MAX_TAGS: usize = 25;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_mailcow_would_drop_or_die_of_are_refused() {
        let check =
            |tags: &[&str]| check("add/domain", &tags.iter().map(|&t| t.to_owned()).collect::<Vec<_>>());
        assert!(check(&["fleet", "pool-a"]).is_ok());
        for bad in [&["same", "Same"][..], &[""], &["0"], &["a,b"], &["a\n"]] {
            assert!(check(bad).is_err(), "{bad:?} was accepted");
        }
        let many: Vec<_> = (0..26).map(|n| format!("t{n}")).collect();
        assert!(super::check("add/domain", &many).is_err());
        assert!(super::check("add/domain", &many[1..]).is_ok());
    }
}
