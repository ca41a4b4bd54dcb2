//! Dovecot 2.3 as Mailcow sets it where a client notices: IMAPS, POP3S, LMTP for Postfix, SASL for Postfix.

use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::supervise::Daemon;

/// Writes the configuration; `owner` is the user id that owns all mail.
pub(super) fn prepare(folder: &Path, ports: Ports, owner: u32, duplicate_filter: bool) -> io::Result<Daemon> {
    let own = folder.join("dovecot");
    fs::create_dir_all(own.join("run"))?;
    // Where Dovecot writes as the owner; sieve scripts are compiled beside their source at the first delivery.
    for name in ["mail", "index", "volatile", "sieve", "sieve/users"] {
        fs::create_dir(folder.join(name))?;
        chown(folder.join(name), Some(owner), Some(owner))?;
    }
    let after = if duplicate_filter { DISCARD_DUPLICATES } else { KEEP };
    for (name, script) in [("before", KEEP), ("after", after)] {
        fs::write(folder.join(format!("sieve/{name}.sieve")), script)?;
    }
    let fill = |text: &str| {
        text.replace("{folder}", &folder.display().to_string())
            .replace("{port}", &ports.imaps.to_string())
            .replace("{owner}", &owner.to_string())
    };
    fs::write(own.join("accounts.conf"), fill(ACCOUNTS))?;
    let pop3 = ports.pop3s.map(|port| POP3.replace("{pop3s}", &port.to_string())).unwrap_or_default();
    fs::write(configuration(folder), fill(CONFIGURATION) + &pop3)?;
    Ok(Daemon {
        name: "dovecot",
        program: DOVECOT,
        arguments: vec!["-F".into(), "-c".into(), configuration(folder)],
        log: folder.join("log/dovecot.log"),
        ready: "starting up for",
        child: None,
    })
}

/// Where it listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) imaps: u16,
    /// Only where its POP3 is installed.
    pub(super) pop3s: Option<u16>,
}

/// Gives the inbox of a mailbox a UIDVALIDITY greater than before.
pub(super) fn reset_uid_validity(folder: &Path, address: &str) -> io::Result<()> {
    let report = doveadm(folder, &["mailbox", "status", "-u", address, "uidvalidity", "INBOX"])?;
    let current: Option<u32> = report.trim().rsplit('=').next().and_then(|number| number.parse().ok());
    let next = current.and_then(|number| number.checked_add(1));
    let next = next.ok_or_else(|| io::Error::other(format!("no UIDVALIDITY in {report:?}")))?.to_string();
    doveadm(folder, &["mailbox", "update", "-u", address, "--uid-validity", &next, "INBOX"]).map(drop)
}

/// Makes the home of a mailbox; without it Dovecot does not remember the Message-ID of the very first mail.
pub(super) fn welcome(folder: &Path, address: &str, owner: u32) -> io::Result<()> {
    let (local, domain) = address.split_once('@').unwrap_or((address, ""));
    let shared = folder.join("mail").join(domain);
    for home in [shared.join(local), shared] {
        fs::create_dir_all(&home)?;
        chown(&home, Some(owner), Some(owner))?;
    }
    Ok(())
}

