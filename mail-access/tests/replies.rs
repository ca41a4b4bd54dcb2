//! IMAP servers that would fill a client's memory, each met in a process of its own: the connection ends, and what was
//! held stays within what the answer to the command may hold, and 8 MiB.

use std::io;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mail_access::{
    Connector, Endpoint, Error, FolderName, Login, MailAccess, MessageStore, PlainStream, Query, Selection,
    SmtpImap, SmtpImapConfig, Stream, Uid,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};

#[test]
fn no_reply_fills_the_memory() {
    if let Ok(name) = std::env::var(CHILD) {
        let bomb = BOMBS.iter().find(|bomb| bomb.name == name).expect("the parent names a bomb");
        return explode(bomb);
    }
    let this = std::env::current_exe().expect("a test knows its program");
    for bomb in BOMBS {
        let run = Command::new(&this)
            .args(["--exact", "no_reply_fills_the_memory", "--nocapture"])
            .env(CHILD, bomb.name)
            .output()
            .expect("a test can run itself");
        let out = String::from_utf8_lossy(&run.stdout);
        let told = out.lines().find_map(|line| line.split_once("grown ")).map(|(_, told)| told);
        assert!(run.status.success(), "{}: {out} {}", bomb.name, String::from_utf8_lossy(&run.stderr));
        let grown: u64 = told.and_then(|told| told.parse().ok()).expect("the child tells its figure");
        println!("{:28} {:7} KiB of {:7}", bomb.name, grown, bomb.cap_kib + SPARE_KIB);
        assert!(grown <= bomb.cap_kib + SPARE_KIB, "{}: {grown} KiB", bomb.name);
    }
}

struct Bomb {
    name: &'static str,
    call: Call,
    /// What the command holds that is answered so.
    at: &'static str,
    head: &'static str,
    chunk: &'static str,
    times: usize,
    /// How much the answer may hold.
    cap_kib: u64,
}

#[derive(Clone, Copy)]
enum Call {
    Changes,
    Copy,
    Fetch,
    Folders,
    List,
    Search,
}

const BOMBS: &[Bomb] = &[
    bomb("many names", Call::Folders, "LIST", "", "* LIST () NIL a\r\n", 1 << 20, 1 << 10),
    bomb(
        "a name of 4 GiB",
        Call::Folders,
        "LIST",
        "* LIST () NIL {4294967295}\r\n",
        "xxxxxxxx",
        1 << 20,
        1 << 10,
    ),
    bomb(
        "many literals in a line",
        Call::Folders,
        "LIST",
        "* LIST ()",
        " {9}\r\n123456789",
        1 << 22,
        1 << 10,
    ),
    bomb(
        "a line of names without end",
        Call::Folders,
        "LIST",
        "* LIST () NIL ",
        "xxxxxxxxxxxxxxxx",
        1 << 20,
        1 << 10,
    ),
    bomb("a text without end", Call::Folders, "LIST", "* OK ", "xxxxxxxxxxxxxxxx", 1 << 20, 1 << 10),
    bomb("lines without end", Call::Folders, "LIST", "", "* OK\r\n* FLAGS ()\r\n", 1 << 20, 1 << 10),
    bomb("one message found often", Call::Search, "SEARCH", "* SEARCH", " 5\r\n* SEARCH 5", 1 << 22, 4 << 10),
    bomb(
        "all that there can be",
        Call::Search,
        "SEARCH",
        "",
        "* ESEARCH UID ALL 1:4294967295\r\n",
        1 << 10,
        4 << 10,
    ),
    bomb("flags without end", Call::List, "FETCH", "* 1 FETCH (FLAGS (a", " a", 1 << 22, 1 << 10),
    bomb("lists in lists", Call::List, "FETCH", "* 1 FETCH (X ", "(", 1 << 22, 1 << 10),
    bomb(
        "a body of 4 GiB",
        Call::Fetch,
        "BODY",
        "* 1 FETCH (BODY[] {4294967295}\r\n",
        "xxxxxxxx",
        1 << 20,
        1 << 10,
    ),
    bomb(
        "bodies nobody asked for",
        Call::Search,
        "SEARCH",
        "* 1 FETCH (BODY[] {99}\r\n",
        "xxxxxxxx",
        1 << 20,
        1 << 10,
    ),
    bomb(
        "everything went",
        Call::Changes,
        "CHANGEDSINCE",
        "",
        "* VANISHED (EARLIER) 1:4294967295\r\n",
        1 << 10,
        16 << 10,
    ),
    bomb("everything was copied", Call::Copy, "COPY", "", COPIED, 1 << 16, 1 << 10),
];

