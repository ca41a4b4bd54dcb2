use sha2::{Digest, Sha256};

use super::ClientSettings;
use super::xml::Xml;

impl ClientSettings {
    /// Returns a configuration profile for the Mail of iOS, iPadOS and macOS (`com.apple.mail.managed`): a file
    /// `<name>.mobileconfig`, served as `application/x-apple-aspen-config`.
    ///
    /// It has no password: the device asks for it. The same mailbox always gets the same identifiers, so that a newer
    /// profile takes the place of the older one.
    pub fn apple_profile(&self) -> String {
        let domain = self.address.domain();
        let (account, profile) = (self.identifier("account"), self.identifier("profile"));
        let address = self.address.to_string();
        let mut xml = Xml::new(HEAD);
        xml.open("plist", &[("version", "1.0")]).open("dict", &[]);
        xml.leaf("key", "PayloadContent").open("array", &[]).open("dict", &[]);
        let texts = [
            ("EmailAccountDescription", address.clone()),
            ("EmailAccountName", self.shown_name()),
            ("EmailAccountType", "EmailTypeIMAP".to_owned()),
            ("EmailAddress", address.clone()),
            ("IncomingMailServerAuthentication", "EmailAuthPassword".to_owned()),
            ("IncomingMailServerHostName", self.imap.host.to_string()),
            ("IncomingMailServerUsername", self.login.clone()),
            ("OutgoingMailServerAuthentication", "EmailAuthPassword".to_owned()),
            ("OutgoingMailServerHostName", self.submission.host.to_string()),
            ("OutgoingMailServerUsername", self.login.clone()),
            ("PayloadDisplayName", format!("Mail of {address}")),
            ("PayloadIdentifier", format!("mail.{domain}.{profile}.{account}")),
            ("PayloadType", "com.apple.mail.managed".to_owned()),
            ("PayloadUUID", account),
        ];
        strings(&mut xml, &texts);
        // TLS in either form; the port says which.
        for (key, port) in [
            ("IncomingMailServerPortNumber", self.imap.port),
            ("OutgoingMailServerPortNumber", self.submission.port),
            ("PayloadVersion", 1),
        ] {
            xml.leaf("key", key).leaf("integer", port);
        }
        for key in
            ["IncomingMailServerUseSSL", "OutgoingMailServerUseSSL", "OutgoingPasswordSameAsIncomingPassword"]
        {
            xml.leaf("key", key).empty("true");
        }
        xml.close().close();
        let texts = [
            ("PayloadDescription", format!("Sets up the mailbox {address}.")),
            ("PayloadDisplayName", format!("Mail of {address}")),
            ("PayloadIdentifier", format!("mail.{domain}.{profile}")),
            ("PayloadOrganization", domain.to_string()),
            ("PayloadType", "Configuration".to_owned()),
            ("PayloadUUID", profile),
        ];
        strings(&mut xml, &texts);
        xml.leaf("key", "PayloadVersion").leaf("integer", 1);
        xml.leaf("key", "PayloadRemovalDisallowed").empty("false");
        xml.finish()
    }

    /// Makes an identifier of the address (RFC 9562 section 5.8).
    fn identifier(&self, purpose: &str) -> String {
        let digest = Sha256::digest(format!("apple mail {purpose} of {}", self.address).as_bytes());
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = format!("{:032X}", u128::from_be_bytes(bytes));
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }
}

fn strings(xml: &mut Xml, texts: &[(&str, String)]) {
    for (key, text) in texts {
        xml.leaf("key", key).leaf("string", text);
    }
}

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">"#;
