use super::xml::Xml;
use super::{ClientSettings, Encryption, Server};

impl ClientSettings {
    /// Returns the answer to Thunderbird's autoconfig, version 1.1: served as `text/xml` at
    /// `https://autoconfig.<domain>/mail/config-v1.1.xml`.
    ///
    /// Where the login is the address, the answer holds for all mailboxes of the domain.
    pub fn mozilla_autoconfig(&self) -> String {
        let domain = self.address.domain().as_str();
        let login = if self.login == self.address.to_string() { "%EMAILADDRESS%" } else { &self.login };
        let mut xml = Xml::new(r#"<?xml version="1.0" encoding="UTF-8"?>"#);
        xml.open("clientConfig", &[("version", "1.1")]);
        xml.open("emailProvider", &[("id", domain)]);
        xml.leaf("domain", domain).leaf("displayName", domain).leaf("displayShortName", domain);
        xml.open("incomingServer", &[("type", "imap")]);
        server(&mut xml, &self.imap, login);
        if let Some(pop3) = &self.pop3 {
            xml.open("incomingServer", &[("type", "pop3")]);
            server(&mut xml, pop3, login);
        }
        xml.open("outgoingServer", &[("type", "smtp")]);
        server(&mut xml, &self.submission, login);
        xml.finish()
    }
}

fn server(xml: &mut Xml, server: &Server, login: &str) {
    let socket = match server.encryption {
        Encryption::Tls => "SSL",
        Encryption::StartTls => "STARTTLS",
    };
    xml.leaf("hostname", &server.host).leaf("port", server.port).leaf("socketType", socket);
    xml.leaf("username", login).leaf("authentication", "password-cleartext").close();
}
