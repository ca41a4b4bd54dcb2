//! Just enough of SMTP and IMAP to see what the servers do.

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mail_access::LocalServers;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Stream = BufReader<StreamOwned<ClientConnection, TcpStream>>;

pub(crate) struct Imap {
    stream: Stream,
    greeting: String,
}

impl Imap {
    /// Returns the session, or the server's refusal as the error.
    pub(crate) fn login(servers: &LocalServers, user: &str, password: &str) -> Result<Self> {
        let mut stream = connect(servers, servers.imaps_port())?;
        let greeting = line(&mut stream)?;
        let mut session = Self { stream, greeting };
        session.command(&format!("LOGIN {user} {password}"))?;
        Ok(session)
    }

    pub(crate) fn greeting(&self) -> &str {
        &self.greeting
    }

    /// Returns all that came up to the tagged OK, or the tagged NO or BAD as the error.
    pub(crate) fn command(&mut self, command: &str) -> Result<String> {
        self.stream.get_mut().write_all(format!("t {command}\r\n").as_bytes())?;
        let mut all = String::new();
        loop {
            let line = line(&mut self.stream)?;
            all.push_str(&line);
            if line.starts_with("t OK") {
                return Ok(all);
            }
            if line.starts_with("t ") {
                return Err(line.into());
            }
        }
    }

    pub(crate) fn uid_validity(&mut self) -> Result<u32> {
        let status = self.command("STATUS INBOX (UIDVALIDITY)")?;
        let number = status.split("(UIDVALIDITY ").nth(1).and_then(|rest| rest.split(')').next());
        Ok(number.ok_or("no UIDVALIDITY")?.parse()?)
    }

    /// Returns every message of the inbox as one text.
    pub(crate) fn inbox(&mut self) -> Result<String> {
        self.command("SELECT INBOX")?;
        self.command("FETCH 1:* BODY.PEEK[]")
    }
}

pub(crate) struct Smtp {
    stream: Stream,
}

impl Smtp {
    /// Returns the connection after EHLO, and what the server offers.
    pub(crate) fn open(servers: &LocalServers) -> Result<(Self, String)> {
        let mut smtp = Self { stream: connect(servers, servers.smtps_port())? };
        smtp.reply()?;
        let offer = smtp.command("EHLO client.test")?;
        Ok((smtp, offer))
    }

    pub(crate) fn login(servers: &LocalServers, user: &str, password: &str) -> Result<Self> {
        let (mut smtp, _) = Self::open(servers)?;
        smtp.command("AUTH LOGIN")?;
        smtp.command(&base64(user))?;
        smtp.command(&base64(password))?;
        Ok(smtp)
    }

    /// Returns the reply, or a negative one as the error.
    pub(crate) fn command(&mut self, command: &str) -> Result<String> {
        self.stream.get_mut().write_all(format!("{command}\r\n").as_bytes())?;
        self.reply()
    }

    pub(crate) fn submit(&mut self, from: &str, to: &[&str], subject: &str, body: &str) -> Result<String> {
        self.command(&format!("MAIL FROM:<{from}>"))?;
        for to in to {
            self.command(&format!("RCPT TO:<{to}>"))?;
        }
        self.command("DATA")?;
        self.command(&format!(
            "From: <{from}>\r\nTo: <{}>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@client.test>\r\n\r\n{body}\r\n.",
            to.join(">, <")
        ))
    }

    fn reply(&mut self) -> Result<String> {
        let mut all = String::new();
        loop {
            let line = line(&mut self.stream)?;
            all.push_str(&line);
            match (line.as_bytes().first(), line.as_bytes().get(3)) {
                (_, Some(b'-')) => {}
                (Some(b'2' | b'3'), _) => return Ok(all),
                _ => return Err(all.into()),
            }
        }
    }
}

/// Waits until the inbox holds a text, and returns the inbox.
pub(crate) fn await_mail(servers: &LocalServers, user: &str, password: &str, text: &str) -> Result<String> {
    let mut session = Imap::login(servers, user, password)?;
    let begun = Instant::now();
    while begun.elapsed() < ARRIVAL {
        let inbox = session.inbox().unwrap_or_default();
        if inbox.contains(text) {
            return Ok(inbox);
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err(format!("no `{text}` for {user} within {ARRIVAL:?}").into())
}

/// Waits until no mail is on its way.
pub(crate) fn await_empty_queue(servers: &LocalServers) -> Result<()> {
    let begun = Instant::now();
    while !servers.queue_is_empty()? {
        if begun.elapsed() > ARRIVAL {
            return Err("the queue does not empty".into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Returns the error of what must be refused, as the server put it.
pub(crate) fn refusal<T>(outcome: Result<T>, start: &str) -> Result<()> {
    match outcome {
        Err(error) if error.to_string().starts_with(start) => Ok(()),
        Err(error) => Err(format!("refused otherwise than `{start}`: {error}").into()),
        Ok(_) => Err(format!("accepted instead of `{start}`").into()),
    }
}

fn connect(servers: &LocalServers, port: u16) -> Result<Stream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(servers.ca_pem().as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(("127.0.0.1", port))?;
    tcp.set_nodelay(true)?;
    tcp.set_read_timeout(Some(ARRIVAL))?;
    let connection = ClientConnection::new(Arc::new(config), "localhost".try_into()?)?;
    Ok(BufReader::new(StreamOwned::new(connection, tcp)))
}

fn line(stream: &mut Stream) -> Result<String> {
    let mut line = Vec::new();
    if stream.read_until(b'\n', &mut line)? == 0 {
        return Err("connection closed".into());
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn base64(text: &str) -> String {
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let sextet = (bits >> (18 - 6 * place)) as usize & 63;
            out.push(if place > chunk.len() { '=' } else { char::from(ALPHABET[sextet]) });
        }
    }
    out
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
pub(crate) const ARRIVAL: Duration = Duration::from_secs(5);
