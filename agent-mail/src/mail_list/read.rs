//! From the tree to the list, with every problem on the way.

use std::collections::HashMap;

use mail_access::DomainName;

use super::node::{Node, Value};
use super::{ListedDomain, ListedUser, MailList, MailListError, Place};
use crate::local_part;

pub(super) fn read(text: &str) -> Result<MailList, MailListError> {
    let start = Place { line: 1, column: 1 };
    if text.len() > MAX_TEXT {
        return Err(MailListError::new(vec![(start, "the text is larger than 1 MiB".to_owned())]));
    }
    let mut problems = Problems(Vec::new());
    let domains = problems.domains(Node::read(text)?);
    if problems.0.is_empty() { Ok(MailList { domains }) } else { Err(MailListError::new(problems.0)) }
}

struct Problems(Vec<(Place, String)>);

impl Problems {
    fn add(&mut self, place: Place, problem: impl Into<String>) {
        self.0.push((place, problem.into()));
    }

    fn domains(&mut self, root: Node) -> Vec<ListedDomain> {
        let Some([domains]) = self.keys(root, ["domains"], "the key \"domains\" with a list") else {
            return Vec::new();
        };
        let mut listed = Vec::new();
        let mut lines: HashMap<DomainName, u64> = HashMap::new();
        for entry in self.required_list(domains, "domains", "a list of domains") {
            let Some((place, domain)) = self.domain(entry) else { continue };
            if let Some(line) = lines.get(&domain.name) {
                let name = &domain.name;
                self.add(
                    place,
                    format!("{name} stands in line {line} already; expected is each domain once"),
                );
            } else {
                lines.insert(domain.name.clone(), place.line);
                listed.push(domain);
            }
        }
        listed
    }

    /// Returns the domain and the place of its name.
    fn domain(&mut self, entry: Node) -> Option<(Place, ListedDomain)> {
        let [name, users] =
            self.keys(entry, ["name", "users"], "a domain: the keys \"name\" and \"users\"")?;
        let name = self.required(name, "name").and_then(|node| {
            let (place, text) = self.text(node, "a domain name, shop.example")?;
            match text.parse::<DomainName>() {
                Ok(name) if name.as_str().contains('.') => Some((place, name)),
                Ok(_) => {
                    self.add(
                        place,
                        format!("{} is no domain; expected is a name like shop.example", shown(&text)),
                    );
                    None
                }
                Err(problem) => {
                    self.add(place, format!("{problem}; expected is a domain name like shop.example"));
                    None
                }
            }
        });
        let users = self.required_list(users, "users", "a list of users, [] for none");
        // Without a name the users can't be checked whole; what can be said of them is said.
        let (place, name) = name?;
        let mut listed = Vec::new();
        let mut lines: HashMap<String, u64> = HashMap::new();
        for user in users {
            let Some((place, user)) = self.user(user, &name) else { continue };
            let local = user.address.local_part();
            // To a mail server the case of letters makes no other mailbox.
            if let Some(line) = lines.get(&local.to_lowercase()) {
                self.add(
                    place,
                    format!("{local:?} stands in line {line} already; expected is each user once"),
                );
            } else {
                lines.insert(local.to_lowercase(), place.line);
                listed.push(user);
            }
        }
        Some((place, ListedDomain { name, users: listed }))
    }