/// Removes what a mailbox that is no longer there has left behind.
pub(super) fn forget(folder: &Path, address: &str) -> io::Result<()> {
    let (local, domain) = address.split_once('@').unwrap_or((address, ""));
    let home = Path::new("mail").join(domain).join(local);
    for folder in
        [home, Path::new("index").join(address), Path::new("volatile").join(address)].map(|f| folder.join(f))
    {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Sets or removes the mailbox's own sieve script.
pub(super) fn set_sieve(folder: &Path, address: &str, script: Option<&str>) -> io::Result<()> {
    let users = folder.join("sieve/users");
    let (source, next) = (users.join(format!("{address}.sieve")), users.join(format!("{address}.next")));
    match script {
        Some(script) if fs::read(&source).is_ok_and(|current| current == script.as_bytes()) => return Ok(()),
        Some(script) => {
            fs::write(&next, script)?;
            fs::rename(next, source)?;
        }
        None => remove(&source)?,
    }
    // Dates decide whether a compiled script is current, in whole seconds: too coarse here.
    remove(&users.join(format!("{address}.svbin")))
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes messages from the inbox of a user.
pub(super) fn expunge(folder: &Path, address: &str, uids: &[u32]) -> io::Result<()> {
    let uids: Vec<String> = uids.iter().map(u32::to_string).collect();
    doveadm(folder, &["expunge", "-u", address, "mailbox", "INBOX", "uid", &uids.join(",")]).map(drop)
}

fn doveadm(folder: &Path, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new(DOVEADM).arg("-c").arg(configuration(folder)).args(arguments).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let command = arguments.first().copied().unwrap_or_default();
    Err(io::Error::other(format!("doveadm {command}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

fn configuration(folder: &Path) -> PathBuf {
    folder.join("dovecot/dovecot.conf")
}

pub(super) const DOVECOT: &str = "/usr/sbin/dovecot";
/// It has a package of its own, which may be missing.
pub(super) const DOVECOT_POP3: &str = "/usr/lib/dovecot/pop3";
const DOVEADM: &str = "/usr/bin/doveadm";

const KEEP: &str = "keep;\n";
/// Mailcow runs this after a mailbox's own script: a second mail with one Message-ID is accepted and lost.
const DISCARD_DUPLICATES: &str = "require \"duplicate\";\nif duplicate { discard; }\n";

/// Asks for a file named by the password, see `accounts.rs`.
const ACCOUNTS: &str = "
uri = fs:posix:prefix={folder}/accounts/
iterate_disable = yes
key password {
  key = password/%u/%{sha256:password}
  format = json
}
key user {
  key = user/%u
  format = json
}
passdb_objects = password
userdb_objects = user
";

const CONFIGURATION: &str = r#"
instance_name = local-servers
base_dir = {folder}/dovecot/run
state_dir = {folder}/dovecot/run
listen = 127.0.0.1
protocols = imap lmtp
log_path = {folder}/log/dovecot.log
auth_verbose = yes

# Mailcow's, where a client notices.
auth_mechanisms = plain login
disable_plaintext_auth = yes
mail_home = {folder}/mail/%d/%n
mail_location = maildir:{folder}/mail/%d/%n:VOLATILEDIR={folder}/volatile/%u:INDEX={folder}/index/%u
maildir_very_dirty_syncs = yes
mail_plugins = quota acl zlib listescape
recipient_delimiter = +
mail_max_userip_connections = 500
imap_max_line_length = 2 M
ssl = required
ssl_min_protocol = TLSv1.2
ssl_cert = <{folder}/tls/cert.pem
ssl_key = <{folder}/tls/key.pem
ssl_prefer_server_ciphers = yes
ssl_options = no_compression no_ticket
ssl_dh =
default_vsz_limit = 1024 M
lmtp_save_to_detail_mailbox = no
namespace inbox {
  inbox = yes
  separator = /
  mailbox Trash {
    auto = subscribe
    special_use = \Trash
  }
  mailbox Archive {
    auto = subscribe
    special_use = \Archive
  }
  mailbox Sent {
    auto = subscribe
    special_use = \Sent
  }
  mailbox Drafts {
    auto = subscribe
    special_use = \Drafts
  }
  mailbox Junk {
    auto = subscribe
    special_use = \Junk
  }
}
mail_attribute_dict = file:%h/dovecot-attributes
protocol imap {
  mail_plugins = $mail_plugins imap_quota imap_acl imap_zlib
  imap_metadata = yes
}
protocol lmtp {
  mail_plugins = $mail_plugins sieve
}
plugin {
  acl = vfile
  quota = count:Userquota
  quota_vsizes = yes
  listescape_char = "\\"
  sieve = file:{folder}/sieve/users/%u.sieve
  sieve_before = {folder}/sieve/before.sieve
  sieve_after = {folder}/sieve/after.sieve
}

# Ours: one user id for all mail, an unsynced disk, and half a second after a wrong password instead of two.
mail_uid = {owner}
mail_gid = {owner}
first_valid_uid = {owner}
first_valid_gid = {owner}
mail_fsync = never
auth_cache_size = 0
auth_failure_delay = 0
passdb {
  driver = dict
  args = {folder}/dovecot/accounts.conf
}
userdb {
  driver = dict
  args = {folder}/dovecot/accounts.conf
}
service imap-login {
  service_count = 0
  process_limit = 2
  client_limit = 2000
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = {port}
    ssl = yes
  }
}
service lmtp {
  unix_listener lmtp {
    mode = 0666
  }
}
service auth {
  # The folder of the accounts is root's.
  user = root
  unix_listener auth-postfix {
    mode = 0666
  }
}
service anvil {
  # Else each wrong password makes the next login from 127.0.0.1 wait longer, up to 15 s.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
"#;

/// Follows the rest where POP3 is installed.
const POP3: &str = "
protocols = imap lmtp pop3
service pop3-login {
  service_count = 0
  process_limit = 2
  client_limit = 2000
  inet_listener pop3 {
    port = 0
  }
  inet_listener pop3s {
    port = {pop3s}
    ssl = yes
  }
}
";
