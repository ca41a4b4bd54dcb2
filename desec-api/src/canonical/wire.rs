//! Record data as it travels (RFC 1035, section 3.3), and its generic text form (RFC 3597, section 5).

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};

use super::{Flaw, tokens::Tokens};

/// Reads record data from its front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire<'a>(pub(crate) &'a [u8]);

impl<'a> Wire<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Flaw> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(Flaw::ended)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        Ok(self.take(N)?.try_into().expect("as many as were taken"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Flaw> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Flaw> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Flaw> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Returns a string that is led by its length.
    pub(crate) fn string(&mut self) -> Result<&'a [u8], Flaw> {
        let length = self.u8()?;
        self.take(length.into())
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Returns the labels of a name, which must not be compressed.
    pub(crate) fn name(&mut self) -> Result<Vec<&'a [u8]>, Flaw> {
        let mut labels = Vec::new();
        let before = self.0.len();
        loop {
            let label = self.string()?;
            if label.is_empty() {
                break;
            }
            if label.len() > 63 {
                return Err(Flaw::new("a name within the data is compressed"));
            }
            labels.push(label);
        }
        if before - self.0.len() > 255 { Err(Flaw::LongName) } else { Ok(labels) }
    }
}

/// Returns the data of `\# length digits`, or nothing if the content is not of this form.
pub(super) fn generic(mut tokens: Tokens<'_>) -> Result<Option<Vec<u8>>, Flaw> {
    if !tokens.clone().next()?.is_some_and(|token| !token.quoted && token.text == r"\#") {
        return Ok(None);
    }
    tokens.bare()?;
    let length = tokens.number(16)?;
    let data = if tokens.at_end()? { Vec::new() } else { unhex(&tokens.joined()?)? };
    if Ok(length) == data.len().try_into() {
        Ok(Some(data))
    } else {
        Err(Flaw::new("generic rdata hex data has wrong length"))
    }
}

pub(super) fn unhex(digits: &str) -> Result<Vec<u8>, Flaw> {
    if digits.len() % 2 == 1 {
        return Err(Flaw::new("Odd-length string"));
    }
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    for pair in digits.as_bytes().chunks_exact(2) {
        let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
        let byte = high.zip(low).and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
        bytes.push(byte.ok_or_else(|| Flaw::new("Non-hexadecimal digit found"))?);
    }
    Ok(bytes)
}

/// Adds `bytes` to `text` in lower case digits, with `separator` after each `group` bytes.
pub(crate) fn hex(bytes: &[u8], group: usize, separator: &str, text: &mut String) {
    for (n, bytes) in bytes.chunks(group).enumerate() {
        if n > 0 {
            text.push_str(separator);
        }
        text.extend(
            bytes
                .iter()
                .flat_map(|byte| [byte >> 4, byte & 15])
                .map(|digit| char::from(DIGITS[usize::from(digit)])),
        );
    }
}

/// Returns `bytes` in base64.
pub(super) fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

pub(super) fn unbase64(text: &str) -> Result<Vec<u8>, Flaw> {
    BASE64.decode(text).map_err(|_| Flaw::new("this is not base64"))
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";
// As the server: bits that are left over need not be 0.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
