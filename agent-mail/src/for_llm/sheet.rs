//! The rules of style sheets, as far as they bear on what is seen.

use super::style::{Effects, without_comments};

/// The rules of all style sheets of a text.
#[derive(Debug, Default)]
pub(super) struct Sheet(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    /// From the outermost element to the one that is meant, each with whether it is the child of the one before.
    path: Vec<(bool, String)>,
    effects: Effects,
    important: Effects,
}

/// An element, as selectors know it.
#[derive(Clone, Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) classes: String,
}

impl Sheet {
    /// Reads the rules. Of one that applies only under some condition what hides is taken and what shows is not; those for
    /// paper and for narrow screens are left out.
    pub(super) fn read(&mut self, css: &str, is_certain: bool) {
        let css = without_comments(css);
        let (mut rest, mut is_certain) = (css.as_str(), vec![is_certain]);
        while let Some(at) = rest.find(['{', '}', ';']) {
            let begin = rest[..at].trim();
            if rest[at..].starts_with('}') {
                // The end of a block of rules.
                if is_certain.len() > 1 {
                    is_certain.pop();
                }
                rest = &rest[at + 1..];
            } else if rest[at..].starts_with(';') {
                rest = &rest[at + 1..];
            } else if begin.starts_with('@') {
                let begin = begin.to_ascii_lowercase();
                if ["width", "height", "print", "font-face", "keyframes"]
                    .iter()
                    .any(|word| begin.contains(word))
                {
                    rest = &rest[at + block_length(&rest[at..])..];
                } else {
                    let condition = begin.trim_start_matches("@media").trim();
                    let holds = matches!(condition, "" | "all" | "screen" | "only screen");
                    is_certain.push(holds && is_certain.last().is_some_and(|certain| *certain));
                    rest = &rest[at + 1..];
                }
            } else {
                let end = rest[at..].find('}').map_or(rest.len(), |end| at + end);
                self.add(begin, &rest[at + 1..end], is_certain.last().is_some_and(|certain| *certain));
                rest = rest.get(end + 1..).unwrap_or_default();
            }
        }
    }

    /// Returns how many rules there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns what the rules do to an element within others: those that its own style goes before, and those that go
    /// before its own style. The work is taken out of `left`; when nothing is left the rest of the rules is not looked at.
    pub(super) fn effects(
        &self,
        element: &Element,
        within: &[&Element],
        left: &mut usize,
    ) -> (Vec<Effects>, Vec<Effects>) {
        let mut found = (Vec::new(), Vec::new());
        for rule in &self.0 {
            if *left == 0 {
                break;
            }
            if rule.is_about(element, within, left) {
                found.0.push(rule.effects);
                found.1.push(rule.important);
            }
        }
        found
    }

    fn add(&mut self, selectors: &str, declarations: &str, is_certain: bool) {
        let (effects, important) = (Effects::of(declarations), Effects::important(declarations));
        if effects == Effects::default() {
            return;
        }
        for selector in selectors.split(',') {
            let Some((path, is_plain)) = path(&selector.to_ascii_lowercase()) else { continue };
            let (effects, important) = if is_certain && is_plain {
                (effects, important)
            } else {
                (effects.hiding(), important.hiding())
            };
            self.0.push(Rule { path, effects, important });
        }
    }
}

impl Rule {
    fn is_about(&self, element: &Element, within: &[&Element], left: &mut usize) -> bool {
        let Some(((is_child, own), outer)) = self.path.split_last() else { return false };
        let mut is_child = *is_child;
        if !is_meant(own, element, left) {
            return false;
        }
        let mut within = within.iter().rev();
        for (is_child_too, selector) in outer.iter().rev() {
            let found = if is_child {
                within.next().is_some_and(|parent| is_meant(selector, parent, left))
            } else {
                within.any(|above| is_meant(selector, above, left))
            };
            if !found {
                return false;
            }
            is_child = *is_child_too;
        }
        true
    }
}

/// Takes a selector apart, and tells whether that is all of it; none for one of a state or of what isn't there.
fn path(selector: &str) -> Option<(Vec<(bool, String)>, bool)> {
    if ["::", ":hover", ":active", ":focus", ":visited", ":before", ":after"]
        .iter()
        .any(|state| selector.contains(state))
    {
        return None;
    }
    let mut is_plain = true;
    let mut simple = String::new();
    let mut depth = 0_usize;
    for c in selector.chars() {
        match c {
            '[' | '(' => {
                is_plain = false;
                depth += 1;
            }
            ']' | ')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            '>' => simple.push_str(" > "),
            // Who stands beside it isn't known here.
            '+' | '~' => {
                is_plain = false;
                simple.clear();
            }
            c => simple.push(c),
        }
    }
    let mut path = Vec::new();
    let mut is_child = false;
    for word in simple.split_whitespace() {
        if word == ">" {
            is_child = true;
            continue;
        }
        let (word, is_whole) = word.split_once(':').map_or((word, true), |(word, _)| (word, false));
        is_plain &= is_whole;
        path.push((std::mem::take(&mut is_child), word.to_owned()));
    }
    (!path.is_empty()).then_some((path, is_plain))
}

fn is_meant(selector: &str, element: &Element, left: &mut usize) -> bool {
    *left = left.saturating_sub(1);
    let begin = selector.find(['.', '#']).unwrap_or(selector.len());
    let (name, mut marks) = selector.split_at(begin);
    if !name.is_empty() && name != "*" && name != element.name {
        return false;
    }
    while let Some(mark) = marks.chars().next() {
        // A list of classes may be long.
        *left = left.saturating_sub(1 + element.classes.len() / 8);
        if *left == 0 {
            return false;
        }
        let end = marks[1..].find(['.', '#']).map_or(marks.len(), |end| end + 1);
        let word = &marks[1..end];
        let found = match mark {
            '#' => element.id.eq_ignore_ascii_case(word),
            _ => element.classes.split_whitespace().any(|class| class.eq_ignore_ascii_case(word)),
        };
        if !found {
            return false;
        }
        marks = &marks[end..];
    }
    true
}

fn block_length(block: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in block.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    block.len()
}
