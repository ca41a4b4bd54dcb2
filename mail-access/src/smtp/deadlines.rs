//! How long a server may take (RFC 5321 section 4.5.3.2). To leave earlier than these would be to never get mail
//! through to a server that is slow for a reason; a caller in a hurry drops its call.

use std::time::Duration;

/// For the greeting.
pub(super) const GREETING: Duration = Duration::from_mins(5);
/// For EHLO, STARTTLS, each step of AUTH, and RSET.
pub(super) const COMMAND: Duration = Duration::from_mins(5);
/// For MAIL and for RCPT.
pub(super) const ENVELOPE: Duration = Duration::from_mins(5);
/// For the first reply on a connection that lay idle: it may be dead, and a new one can be had.
pub(super) const AFTER_A_REST: Duration = Duration::from_mins(1);
/// For the go-ahead to DATA.
pub(super) const DATA: Duration = Duration::from_mins(2);
/// For the reply to the whole message: a server needs it for its filters, and one that is left too early delivers
/// twice.
pub(super) const MESSAGE: Duration = Duration::from_mins(10);
/// For QUIT, whose answer nobody waits for.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);
/// For the words of a server that closed the connection in the middle of a message.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);

/// For the upload of so many bytes: as long as over the slowest link that is of use, but never less than a block
/// may take.
pub(super) fn upload(bytes: usize) -> Duration {
    BLOCK + Duration::from_secs(bytes as u64 / SLOWEST_UPLOAD)
}

/// For a whole message, whatever a server makes of the deadlines above, on a connection that turns out to be closed and
/// then on a new one. Only a task that nobody runs takes longer.
pub(super) fn whole(bytes: usize, recipients: usize) -> Duration {
    let steps = u32::try_from(recipients).unwrap_or(u32::MAX).saturating_add(OTHER_STEPS);
    (COMMAND + ENVELOPE).saturating_mul(steps).saturating_add(upload(bytes) + MESSAGE).saturating_mul(2)
}

const BLOCK: Duration = Duration::from_mins(3);
/// Bytes in a second.
const SLOWEST_UPLOAD: u64 = 16 << 10;
/// To connect, to greet, to log in, and all of an envelope but its recipients.
const OTHER_STEPS: u32 = 16;
