//! What a style does to the text under it.

use std::collections::BTreeMap;

/// A colour, if it is known.
pub(super) type Rgb = Option<[u8; 3]>;

/// What the declarations of one element say about whether its text is seen; `None` is what they leave as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Effects {
    /// It and all within it is not there.
    pub(super) gone: bool,
    pub(super) invisible: Option<bool>,
    pub(super) tiny: Option<bool>,
    pub(super) color: Option<Rgb>,
    pub(super) background: Option<Rgb>,
    /// The text has the colour of what is behind it, whatever that is.
    pub(super) transparent: bool,
}

impl Effects {
    /// Reads the declarations, of which the last one of a name counts, an important one before all others.
    pub(super) fn of(declarations: &str) -> Self {
        Self::of_those(declarations, false)
    }

    fn of_those(declarations: &str, only_important: bool) -> Self {
        let plain = unescaped(&without_comments(declarations)).to_ascii_lowercase();
        let mut values: BTreeMap<&str, (bool, &str)> = BTreeMap::new();
        for declaration in split_outside(&plain, b';') {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            let (value, important) = match value.split_once('!') {
                Some((value, mark)) => (value.trim(), mark.trim() == "important"),
                None => (value.trim(), false),
            };
            let name = name.trim();
            if only_important && !important {
                continue;
            }
            if important || !values.get(name).is_some_and(|(known, _)| *known) {
                values.insert(name, (important, value));
            }
        }
        let value = |name: &str| values.get(name).map(|(_, value)| *value);
        let mut effects = Self { gone: is_gone(&value), ..Self::default() };
        effects.invisible = value("visibility").map(|value| matches!(value, "hidden" | "collapse"));
        let size = value("font-size").or_else(|| value("font").and_then(size_in_font));
        effects.tiny = size.and_then(is_tiny);
        if let Some(color) = value("color").or_else(|| value("-webkit-text-fill-color")) {
            effects.transparent = is_transparent(color);
            effects.color = Some(rgb(color));
        }
        effects.background = value("background-color").or_else(|| value("background")).and_then(background);
        if value("background-image").is_some_and(|image| image != "none") {
            effects.background = Some(None);
        }
        effects
    }

    /// What of it hides: all that counts of a rule that may apply or not.
    pub(super) fn hiding(self) -> Self {
        let only = |hides: Option<bool>| hides.filter(|hides| *hides);
        Self { gone: self.gone, invisible: only(self.invisible), tiny: only(self.tiny), ..Self::default() }
    }

    /// Reads those declarations only that go before an element's own.
    pub(super) fn important(declarations: &str) -> Self {
        Self::of_those(declarations, true)
    }
}

/// Reads a colour as CSS or an attribute has it; none for one that isn't known.
pub(super) fn rgb(color: &str) -> Rgb {
    let color = color.trim().to_ascii_lowercase();
    if let Some(hex) = color.strip_prefix('#') {
        let digit = |at: usize| u8::from_str_radix(hex.get(at..=at)?, 16).ok();
        let pair = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
        return match hex.len() {
            3 | 4 => Some([digit(0)? * 17, digit(1)? * 17, digit(2)? * 17]),
            6 | 8 => Some([pair(0)?, pair(2)?, pair(4)?]),
            _ => None,
        };
    }
    if let Some((kind, inner)) = color.split_once('(') {
        let parts: Vec<&str> = inner.split([',', ' ', '/', ')']).filter(|part| !part.is_empty()).collect();
        let channel = |part: &str| match part.strip_suffix('%') {
            Some(share) => share.parse::<f32>().ok().map(|share| share * 2.55),
            None => part.parse::<f32>().ok(),
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within the range of a byte"
        )]
        let byte = |part: &str| channel(part).map(|value| value.clamp(0.0, 255.0) as u8);
        return match (kind, &*parts) {
            ("rgb" | "rgba", [r, g, b, ..]) => Some([byte(r)?, byte(g)?, byte(b)?]),
            ("hsl" | "hsla", [_, _, light, ..]) => byte(light).filter(|l| *l > 247 || *l < 8).map(|l| [l; 3]),
            _ => None,
        };
    }
    NAMES.iter().find(|(name, _)| *name == color).and_then(|(_, rgb)| *rgb)
}

fn is_gone<'a>(value: &impl Fn(&str) -> Option<&'a str>) -> bool {
    let has = |name: &str, wanted: &[&str]| value(name).is_some_and(|value| wanted.contains(&value));
    let is_nothing = |name: &str| value(name).and_then(length).is_some_and(|length| length < 1.5);
    let is_far = |name: &str| value(name).and_then(length).is_some_and(|length| length <= -400.0);
    let hides_rest = has("overflow", &["hidden", "clip"]) || has("overflow-y", &["hidden", "clip"]);
    let is_free = has("position", &["absolute", "fixed"]);
    let faint = |value: &str| value.trim_end_matches('%').parse::<f32>().is_ok_and(|value| value < 0.1);
    has("display", &["none"])
        || has("content-visibility", &["hidden"])
        || value("opacity").is_some_and(faint)
        || hides_rest && ["max-height", "height", "max-width", "width"].into_iter().any(is_nothing)
        || is_free && ["left", "top", "right", "bottom"].into_iter().any(is_far)
        || ["text-indent", "margin-left", "margin-top"].into_iter().any(is_far)
        || value("clip").is_some_and(|clip| {
            let numbers = clip.strip_prefix("rect(").unwrap_or("9").trim_end_matches(')');
            numbers.split([',', ' ']).filter_map(length).all(|length| length < 1.5)
        })
        || value("clip-path").is_some_and(|clip| {
            ["inset(50%", "inset(100%", "circle(0"].iter().any(|all| clip.starts_with(all))
        })
        || value("transform").is_some_and(|form| form.replace(' ', "").contains("scale(0)"))
        || value("filter").is_some_and(|filter| filter.replace(' ', "").contains("opacity(0"))
}

