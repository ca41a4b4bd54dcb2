//! Backends that give way before and after each operation, where a program may be killed.

use agent_mail::DomainName;
use agent_mail::backend::{MailAdmin, MailChange, PasswordRules, ServedDomain};
use secrecy::SecretString;
use tokio::task::yield_now;

pub(crate) use super::pausing::Pausing;
use super::*;

macro_rules! pausing {
    ($self:ident.$call:ident($($argument:expr),*)) => {{
        $self.pause().await;
        let result = $self.inner.$call($($argument),*).await;
        $self.pause().await;
        result
    }};
}

/// Polls a future so many times, with everything else running in between, and drops it; what it came to, if it came to
/// an end. Half-way something happens.
pub(crate) async fn drop_after<F: Future>(
    times: usize,
    future: F,
    half_way: impl AsyncFnOnce(),
) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut half_way = Some(half_way);
    for n in 0..times {
        if n == times / 2
            && let Some(happens) = half_way.take()
        {
            happens().await;
        }
        if let std::task::Poll::Ready(output) = futures_util::poll!(&mut future) {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

#[async_trait]
impl<T: MailAdmin> MailAdmin for Pausing<T> {
    async fn survey(&self, domain: &DomainName) -> Result<Option<ServedDomain>, Error> {
        self.inner.survey(domain).await
    }
    async fn change(
        &self,
        domain: &DomainName,
        change: &MailChange,
        secret: Option<&SecretString>,
    ) -> Result<(), Error> {
        pausing!(self.change(domain, change, secret))
    }
    async fn password_rules(&self) -> Result<PasswordRules, Error> {
        self.inner.password_rules().await
    }
}
