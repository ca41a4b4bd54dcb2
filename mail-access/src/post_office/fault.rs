/// A trouble of the network or the server that a test calls for with [`PostOffice::fail_next`].
///
/// [`PostOffice::fail_next`]: crate::PostOffice::fail_next
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// `submit` can't reach the server: [`Error::Unavailable`](crate::Error::Unavailable).
    SubmitUnavailable,
    /// `submit` loses the link before the message was taken: [`Error::Interrupted`](crate::Error::Interrupted).
    SubmitLost,
    /// `submit` loses the link after the message was taken and delivered:
    /// [`Error::Interrupted`](crate::Error::Interrupted). If the message is refused, the refusal is the answer.
    SubmitTakenAndLost,
    /// `fetch` can't reach the server: [`Error::Unavailable`](crate::Error::Unavailable).
    FetchUnavailable,
    /// `wait` loses the link, at once if it is under way: [`Error::Unavailable`](crate::Error::Unavailable).
    WaitUnavailable,
}