fn background(value: &str) -> Option<Rgb> {
    if value.contains("url(") || value.contains("gradient") {
        return Some(None);
    }
    if is_transparent(value) || matches!(value, "none" | "inherit" | "initial" | "unset") {
        return None;
    }
    let whole = rgb(value);
    Some(whole.or_else(|| value.split_whitespace().find_map(rgb)))
}

fn is_transparent(color: &str) -> bool {
    let color = color.trim();
    let alpha =
        |text: &str| text.trim_end_matches([')', '%']).trim().parse::<f32>().is_ok_and(|alpha| alpha < 0.1);
    match color.strip_prefix('#') {
        Some(hex) => (hex.len() == 4 && hex.ends_with('0')) || (hex.len() == 8 && hex.ends_with("00")),
        None if color.starts_with("rgba") || color.starts_with("hsla") => {
            color.rsplit([',', '/']).next().is_some_and(alpha)
        }
        None => color == "transparent",
    }
}

/// A length in pixels, as far as it has a size of its own.
fn length(value: &str) -> Option<f32> {
    let value = value.trim();
    let end = value.find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c))).unwrap_or(value.len());
    let number: f32 = value[..end].parse().ok()?;
    let pixels = match &value[end..] {
        "" | "px" => 1.0,
        "pt" => 4.0 / 3.0,
        "em" | "rem" | "vw" | "vh" => 16.0,
        "cm" => 38.0,
        "mm" => 3.8,
        "in" => 96.0,
        "%" => 4.0,
        _ => return None,
    };
    Some(number * pixels)
}

/// A size by the size around it says nothing unless it is next to nothing.
fn is_tiny(size: &str) -> Option<bool> {
    let pixels = length(size);
    let is_relative = size.ends_with("em") && !size.ends_with("rem") || size.ends_with('%');
    match pixels {
        Some(pixels) if pixels < 3.0 => Some(true),
        Some(_) if !is_relative => Some(false),
        None if matches!(size, "inherit" | "larger" | "smaller" | "unset") => None,
        None => Some(false),
        Some(_) => None,
    }
}

fn size_in_font(font: &str) -> Option<&str> {
    let mut words = font.split([' ', '/']);
    words.find(|word| {
        let end = word.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(word.len());
        end > 0 && (end < word.len() || word.trim_matches(['0', '.']).is_empty())
    })
}

pub(super) fn without_comments(css: &str) -> String {
    let mut plain = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, behind)) = rest.split_once("/*") {
        plain.push_str(before);
        rest = behind.split_once("*/").map_or("", |(_, rest)| rest);
    }
    plain + rest
}

/// Resolves escapes: `\64 isplay` is `display`.
fn unescaped(css: &str) -> String {
    let mut plain = String::with_capacity(css.len());
    let mut chars = css.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        let mut code = String::new();
        while let Some(digit) = chars.next_if(|c| c.is_ascii_hexdigit() && code.len() < 6) {
            code.push(digit);
        }
        match u32::from_str_radix(&code, 16).ok().and_then(char::from_u32) {
            Some(c) => {
                plain.push(c);
                let _blank = chars.next_if(|c| c.is_whitespace());
            }
            None => plain.extend(chars.next()),
        }
    }
    plain
}

/// Splits at a mark that stands in no brackets.
fn split_outside(text: &str, mark: u8) -> Vec<&str> {
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            byte if byte == mark && depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

const NAMES: &[(&str, Rgb)] = &[
    ("white", Some([255; 3])),
    ("snow", Some([255, 250, 250])),
    ("ivory", Some([255, 255, 240])),
    ("ghostwhite", Some([248, 248, 255])),
    ("whitesmoke", Some([245; 3])),
    ("floralwhite", Some([255, 250, 240])),
    ("mintcream", Some([245, 255, 250])),
    ("azure", Some([240, 255, 255])),
    ("black", Some([0; 3])),
    ("gray", Some([128; 3])),
    ("grey", Some([128; 3])),
    ("silver", Some([192; 3])),
    ("lightgray", Some([211; 3])),
    ("lightgrey", Some([211; 3])),
    ("darkgray", Some([169; 3])),
    ("red", Some([255, 0, 0])),
    ("green", Some([0, 128, 0])),
    ("lime", Some([0, 255, 0])),
    ("blue", Some([0, 0, 255])),
    ("navy", Some([0, 0, 128])),
    ("yellow", Some([255, 255, 0])),
    ("orange", Some([255, 165, 0])),
    ("purple", Some([128, 0, 128])),
    ("maroon", Some([128, 0, 0])),
    ("teal", Some([0, 128, 128])),
    ("aqua", Some([0, 255, 255])),
    ("cyan", Some([0, 255, 255])),
    ("fuchsia", Some([255, 0, 255])),
    ("magenta", Some([255, 0, 255])),
];
