//! That each route of Mailcow has a typed method, by the source itself: a method covers a route if its documentation
//! names the route and its code, together with what it calls, holds the words of the route.

mod table;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
};

use self::table::{EXEMPT, ROUTES};

#[test]
fn every_route_has_a_typed_method() {
    let covered = covered();
    let exempt: BTreeMap<_, _> = EXEMPT.into_iter().collect();
    let wanted: Vec<_> = ROUTES.iter().filter(|route| !exempt.contains_key(*route)).collect();
    let missing: Vec<_> = wanted.iter().filter(|route| !covered.contains_key(**route)).collect();
    println!("routes covered: {}/{}", wanted.len() - missing.len(), wanted.len());
    for (route, method) in &covered {
        println!("  {route}: {method}");
    }
    for (route, reason) in &exempt {
        println!("  {route}: exempt, {reason}");
    }
    assert!(missing.is_empty(), "no method for {missing:#?}");
}

#[test]
fn the_table_is_that_of_mailcow() {
    let distinct: BTreeSet<_> = ROUTES.iter().collect();
    assert_eq!((ROUTES.len(), distinct.len()), (222, 222));
    let covered = covered();
    for (route, _) in EXEMPT {
        assert!(distinct.contains(&route), "there is no route {route}");
        assert!(!covered.contains_key(route), "{route} is exempt although there is a method for it");
    }
}

#[test]
fn no_documentation_names_a_route_that_is_not_there_or_not_called() {
    let files = sources();
    let mut named = 0;
    for (file, name, function) in public(&files) {
        for template in &function.named {
            named += 1;
            let rows: Vec<_> = ROUTES.iter().filter(|row| matches(template, row)).collect();
            assert!(!rows.is_empty(), "{name} names {template}, which is no route");
            let words = reachable(&files, file, name);
            assert!(
                rows.iter().any(|row| calls(&words, row)),
                "{name} names {template} and does not call it"
            );
        }
    }
    assert!(named > 90, "only {named} routes are named: the source is not read as it should be");
}

/// Returns the covered routes, each with the method that covers it.
fn covered() -> BTreeMap<&'static str, String> {
    let files = sources();
    let mut covered = BTreeMap::new();
    for (file, name, function) in public(&files) {
        let words = reachable(&files, file, name);
        for row in ROUTES {
            if function.named.iter().any(|template| matches(template, row)) && calls(&words, row) {
                covered.entry(row).or_insert_with(|| name.clone());
            }
        }
    }
    covered
}

fn public(files: &[Source]) -> impl Iterator<Item = (&Source, &String, &Function)> {
    let all = files.iter().flat_map(|file| file.functions.iter().map(move |(name, own)| (file, name, own)));
    all.filter(|(_, _, function)| function.is_public)
}

/// Returns whether the documentation of a method means this route: placeholders stand for any one segment. A query that
/// no row of the table has is an option of the route before it.
fn matches(template: &str, row: &str) -> bool {
    let is_same = |template: &str, row: &str| {
        let (template, row) = (segments(template), segments(row));
        template.len() == row.len()
            && template.iter().zip(&row).all(|(own, its)| own == its || is_placeholder(own))
    };
    let (path, query) = template.split_at(template.find('?').unwrap_or(template.len()));
    let is_option = !query.is_empty() && !ROUTES.iter().any(|row| is_same(template, row));
    is_same(if is_option { path } else { template }, row)
}

/// Returns whether code with these texts in it can build the route: one text begins it, and each further word of it
/// is a text too.
fn calls(texts: &BTreeSet<String>, row: &str) -> bool {
    let row = segments(row);
    (2..=row.len()).any(|length| {
        let (head, tail) = row.split_at(length);
        texts.contains(&head.join("/"))
            && tail.iter().all(|word| is_placeholder(word) || texts.contains(word.trim_matches(['?', '='])))
    })
}

/// Splits a route at its slashes and before its query.
fn segments(route: &str) -> Vec<&str> {
    let (path, query) = route.split_at(route.find('?').unwrap_or(route.len()));
    path.split('/').chain((!query.is_empty()).then_some(query)).collect()
}

fn is_placeholder(word: &str) -> bool {
    word.starts_with('{')
}

