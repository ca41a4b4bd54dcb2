//! Postfix as Mailcow sets it where a submitting client notices: an smtps port and one for submission by STARTTLS,
//! hosted domains by LMTP to Dovecot, everything else discarded.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::LocalServersConfig;
use super::supervise::Daemon;

/// Writes the configuration and lays out the queue.
pub(super) fn prepare(
    folder: &Path,
    ports: Ports,
    ids: Ids,
    config: &LocalServersConfig,
) -> io::Result<Daemon> {
    let own = folder.join("postfix");
    fs::create_dir_all(own.join("etc"))?;
    fs::create_dir(own.join("data"))?;
    chown(own.join("data"), Some(ids.postfix), None)?;
    // What `postfix check` would create; it is left out because it wants the system's own files as well.
    let spool = own.join("spool");
    fs::create_dir_all(spool.join("pid"))?;
    for (name, group, mode) in SPOOL {
        let group = if group { Some(ids.postdrop) } else { None };
        fs::create_dir(spool.join(name))?;
        chown(spool.join(name), Some(ids.postfix), group)?;
        fs::set_permissions(spool.join(name), Permissions::from_mode(mode))?;
    }
    let fill = |text: &str| {
        text.replace("{folder}", &folder.display().to_string())
            .replace("{smtps}", &ports.smtps.to_string())
            .replace("{submission}", &ports.submission.to_string())
            .replace("{domains}", &config.domains.join(" "))
            .replace("{message_size_limit}", &config.message_size_limit.to_string())
            .replace("{hidden}", if config.all_extensions { "silent-discard" } else { HIDDEN })
    };
    for (name, text) in [("main.cf", MAIN), ("master.cf", MASTER_CF)] {
        let mut written = File::create(own.join("etc").join(name))?;
        written.write_all(fill(text).as_bytes())?;
        // Postfix waits, in each of its processes, until a file is a second old.
        written.set_modified(SystemTime::now() - Duration::from_mins(1))?;
    }
    Ok(Daemon {
        name: "postfix",
        program: MASTER,
        arguments: vec!["-c".into(), own.join("etc")],
        log: folder.join("log/postfix.log"),
        ready: "daemon started",
        child: None,
    })
}

/// Where clients reach it on 127.0.0.1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    /// TLS from the first byte on.
    pub(super) smtps: u16,
    /// TLS by STARTTLS, without which no login and no mail is taken.
    pub(super) submission: u16,
}

/// The user and the group that Postfix' parts trust.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids {
    pub(super) postfix: u32,
    pub(super) postdrop: u32,
}

/// Returns whether every accepted mail was delivered, bounced or discarded.
pub(super) fn queue_is_empty(folder: &Path) -> io::Result<bool> {
    // In the order in which mail moves; `active` again because a retry moves back to it.
    for name in ["maildrop", "incoming", "active", "deferred", "active"] {
        if fs::read_dir(folder.join("postfix/spool").join(name))?.next().is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What Mailcow's Postfix knows and doesn't offer.
const HIDDEN: &str = "chunking, silent-discard, smtputf8";
pub(super) const MASTER: &str = "/usr/lib/postfix/sbin/master";

/// Name, whether it is the group postdrop's, mode.
const SPOOL: [(&str, bool, u32); 13] = [
    ("active", false, 0o700),
    ("bounce", false, 0o700),
    ("corrupt", false, 0o700),
    ("defer", false, 0o700),
    ("deferred", false, 0o700),
    ("flush", false, 0o700),
    ("hold", false, 0o700),
    ("incoming", false, 0o700),
    ("maildrop", true, 0o730),
    ("private", false, 0o700),
    ("public", true, 0o710),
    ("saved", false, 0o700),
    ("trace", false, 0o700),
];

const MAIN: &str = "
compatibility_level = 3.6
queue_directory = {folder}/postfix/spool
data_directory = {folder}/postfix/data
maillog_file = {folder}/log/postfix.log
maillog_file_prefixes = {folder}
myhostname = mail.example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 192.0.2.0/24
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
alias_maps =
alias_database =
local_recipient_maps =
notify_classes =
biff = no

# Mailcow's, where a client notices.
recipient_delimiter = +
message_size_limit = {message_size_limit}
mailbox_size_limit = 0
disable_vrfy_command = yes
smtpd_helo_required = yes
smtpd_forbid_bare_newline = yes
smtpd_hard_error_limit = ${stress?1}${stress:5}
smtpd_soft_error_limit = 3
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = permit_sasl_authenticated, permit_mynetworks, reject_unauth_destination
smtpd_data_restrictions = reject_unauth_pipelining, permit
smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch, permit_mynetworks, permit_sasl_authenticated
smtpd_sender_login_maps = socketmap:unix:{folder}/maps:senders
smtpd_sasl_auth_enable = yes
smtpd_sasl_authenticated_header = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/dovecot/run/auth-postfix
broken_sasl_auth_clients = yes
smtpd_tls_auth_only = yes
smtpd_tls_security_level = may
smtpd_tls_cert_file = {folder}/tls/cert.pem
smtpd_tls_key_file = {folder}/tls/key.pem
smtpd_tls_protocols = >=TLSv1.2
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_tls_mandatory_ciphers = high
smtpd_tls_received_header = yes
tls_preempt_cipherlist = yes
tls_ssl_options = NO_COMPRESSION, NO_RENEGOTIATION
smtpd_discard_ehlo_keywords = {hidden}
virtual_mailbox_domains = {domains}
virtual_mailbox_maps = socketmap:unix:{folder}/maps:mailboxes
virtual_alias_maps = socketmap:unix:{folder}/maps:aliases
virtual_transport = lmtp:unix:{folder}/dovecot/run/lmtp
lmtp_destination_recipient_limit = 1

# Ours: nothing ever leaves, nothing waits, and mail deferred by a fault is tried again within seconds.
default_transport = discard
relay_transport = discard
local_transport = discard
in_flow_delay = 0
smtpd_error_sleep_time = 0
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
# So that the queues in use are flat folders.
hash_queue_names = corrupt
smtpd_client_connection_count_limit = 0
";

const MASTER_CF: &str = "
127.0.0.1:{smtps} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_client_restrictions=permit_mynetworks,permit_sasl_authenticated,reject
  -o syslog_name=postfix/smtps
127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_client_restrictions=permit_mynetworks,permit_sasl_authenticated,reject
  -o syslog_name=postfix/submission
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp flags=O
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";
