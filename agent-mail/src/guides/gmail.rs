use std::fmt::Write;

use super::{ClientSettings, Encryption, Server};
use crate::markdown::code;

impl ClientSettings {
    /// Returns a guide in Markdown for people who read and write from Gmail: by IMAP, by POP3, and as another sender.
    pub fn gmail_guide(&self) -> String {
        let address = code(&self.address.to_string());
        let mut text = format!("# {address} in Gmail\n\n");
        line(&mut text, "The password is handed over by another way, and stands in no guide.\n");
        line(&mut text, "## In the Gmail app, by IMAP\n");
        line(&mut text, "1. Open the app's settings, choose **Add account**, then **Other**.");
        line(&mut text, &format!("2. Enter {address}, choose **Personal (IMAP)**, and enter the password."));
        line(&mut text, "3. Enter the incoming server, then the outgoing one:\n");
        self.table(&mut text, &[("Incoming (IMAP)", &self.imap), ("Outgoing (SMTP)", &self.submission)]);
        line(&mut text, "\n## On gmail.com, by POP3\n");
        match &self.pop3 {
            Some(pop3) => {
                line(
                    &mut text,
                    "Gmail fetches mail from elsewhere by POP3 only, where it still offers that.\n",
                );
                line(
                    &mut text,
                    "1. Open **Settings**, **Accounts and Import**, **Check mail from other accounts**, **Add a mail account**.",
                );
                line(
                    &mut text,
                    &format!("2. Enter {address} and choose **Import emails from my other account (POP3)**."),
                );
                line(
                    &mut text,
                    "3. Enter these, and choose **Leave a copy of retrieved messages on the server**:\n",
                );
                self.table(&mut text, &[("Incoming (POP3)", pop3)]);
            }
            None => line(
                &mut text,
                "This mailbox has no POP3, and Gmail fetches mail by nothing else: take the app, or forward the mail.",
            ),
        }
        line(&mut text, "\n## Send as this address\n");
        line(
            &mut text,
            "1. Open **Settings**, **Accounts and Import**, **Send mail as**, **Add another email address**.",
        );
        line(
            &mut text,
            &format!(
                "2. Enter the name {} and the address {address}; leave **Treat as an alias** unticked.",
                code(&self.shown_name())
            ),
        );
        line(&mut text, "3. Enter these:\n");
        self.table(&mut text, &[("Outgoing (SMTP)", &self.submission)]);
        line(&mut text, "\n4. Gmail sends a code to this address; enter it.");
        text
    }

    fn table(&self, text: &mut String, servers: &[(&str, &Server)]) {
        for (place, (title, server)) in servers.iter().enumerate() {
            if place > 0 {
                text.push('\n');
            }
            let security = match server.encryption {
                Encryption::Tls => "SSL/TLS",
                Encryption::StartTls => "TLS (STARTTLS)",
            };
            line(text, &format!("| {title} | |\n|---|---|"));
            line(text, &format!("| Server | {} |", code(server.host.as_str())));
            line(text, &format!("| Port | {} |", server.port));
            line(text, &format!("| Security | {security} |"));
            line(text, &format!("| User name | {} |", code(&self.login)));
        }
    }
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes all");
}
