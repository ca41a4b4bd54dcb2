//! Which messages belong together: a pure function of what a mailbox holds, whatever came first.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use mail_access::quote::base_subject;
use mail_access::{Address, MessageId, Received};

use crate::journal::fingerprint;

/// What a thread has to know of a message.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) id: Option<MessageId>,
    /// What makes two copies of it the same: all but the trace of the way.
    pub(super) digest: String,
    /// Who wrote it, if that can be believed.
    pub(super) author: Option<String>,
    /// The agent itself wrote it, by more than the message's own word.
    pub(super) own: bool,
    /// Who wrote it and who got it.
    pub(super) people: Vec<String>,
    /// The messages before it, the nearest first.
    pub(super) before: Vec<MessageId>,
    /// Its subject without marks, in lower case, if it is marked as an answer.
    pub(super) subject: String,
    pub(super) is_answer: bool,
    pub(super) arrived: SystemTime,
}

/// Messages that belong together, by arrival and none before the one that it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Which thread it is, as long as its first message is the same or missing.
    pub(super) name: String,
    pub(super) members: Vec<Member>,
}

/// A message of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// The items that are copies of it, the first to arrive first.
    pub(super) items: Vec<usize>,
    /// The one it answers, among the members.
    pub(super) parent: Option<usize>,
    /// The message that it says it answers, and that its author had no part in.
    pub(super) disputed: Option<MessageId>,
}

impl Item {
    /// Takes out of a message what counts. `own` is the mailbox's address, and whether the agent is known to have sent
    /// the message; `is_believed` whether its From is.
    pub(super) fn of(message: &Received, own: (&Address, bool), is_believed: bool) -> Self {
        let (address, sent) = own;
        let author = message.from().map(|from| plain(&from.address));
        let others = message.to().iter().chain(message.cc()).chain(message.reply_to());
        let people = author.iter().cloned().chain(others.map(|contact| plain(&contact.address)));
        let people: Vec<String> = people.take(MAX_PEOPLE).collect();
        let answered = message.in_reply_to().filter(|id| message.references().last() != Some(*id));
        let mut before: Vec<MessageId> = Vec::new();
        for id in answered.into_iter().chain(message.references().iter().rev()) {
            if before.len() < MAX_BEFORE && Some(id) != message.message_id() && !before.contains(id) {
                before.push(id.clone());
            }
        }
        let (subject, is_answer) = base_subject(message.subject());
        Self {
            id: message.message_id().cloned(),
            digest: digest(message),
            // What says that it is the agent's own, and that the agent didn't send, is nobody's.
            author: author.filter(|author| is_believed && (sent || *author != plain(address))),
            own: sent,
            people,
            before,
            subject: subject.to_lowercase(),
            is_answer,
            arrived: message.internal_date(),
        }
    }

    /// Tells whether its author wrote or got another message: nobody else can answer that one.
    fn had_part_in(&self, other: &Self) -> bool {
        self.own || self.author.as_ref().is_some_and(|author| other.people.contains(author))
    }
}

/// Puts messages into threads, those by the order of their first message.
///
/// A message has one parent at most, so that none can join two threads:
/// 1. the nearest of the messages that it names (In-Reply-To, then References from the end) which is there and in which
///    its author had part;
/// 2. else an earlier message that names one of those which are missing, under the same condition;
/// 3. else, if it names none and its subject is an answer's, the last earlier message of that subject in the 30 days
///    before, under the same condition.
///
/// Of several messages with one Message-ID the first to arrive has it; another one is a copy if it says the same, else
/// it goes by no Message-ID. What is circular is cut at the first to arrive.
pub(super) fn threads(items: &[Item]) -> Vec<Group> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by(|one, other| place(&items[*one]).cmp(&place(&items[*other])));
    let (messages, by_id) = without_copies(items, &order);
    let (mut parents, disputed) = find_parents(items, &messages, &by_id);
    cut_circles(&mut parents);
    let roots = roots(&parents);

    let mut members: Vec<Vec<usize>> = vec![Vec::new(); messages.len()];
    for (at, root) in roots.iter().enumerate() {
        members[*root].push(at);
    }
    let names = names(items, &messages, &by_id, &members, &disputed);
    let mut groups = Vec::new();
    for (root, members) in members.iter().enumerate().filter(|(_, members)| !members.is_empty()) {
        let order = reading_order(items, &messages, &parents, members);
        let position: HashMap<usize, usize> =
            order.iter().enumerate().map(|(place, at)| (*at, place)).collect();
        let member = |at: &usize| Member {
            items: messages[*at].clone(),
            parent: parents[*at].and_then(|parent| position.get(&parent).copied()),
            disputed: disputed[*at].clone(),
        };
        groups.push(Group { name: names[root].clone(), members: order.iter().map(member).collect() });
    }
    groups
}