    /// Returns the user and the place of the address.
    fn user(&mut self, entry: Node, domain: &DomainName) -> Option<(Place, ListedUser)> {
        let (name, display_name, quota) = match entry.value {
            Value::Map(_) => {
                let keys = ["name", "display_name", "quota_mib"];
                let [name, display_name, quota] = self.keys(entry, keys, "a user")?;
                (self.required(name, "name")?, display_name.ok(), quota.ok())
            }
            _ => (entry, None, None),
        };
        let display_name = display_name.map(|node| self.display_name(node));
        let quota_mib = quota.map(|node| self.quota(&node));
        let (place, text) = self.text(name, "a local part or an address; a text in quotes if it is one")?;
        let local = match text.rsplit_once('@') {
            None => &*text,
            Some((local, at)) if at.parse::<DomainName>().is_ok_and(|at| at == *domain) => local,
            Some(_) => {
                self.add(place, format!("{} is not of {domain}; expected is an address of it", shown(&text)));
                return None;
            }
        };
        match local_part::address(local, domain) {
            Ok(address) => {
                let (display_name, quota_mib) = (display_name.flatten(), quota_mib.flatten());
                Some((place, ListedUser { address, display_name, quota_mib }))
            }
            Err(rule) => {
                self.add(place, format!("{} is no user; {rule}", shown(&text)));
                None
            }
        }
    }

    fn display_name(&mut self, node: Node) -> Option<String> {
        let (place, text) = self.text(node, "a name in quotes")?;
        if text.is_empty() || text.chars().count() > MAX_NAME || text.chars().any(char::is_control) {
            self.add(
                place,
                format!("{} is no name; expected are 1 to {MAX_NAME} visible characters", shown(&text)),
            );
            return None;
        }
        Some(text)
    }

    fn quota(&mut self, node: &Node) -> Option<u32> {
        let found = node.kind();
        match node.value {
            Value::Integer(mib) if (1..=MAX_QUOTA_MIB).contains(&mib) => u32::try_from(mib).ok(),
            Value::Integer(mib) => {
                self.add(node.place, format!("{mib} is no quota; expected are 1 to {MAX_QUOTA_MIB} MiB"));
                None
            }
            _ => {
                self.add(node.place, format!("found {found}; expected is a whole number of MiB"));
                None
            }
        }
    }

    /// Takes a map apart into these keys; each is its value, or the place of the map that lacks it.
    fn keys<const N: usize>(
        &mut self,
        node: Node,
        names: [&str; N],
        expected: &str,
    ) -> Option<[Result<Node, Place>; N]> {
        let (place, kind) = (node.place, node.kind());
        let Value::Map(entries) = node.value else {
            self.add(place, format!("found {kind}; expected is {expected}"));
            return None;
        };
        let mut found = [const { None }; N];
        for (place, key, node) in entries {
            match names.iter().position(|name| *name == key) {
                Some(at) => found[at] = Some(node),
                None => self.add(
                    place,
                    format!(
                        "the key {} is unknown; expected is {}",
                        shown(&key),
                        names.map(|n| format!("{n:?}")).join(" or ")
                    ),
                ),
            }
        }
        Some(found.map(|node| node.ok_or(place)))
    }

    fn required(&mut self, node: Result<Node, Place>, key: &str) -> Option<Node> {
        node.map_err(|place| self.add(place, format!("the key {key:?} is missing here"))).ok()
    }

    fn required_list(&mut self, node: Result<Node, Place>, key: &str, expected: &str) -> Vec<Node> {
        let Some(node) = self.required(node, key) else { return Vec::new() };
        let (place, kind) = (node.place, node.kind());
        let Value::List(nodes) = node.value else {
            self.add(place, format!("found {kind}; expected is {expected}"));
            return Vec::new();
        };
        nodes
    }

    fn text(&mut self, node: Node, expected: &str) -> Option<(Place, String)> {
        let kind = node.kind();
        let Value::Text(text) = node.value else {
            self.add(node.place, format!("found {kind}; expected is {expected}"));
            return None;
        };
        Some((node.place, text))
    }
}

/// Quotes what stands in a list, cut to a length that a line bears.
fn shown(text: &str) -> String {
    let cut: String = text.chars().take(60).collect();
    let rest = if cut.len() < text.len() { ".." } else { "" };
    format!("{cut:?}{rest}")
}

const MAX_TEXT: usize = 1 << 20;
const MAX_NAME: usize = 120;
/// A PiB; more is a slip of the pen.
const MAX_QUOTA_MIB: u64 = 1 << 30;
