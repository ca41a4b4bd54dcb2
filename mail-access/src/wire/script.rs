//! Servers that play a fixed dialogue, for tests.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{ByteStream, Connector, Endpoint, PlainStream, Stream};
use crate::SmtpImap;
use crate::smtp_imap::SmtpImapConfig;

/// What one connection says and has to hear, in turns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dialogue(Vec<Step>);

#[derive(Clone, Debug)]
enum Step {
    Says(Vec<u8>),
    Hears(Vec<u8>),
    Waits(Duration),
    Closes,
}

impl Dialogue {
    pub(crate) fn says(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.push(Step::Says(bytes.as_ref().to_vec()));
        self
    }

    /// Goes on only when exactly these bytes have come: what comes in one flight stands in one step.
    pub(crate) fn hears(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.push(Step::Hears(bytes.as_ref().to_vec()));
        self
    }

    pub(crate) fn waits(mut self, time: Duration) -> Self {
        self.0.push(Step::Waits(time));
        self
    }

    pub(crate) fn closes(mut self) -> Self {
        self.0.push(Step::Closes);
        self
    }

    pub(crate) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Closes the connection as soon as it has said this many bytes.
    pub(crate) fn cut_after(mut self, mut left: usize) -> Self {
        let end = self.0.iter().position(|step| match step {
            Step::Says(bytes) if bytes.len() >= left => true,
            Step::Says(bytes) => {
                left -= bytes.len();
                false
            }
            _ => false,
        });
        if let Some(end) = end {
            self.0.truncate(end + 1);
            if let Some(Step::Says(bytes)) = self.0.last_mut() {
                bytes.truncate(left);
            }
            self.0.push(Step::Closes);
        }
        self
    }

    /// Thinks for a millisecond before each line.
    pub(crate) fn paced(self) -> Self {
        let paced = self.0.into_iter().flat_map(|step| match step {
            Step::Says(bytes) => bytes
                .split_inclusive(|&byte| byte == b'\n')
                .flat_map(|line| [Step::Waits(Duration::from_millis(1)), Step::Says(line.to_vec())])
                .collect(),
            other => vec![other],
        });
        Self(paced.collect())
    }

    /// Encodes what is heard and said.
    pub(crate) fn mapped(self, heard: fn(&[u8]) -> Vec<u8>, said: fn(&[u8]) -> Vec<u8>) -> Self {
        let mapped = self.0.into_iter().map(|step| match step {
            Step::Says(bytes) => Step::Says(said(&bytes)),
            Step::Hears(bytes) => Step::Hears(heard(&bytes)),
            other => other,
        });
        Self(mapped.collect())
    }

    /// Thinks for a millisecond before each byte.
    pub(crate) fn by_bytes(self) -> Self {
        let bytes = self.0.into_iter().flat_map(|step| match step {
            Step::Says(bytes) => bytes
                .into_iter()
                .flat_map(|byte| [Step::Waits(Duration::from_millis(1)), Step::Says(vec![byte])])
                .collect(),
            other => vec![other],
        });
        Self(bytes.collect())
    }

    /// Falls silent for ever after so many steps.
    pub(crate) fn silent_after(mut self, steps: usize) -> Self {
        self.0.truncate(steps);
        self
    }

    pub(crate) fn steps(&self) -> usize {
        self.0.len()
    }

    /// Counts the bytes it says.
    pub(crate) fn said(&self) -> usize {
        self.0.iter().map(|step| if let Step::Says(bytes) = step { bytes.len() } else { 0 }).sum()
    }
}