/// Orders the messages of a thread by arrival, but none before the one that it answers: mail systems tell the time by
/// seconds, and one's own copy may come late.
fn reading_order(
    items: &[Item],
    messages: &[Vec<usize>],
    parents: &[Option<usize>],
    members: &[usize],
) -> Vec<usize> {
    let mut keys: HashMap<usize, (SystemTime, usize)> = HashMap::new();
    for &start in members {
        let mut way = vec![start];
        while let Some(parent) = parents[way[way.len() - 1]].filter(|parent| !keys.contains_key(parent)) {
            way.push(parent);
        }
        for at in way.into_iter().rev() {
            let arrived = items[messages[at][0]].arrived;
            let key = parents[at]
                .and_then(|parent| keys.get(&parent))
                .map_or((arrived, 0), |(before, depth)| (arrived.max(*before), depth + 1));
            keys.insert(at, key);
        }
    }
    let mut order = members.to_vec();
    order.sort_by_key(|at| (keys.get(at).copied(), *at));
    order
}

type ById<'a> = HashMap<&'a MessageId, usize>;

/// Returns the messages by arrival, each with its copies, and which has which Message-ID.
fn without_copies<'a>(items: &'a [Item], order: &[usize]) -> (Vec<Vec<usize>>, ById<'a>) {
    let mut messages: Vec<Vec<usize>> = Vec::with_capacity(order.len());
    let (mut by_id, mut by_digest) = (ById::new(), HashMap::<&str, usize>::new());
    for &at in order {
        if let Some(known) = by_digest.get(&*items[at].digest) {
            messages[*known].push(at);
            continue;
        }
        by_digest.insert(&items[at].digest, messages.len());
        if let Some(id) = &items[at].id {
            by_id.entry(id).or_insert(messages.len());
        }
        messages.push(vec![at]);
    }
    (messages, by_id)
}

fn find_parents(
    items: &[Item],
    messages: &[Vec<usize>],
    by_id: &ById<'_>,
) -> (Vec<Option<usize>>, Vec<Option<MessageId>>) {
    let item = |at: usize| &items[messages[at][0]];
    // What a copy in the folder for sent mail knows is known of all copies.
    let had_part = |at: usize, other: usize| {
        item(at).had_part_in(item(other)) || messages[at].iter().any(|copy| items[*copy].own)
    };
    let (mut naming, mut of_subject) = (HashMap::<&MessageId, Vec<usize>>::new(), HashMap::new());
    let (mut parents, mut disputed) = (vec![None; messages.len()], vec![None; messages.len()]);
    for at in 0..messages.len() {
        let this = item(at);
        for id in &this.before {
            match by_id.get(id) {
                Some(&known) if known != at && had_part(at, known) => {
                    parents[at] = Some(known);
                    break;
                }
                Some(&known) if known != at => {
                    disputed[at] = disputed[at].take().or_else(|| Some(id.clone()));
                }
                _ => {}
            }
        }
        let last_of = |earlier: Option<&Vec<usize>>| {
            let few = earlier.into_iter().flat_map(|earlier| earlier.iter().rev().take(FEW));
            few.copied().find(|other| had_part(at, *other))
        };
        if parents[at].is_none() {
            parents[at] = this.before.iter().find_map(|id| last_of(naming.get(id)));
        }
        if parents[at].is_none() && this.before.is_empty() && this.is_answer && !this.subject.is_empty() {
            let recent = |other: &usize| {
                this.arrived.duration_since(item(*other).arrived).is_ok_and(|age| age <= SAME_SUBJECT)
            };
            parents[at] = last_of(of_subject.get(&*this.subject)).filter(recent);
        }
        if parents[at].is_some() {
            disputed[at] = None;
        }
        // Who claims others' messages draws no answers of theirs to it.
        for id in this.before.iter().filter(|id| disputed[at].is_none() && !by_id.contains_key(id)) {
            naming.entry(id).or_default().push(at);
        }
        of_subject.entry(&*this.subject).or_insert_with(Vec::new).push(at);
    }
    (parents, disputed)
}

