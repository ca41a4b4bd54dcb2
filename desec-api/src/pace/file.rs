//! The requests of the last day in a file.

use std::{
    fs::{File, OpenOptions, TryLockError, remove_file, rename},
    io::{ErrorKind, Read, Seek, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::sleep,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use tokio::task::spawn_blocking;

use super::store::{PaceEntry, PaceStore, PaceStoreError};

/// A [`PaceStore`] in a file: one line for each request, with its time and its scope. It has no secrets.
///
/// The file is made when it is first used, for its owner alone (0600 on Unix), and written anew without its
/// old entries when it is loaded and when it has grown; meanwhile there is a second one beside it, with
/// `.new` at its end. It has a few hundred KiB for an account with the usual limits. A second process that uses
/// the same file is refused, where the file system knows locks.
///
/// Times are those of the system's clock. Where it is set back, nothing becomes older; where it is set forward, as at
/// the start of a machine whose clock has no battery, earlier requests look older than they are: set it first.
///
/// Entries survive the end of the process at any moment. They are not forced to the disk one by one: a loss of
/// power may cost those of the last half minute.
///
/// ```
/// use std::sync::Arc;
/// use desec_api::{Client, FilePaceStore, Pace};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("desec.pace");
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let pace = Pace::restored(Arc::new(FilePaceStore::new(&path))).await?;
/// let client = Client::builder("the-secret-of-a-token".into()).pace(pace).build();
/// # drop(client);
/// # Ok::<(), desec_api::PaceStoreError>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct FilePaceStore {
    shared: Arc<Shared>,
}

impl FilePaceStore {
    /// Returns a store in the file at `path`, in a folder that exists. Nothing is opened yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            shared: Arc::new(Shared { path: path.into(), clock: Clock::new(), journal: Mutex::default() }),
        }
    }

    // Off the async threads: a disk may stall.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, PaceStoreError> + Send + 'static,
    ) -> Result<T, PaceStoreError> {
        let shared = Arc::clone(&self.shared);
        let done = spawn_blocking(move || work(&shared)).await;
        done.map_err(|error| PaceStoreError::new("the runtime is shutting down").with_source(error))?
    }
}

#[async_trait]
impl PaceStore for FilePaceStore {
    async fn load(&self) -> Result<Vec<(PaceEntry, Duration)>, PaceStoreError> {
        self.blocking(Shared::load).await
    }

    async fn record(&self, entry: &PaceEntry) -> Result<(), PaceStoreError> {
        let entry = entry.clone();
        self.blocking(move |shared| shared.record(&entry)).await
    }
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    clock: Clock,
    /// Open between two failures: after one the file is read and written anew.
    journal: Mutex<Option<Journal>>,
}

#[derive(Debug)]
struct Journal {
    file: File,
    lines: usize,
    /// How many lines are too many.
    most: usize,
}

/// Time that never goes back in a process, whatever is done to the clock of the system.
#[derive(Debug)]
struct Clock {
    unix_millis: u64,
    since: Instant,
}

impl Clock {
    fn new() -> Self {
        Self { unix_millis: unix_millis(), since: Instant::now() }
    }

    fn unix_millis(&self) -> u64 {
        let passed = self.since.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        // Only the clock of the system runs on while the machine sleeps.
        unix_millis().max(self.unix_millis.saturating_add(passed))
    }
}

