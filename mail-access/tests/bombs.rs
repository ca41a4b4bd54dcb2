//! Mails made to harm their reader, each parsed in a process of its own with a stack of 512 KiB.
//!
//! A process that overflows its stack aborts, and no test can catch that: so this binary runs itself again. What
//! counts is the time on the processor, as tests share their machine: 250 ms in a release build,
//! `cargo test --release -p mail-access --test bombs -- --nocapture`, which shows the figures of each.

use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use mail_access::{Received, TrustedServer, Uid};

type Bomb = (&'static str, fn() -> Vec<u8>);

#[test]
fn no_bomb_goes_off() {
    if let Ok(name) = std::env::var(CHILD) {
        return explode(&name);
    }
    let this = std::env::current_exe().expect("a test knows its program");
    for (name, _) in BOMBS {
        let run = Command::new(&this)
            .args(["--exact", "no_bomb_goes_off", "--nocapture"])
            .env(CHILD, name)
            .output()
            .expect("a test can run itself");
        let out = String::from_utf8_lossy(&run.stdout);
        assert!(
            run.status.success(),
            "{name}: {} {out} {}",
            run.status,
            String::from_utf8_lossy(&run.stderr)
        );
        let told =
            out.lines().find_map(|line| line.split_once("figures ")).expect("the child tells its figures").1;
        let mut figures = told.split(' ').map(|figure| figure.parse::<u64>().expect("a number"));
        let [bytes, micros, peak, base] = [(); 4].map(|()| figures.next().expect("four figures"));
        let grown = peak.saturating_sub(base);
        println!(
            "{name:40} {:6} KiB {:6} ms {:4} % of its size",
            bytes / 1024,
            micros / 1000,
            100 * grown / bytes
        );
        assert!(Duration::from_micros(micros) < PATIENCE, "{name} takes {micros} us");
        assert!(grown < 4 * bytes + SPARE, "{name}: {bytes} bytes need {grown} more");
    }
}

/// The child: parses the bomb and reads all that can be asked of it.
fn explode(name: &str) {
    let (_, make) = BOMBS.iter().find(|(known, _)| *known == name).expect("the parent names a bomb");
    let raw = make();
    let bytes = raw.len();
    // Nor does what any first message takes.
    let _ = Received::parse(Uid::new(1).expect("not 0"), SystemTime::UNIX_EPOCH, false, *b"Subject: x\n\ny");
    // What it took to make the bomb doesn't count.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let base = peak();
    let small = std::thread::Builder::new().stack_size(512 << 10);
    let thread = small.spawn(move || {
        let begin = Instant::now();
        let worked = processor_time();
        let message = Received::parse(Uid::new(1).expect("not 0"), SystemTime::UNIX_EPOCH, false, raw);
        let text = message.readable_text().map_or(0, |text| text.len());
        let asked = (message.kind(), message.delivery_report().is_some(), message.allows_auto_reply(), text);
        let found = (message.new_text().len(), message.codes().len(), message.links().len());
        let verified = message.verified_from(&TrustedServer::new("mail.agents.example")).is_some();
        drop(message);
        let worked = processor_time().zip(worked).map(|(end, begin)| end.saturating_sub(begin));
        (worked.unwrap_or_else(|| begin.elapsed()), asked, found, verified)
    });
    let (time, ..) = thread.expect("a thread can be made").join().expect("no panic");
    println!("figures {bytes} {} {} {base}", time.as_micros(), peak());
}

/// How long this thread has had the processor; `None` where the system doesn't tell.
fn processor_time() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// The most memory that this process has had, in bytes; 0 where the system doesn't tell.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    let number: String = line.chars().filter(char::is_ascii_digit).collect();
    number.parse::<u64>().unwrap_or(0) * 1024
}

