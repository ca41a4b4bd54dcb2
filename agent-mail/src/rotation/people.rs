use std::sync::Arc;

use mail_access::{Address, Login, MailAccess};
use secrecy::ExposeSecret;

use super::prove;
use crate::backend::{MailAdmin, MailChange, SecretStore};
use crate::journal::fingerprint;
use crate::{Error, ErrorKind, password};

/// Gives the mailboxes of people new passwords, where there is one password for a mailbox and no second beside it.
///
/// The new password is stored first, under an address of its own ([`waiting`](Self::waiting)), then set, proven by a
/// login for submission and one for reading, stored in the place of the old one, and taken out of the first place. So at every moment one of the two stored
/// passwords works, and a change that was broken off is finished by the next call, with the same password. Nothing else
/// has to be remembered.
///
/// What remains is this: between the setting and the storing, some 100 ms, whoever reads only the first place gets a
/// password that is refused; and programs in which a person has typed the old one have to be told the new one. Connections
/// that were logged in before stay so until they end.
///
/// ```
/// # use std::sync::Arc;
/// # use agent_mail::backend::{MailAdmin, SecretStore};
/// # use agent_mail::mail_access::MailAccess;
/// use agent_mail::PasswordRotation;
///
/// async fn leaver(
///     admin: Arc<dyn MailAdmin>,
///     mail: Arc<dyn MailAccess>,
///     secrets: Arc<dyn SecretStore>,
/// ) -> Result<(), Box<dyn std::error::Error>> {
///     let rotation = PasswordRotation::new(admin, mail, secrets);
///     rotation.rotate(&"ada@shop.example".parse()?, true).await?;
///     Ok(())
/// }
/// # assert_eq!(
/// #     PasswordRotation::waiting(&"ada@shop.example".parse()?).to_string(),
/// #     "\"next ada\"@shop.example"
/// # );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PasswordRotation {
    admin: Arc<dyn MailAdmin>,
    mail: Arc<dyn MailAccess>,
    secrets: Arc<dyn SecretStore>,
}

impl PasswordRotation {
    /// Joins what sets passwords, what proves them, and where they are kept.
    pub fn new(admin: Arc<dyn MailAdmin>, mail: Arc<dyn MailAccess>, secrets: Arc<dyn SecretStore>) -> Self {
        Self { admin, mail, secrets }
    }

    /// Gives a mailbox a new random password; with `must_change` its owner has to choose another at the first login to the
    /// web interface. Safe to repeat: what was broken off is finished with the password that was begun with.
    ///
    /// Two programs that do it for one mailbox at the same time take the same password where one sees the other's in time.
    /// Where it doesn't, at least one of them is told [`NotReady`](ErrorKind::NotReady) or
    /// [`Unauthenticated`](ErrorKind::Unauthenticated), and it may be that no stored password works until the next call,
    /// which makes it good. A store that checks before it sets, as Vault does, tells so before anything is changed.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such mailbox; [`Rejected`](ErrorKind::Rejected) if the server asks
    /// for longer passwords than are made here; [`Unauthenticated`](ErrorKind::Unauthenticated) if the mail system does
    /// not take the new one; [`NotReady`](ErrorKind::NotReady) if another program does it too; else what the backends say.
    pub async fn rotate(&self, address: &Address, must_change: bool) -> Result<(), Error> {
        let waiting = Self::waiting(address);
        let secret = if let Some(begun) = self.secrets.get(&waiting).await? {
            begun
        } else {
            let rules = self.admin.password_rules().await?;
            if rules.length > password::LENGTH {
                let (wanted, made) = (rules.length, password::LENGTH);
                return Err(Error::new(ErrorKind::Rejected, "rotate password", address).with_detail(
                    format!("the server asks for {wanted} characters; passwords made here have {made}"),
                ));
            }
            self.secrets.put(&waiting, &password::generate()).await?;
            // Another program may have put its own there: the one that is stored counts.
            self.secrets.get(&waiting).await?.ok_or_else(|| overtaken(address))?
        };
        let change = MailChange::SetPassword { address: address.clone(), must_change };
        if let Err(error) = self.admin.change(address.domain(), &change, Some(&secret)).await {
            if error.kind() == ErrorKind::NotFound {
                // There is nothing that it could open, now or later.
                self.secrets.remove(&waiting).await?;
            }
            return Err(error);
        }
        let login = Login::new(address.clone(), secret);
        prove(&*self.mail, &login).await?;
        self.check(address, &waiting, &login).await?;
        self.secrets.put(address, login.password()).await?;
        // Once more, as the other one may have stored its own in between.
        self.check(address, &waiting, &login).await?;
        self.secrets.remove(&waiting).await?;
        tracing::info!(%address, "password rotated");
        Ok(())
    }

    /// Tells whether the password that waits is still the one that was set.
    async fn check(&self, address: &Address, waiting: &Address, login: &Login) -> Result<(), Error> {
        let found = self.secrets.get(waiting).await?;
        let is_ours = found.is_some_and(|found| found.expose_secret() == login.password().expose_secret());
        if is_ours { Ok(()) } else { Err(overtaken(address)) }
    }

    /// Returns the address under which a new password is kept until it is proven: `"next ada"@shop.example`, which no mail
    /// system gives to a mailbox. While something is there, one of the two passwords works.
    pub fn waiting(address: &Address) -> Address {
        let readable = format!("\"next {}\"", address.local_part());
        let short = || format!("\"next {}\"", fingerprint(address.local_part().as_bytes()));
        let domain = address.domain();
        Address::new(&readable, domain.clone())
            .or_else(|_| Address::new(&short(), domain.clone()))
            .unwrap_or_else(|_| address.clone())
    }
}

fn overtaken(address: &Address) -> Error {
    Error::new(ErrorKind::NotReady, "rotate password", address)
        .with_detail("another program rotates the mailbox's password too")
        .with_fix("rotate it again when the other one is done")
}
