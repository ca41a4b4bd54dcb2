/// A line of the text with what all the rules ask of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// The line with its line end.
    pub(super) raw: &'a str,
    /// The line without marks of quoting and without space around it.
    pub(super) body: &'a str,
    /// How many marks of quoting it begins with.
    pub(super) depth: usize,
}

impl<'a> Line<'a> {
    fn new(raw: &'a str) -> Self {
        let indent = raw.bytes().take_while(|&byte| byte == b' ').count();
        let start = &raw[indent..];
        let (depth, body) =
            if indent > MOST_INDENT || is_false_mark(start) { (0, start) } else { marks(start) };
        Self { raw, body: body.trim(), depth }
    }

    pub(super) fn is_blank(&self) -> bool {
        self.depth == 0 && self.body.is_empty()
    }

    /// Tells whether it is quoted by a mark.
    pub(super) fn is_marked(&self) -> bool {
        self.depth > 0
    }

    /// Tells whether it opens or closes a code listing (CommonMark section 4.5).
    pub(super) fn is_fence(&self) -> bool {
        self.depth == 0 && (self.body.starts_with("```") || self.body.starts_with("~~~"))
    }

    pub(super) fn ends_with_colon(&self) -> bool {
        self.body.trim_end_matches(is_invisible).ends_with([':', '：'])
    }

    /// Returns the body in lower case, its spaces single and plain, without invisible characters: `None` if it
    /// is too long to be anything but text.
    pub(super) fn folded(&self) -> Option<String> {
        (self.body.len() <= MOST_FOLDED).then(|| fold(self.body))
    }
}

pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    text.split_inclusive('\n').map(Line::new).collect()
}

pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars().filter(|&character| !is_invisible(character)) {
        match character {
            '：' => folded.push(':'),
            '’' => folded.push('\''),
            space if space.is_whitespace() => {
                if !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            other => folded.extend(other.to_lowercase()),
        }
    }
    folded
}

fn marks(start: &str) -> (usize, &str) {
    let (mut depth, mut rest) = (0, start);
    loop {
        let next = if depth == 0 { rest } else { rest.strip_prefix(' ').unwrap_or(rest) };
        let Some(after) = next.strip_prefix(['>', '＞']) else { return (depth, rest) };
        (depth, rest) = (depth + 1, after);
    }
}

/// `>=`, `>:(` and `>_<` begin a line that nobody quotes.
fn is_false_mark(start: &str) -> bool {
    [">=", ">:(", ">_<", ">_>"].iter().any(|mark| start.starts_with(mark))
}

/// Marks of direction and width that some clients put around names and addresses.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Four spaces make a code listing (CommonMark section 4.4).
const MOST_INDENT: usize = 3;

/// Bytes; what the rules look for is shorter than this.
const MOST_FOLDED: usize = 1_000;
