//! Random queries, and what they find in the plain model.

use std::time::{Duration, SystemTime};

use mail_access::{Flag, Query, Uid};

use crate::letters::{WORDS, phrase};
use crate::plain::{PlainFolder, PlainMessage};
use crate::random::Random;

pub(crate) fn query(random: &mut Random, folder: &PlainFolder, flags: &[Flag], levels: usize) -> Query {
    if levels > 0 && random.one_in(2) {
        let mut below = || query(random, folder, flags, levels - 1);
        let (one, other, third) = (below(), below(), below());
        return match random.below(4) {
            0 => one.and(other),
            1 => one.or(other),
            2 => Query::All(vec![one, !other, third]),
            _ => !Query::Any(vec![one, other, third]),
        };
    }
    let any = |random: &mut Random| match folder.messages.len() {
        0 => None,
        length => Some(&folder.messages[random.below(length)]),
    };
    let text = needle(random);
    match random.below(17) {
        0 => Query::Flag(random.pick(flags).clone()),
        1 => Query::Unseen,
        2 => {
            let known: Vec<u32> = (1..folder.uid_next + 3).collect();
            Query::Uids(random.some(&known).into_iter().filter_map(Uid::new).collect())
        }
        3 => Query::After(any(random).map_or(0, |message| message.uid)),
        4 => Query::From(text),
        5 => Query::Cc(text),
        6 => Query::Subject(text),
        7 | 8 => Query::Body(text),
        9 | 10 => Query::Text(text),
        11 => Query::Header("Subject".to_owned(), text),
        12 => Query::Header("cC".to_owned(), if random.one_in(2) { String::new() } else { text }),
        13 => match any(random) {
            Some(message) => Query::MessageId(message.known.message_id.parse().expect("it is a Message-ID")),
            None => Query::everything(),
        },
        14 => Query::Since(any(random).map_or(SystemTime::UNIX_EPOCH, |message| message.date)),
        15 => Query::Before(any(random).map_or(SystemTime::UNIX_EPOCH, |message| message.date)),
        _ => {
            let size = any(random).map_or(0, |message| message.size);
            let size = u32::try_from(size).expect("it is small");
            if random.one_in(2) { Query::Larger(size) } else { Query::Smaller(size) }
        }
    }
}

/// A text that might be found, in another case now and then.
fn needle(random: &mut Random) -> String {
    let text = match random.below(5) {
        0 => String::new(),
        1 => phrase(random),
        2 => "never written".to_owned(),
        _ => (*random.pick(&WORDS)).to_owned(),
    };
    match random.below(3) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        _ => text,
    }
}

pub(crate) fn fits(query: &Query, message: &PlainMessage) -> bool {
    let field = |name: &str, text: &str| {
        message.known.fields.iter().any(|(known, value)| *known == name.to_lowercase() && has(value, text))
    };
    let body = |text: &str| text.is_empty() || message.known.bodies.iter().any(|body| has(body, text));
    match query {
        Query::All(queries) => queries.iter().all(|query| fits(query, message)),
        Query::Any(queries) => queries.iter().any(|query| fits(query, message)),
        Query::Not(query) => !fits(query, message),
        Query::Flag(flag) => message.flags.contains(flag),
        Query::Unseen => !message.flags.contains(&Flag::Seen),
        Query::Uids(uids) => uids.iter().any(|uid| uid.get() == message.uid),
        Query::After(uid) => message.uid > *uid,
        Query::From(text) => field("from", text),
        Query::Cc(text) => field("cc", text),
        Query::Subject(text) => field("subject", text),
        Query::Body(text) => body(text),
        Query::Text(text) => body(text) || message.known.fields.iter().any(|(_, value)| has(value, text)),
        Query::Header(name, text) => field(name, text),
        Query::MessageId(id) => message.known.message_id == id.as_str(),
        Query::Since(time) => day(message.date) >= day(*time),
        Query::Before(time) => day(message.date) < day(*time),
        Query::Larger(size) => message.size > u64::from(*size),
        Query::Smaller(size) => message.size < u64::from(*size),
        other => panic!("no model of {other:?}"),
    }
}

fn has(value: &str, text: &str) -> bool {
    value.to_lowercase().contains(&text.to_lowercase())
}

fn day(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    since.as_secs() / 86_400
}
