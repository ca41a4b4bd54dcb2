/// What a server says that it can (CAPABILITY), after the login.
#[derive(Clone, Debug, Default)]
pub(super) struct Offers(Box<str>);

impl Offers {
    /// Reads a list as the server wrote it.
    pub(super) fn read(list: &str) -> Self {
        Self(list.to_ascii_uppercase().into_boxed_str())
    }

    /// Tells whether a capability, written in upper case, is among them.
    pub(super) fn has(&self, capability: &str) -> bool {
        self.0.split(' ').any(|offered| offered == capability)
    }

    /// Tells whether a literal of this size may be sent without asking (RFC 7888).
    pub(super) fn takes_at_once(&self, length: usize) -> bool {
        self.has("LITERAL+") || (length <= SMALL && (self.has("LITERAL-") || self.has("IMAP4REV2")))
    }
}

const SMALL: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_whole_words() {
        let offers = Offers::read("IMAP4rev1 idle LITERAL- QUOTA=RES-STORAGE");
        assert!(offers.has("IDLE") && offers.has("IMAP4REV1"));
        assert!(!offers.has("QUOTA") && !offers.has("ID"));
        assert!(offers.takes_at_once(4096) && !offers.takes_at_once(4097));
        assert!(Offers::read("LITERAL+").takes_at_once(1 << 30) && !Offers::default().takes_at_once(0));
    }
}