const COPIED: &str = "* OK [COPYUID 1 1:4294967295 1:4294967295] done\r\n";

#[allow(clippy::too_many_arguments)]
const fn bomb(
    name: &'static str,
    call: Call,
    at: &'static str,
    head: &'static str,
    chunk: &'static str,
    times: usize,
    cap_kib: u64,
) -> Bomb {
    Bomb { name, call, at, head, chunk, times, cap_kib }
}

/// The child: makes the call and tells by how much it grew.
fn explode(bomb: &'static Bomb) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = peak_kib();
    let done = runtime.block_on(async { tokio::time::timeout(PATIENCE, call(bomb)).await });
    let done = done.expect("a call ends");
    println!("grown {}", peak_kib() - before);
    match done {
        Err(Error::Protocol { problem, .. }) => assert!(problem.len() < 100, "{problem}"),
        // What fits in goes by, and then the link ends.
        Ok(()) | Err(Error::Unavailable { .. } | Error::Interrupted { .. }) => {}
        Err(other) => panic!("{other:?}"),
    }
}

async fn call(bomb: &'static Bomb) -> Result<(), Error> {
    let server = Endpoint::new("mail.agents.example", 993)?;
    let mail = SmtpImap::new(SmtpImapConfig::new(server.clone(), server), Arc::new(Hostile(bomb)));
    let login = Login::new("ada@agents.example".parse().unwrap(), "secret".into());
    let (inbox, everything) = (FolderName::inbox(), Selection::After(None));
    match bomb.call {
        Call::Folders => mail.folders(&login).await.map(drop),
        Call::Search => mail.search(&login, &inbox, &Query::Unseen).await.map(drop),
        Call::List => mail.list(&login, &inbox, &everything).await.map(drop),
        Call::Fetch => mail.fetch(&login, &everything, 1).await.map(drop),
        Call::Changes => mail.changes(&login, &inbox, 7, 1).await.map(drop),
        Call::Copy => {
            let to = "target".parse().unwrap();
            mail.copy(&login, &inbox, 7, &[Uid::new(1).unwrap()], &to).await.map(drop)
        }
    }
}

#[derive(Debug)]
struct Hostile(&'static Bomb);

impl std::fmt::Debug for Bomb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

#[async_trait]
impl Connector for Hostile {
    async fn connect(&self, _: &Endpoint) -> io::Result<Stream> {
        let (here, there) = tokio::io::duplex(1 << 14);
        tokio::spawn(serve(self.0, there));
        Ok(Box::new(here))
    }

    async fn connect_plain(&self, server: &Endpoint) -> io::Result<PlainStream> {
        self.connect(server).await.map(PlainStream::new)
    }

    async fn upgrade(&self, _: &Endpoint, plain: PlainStream) -> io::Result<Stream> {
        Ok(plain.into_inner())
    }
}

/// Is a friendly server up to the command in question.
async fn serve(bomb: &'static Bomb, stream: DuplexStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n").await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let tag = line.split(' ').next().unwrap_or_default().to_owned();
        if line.contains(bomb.at) {
            stream.write_all(bomb.head.as_bytes()).await?;
            let many = bomb.chunk.repeat((1 << 16) / bomb.chunk.len());
            for _ in 0..=bomb.times * bomb.chunk.len() / many.len() {
                stream.write_all(many.as_bytes()).await?;
            }
        }
        let answer = match line.split(' ').nth(1).unwrap_or_default().trim() {
            "AUTHENTICATE" => "",
            "SELECT" | "EXAMINE" => {
                "* 4294967295 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 4294967295] x\r\n* OK [HIGHESTMODSEQ 9] x\r\n"
            }
            "ENABLE" => "* ENABLED QRESYNC\r\n",
            _ if line.contains("RFC822.SIZE") => "* 1 FETCH (UID 1 RFC822.SIZE 100)\r\n",
            _ => "",
        };
        let offers = "[CAPABILITY IMAP4rev1 ESEARCH CONDSTORE QRESYNC ENABLE UNSELECT UIDPLUS LIST-EXTENDED]";
        stream.write_all(format!("{answer}{tag} OK {offers} done\r\n").as_bytes()).await?;
        line.clear();
    }
    Ok(())
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it has a peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

const CHILD: &str = "MAIL_ACCESS_REPLY";
const SPARE_KIB: u64 = 8 << 10;
const PATIENCE: Duration = Duration::from_mins(2);
