//! The examples as programs of their own, as `cargo test` has built them.

use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A program that runs, and is killed with this at the latest.
pub(crate) struct Running {
    child: Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Running {
    /// Starts an example with these variables and no others.
    pub(crate) fn start(example: &str, arguments: &[&str], vars: &[(&str, &str)]) -> Self {
        let mut command = Command::new(path_of(example));
        command.args(arguments).env_clear().envs(vars.iter().copied());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines: Some(lines) }
    }

    /// Returns the rest of the first line that begins so.
    #[cfg(unix)]
    pub(crate) fn line_after(&mut self, begin: &str) -> String {
        let mut lines = self.lines.iter_mut().flatten().map(Result::unwrap);
        let found = lines.find_map(|line| line.strip_prefix(begin).map(str::to_owned));
        found.unwrap_or_else(|| panic!("no line begins with {begin:?}"))
    }

    /// Returns what it says until its end, and how that was.
    pub(crate) fn end(mut self, within: Duration) -> (String, ExitStatus) {
        let limit = Instant::now() + within;
        // Somebody has to listen, or it waits until it can speak.
        let lines = self.lines.take().into_iter().flatten().map(Result::unwrap);
        let said = std::thread::spawn(|| lines.collect::<Vec<String>>());
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < limit, "it goes on for more than {within:?}");
            std::thread::sleep(Duration::from_millis(20));
        };
        (said.join().unwrap().join("\n"), status)
    }

    #[cfg(unix)]
    pub(crate) fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended by itself unless the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn path_of(example: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("examples");
    path.push(format!("{example}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "build the examples first, as cargo test -p examples does");
    path
}