impl Shared {
    fn load(&self) -> Result<Vec<(PaceEntry, Duration)>, PaceStoreError> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.unix_millis();
        let (opened, lines) = self.rewritten(journal.take(), now)?;
        *journal = Some(opened);
        Ok(lines.into_iter().map(|(at, entry)| (entry, Duration::from_millis(now - at))).collect())
    }

    fn record(&self, entry: &PaceEntry) -> Result<(), PaceStoreError> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.unix_millis();
        let mut open = match journal.take() {
            Some(open) if open.lines < open.most => open,
            other => self.rewritten(other, now)?.0,
        };
        // One write, so that only the last line of a file can be torn.
        let line = format!("{now} {entry}\n");
        open.file.write_all(line.as_bytes()).map_err(|error| self.failed("cannot be written", error))?;
        open.lines += 1;
        *journal = Some(open);
        Ok(())
    }

    // Replaces the file by one without old entries, as a whole.
    fn rewritten(
        &self,
        open: Option<Journal>,
        now: u64,
    ) -> Result<(Journal, Vec<(u64, PaceEntry)>), PaceStoreError> {
        let failed = |error| self.failed("cannot be written anew", error);
        // Held until the new file has its name.
        let mut held = match open {
            Some(journal) => Some(journal.file),
            None => self.existing()?,
        };
        let mut lines = held.as_mut().map_or_else(|| Ok(Vec::new()), |file| self.read(file))?;
        // A time in the future comes from a clock that was set back: it is now at the latest.
        for (at, _) in &mut lines {
            *at = now.min(*at);
        }
        lines.retain(|(at, _)| now - at < KEPT_MILLIS);
        let new = with_suffix(&self.path, ".new");
        match remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let mut file = owner_only().create_new(true).open(&new).map_err(failed)?;
        self.lock(&file)?;
        let text = lines.iter().fold(String::new(), |text, (at, entry)| text + &format!("{at} {entry}\n"));
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        rename(&new, &self.path).map_err(failed)?;
        let most = FEW_LINES.max(2 * lines.len());
        Ok((Journal { file, lines: lines.len(), most }, lines))
    }

    fn existing(&self) -> Result<Option<File>, PaceStoreError> {
        match File::open(&self.path) {
            Ok(file) => self.lock(&file).map(|()| Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("cannot be opened", error)),
        }
    }

    fn lock(&self, file: &File) -> Result<(), PaceStoreError> {
        for _ in 0..LOCK_ATTEMPTS {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => sleep(LOCK_PAUSE),
                // An error comes from a file system without locks.
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(()),
            }
        }
        Err(self.error("is used by another process; stop that first"))
    }

    fn read(&self, file: &mut File) -> Result<Vec<(u64, PaceEntry)>, PaceStoreError> {
        let mut text = String::new();
        let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
        read.map_err(|error| self.failed("cannot be read", error))?;
        // What follows the last line break was cut off by a crash, before its request was sent.
        let (whole, torn) = text.split_at(text.rfind('\n').map_or(0, |end| end + 1));
        let begins_well =
            |line: &str| line.split(' ').next().unwrap_or_default().bytes().all(|b| b.is_ascii_digit());
        let whole = if begins_well(torn) { whole } else { &text };
        let line = |(n, line): (usize, &str)| {
            let (at, entry) = line.split_once(' ').ok_or(n)?;
            Ok((at.parse().map_err(|_| n)?, entry.parse().map_err(|_| n)?))
        };
        let lines: Result<_, usize> = whole.lines().enumerate().map(line).collect();
        lines.map_err(|n| {
            let reason = format!("has a line {} that is not an entry of a pace", n + 1);
            self.error(&format!(
                "{reason}; check the path, or begin with another file after a day without requests"
            ))
        })
    }

    fn failed(&self, reason: &str, error: std::io::Error) -> PaceStoreError {
        self.error(reason).with_source(error)
    }

    fn error(&self, reason: &str) -> PaceStoreError {
        PaceStoreError::new(format!("the file {} {reason}", self.path.display()))
    }
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(u64::MAX)
}