/// Messages that name each other have no first one: the first to arrive becomes it.
fn cut_circles(parents: &mut [Option<usize>]) {
    let mut seen_from = vec![usize::MAX; parents.len()];
    for start in 0..parents.len() {
        let mut at = start;
        while seen_from[at] == usize::MAX {
            seen_from[at] = start;
            match parents[at] {
                Some(parent) => at = parent,
                None => break,
            }
        }
        if seen_from[at] != start || parents[at].is_none() {
            continue;
        }
        // Here a circle was closed: once around it.
        let (mut first, mut next) = (at, parents[at]);
        while let Some(member) = next.filter(|member| *member != at) {
            first = first.min(member);
            next = parents[member];
        }
        parents[first] = None;
    }
}

/// Finds the first message of each one's thread.
fn roots(parents: &[Option<usize>]) -> Vec<usize> {
    let mut roots = vec![usize::MAX; parents.len()];
    for start in 0..parents.len() {
        let mut way = Vec::new();
        let mut at = start;
        while roots[at] == usize::MAX {
            way.push(at);
            match parents[at] {
                Some(parent) => at = parent,
                None => roots[at] = at,
            }
        }
        let root = roots[at];
        for at in way {
            roots[at] = root;
        }
    }
    roots
}

/// Names each thread by its first message, or by the missing one that this names first, so that the name stays when that
/// one comes. A message that is there has the first claim to its name.
fn names(
    items: &[Item],
    messages: &[Vec<usize>],
    by_id: &ById<'_>,
    members: &[Vec<usize>],
    disputed: &[Option<MessageId>],
) -> Vec<String> {
    let mut names = vec![String::new(); messages.len()];
    let mut taken: HashSet<String> = HashSet::new();
    let root = |at: usize| &items[messages[at][0]];
    let is_root = |at: &usize| !members[*at].is_empty();
    let missing = |at: usize| {
        let first = root(at).before.last().filter(|id| !by_id.contains_key(id));
        first.filter(|_| disputed[at].is_none())
    };
    let mut claim = |at: usize, id: Option<&MessageId>| {
        let id = id.map_or_else(|| root(at).digest.clone(), |id| fingerprint(id.as_str().as_bytes()));
        let name = if taken.contains(&id) { root(at).digest.clone() } else { id };
        taken.insert(name.clone());
        names[at] = name;
    };
    for at in (0..messages.len()).filter(is_root).filter(|at| missing(*at).is_none()) {
        let own = root(at).id.as_ref().filter(|id| by_id.get(id) == Some(&at));
        claim(at, own);
    }
    for at in (0..messages.len()).filter(is_root) {
        if let Some(first) = missing(at) {
            claim(at, Some(first));
        }
    }
    names
}

fn place(item: &Item) -> (SystemTime, Option<&str>, &str, bool) {
    (item.arrived, item.id.as_ref().map(MessageId::as_str), &item.digest, !item.own)
}

fn digest(message: &Received) -> String {
    let mut parts = Vec::new();
    let mut part = |text: &str| {
        parts.extend_from_slice(&(text.len() as u64).to_be_bytes());
        parts.extend_from_slice(text.as_bytes());
    };
    part(message.message_id().map_or("", MessageId::as_str));
    for contact in message.all_from().iter().chain(message.to()).chain(message.cc()) {
        part(&plain(&contact.address));
    }
    part(&message.header("Date").unwrap_or_default());
    part(message.subject());
    part(message.readable_text().as_deref().unwrap_or_default().trim_end());
    fingerprint(&parts)
}

/// Writes an address so that one mailbox is written in one way.
pub(super) fn plain(address: &Address) -> String {
    address.to_string().to_lowercase()
}

/// Whoever stands behind them in To and Cc is not known to have had part.
const MAX_PEOPLE: usize = 500;
/// The nearest ones count.
const MAX_BEFORE: usize = 50;
/// How many earlier messages are looked at for one that fits.
const FEW: usize = 50;
const SAME_SUBJECT: Duration = Duration::from_hours(30 * 24);

#[cfg(test)]
mod tests;
