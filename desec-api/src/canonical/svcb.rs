//! The parameters of SVCB and HTTPS (RFC 9460).

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt::Write as _,
    net::{Ipv4Addr, Ipv6Addr},
};

use super::{
    Flaw,
    addresses::{address, dotted},
    tokens::{Tokens, escaped, number, quoted, unescaped},
    wire::{Wire, base64, unbase64},
};

/// The values of parameters as they travel, by key.
pub(crate) type Params<'a> = BTreeMap<u16, Cow<'a, [u8]>>;

/// Adds parameters, `key`, `key=value` or `key="value"`, in the order of their keys.
pub(super) fn read(tokens: &mut Tokens<'_>, wire: &mut Vec<u8>) -> Result<(), Flaw> {
    let mut params = Params::new();
    while let Some(token) = tokens.next()? {
        if token.quoted {
            return Err(Flaw::new("parameter is not an identifier"));
        }
        let (key, given) = match token.text.split_once('=') {
            Some((key, "")) => {
                let value = tokens.next()?.filter(|value| value.quoted && value.glued);
                (key, Some(value.ok_or_else(|| Flaw::new("whitespace after ="))?.text))
            }
            Some((key, value)) => (key, Some(value)),
            None => (token.text, None),
        };
        let (key, generic) = number_of(key)?;
        let value = if generic { unescaped(given.unwrap_or_default())? } else { value(key, given)?.into() };
        if params.insert(key, value).is_some() {
            return Err(Flaw::Malformed(format!("duplicate key \"{key}\"")));
        }
    }
    write(&params, wire);
    Ok(())
}

/// Reads parameters as they travel.
pub(crate) fn params<'a>(wire: &mut Wire<'a>) -> Result<Params<'a>, Flaw> {
    let mut params = Params::new();
    while !wire.is_empty() {
        let (key, length) = (wire.u16()?, wire.u16()?);
        if params.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return Err(Flaw::new("keys not in order"));
        }
        params.insert(key, wire.take(length.into())?.into());
    }
    Ok(params)
}

/// Checks what the server requires of parameters.
pub(super) fn check(priority: u16, params: &Params<'_>) -> Result<(), Flaw> {
    if priority == 0 && !params.is_empty() {
        return Err(Flaw::new("parameters in AliasMode"));
    }
    if let Some((key, _)) = params.iter().find(|(key, value)| known(**key, value).is_none()) {
        return Err(Flaw::Malformed(format!("the value of {} is malformed", name_of(*key))));
    }
    let mandatory = params.get(&MANDATORY).into_iter().flat_map(|keys| keys.chunks_exact(2));
    let mut needed = mandatory.map(|key| u16::from_be_bytes([key[0], key[1]]));
    if let Some(key) = needed.find(|key| !params.contains_key(key)) {
        return Err(Flaw::Malformed(format!("key {key} declared mandatory but not present")));
    }
    if params.contains_key(&NO_DEFAULT_ALPN) && !params.contains_key(&ALPN) {
        return Err(Flaw::new("no-default-alpn present, but alpn missing"));
    }
    Ok(())
}

/// Adds the text form of parameters, each after a blank.
pub(crate) fn print(params: &Params<'_>, text: &mut String) {
    for (key, value) in params {
        let generic = || {
            let mut text = format!("key{key}=");
            quoted(value, &mut text);
            text
        };
        write!(text, " {}", known(*key, value).unwrap_or_else(generic)).expect("a String takes everything");
    }
}

/// Returns protocol names as they travel. One of more than 255 bytes is left empty, which is refused.
pub(crate) fn alpn<'a>(ids: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut value = Vec::new();
    for id in ids {
        let length = u8::try_from(id.len()).unwrap_or_default();
        value.push(length);
        value.extend(&id[..length.into()]);
    }
    value
}

/// Returns the parts of a value that holds protocol names.
pub(crate) fn alpn_ids(value: &[u8]) -> Option<Vec<&[u8]>> {
    let mut wire = Wire(value);
    let mut ids = Vec::new();
    while !wire.is_empty() {
        ids.push(wire.string().ok().filter(|id| !id.is_empty())?);
    }
    Some(ids)
}

// A value of more than 64 KiB is cut off: it is more than a record can have.
fn write(params: &Params<'_>, wire: &mut Vec<u8>) {
    for (key, value) in params {
        let value = &value[..value.len().min(u16::MAX.into())];
        wire.extend(key.to_be_bytes());
        wire.extend(u16::try_from(value.len()).expect("it was cut off").to_be_bytes());
        wire.extend(value);
    }
}

