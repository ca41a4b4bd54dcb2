//! Files and folders that nobody but their owner can read.

#[cfg(any(feature = "redb", feature = "backup"))]
use std::fs::DirBuilder;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(any(feature = "redb", feature = "backup"))]
use mail_access::Address;

/// Makes the folder and those above it, with mode 0700; takes the rights of others from one that is there.
#[cfg(any(feature = "redb", feature = "backup"))]
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        builder.mode(0o700).create(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
    }
    #[cfg(not(unix))]
    builder.create(path)
}

/// Names a file or folder after an address, so that none leads out of its folder, and the case of letters makes no
/// other name.
#[cfg(any(feature = "redb", feature = "backup"))]
pub(crate) fn name_for(address: &Address) -> String {
    let address = address.to_string().to_lowercase();
    let mut name = String::with_capacity(address.len());
    for byte in address.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'@' => name.push(char::from(byte)),
            b'.' if !name.is_empty() => name.push('.'),
            other => name.extend(format!("%{other:02x}").chars()),
        }
    }
    name
}

/// Opens a file for reading and writing, or makes it with mode 0600.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    options().create(true).truncate(false).open(path)
}

/// Makes a file with mode 0600; it is an error if one is there.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    options().create_new(true).open(path)
}

/// Writes a file as a whole, in place of one that is there or not: first all of it under the name `unfinished`, which is
/// in the same folder. A crash leaves the old one or the new one; after `Ok` it is the new one.
pub(crate) fn replace(
    path: &Path,
    unfinished: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let written = create_new(unfinished).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()?;
        fs::rename(unfinished, path)?;
        sync_folder(path.parent().unwrap_or(Path::new(".")))
    });
    if written.is_err() {
        // Half of it is of no use to anyone; that it can't be removed adds nothing to the error.
        fs::remove_file(unfinished).ok();
    }
    written
}

/// A rename is durable when the folder is.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}
