use std::fmt::Debug;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use mail_access::{Address, Arrivals, HubAccess, PostOffice};

/// Tells in which mailboxes of a mail system mail came in, in one place for all of them.
pub trait Doorbell: Debug + Send + Sync + 'static {
    /// Begins to listen.
    ///
    /// # Contract
    /// - The first answer names every mailbox whose INBOX holds a message at the time of the call, if there is one; the
    ///   later ones those that got a message since. None that got one is forgotten.
    /// - One that has nothing new may be named, and addresses that are nobody's.
    /// - It waits out its own troubles. When it ends, who listens looks into the mailboxes instead.
    /// - It costs nothing for mailboxes without mail.
    fn listen(&self) -> BoxStream<'static, Vec<Address>>;
}

impl Doorbell for PostOffice {
    fn listen(&self) -> BoxStream<'static, Vec<Address>> {
        stream_of(self.arrivals())
    }
}

/// Names the addresses of the hub.
impl Doorbell for HubAccess {
    fn listen(&self) -> BoxStream<'static, Vec<Address>> {
        stream_of(self.arrivals())
    }
}

fn stream_of(arrivals: Arrivals) -> BoxStream<'static, Vec<Address>> {
    stream::unfold(arrivals, |mut arrivals| async { Some((arrivals.next().await, arrivals)) }).boxed()
}