// The longest window, and the longest deadline of an entry.
const KEPT_MILLIS: u64 = 26 * 60 * 60 * 1_000;
const FEW_LINES: usize = 5_000;
// One second: a process that is about to end is waited for.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use std::fs::{read_to_string, write};

    use super::*;
    use crate::pace::Scope;

    fn entry(scope: Scope) -> PaceEntry {
        PaceEntry::new(scope, false, Duration::from_secs(75))
    }

    fn write_scope() -> Scope {
        Scope::Write("a.example".parse().unwrap())
    }

    #[tokio::test]
    async fn what_is_recorded_is_loaded_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pace");
        let store = FilePaceStore::new(&path);
        assert_eq!(store.load().await.unwrap(), []);
        for scope in [Scope::Read, Scope::Read, write_scope()] {
            store.record(&entry(scope)).await.unwrap();
        }
        drop(store);
        let store = FilePaceStore::new(&path);
        store.record(&entry(Scope::Domains)).await.unwrap();
        let loaded = store.load().await.unwrap();
        let scopes: Vec<_> = loaded.iter().map(|(entry, _)| entry.scope().clone()).collect();
        assert_eq!(scopes, [Scope::Read, Scope::Read, write_scope(), Scope::Domains]);
        assert!(loaded.iter().all(|(_, age)| *age < Duration::from_mins(1)));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[tokio::test]
    async fn a_torn_line_is_ignored_and_an_old_one_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pace");
        let now = unix_millis();
        let (old, young) = (now - KEPT_MILLIS, now - 1_000);
        let text = format!("{old} token read 75000\n{young} token read 75000\n{young} token write:a.exam");
        write(&path, text).unwrap();
        let store = FilePaceStore::new(&path);
        store.record(&entry(write_scope())).await.unwrap();
        let text = read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], format!("{young} token read 75000"));
        assert!(lines[1].ends_with(" token write:a.example 75000") && lines.len() == 2, "{text}");
    }

    #[tokio::test]
    async fn another_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pace");
        for text in ["1 token read 5\nnot mine\n2 token read 5\n", "\u{0}\n", "\n", "a key"] {
            write(&path, text).unwrap();
            let store = FilePaceStore::new(&path);
            let error = store.load().await.unwrap_err();
            assert!(error.to_string().contains("not an entry of a pace"), "{error}");
            assert!(!error.to_string().contains("mine"));
            store.record(&entry(Scope::Read)).await.unwrap_err();
            assert_eq!(read_to_string(&path).unwrap(), text);
        }
        let nowhere = FilePaceStore::new(folder.path().join("none").join("pace"));
        nowhere.load().await.unwrap_err();
        FilePaceStore::new(folder.path()).load().await.unwrap_err();
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_makes_nothing_older() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pace");
        let future = unix_millis() + 3_600_000;
        write(&path, format!("{future} token read 75000\n")).unwrap();
        let store = FilePaceStore::new(&path);
        assert_eq!(store.load().await.unwrap(), [(entry(Scope::Read), Duration::ZERO)]);
        let text = read_to_string(&path).unwrap();
        assert!(time(&text) <= unix_millis(), "it ages from here on");
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_does_not_go_back_here() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pace");
        let before = unix_millis() + 3_600_000;
        let clock = Clock { unix_millis: before, since: Instant::now() };
        let shared = Shared { path: path.clone(), clock, journal: Mutex::default() };
        let store = FilePaceStore { shared: Arc::new(shared) };
        store.record(&entry(Scope::Read)).await.unwrap();
        let at = time(&read_to_string(&path).unwrap());
        assert!((before..before + 60_000).contains(&at), "{at}");
    }

    fn time(text: &str) -> u64 {
        text.split_once(' ').unwrap().0.parse().unwrap()
    }

    #[tokio::test]
    async fn a_second_process_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pace");
        let store = FilePaceStore::new(&path);
        store.record(&entry(Scope::Read)).await.unwrap();
        let error = FilePaceStore::new(&path).load().await.unwrap_err();
        assert!(error.to_string().contains("another process"), "{error}");
        drop(store);
        assert_eq!(FilePaceStore::new(&path).load().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_file_that_has_grown_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pace");
        let old = unix_millis() - KEPT_MILLIS;
        write(&path, "").unwrap();
        let store = FilePaceStore::new(&path);
        store.load().await.unwrap();
        let mut append = OpenOptions::new().append(true).open(&path).unwrap();
        append.write_all(format!("{old} token read 75000\n").repeat(FEW_LINES).as_bytes()).unwrap();
        store.shared.journal.lock().unwrap().as_mut().unwrap().lines = FEW_LINES;
        store.record(&entry(Scope::Read)).await.unwrap();
        assert_eq!(read_to_string(&path).unwrap().lines().count(), 1);
    }
}
