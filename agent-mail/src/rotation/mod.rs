//! New passwords in place of old ones, so that at every moment a stored one works.

mod agents;
mod people;

use mail_access::{Login, MailAccess, MessageId, Selection};

pub use self::people::PasswordRotation;
use crate::Error;
use crate::mail::lift;

/// Logs in to submit, and hands nothing over; then logs in to read, and asks for a message that nobody has sent: nothing
/// is read or changed by it.
async fn prove(mail: &dyn MailAccess, login: &Login) -> Result<(), Error> {
    let lift = |source| lift(source, "prove password", login.address());
    mail.check_submission(login).await.map_err(lift)?;
    let nobody_s = MessageId::generate(login.address().domain());
    let found = mail.fetch(login, &Selection::MessageId(nobody_s), 1).await;
    found.map(drop).map_err(lift)
}
