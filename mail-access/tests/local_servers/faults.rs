//! What a client sees when a server goes down and comes back.

use mail_access::{LocalServers, LocalServersConfig, LocalUser, Unavailable};

use crate::client::{Imap, Smtp, await_empty_queue, await_mail};
use crate::{Case, Outcome};

pub(crate) const CASES: &[(&str, Case)] = &[
    ("mail_waits_while_dovecot_is_down", mail_waits_while_dovecot_is_down),
    ("mail_and_ports_survive_a_restart_of_both", mail_and_ports_survive_a_restart_of_both),
];

fn mail_waits_while_dovecot_is_down() -> Outcome {
    let address = "patient@example.test";
    let servers = start(address)?;
    let mut smtp = Smtp::login(&servers, address, "secret")?;
    servers.stop_dovecot();
    smtp.submit(address, &[address], "waited", "Hello.")?;
    if Imap::login(&servers, address, "secret").is_ok() || servers.queue_is_empty()? {
        return Err("dovecot is not down".into());
    }
    servers.restart_dovecot()?;
    await_mail(&servers, address, "secret", "Subject: waited")?;
    await_empty_queue(&servers)
}

fn mail_and_ports_survive_a_restart_of_both() -> Outcome {
    let address = "kept@example.test";
    let servers = start(address)?;
    let mut open = Imap::login(&servers, address, "secret")?;
    let uid_validity = open.uid_validity()?;
    for round in 0..2 {
        let mut smtp = Smtp::login(&servers, address, "secret")?;
        smtp.submit(address, &[address], &format!("round-{round}"), "Hello.")?;
        await_empty_queue(&servers)?;
        servers.restart_postfix()?;
        servers.restart_dovecot()?;
        if smtp.command("NOOP").is_ok() || open.command("NOOP").is_ok() {
            return Err("a connection outlived its server".into());
        }
        await_mail(&servers, address, "secret", &format!("Subject: round-{round}"))?;
        open = Imap::login(&servers, address, "secret")?;
        if open.uid_validity()? != uid_validity {
            return Err("a restart changed UIDVALIDITY".into());
        }
    }
    Ok(())
}

fn start(address: &str) -> Result<LocalServers, Unavailable> {
    LocalServers::start(&LocalServersConfig::default().with_user(LocalUser::new(address, "secret")))
}
