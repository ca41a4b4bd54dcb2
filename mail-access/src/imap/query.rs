use super::command::Command;
use super::{date, set};
use crate::wire::Fault;
use crate::{Flag, Query};

/// Writes a query as the key of a SEARCH (RFC 9051 section 6.4.4). It finds those too in whose Message-ID one that is
/// asked for is contained.
pub(super) fn write(query: &Query) -> Result<Command<'static>, Fault> {
    let command = add(Command::default(), query, MAX_DEPTH)?;
    if command.length() > MAX_LENGTH {
        return Err(invalid("it is longer than the 60000 bytes that servers take"));
    }
    Ok(command)
}

fn add(command: Command<'static>, query: &Query, depth: usize) -> Result<Command<'static>, Fault> {
    let depth =
        depth.checked_sub(1).ok_or_else(|| invalid("its conditions are nested deeper than 50 times"))?;
    if command.length() > MAX_LENGTH {
        return Ok(command);
    }
    Ok(match query {
        Query::All(all) => match all.as_slice() {
            [] => command.words("ALL"),
            [one] => add(command, one, depth)?,
            [first, others @ ..] => {
                let mut command = add(command.words("("), first, depth)?;
                for query in others {
                    command = add(command.words(" "), query, depth)?;
                }
                command.words(")")
            }
        },
        Query::Any(any) => add_any(command, any, depth)?,
        Query::Not(query) => add(command.words("NOT "), query, depth)?,
        Query::Flag(flag) => match flag {
            Flag::Keyword(keyword) => command.words("KEYWORD ").words(keyword.as_str()),
            system => command.words(&system.to_string()[1..].to_ascii_uppercase()),
        },
        Query::Unseen => command.words("UNSEEN"),
        Query::Uids(uids) if uids.is_empty() => command.words(NOTHING),
        Query::Uids(uids) => command.words("UID ").words(&set::sets(uids).join(",")),
        Query::After(uid) => match uid.checked_add(1) {
            Some(first) => command.words(&format!("UID {first}:4294967295")),
            None => command.words(NOTHING),
        },
        Query::From(text) => add_text(command.words("FROM "), text)?,
        Query::To(text) => add_text(command.words("TO "), text)?,
        Query::Cc(text) => add_text(command.words("CC "), text)?,
        Query::Subject(text) => add_text(command.words("SUBJECT "), text)?,
        Query::Body(text) => add_text(command.words("BODY "), text)?,
        Query::Text(text) => add_text(command.words("TEXT "), text)?,
        Query::Header(name, text) => {
            let fine = (1..=MAX_FIELD_NAME).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
            if !fine {
                return Err(invalid(
                    "a header field's name is 1 to 100 printable ASCII characters without a colon",
                ));
            }
            add_text(command.words("HEADER ").astring(name).words(" "), text)?
        }
        Query::MessageId(id) => command.words("HEADER Message-ID ").astring(id.as_str()),
        Query::Since(time) => command.words("SINCE ").words(&date::write_day(*time)),
        Query::Before(time) => command.words("BEFORE ").words(&date::write_day(*time)),
        Query::Larger(bytes) => command.words(&format!("LARGER {bytes}")),
        Query::Smaller(bytes) => command.words(&format!("SMALLER {bytes}")),
    })
}

/// Joins by OR, which takes two; halves of halves keep it flat.
fn add_any(command: Command<'static>, any: &[Query], depth: usize) -> Result<Command<'static>, Fault> {
    match any {
        [] => Ok(command.words(NOTHING)),
        [one] => add(command, one, depth),
        _ => {
            let (left, right) = any.split_at(any.len() / 2);
            let command = add_any(command.words("OR "), left, depth)?;
            add_any(command.words(" "), right, depth)
        }
    }
}

fn add_text(command: Command<'static>, text: &str) -> Result<Command<'static>, Fault> {
    if text.contains('\0') {
        return Err(invalid("no text that can be searched for holds a NUL"));
    }
    Ok(command.astring(text))
}

fn invalid(problem: &'static str) -> Fault {
    Fault::Invalid { what: "query", problem }
}

const NOTHING: &str = "NOT ALL";
const MAX_DEPTH: usize = 50;
/// Dovecot ends a connection that sends a command of more than 64 KiB.
const MAX_LENGTH: usize = 60_000;
const MAX_FIELD_NAME: usize = 100;

#[cfg(test)]
mod tests;
