//! What must be installed and allowed before the servers can run.

use std::env;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use super::{dovecot, postfix};

/// Why [`LocalServers`](super::LocalServers) cannot run; its `Display` is the whole reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unavailable {
    reason: String,
}

impl Unavailable {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// Checks the machine and returns the ids that Postfix' files belong to.
pub(super) fn check() -> Result<postfix::Ids, Unavailable> {
    for (file, what) in FILES {
        if !Path::new(file).exists() {
            return Err(Unavailable::new(format!("{what} is not installed ({file}); {INSTALL}")));
        }
    }
    let version = Command::new(dovecot::DOVECOT).arg("--version").output();
    let version =
        version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    if !version.starts_with("2.3.") {
        let found = version.trim();
        return Err(Unavailable::new(format!(
            "dovecot 2.3 is needed as in Debian 12 and in Mailcow, found `{found}`"
        )));
    }
    for account in ["dovecot", "dovenull"] {
        id_of("/etc/passwd", account)?;
    }
    let ids = postfix::Ids {
        postfix: id_of("/etc/passwd", "postfix")?,
        postdrop: id_of("/etc/group", "postdrop")?,
    };
    if fs::metadata("/proc/self").map(|own| own.uid()).ok() != Some(0) {
        return Err(Unavailable::new(
            "root is needed to run postfix' master and to deliver mail as another user",
        ));
    }
    check_folder(&env::temp_dir())?;
    Ok(ids)
}

/// Checks that the temporary folder can hold sockets and be passed through by the servers' own users.
fn check_folder(folder: &Path) -> Result<(), Unavailable> {
    let unfit =
        |why: &str| Unavailable::new(format!("the temporary folder {} {why}; set TMPDIR", folder.display()));
    let text = folder.to_str().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !folder.is_absolute() || !text.chars().all(plain) {
        return Err(unfit("has a path that the servers' configuration cannot hold"));
    }
    // sun_path holds 108 bytes, of which the longest socket below the folder takes about 50.
    if text.len() > 50 {
        return Err(unfit("has too long a path for unix sockets"));
    }
    for part in folder.ancestors() {
        let mode = fs::metadata(part).map_err(|_| unfit("cannot be read"))?.permissions().mode();
        if mode & 0o001 == 0 {
            return Err(unfit("is closed to other users"));
        }
    }
    Ok(())
}

/// Returns the id of an entry of /etc/passwd or /etc/group.
fn id_of(file: &str, name: &str) -> Result<u32, Unavailable> {
    let entries = fs::read_to_string(file).unwrap_or_default();
    let id = entries.lines().find_map(|entry| {
        let mut fields = entry.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)).flatten()?.parse().ok()
    });
    id.ok_or_else(|| Unavailable::new(format!("`{name}` is missing in {file}; {INSTALL}")))
}

const FILES: [(&str, &str); 6] = [
    (dovecot::DOVECOT, "dovecot"),
    ("/usr/lib/dovecot/imap", "dovecot's imap"),
    ("/usr/lib/dovecot/lmtp", "dovecot's lmtp"),
    ("/usr/lib/dovecot/modules/lib90_sieve_plugin.so", "dovecot's sieve"),
    (postfix::MASTER, "postfix"),
    ("/usr/bin/setsid", "setsid"),
];

const INSTALL: &str = "apt-get install --no-install-recommends dovecot-imapd dovecot-lmtpd dovecot-pop3d dovecot-sieve postfix (debian 12)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        assert_eq!(id_of("/etc/passwd", "root"), Ok(0));
        let missing = id_of("/etc/passwd", "roo").unwrap_err().to_string();
        assert!(missing.starts_with("`roo` is missing in /etc/passwd; apt-get install"), "{missing}");
    }

    #[test]
    fn a_folder_that_the_servers_cannot_use_is_named() {
        let closed = tempfile::tempdir().unwrap();
        fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
        for folder in
            [closed.path(), Path::new("relative"), Path::new("/tmp/with space"), Path::new("/nowhere")]
        {
            let reason = check_folder(folder).unwrap_err().to_string();
            assert!(reason.contains(&folder.display().to_string()), "{reason}");
        }
    }
}
