//! Daemons as children of this process, and what happens to them when it dies.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use super::Unavailable;

/// A server that runs in the foreground, in a session of its own, as our child.
#[derive(Debug)]
pub(super) struct Daemon {
    pub(super) name: &'static str,
    pub(super) program: &'static str,
    pub(super) arguments: Vec<PathBuf>,
    pub(super) log: PathBuf,
    /// What the daemon logs once all its sockets listen.
    pub(super) ready: &'static str,
    pub(super) child: Option<Child>,
}

impl Daemon {
    /// Starts the daemon and returns once it listens.
    pub(super) fn start(&mut self) -> Result<(), StartError> {
        let before = self.logged().len();
        let stderr = File::options().create(true).append(true).open(&self.log)?;
        // Not a group leader here, so setsid(1) does not fork and the child's id is the daemon's.
        let child = Command::new("setsid")
            .arg(self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()?;
        self.child = Some(child);
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let exited = self.child.as_mut().map(Child::try_wait).transpose()?.flatten();
            let log = self.logged();
            let news = String::from_utf8_lossy(log.get(before..).unwrap_or_default());
            if news.contains(self.ready) {
                return Ok(());
            }
            if let Some(status) = exited {
                self.child = None;
                if news.contains("Address already in use") {
                    return Err(StartError::PortTaken);
                }
                return Err(StartError::Failed(format!("{} ended with {status}:\n{news}", self.name)));
            }
            if Instant::now() > deadline {
                let report = format!("{} did not start within {START_LIMIT:?}:\n{news}", self.name);
                self.stop();
                return Err(StartError::Failed(report));
            }
            thread::sleep(POLL);
        }
    }

    /// Starts the daemon again on the port it had before.
    pub(super) fn restart(&mut self) -> Result<(), Unavailable> {
        self.stop();
        let deadline = Instant::now() + START_LIMIT;
        loop {
            match self.start() {
                Err(StartError::PortTaken) if Instant::now() < deadline => thread::sleep(POLL * 10),
                done => return done.map_err(Unavailable::from),
            }
        }
    }

    /// Ends the daemon and every process of its session.
    pub(super) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let id = child.id();
        signal("TERM", id);
        let deadline = Instant::now() + STOP_LIMIT;
        while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
            thread::sleep(POLL);
        }
        // What is left: the master when it hangs, else children on their way out that might still write.
        signal("KILL", id);
        // A killed child can always be waited for; an error means that it was reaped above.
        let _ = child.wait();
    }

    /// Returns the id of the running daemon.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    fn logged(&self) -> Vec<u8> {
        fs::read(&self.log).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A shell that outlives us when we are killed: it ends the daemons it was last told of and removes the folder.
#[derive(Debug)]
pub(super) struct Guard {
    shell: Child,
    leash: Mutex<Option<ChildStdin>>,
}

impl Guard {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let mut shell = Command::new("sh")
            .args(["-c", GUARD, "mail-guard"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Its own group: a Ctrl-C at the terminal must not take the guard along with the tests.
            .process_group(0)
            .spawn()?;
        let leash = Mutex::new(shell.stdin.take());
        Ok(Self { shell, leash })
    }

    /// Says which daemons run now.
    pub(super) fn watch(&self, ids: impl IntoIterator<Item = u32>) -> io::Result<()> {
        let line = ids.into_iter().map(|id| id.to_string()).collect::<Vec<_>>().join(" ");
        match self.leash.lock().unwrap_or_else(std::sync::PoisonError::into_inner).as_mut() {
            Some(leash) => leash.write_all(format!("{line}\n").as_bytes()),
            None => Ok(()),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // The daemons were stopped before; with an empty list the shell only removes the folder.
        let _ = self.watch([]);
        drop(self.leash.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take());
        let _ = self.shell.wait();
    }
}

/// Why a daemon does not run.
#[derive(Debug)]
pub(super) enum StartError {
    PortTaken,
    Failed(String),
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<StartError> for Unavailable {
    fn from(error: StartError) -> Self {
        match error {
            StartError::PortTaken => Self::new("the loopback ports found free were taken each time"),
            StartError::Failed(report) => Self::new(report),
        }
    }
}

/// Signals every process of a daemon's session; Dovecot's log process alone would take a second to follow its master.
fn signal(name: &str, daemon: u32) {
    // Fails only when nothing is left to signal.
    let _ =
        Command::new("kill").args(["-s", name, "--", &format!("-{daemon}")]).stderr(Stdio::null()).status();
}

const START_LIMIT: Duration = Duration::from_secs(20);
const STOP_LIMIT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(5);

/// Reads the ids of the daemons, a list per line, until its owner is gone.
const GUARD: &str = r#"
folder=$1 daemons=
while read -r line; do daemons=$line; done
for daemon in $daemons; do kill -s TERM -- "-$daemon"; done
for daemon in $daemons; do
    tries=0
    while [ $tries -lt 50 ] && kill -0 "$daemon" && ! grep -q '^State:.Z' "/proc/$daemon/status"; do
        tries=$((tries + 1))
        sleep 0.1
    done
    kill -s KILL -- "-$daemon"
done
rm -rf -- "$folder" || { sleep 0.5; rm -rf -- "$folder"; }
"#;
