use std::fs;
use std::sync::Arc;
use std::time::Duration;

use mail_access::{
    Endpoint, Login, MailAccess, Position, Received, Selection, SmtpImap, SmtpImapConfig, TlsConnector,
    tls_config,
};

use super::{Done, Options};

/// Opens the way to the servers that the options name; `configure` sets what the task wants of it.
pub(super) fn mail(
    options: &Options,
    configure: impl FnOnce(SmtpImapConfig) -> SmtpImapConfig,
) -> Done<SmtpImap> {
    let host = options.text("host", "127.0.0.1");
    // The certificate names it so.
    let name = if host == "127.0.0.1" { "localhost" } else { host };
    let smtp = Endpoint::new(name, options.number("smtp_port", 11465)?)?;
    let imap = Endpoint::new(name, options.number("port", 11993)?)?;
    let ca = options.text("ca", "/tmp/mailbench/tls/ca.pem");
    let ca = fs::read(ca).map_err(|error| format!("ca {ca}: {error}"))?;
    let connector = Arc::new(TlsConnector::new(tls_config(Some(&ca))?));
    Ok(SmtpImap::new(configure(SmtpImapConfig::new(smtp, imap)), connector))
}

/// Makes the login of an address; all have the same password.
pub(super) fn login(options: &Options, address: &str) -> Done<Login> {
    Ok(Login::new(address.parse()?, options.text("pass", "agentpw").into()))
}

/// Waits for messages behind a position, reads them, and moves the position behind them.
pub(super) async fn next(
    mail: &SmtpImap,
    login: &Login,
    position: &mut Position,
) -> Result<Vec<Received>, mail_access::Error> {
    mail.wait(login, *position, Duration::from_hours(1)).await?;
    let batch = mail.fetch(login, &Selection::After(Some(*position)), usize::MAX).await?;
    position.uid_validity = batch.uid_validity;
    position.uid = batch.messages.last().map_or(position.uid, |message| message.uid().get());
    Ok(batch.messages)
}

/// Returns the value below which so many percent of the sorted values lie.
pub(super) fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * percent / 100).copied().unwrap_or(-1.0)
}
