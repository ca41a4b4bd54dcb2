//! What is left of the servers when they are dropped, and when their process is killed.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mail_access::{LocalServers, LocalServersConfig};
use tempfile::TempDir;

use crate::{Case, Outcome};

pub(crate) const CASES: &[(&str, Case)] = &[
    ("nothing_is_left_after_drop", nothing_is_left_after_drop),
    ("nothing_is_left_when_the_process_is_killed", nothing_is_left_when_the_process_is_killed),
];

/// The part of a process that owns servers: says the ports, then drops them or waits to be killed.
pub(crate) fn child(order: &str) -> ExitCode {
    let servers = match LocalServers::start(&LocalServersConfig::default()) {
        Ok(servers) => servers,
        Err(reason) => {
            eprintln!("{reason}");
            return ExitCode::FAILURE;
        }
    };
    println!("{} {}", servers.smtps_port(), servers.imaps_port());
    if order == DROP {
        drop(servers);
        println!("dropped");
    }
    // Ends when the test closes the pipe.
    let _ = io::stdin().read_line(&mut String::new());
    ExitCode::SUCCESS
}

fn nothing_is_left_after_drop() -> Outcome {
    let mut owner = Owner::start(DROP)?;
    if owner.line()? != "dropped" {
        return Err("the servers were not dropped".into());
    }
    match owner.remains()? {
        remains if remains.is_empty() => Ok(()),
        remains => Err(format!("left over: {remains:?}").into()),
    }
}

fn nothing_is_left_when_the_process_is_killed() -> Outcome {
    let mut owner = Owner::start(HOLD)?;
    let running = owner.remains()?;
    // Two ports, the folder, the guard, both masters, and at least two processes that Dovecot starts with.
    if running.len() < 8 {
        return Err(format!("too little runs to tell anything: {running:?}").into());
    }
    owner.child.kill()?;
    owner.child.wait()?;
    let begun = Instant::now();
    loop {
        match owner.remains()? {
            remains if remains.is_empty() => return Ok(()),
            remains if begun.elapsed() > Duration::from_secs(10) => {
                return Err(format!("left over 10 s after SIGKILL: {remains:?}").into());
            }
            _ => thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// This program once more, as the owner of servers in a temporary folder that we can watch.
struct Owner {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    ports: Vec<u16>,
    folder: TempDir,
}

impl Owner {
    fn start(order: &str) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
        let mut child = Command::new(env::current_exe()?)
            .env(CHILD, order)
            .env("TMPDIR", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut owner = Self { child, output, ports: Vec::new(), folder };
        owner.ports = owner.line()?.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        Ok(owner)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// Returns the open ports, files and processes of the servers.
    fn remains(&self) -> io::Result<Vec<String>> {
        let mut remains = Vec::new();
        for port in &self.ports {
            if TcpStream::connect(("127.0.0.1", *port)).is_ok() {
                remains.push(format!("port {port}"));
            }
        }
        for entry in fs::read_dir(self.folder.path())? {
            remains.push(entry?.path().display().to_string());
        }
        for process in fs::read_dir("/proc")? {
            let process = process?.path();
            if process.file_name().is_some_and(|id| id != self.child.id().to_string().as_str())
                && mentions(&process, self.folder.path())
            {
                remains.push(process.display().to_string());
            }
        }
        Ok(remains)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Killed by the case already or waiting for the pipe; either way it ends here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns whether a process has the folder in its command or environment, or runs in it, as Dovecot's parts do.
fn mentions(process: &Path, folder: &Path) -> bool {
    let bytes = folder.as_os_str().as_encoded_bytes();
    let told = ["cmdline", "environ"].iter().any(|file| {
        let text = fs::read(process.join(file)).unwrap_or_default();
        text.windows(bytes.len()).any(|window| window == bytes)
    });
    told || fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder))
}

/// Names what this program is to do instead of running the cases.
pub(crate) const CHILD: &str = "LOCAL_SERVERS_CHILD";
const DROP: &str = "drop";
const HOLD: &str = "hold";
