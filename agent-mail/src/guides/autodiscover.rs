use super::xml::Xml;
use super::{ClientSettings, Encryption, Server};

impl ClientSettings {
    /// Returns the answer to Outlook's autodiscover (MS-OXDSCLI, the schema of 2006a): served as `text/xml` to a POST at
    /// `https://autodiscover.<domain>/autodiscover/autodiscover.xml`.
    pub fn outlook_autodiscover(&self) -> String {
        let schema = "http://schemas.microsoft.com/exchange/autodiscover";
        let mut xml = Xml::new(r#"<?xml version="1.0" encoding="utf-8"?>"#);
        xml.open("Autodiscover", &[("xmlns", &format!("{schema}/responseschema/2006"))]);
        xml.open("Response", &[("xmlns", &format!("{schema}/outlook/responseschema/2006a"))]);
        xml.open("User", &[]).leaf("DisplayName", self.shown_name()).close();
        xml.open("Account", &[]).leaf("AccountType", "email").leaf("Action", "settings");
        self.protocol(&mut xml, "IMAP", &self.imap);
        if let Some(pop3) = &self.pop3 {
            self.protocol(&mut xml, "POP3", pop3);
        }
        self.protocol(&mut xml, "SMTP", &self.submission);
        xml.finish()
    }

    fn protocol(&self, xml: &mut Xml, kind: &str, server: &Server) {
        let encryption = match server.encryption {
            Encryption::Tls => "SSL",
            Encryption::StartTls => "TLS",
        };
        xml.open("Protocol", &[]).leaf("Type", kind);
        xml.leaf("Server", &server.host).leaf("Port", server.port).leaf("DomainRequired", "off");
        xml.leaf("LoginName", &self.login).leaf("SPA", "off").leaf("SSL", "on");
        xml.leaf("Encryption", encryption).leaf("AuthRequired", "on");
        if kind == "SMTP" {
            xml.leaf("UsePOPAuth", "off").leaf("SMTPLast", "off");
        }
        xml.close();
    }
}
