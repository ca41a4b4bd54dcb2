use std::sync::Arc;

use mail_access::{Address, Login, MailAccess};

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
    /// Two programs must not do it for one mailbox at the same time.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such mailbox; [`Rejected`](ErrorKind::Rejected) if the server asks
    /// for longer passwords than are made here; [`Unauthenticated`](ErrorKind::Unauthenticated) if the mail system does
    /// not take the new one; else what the backends say.
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
            let secret = password::generate();
            self.secrets.put(&waiting, &secret).await?;
            secret
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
        self.secrets.put(address, login.password()).await?;
        self.secrets.remove(&waiting).await?;
        tracing::info!(%address, "password rotated");
        Ok(())
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
