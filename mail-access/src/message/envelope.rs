use crate::Error;

/// Which reports a sender wants of what becomes of a message (RFC 3461).
///
/// Without any wish a server reports failures and, as it likes, delays. A server that can't be asked for reports
/// (it doesn't offer DSN) gets no message that asks for some: it is refused before anything is sent.
///
/// ```
/// use mail_access::DeliveryReports;
///
/// let reports = DeliveryReports::none().with_failure().with_success().with_header_only();
/// let reports = reports.with_envelope_id("order 4711")?;
/// assert_eq!(reports.envelope_id(), Some("order 4711"));
/// # Ok::<(), mail_access::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReports {
    success: bool,
    failure: bool,
    delay: bool,
    whole: Option<bool>,
    envelope_id: Option<Box<str>>,
}

impl DeliveryReports {
    /// Wants no report at all, not even of a failure: a message that nobody needs to hear of any more.
    pub fn none() -> Self {
        Self { success: false, failure: false, delay: false, whole: None, envelope_id: None }
    }

    /// Wants a report when the message could not be delivered.
    pub fn with_failure(mut self) -> Self {
        self.failure = true;
        self
    }

    /// Wants a report when the message was delivered, or went on to a server that can't report it.
    pub fn with_success(mut self) -> Self {
        self.success = true;
        self
    }

    /// Wants a report when the message has to wait unusually long.
    pub fn with_delay(mut self) -> Self {
        self.delay = true;
        self
    }

    /// Wants the whole message in reports of failure; else the server decides.
    pub fn with_whole_message(mut self) -> Self {
        self.whole = Some(true);
        self
    }

    /// Wants only the header of the message in reports.
    pub fn with_header_only(mut self) -> Self {
        self.whole = Some(false);
        self
    }

    /// Sets what each report repeats in its field `Original-Envelope-Id`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is empty, not printable ASCII, or over 100 characters on the wire, where some are
    /// written as three.
    pub fn with_envelope_id(mut self, id: &str) -> Result<Self, Error> {
        let fine = !id.is_empty() && id.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !fine || xtext(id).len() > MAX_ENVELOPE_ID {
            return Err(Error::Invalid {
                what: "envelope id",
                problem: "it has to be 1 to 100 characters of printable ASCII".into(),
            });
        }
        self.envelope_id = Some(id.into());
        Ok(self)
    }

    /// Returns what each report repeats.
    pub fn envelope_id(&self) -> Option<&str> {
        self.envelope_id.as_deref()
    }

    /// Tells whether failures are to be reported.
    pub fn wants_failure(&self) -> bool {
        self.failure
    }

    /// Tells whether deliveries are to be reported.
    pub fn wants_success(&self) -> bool {
        self.success
    }

    /// Tells whether delays are to be reported.
    pub fn wants_delay(&self) -> bool {
        self.delay
    }

    /// Tells whether reports are to hold the whole message; `None` leaves it to the server.
    pub fn wants_whole_message(&self) -> Option<bool> {
        self.whole
    }
}

/// Writes a text so that it can be a parameter (RFC 3461 section 4, `xtext`).
pub(crate) fn xtext(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'!'..=b'~' if byte != b'+' && byte != b'=' => written.push(byte.into()),
            _ => {
                written.push('+');
                written.extend([byte >> 4, byte & 15].map(|digit| char::from(HEX[usize::from(digit)])));
            }
        }
    }
    written
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";
const MAX_ENVELOPE_ID: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_parameter_holds_no_blank_and_no_equals() {
        for (text, written) in [
            ("ada@x.example", "ada@x.example"),
            ("ada+tag@x.example", "ada+2Btag@x.example"),
            ("\"a b\"@x.example", "\"a+20b\"@x.example"),
            ("a=b\r\n", "a+3Db+0D+0A"),
        ] {
            assert_eq!(xtext(text), written);
        }
    }

    proptest! {
        #[test]
        fn a_parameter_can_be_read_again(text in ".{0,60}") {
            let written = xtext(&text);
            prop_assert!(written.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'='));
            let mut parts = written.split('+');
            let mut read = parts.next().unwrap().as_bytes().to_vec();
            for part in parts {
                read.push(u8::from_str_radix(&part[..2], 16).unwrap());
                read.extend_from_slice(&part.as_bytes()[2..]);
            }
            prop_assert_eq!(read, text.as_bytes());
        }
    }

    #[test]
    fn an_envelope_id_is_short_and_printable() {
        let with = |id: &str| DeliveryReports::none().with_envelope_id(id);
        for fine in ["a", "order 4711", &"x".repeat(100), &"+".repeat(33)] {
            assert!(with(fine).is_ok(), "{fine:?}");
        }
        for bad in ["", "a\r\nb", "\u{e9}", &"x".repeat(101), &"+".repeat(34)] {
            assert!(with(bad).is_err(), "{bad:?}");
        }
    }
}