const BOMBS: &[Bomb] = &[
    ("nested multiparts", || {
        let open =
            (0..100_000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}x\n\n--b{n}x\n"));
        open.collect::<String>().into_bytes()
    }),
    ("nested multiparts, few boundaries", || {
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n".repeat(100_000).into_bytes()
    }),
    ("nested messages", || "Content-Type: message/rfc822\n\n".repeat(100_000).into_bytes()),
    ("nested messages below the limit", || "Content-Type: message/rfc822\n\n".repeat(999).into_bytes()),
    ("encoded nested messages", || {
        let encoded = "Q29udGVudC1UeXBlOiBtZXNzYWdlL3JmYzgyMgoK".repeat(100_000);
        format!("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{encoded}").into_bytes()
    }),
    ("encoded nested messages, disguised", || {
        let encoded = "Q29udGVudC1UeXBlOiBtZXNzYWdlL3JmYzgyMgoK".repeat(100_000);
        format!(
            "Content-Type: multipart/mixed; boundary=b\n\n--bContent -Type: message/rfc822\n :C ontent-Transfer-Encoding: \
             base64\n\n{encoded}"
        )
        .into_bytes()
    }),
    ("many parts", || in_multipart("--b\n\nx\n", 1_000_000)),
    ("parts below the limit", || in_multipart("--b\nContent-Type: text/plain\n\nx\n", 9_999)),
    ("many fields", || "a:\n".repeat(600_000).into_bytes()),
    ("many fields in a part", || in_multipart("a:\n", 600_000)),
    ("many fields below the limit", || ["Subject: x\n".repeat(9_999), "\n".into()].concat().into_bytes()),
    ("one giant field", || [b"Subject: ".to_vec(), vec![b'a'; 6 << 20]].concat()),
    ("many addresses", || ["To: ", &"a@b.example, ".repeat(400_000), "\n\n"].concat().into_bytes()),
    ("addresses below the limit", || {
        let field = ["To: ", &"a@b.co,".repeat(1_400), "\n"].concat();
        [field.repeat(7), "\n".into()].concat().into_bytes()
    }),
    ("open quotes and comments", || {
        ["From: ".to_owned(), "(\"<".repeat(20_000), "\n\n".into()].concat().into_bytes()
    }),
    ("RFC 2231 continuations", || {
        let parameters = (0..6_000).map(|n| format!(";a*{n}=x")).collect::<Vec<_>>().concat();
        let field = format!("Content-Type: text/plain{parameters}\n");
        [field.repeat(15), "\n".into()].concat().into_bytes()
    }),
    ("RFC 2231 below the limit", || {
        let parameters = (0..190).map(|n| format!(";a{n}*=utf-8'en'%41")).collect::<Vec<_>>().concat();
        in_multipart(&format!("--b\nContent-Type: text/plain{parameters}\n\n"), 500)
    }),
    ("encoded words", || {
        ["Subject: ".to_owned(), "=?utf-8?Q?=C3=BC?= ".repeat(3_400), "\n".into()]
            .concat()
            .repeat(15)
            .into_bytes()
    }),
    ("encoded words that don't end", || {
        ["Subject: ".to_owned(), "=?u?Q?".repeat(10_800), "\n".into()].concat().repeat(15).into_bytes()
    }),
    ("encoded words of base64 that don't end", || {
        ["Subject: ".to_owned(), "=?u?B?".repeat(10_800), "\n".into()].concat().repeat(15).into_bytes()
    }),
    ("encoded words that tear characters", || {
        [
            "Subject: ".to_owned(),
            "=?utf-8?B?0A==?= =?utf-8?B?vg?= =?utf-8?B?0A==?= ".repeat(1_200),
            "\n".into(),
        ]
        .concat()
        .repeat(15)
        .into_bytes()
    }),
    ("encoded words in parts", || {
        let field = ["Content-Description: ", &"=?u?Q?".repeat(10_000), "\n\n"].concat();
        in_multipart(&format!("--b\n{field}"), 100)
    }),
    ("HTML that opens only", || html("<table><tr><td>", 2 << 20)),
    ("HTML with open quotes", || html("<a href=\"", 2 << 20)),
    ("HTML of entities", || html("&amp", 2 << 20)),
    ("lines like boundaries", || in_multipart("--c\n", 600_000)),
    ("lines of dashes", || {
        let boundary = "-".repeat(69);
        let head = format!("Content-Type: multipart/mixed; boundary=\"{boundary}x\"\n\n");
        [head, ["-".repeat(75), "\n".into()].concat().repeat(100_000)].concat().into_bytes()
    }),
    ("one line of dashes", || {
        let head = format!("Content-Type: multipart/mixed; boundary=\"{}x\"\n\n", "-".repeat(190));
        [head.into_bytes(), vec![b'-'; 4 << 20]].concat()
    }),
    ("boundaries that never come", || {
        in_multipart("--b\nContent-Type: multipart/mixed; boundary=never\n\n", 9_000)
    }),
    ("different boundaries that never come", || {
        let parts = (0..9_000).map(|n| format!("--b\nContent-Type: multipart/mixed; boundary=never{n}\n\n"));
        [String::from_utf8_lossy(&in_multipart("", 0)).into_owned(), parts.collect()].concat().into_bytes()
    }),
    ("charsets that grow", || {
        let head = b"Content-Type: text/plain; charset=iso-2022-jp\n\n".to_vec();
        [head, b"\x1b$B".to_vec(), vec![0xff; 6 << 20]].concat()
    }),
    ("bytes that are no text", || [b"Subject: x\n\n".to_vec(), vec![0xff; 6 << 20]].concat()),
    ("bytes that are no text, cut off", || [in_multipart("--b\n\n", 1), vec![0xff; 6 << 20]].concat()),
    ("an encoding that never ends", || {
        let head =
            b"Content-Type: text/plain; charset=utf-7\nContent-Transfer-Encoding: quoted-printable\n\n"
                .to_vec();
        [head, b"=FF".repeat(5 << 20)].concat()
    }),
    ("short lines", || "\na".repeat(3 << 20).into_bytes()),
    ("short codes", || "\ncode 1234".repeat(1 << 19).into_bytes()),
    ("short links", || (0..200_000).flat_map(|n| format!("\nhttp://{n:x}.example/").into_bytes()).collect()),
    ("HTML of links", || {
        let links = (0..200_000).flat_map(|n| format!("<a href=http://{n:x}.example>").into_bytes());
        b"Content-Type: text/html\n\n".iter().copied().chain(links).collect()
    }),
    ("blank lines", || vec![b'\n'; 6 << 20]),
    ("colons", || vec![b':'; 6 << 20]),
    ("NUL bytes", || vec![0; 6 << 20]),
];

fn in_multipart(parts: &str, times: usize) -> Vec<u8> {
    ["Content-Type: multipart/mixed; boundary=b\n\n", &parts.repeat(times)].concat().into_bytes()
}

fn html(unit: &str, size: usize) -> Vec<u8> {
    ["Content-Type: text/html\n\n", &unit.repeat(size / unit.len())].concat().into_bytes()
}

const CHILD: &str = "MAIL_ACCESS_BOMB";
const PATIENCE: Duration =
    if cfg!(debug_assertions) { Duration::from_secs(20) } else { Duration::from_millis(250) };
/// What small bombs need for the parts and fields that any mail may have.
const SPARE: u64 = 8 << 20;