/// Collects the texts in the code of a function and of all that it calls in its own file, with the constants that
/// it takes from others.
fn reachable(files: &[Source], home: &Source, name: &str) -> BTreeSet<String> {
    let (mut texts, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![(home, name.to_owned())]);
    while let Some((file, name)) = open.pop() {
        if !seen.insert((&file.module, name.clone())) {
            continue;
        }
        let taken = || {
            let mut others = files.iter().filter(|other| file.uses.contains(&other.module));
            others.find_map(|other| other.constants.get(&name))
        };
        if let Some(code) = file.code(&name).or_else(taken) {
            let (words, own) = words_and_texts(code);
            open.extend(words.into_iter().map(|word| (file, word)));
            texts.extend(own);
        }
    }
    texts
}

/// What a file declares.
#[derive(Default)]
struct Source {
    module: String,
    /// The modules whose names stand before `::`.
    uses: BTreeSet<String>,
    functions: BTreeMap<String, Function>,
    constants: HashMap<String, String>,
}

impl Source {
    fn code(&self, name: &str) -> Option<&String> {
        self.functions.get(name).map(|function| &function.code).or_else(|| self.constants.get(name))
    }
}

struct Function {
    /// Whether it is a public method.
    is_public: bool,
    /// The routes that its documentation names.
    named: Vec<String>,
    code: String,
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // The fake knows the routes from the other side.
            if path.is_dir() && !path.ends_with("fake") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let module = path.file_stem().unwrap().to_string_lossy().into_owned();
                files.push(source(module, &fs::read_to_string(path).unwrap()));
            }
        }
    }
    files
}

/// Reads a file as rustfmt writes it: what begins on a line ends with its closing mark at the same indentation.
fn source(module: String, text: &str) -> Source {
    let before_colons = |part: &str| part.rsplit(|c: char| !is_word(c)).next().unwrap().to_owned();
    let uses = text.split("::").map(before_colons).collect();
    let mut source = Source { module, uses, ..Source::default() };
    let lines: Vec<_> = text.lines().take_while(|line| *line != "#[cfg(test)]").collect();
    for (at, line) in lines.iter().enumerate() {
        let (indent, words) = (line.len() - line.trim_start().len(), line.trim_start());
        if words.starts_with("//") {
            continue;
        }
        let until = |closed: &dyn Fn(&str) -> bool| {
            let end =
                lines[at..].iter().position(|line| closed(line)).map_or(lines.len(), |length| at + length);
            lines[at..=end.min(lines.len() - 1)].join("\n")
        };
        if let Some(name) = name_after(words, "const ") {
            source.constants.insert(name, until(&|line| line.ends_with(';')));
        } else if let Some(name) = name_after(words, "fn ") {
            let closing = format!("{}}}", " ".repeat(indent));
            let code = until(&|line| line == closing || line.ends_with(" {}"));
            let docs = lines[..at].iter().rev().map(|line| line.trim_start());
            let docs: Vec<_> =
                docs.take_while(|line| line.starts_with("///") || line.starts_with("#[")).collect();
            let named =
                docs.iter().flat_map(|line| line.split('`').skip(1).step_by(2)).filter(|word| is_route(word));
            let named = named.map(str::to_owned).collect();
            let is_public = words.starts_with("pub ") && code.contains("&self");
            source.functions.insert(name, Function { is_public, named, code });
        }
    }
    source
}

/// Returns the name that a declaration gives, if it is one by this keyword.
fn name_after(line: &str, keyword: &str) -> Option<String> {
    let (before, after) = line.split_once(keyword)?;
    let is_declaration = before.split_whitespace().all(|word| matches!(word, "pub" | "pub(crate)" | "async"));
    let name: String = after.chars().take_while(|c| is_word(*c)).collect();
    (is_declaration && !name.is_empty()).then_some(name)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_route(word: &str) -> bool {
    ["add/", "delete/", "edit/", "get/", "search/"].iter().any(|action| word.starts_with(action))
        && !word.contains('*')
}

/// Splits code into its words and the texts between its quotes.
fn words_and_texts(code: &str) -> (Vec<String>, Vec<String>) {
    let (mut words, mut texts) = (vec![String::new()], Vec::new());
    let mut chars = code.chars();
    while let Some(c) = chars.next() {
        if c == '"' {
            let mut text = String::new();
            while let Some(c) = chars.next().filter(|c| *c != '"') {
                text.extend(if c == '\\' { chars.next() } else { Some(c) });
            }
            texts.push(text);
        } else if is_word(c) {
            words.last_mut().unwrap().push(c);
        } else {
            words.push(String::new());
        }
    }
    (words, texts)
}