/// Connects to servers that play dialogues: the first connection the first one, and so on.
pub(crate) struct Script {
    dialogues: Vec<Dialogue>,
    repeats: bool,
    buffer: usize,
    connections: Mutex<usize>,
    problems: Arc<Mutex<Vec<String>>>,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Script {
    /// Plays each dialogue once.
    pub(crate) fn of(dialogues: impl IntoIterator<Item = Dialogue>) -> Arc<Self> {
        Self::new(dialogues.into_iter().collect(), false, 1 << 16)
    }

    /// Plays the same dialogue on every connection, whose buffers hold only so many bytes.
    pub(crate) fn each(dialogue: Dialogue, buffer: usize) -> Arc<Self> {
        Self::new(vec![dialogue], true, buffer)
    }

    fn new(dialogues: Vec<Dialogue>, repeats: bool, buffer: usize) -> Arc<Self> {
        let (problems, heard) = (Arc::default(), Arc::default());
        Arc::new(Self { dialogues, repeats, buffer, connections: Mutex::new(0), problems, heard })
    }

    /// Makes a mail system of it.
    pub(crate) fn mail(self: &Arc<Self>) -> SmtpImap {
        SmtpImap::new(Self::config(), Arc::clone(self) as Arc<dyn Connector>)
    }

    pub(crate) fn config() -> SmtpImapConfig {
        let server = |port| Endpoint::new("mail.agents.example", port).unwrap();
        SmtpImapConfig::new(server(465), server(993))
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    /// Returns what servers heard that they did not expect.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.problems.lock().unwrap().clone()
    }

    /// Returns everything that servers heard.
    pub(crate) fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned()
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").finish_non_exhaustive()
    }
}

#[async_trait]
impl Connector for Script {
    async fn connect(&self, _server: &Endpoint) -> io::Result<Stream> {
        let number = {
            let mut connections = self.connections.lock().unwrap();
            *connections += 1;
            if self.repeats { 0 } else { *connections - 1 }
        };
        let dialogue = self.dialogues.get(number).ok_or(io::ErrorKind::ConnectionRefused)?.clone();
        let (here, there) = tokio::io::duplex(self.buffer);
        let (problems, heard) = (Arc::clone(&self.problems), Arc::clone(&self.heard));
        tokio::spawn(async move {
            let mut there = there;
            match play(dialogue, &mut there, &heard).await {
                Ok(true) => drain(&mut there, &heard).await,
                Ok(false) => {}
                Err(problem) => problems.lock().unwrap().push(problem),
            }
        });
        Ok(Box::new(here))
    }

    async fn connect_plain(&self, server: &Endpoint) -> io::Result<PlainStream> {
        self.connect(server).await.map(PlainStream::new)
    }

    /// Leaves the stream as it is: the dialogue goes on as if inside TLS.
    async fn upgrade(&self, _server: &Endpoint, plain: PlainStream) -> io::Result<Stream> {
        Ok(plain.into_inner())
    }
}

/// Plays a dialogue on one stream and returns whether it is still open at the end. A client that leaves is no problem;
/// one that says something else is.
pub(crate) async fn play<S: ByteStream>(
    dialogue: Dialogue,
    stream: &mut S,
    heard: &Mutex<Vec<u8>>,
) -> Result<bool, String> {
    for step in dialogue.0 {
        match step {
            Step::Says(bytes) => {
                if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
                    return Ok(false);
                }
            }
            Step::Hears(expected) => {
                let mut got = Vec::new();
                while got.len() < expected.len() {
                    match stream.read_u8().await {
                        Ok(byte) => got.push(byte),
                        Err(_) => break,
                    }
                    heard.lock().unwrap().extend(got.last());
                }
                if !expected.starts_with(&got) {
                    let show = String::from_utf8_lossy;
                    return Err(format!("expected {:?} and heard {:?}", show(&expected), show(&got)));
                }
                if got.len() < expected.len() {
                    return Ok(false);
                }
            }
            Step::Waits(time) => tokio::time::sleep(time).await,
            Step::Closes => return Ok(false),
        }
    }
    Ok(true)
}

/// Hears everything until the client leaves.
pub(crate) async fn drain<S: ByteStream>(stream: &mut S, heard: &Mutex<Vec<u8>>) {
    while let Ok(byte) = stream.read_u8().await {
        heard.lock().unwrap().push(byte);
    }
}
