//! LOC: a place on Earth (RFC 1876).

use std::fmt::Write as _;

use super::{Flaw, tokens::Tokens, wire::Wire};

/// Adds `degrees [minutes [seconds]] N|S degrees [minutes [seconds]] E|W altitude [size [precisions]]`.
pub(super) fn read(tokens: &mut Tokens<'_>, wire: &mut Vec<u8>) -> Result<(), Flaw> {
    let latitude = coordinate(tokens, LATITUDE)?;
    let longitude = coordinate(tokens, LONGITUDE)?;
    let altitude = centimetres(tokens)? + f64::from(SEA_LEVEL);
    if !(0.0..=f64::from(u32::MAX)).contains(&altitude) {
        return Err(Flaw::new("altitude out of bounds"));
    }
    let mut sizes = DEFAULT_SIZES;
    for size in &mut sizes {
        if !tokens.at_end()? {
            *size = encoded(centimetres(tokens)?)?;
        }
    }
    wire.push(0);
    wire.extend(sizes);
    wire.extend(latitude.to_be_bytes());
    wire.extend(longitude.to_be_bytes());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
    wire.extend((altitude as u32).to_be_bytes());
    Ok(())
}

/// Adds the text form; sizes are left out where all three are the usual ones.
pub(super) fn print(wire: &mut Wire<'_>, text: &mut String) -> Result<(), Flaw> {
    if wire.u8()? != 0 {
        return Err(Flaw::new("only version 0 is known"));
    }
    let sizes: [u8; 3] = wire.array()?;
    degrees(wire.u32()?, LATITUDE, text)?;
    degrees(wire.u32()?, LONGITUDE, text)?;
    let altitude = i64::from(wire.u32()?) - i64::from(SEA_LEVEL);
    let sign = if altitude < 0 { "-" } else { "" };
    write!(text, "{sign}{}", metres(altitude.unsigned_abs())).expect("a String takes everything");
    let shown = if sizes == DEFAULT_SIZES { &[][..] } else { &sizes };
    for size in sizes {
        let (base, exponent) = (size >> 4, size & 15);
        if base > 9 || exponent > 9 {
            return Err(Flaw::new("bad size exponent"));
        }
        if !shown.is_empty() {
            let size = metres(u64::from(base) * 10_u64.pow(exponent.into()));
            write!(text, " {size}").expect("a String takes everything");
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Axis {
    most: u32,
    positive: &'static str,
    negative: &'static str,
}

// In thousandths of a second of arc from the equator or the first meridian, which are 2^31.
fn coordinate(tokens: &mut Tokens<'_>, axis: Axis) -> Result<u32, Flaw> {
    let mut thousandths = tokens.number(16)?.min(axis.most + 1) * HOUR;
    let mut word = tokens.any()?.text;
    if is_number(word) {
        thousandths += sixty(word)? * MINUTE;
        word = tokens.any()?.text;
        if let Some((seconds, fraction)) = word.split_once('.') {
            if fraction.len() > 3 || !is_number(fraction) {
                return Err(Flaw::new("bad milliseconds value"));
            }
            let digits = u32::try_from(fraction.len()).expect("at most 3");
            let fraction: u32 = fraction.parse().expect("at most 3 digits");
            thousandths += sixty(seconds)? * SECOND + fraction * 10_u32.pow(3 - digits);
            word = tokens.any()?.text;
        } else if is_number(word) {
            thousandths += sixty(word)? * SECOND;
            word = tokens.any()?.text;
        }
    }
    match word {
        _ if word == axis.positive => Ok(EQUATOR + thousandths),
        _ if word == axis.negative => Ok(EQUATOR - thousandths),
        _ => Err(Flaw::new("bad hemisphere value")),
    }
}

fn degrees(coordinate: u32, axis: Axis, text: &mut String) -> Result<(), Flaw> {
    let size = coordinate.abs_diff(EQUATOR);
    if size > axis.most * HOUR {
        return Err(Flaw::new("bad latitude or longitude"));
    }
    let hemisphere = if coordinate < EQUATOR { axis.negative } else { axis.positive };
    let (minutes, seconds) = (size % HOUR / MINUTE, size % MINUTE / SECOND);
    write!(text, "{} {minutes} {seconds}.{:03} {hemisphere} ", size / HOUR, size % SECOND)
        .expect("a String takes everything");
    Ok(())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn sixty(text: &str) -> Result<u32, Flaw> {
    let number = text.parse().ok().filter(|number| is_number(text) && *number < 60_u32);
    number.ok_or_else(|| Flaw::new("minutes and seconds must be below 60"))
}

// As the server: the number is scaled as a float, and then cut off. What it stores may be cut off again when it
// is written again, so this is where that ends: 0.29 is stored as 0.28, which stays.
fn centimetres(tokens: &mut Tokens<'_>) -> Result<f64, Flaw> {
    let word = tokens.any()?.text;
    let metres: Option<f64> = word.strip_suffix('m').unwrap_or(word).parse().ok();
    let scaled = |metres: f64| (metres * 100.0).trunc();
    let mut length = metres.map(scaled).filter(|c| c.abs() < 1e12).ok_or_else(|| Flaw::new("bad length"))?;
    while scaled(length / 100.0).abs() < length.abs() {
        length = scaled(length / 100.0);
    }
    Ok(length)
}

// One digit and a power of ten: what exceeds the first digit is cut off.
fn encoded(centimetres: f64) -> Result<u8, Flaw> {
    if !(0.0..1e10).contains(&centimetres) {
        return Err(Flaw::new("size or precision value out of bounds"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
    let mut base = centimetres as u64;
    let mut exponent = 0;
    while base > 9 {
        base /= 10;
        exponent += 1;
    }
    Ok(u8::try_from(base << 4).expect("one digit") | exponent)
}

fn metres(centimetres: u64) -> String {
    format!("{}.{:02}m", centimetres / 100, centimetres % 100)
}

const EQUATOR: u32 = 1 << 31;
const HOUR: u32 = 3_600_000;
const MINUTE: u32 = 60_000;
const SECOND: u32 = 1000;
const LATITUDE: Axis = Axis { most: 90, positive: "N", negative: "S" };
const LONGITUDE: Axis = Axis { most: 180, positive: "E", negative: "W" };
// 100 km below.
const SEA_LEVEL: u32 = 10_000_000;
// 1 m, and precisions of 10 km and 10 m.
const DEFAULT_SIZES: [u8; 3] = [0x12, 0x16, 0x13];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{RecordType, canonical};

    #[test]
    fn lengths_are_cut_off() {
        let form = |lengths: &str| {
            let form = canonical(&RecordType::Loc, &format!("1 N 2 E {lengths}")).ok()?;
            form.strip_prefix("1 0 0.000 N 2 0 0.000 E ").map(ToOwned::to_owned)
        };
        assert_eq!(form("-100000").as_deref(), Some("-100000.00m"));
        assert_eq!(form("1.5m 1m 10000m 10m").as_deref(), Some("1.50m"));
        assert_eq!(form("-0.05 0.019 99m").as_deref(), Some("-0.05m 0.01m 90.00m 10.00m"));
        assert_eq!(
            form("42849672.95 0 90000000m").as_deref(),
            Some("42849672.95m 0.00m 90000000.00m 10.00m")
        );
        // Cut off, this would be .37, and that .36.
        assert_eq!(form("10522031.375").as_deref(), Some("10522031.36m"));
        for bad in ["-100000.01", "42849672.96", "0 100000000m", "m", "inf", "1mm"] {
            assert_eq!(form(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn places_stay(
            (south, minutes, thousandths) in (0_u32..90, 0_u32..60, 0_u32..60_000),
            (east, altitude) in (0_u32..180, -100_000.0..4e7),
            sizes in proptest::collection::vec((1_u64..10, 0_u32..8), 0..4),
        ) {
            let sizes: Vec<_> =
                sizes.iter().map(|(base, power)| format!(" {}m", base * 10_u64.pow(*power))).collect();
            let sizes = sizes.concat();
            let (seconds, rest) = (thousandths / 1000, thousandths % 1000);
            let place = format!("{south} {minutes} {seconds}.{rest:03} S {east} E");
            let form = canonical(&RecordType::Loc, &format!("{place} {altitude}{sizes}")).unwrap();
            prop_assert_eq!(&canonical(&RecordType::Loc, &form).unwrap(), &form);
            let hemisphere = if (south, minutes, thousandths) == (0, 0, 0) { "N" } else { "S" };
            let expected = format!("{south} {minutes} {seconds}.{rest:03} {hemisphere} {east} 0 0.000 E ");
            prop_assert!(form.starts_with(&expected), "{}", form);
        }
    }
}