fn value(key: u16, given: Option<&str>) -> Result<Vec<u8>, Flaw> {
    let text = given.unwrap_or_default();
    match key {
        NO_DEFAULT_ALPN | OHTTP if !text.is_empty() => Err(Flaw::new("this parameter has no value")),
        MANDATORY | ALPN | PORT | IPV4HINT | IPV6HINT | ECH if given.is_none() => {
            Err(Flaw::new("value cannot be empty"))
        }
        MANDATORY => {
            let keys = text.split(',').map(|key| number_of(key).map(|(key, _)| key));
            let mut keys = keys.collect::<Result<Vec<_>, _>>()?;
            keys.sort_unstable();
            Ok(keys.into_iter().flat_map(u16::to_be_bytes).collect())
        }
        ALPN => {
            let ids = split(&unescaped(text)?)?;
            Ok(alpn(ids.iter().map(Vec::as_slice)))
        }
        PORT => Ok(u16::try_from(number(text, 16)?).expect("16 bits").to_be_bytes().into()),
        IPV4HINT => {
            let addresses = text.split(',').map(address::<Ipv4Addr>);
            Ok(addresses.collect::<Result<Vec<_>, _>>()?.iter().flat_map(Ipv4Addr::octets).collect())
        }
        IPV6HINT => {
            let addresses = text.split(',').map(address::<Ipv6Addr>);
            Ok(addresses.collect::<Result<Vec<_>, _>>()?.iter().flat_map(Ipv6Addr::octets).collect())
        }
        ECH => unbase64(text),
        _ => unescaped(text).map(Cow::into_owned),
    }
}

// The text of a parameter whose value is of the right form.
fn known(key: u16, value: &[u8]) -> Option<String> {
    let mut text = name_of(key);
    let listed = |items: Vec<String>| (!items.is_empty()).then(|| items.join(","));
    let said = match key {
        MANDATORY => {
            let (keys, []) = value.as_chunks::<2>() else { return None };
            let sound = keys.is_sorted_by(|a, b| a < b) && !keys.contains(&[0, 0]);
            listed(keys.iter().map(|key| name_of(u16::from_be_bytes(*key))).collect()).filter(|_| sound)?
        }
        ALPN => {
            let ids = alpn_ids(value).filter(|ids| !ids.is_empty())?;
            // Written without quotes, some would end the word; of what is no visible ASCII, the server escapes
            // the escape, and reads another name from that.
            let sound = |b: &u8| b.is_ascii_graphic() && !b";()".contains(b);
            if !ids.iter().all(|id| id.iter().all(sound)) {
                return None;
            }
            let mut said = String::new();
            escaped(&ids.into_iter().map(guarded).collect::<Vec<_>>().join(&b','), &mut said);
            said
        }
        NO_DEFAULT_ALPN | OHTTP => return value.is_empty().then_some(text),
        PORT => u16::from_be_bytes(value.try_into().ok()?).to_string(),
        IPV4HINT => {
            let (addresses, []) = value.as_chunks::<4>() else { return None };
            listed(addresses.iter().map(|octets| Ipv4Addr::from(*octets).to_string()).collect())?
        }
        IPV6HINT => {
            let (addresses, []) = value.as_chunks::<16>() else { return None };
            listed(addresses.iter().map(|octets| dotted((*octets).into())).collect())?
        }
        ECH => format!("\"{}\"", base64(value)),
        _ if value.is_empty() => return Some(text),
        _ => {
            let mut said = String::new();
            quoted(value, &mut said);
            said
        }
    };
    text.push('=');
    text.push_str(&said);
    Some(text)
}

// The key, and whether it is written as a number: then its value is as it travels.
fn number_of(key: &str) -> Result<(u16, bool), Flaw> {
    let name = key.to_ascii_lowercase().replace('_', "-");
    if let Some((number, _)) = KEYS.iter().find(|(_, known)| *known == name) {
        return Ok((*number, false));
    }
    let digits = name.strip_prefix("key").filter(|digits| *digits == "0" || !digits.starts_with('0'));
    let key = number(digits.ok_or_else(|| Flaw::new("unknown parameter"))?, 16)?;
    Ok((u16::try_from(key).expect("16 bits"), true))
}

fn name_of(key: u16) -> String {
    let known = KEYS.iter().find(|(number, _)| *number == key);
    known.map_or_else(|| format!("key{key}"), |(_, name)| (*name).to_owned())
}

// The parts between commas that no backslash precedes.
fn split(list: &[u8]) -> Result<Vec<Vec<u8>>, Flaw> {
    let mut items = vec![Vec::new()];
    let mut bytes = list.iter();
    while let Some(&byte) = bytes.next() {
        let item = items.last_mut().expect("there is one from the start");
        match byte {
            b',' => items.push(Vec::new()),
            b'\\' => item.push(*bytes.next().ok_or_else(Flaw::ended)?),
            _ => item.push(byte),
        }
    }
    Ok(items)
}

fn guarded(id: &[u8]) -> Vec<u8> {
    id.iter()
        .flat_map(|byte| [b'\\', *byte].into_iter().skip(usize::from(!b"\",\\".contains(byte))))
        .collect()
}

pub(crate) const MANDATORY: u16 = 0;
pub(crate) const ALPN: u16 = 1;
pub(crate) const NO_DEFAULT_ALPN: u16 = 2;
pub(crate) const PORT: u16 = 3;
pub(crate) const IPV4HINT: u16 = 4;
pub(crate) const ECH: u16 = 5;
pub(crate) const IPV6HINT: u16 = 6;
const OHTTP: u16 = 8;
const KEYS: &[(u16, &str)] = &[
    (MANDATORY, "mandatory"),
    (ALPN, "alpn"),
    (NO_DEFAULT_ALPN, "no-default-alpn"),
    (PORT, "port"),
    (IPV4HINT, "ipv4hint"),
    (ECH, "ech"),
    (IPV6HINT, "ipv6hint"),
    (7, "dohpath"),
    (OHTTP, "ohttp"),
];
