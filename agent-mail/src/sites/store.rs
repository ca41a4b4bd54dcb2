use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use mail_access::DomainName;

use super::{SiteState, Slug};
use crate::backend::{Change, Committed, StateStore};
use crate::{Error, ErrorKind};

/// Remembers the state of sites.
#[async_trait]
pub trait SiteStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the state of a site; `None` if it never had mail.
    ///
    /// # Contract
    /// - It sees every replacement that was made before the call.
    /// - A state that can't be read is an error and never `None`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the store knows sites by themselves and has none of this name;
    /// [`Unavailable`](ErrorKind::Unavailable) if it can't be read; [`Unexpected`](ErrorKind::Unexpected) if what is
    /// there is no state.
    async fn read(&self, site: &Slug) -> Result<Option<SiteState>, Error>;

    /// Puts a state in the place of the one that was read.
    ///
    /// # Contract
    /// - If the site's state is just `seen`, it becomes `next`, and the answer is [`Committed::Done`]; else it stays, and
    ///   the answer is [`Committed::Conflict`]. No other change comes between the look and the write.
    /// - Whatever else the store keeps of the site is left as it is.
    /// - Of several callers who saw the same state, one has `Done`.
    /// - After `Done` a durable store keeps it through a crash.
    /// - A dropped or interrupted call leaves the one state or the other, whole.
    ///
    /// # Errors
    /// As [`read`](Self::read); [`Interrupted`](ErrorKind::Interrupted) if it may or may not have been made.
    async fn replace(
        &self,
        site: &Slug,
        seen: Option<&SiteState>,
        next: &SiteState,
    ) -> Result<Committed, Error>;
}

/// The state of sites in a [`StateStore`], beside what agents and plans keep in it.
#[derive(Clone)]
pub struct SitesInState {
    state: Arc<dyn StateStore>,
    zone: DomainName,
}

impl SitesInState {
    /// Keeps the sites of a mail zone in `state`.
    pub fn new(state: Arc<dyn StateStore>, zone: DomainName) -> Self {
        Self { state, zone }
    }

    async fn load(&self, site: &Slug) -> Result<(String, Option<Vec<u8>>, Option<SiteState>), Error> {
        let key = format!("{}/site/{site}", self.zone);
        let bytes = self.state.get(&key).await?;
        let state = bytes.as_deref().map(serde_json::from_slice).transpose().map_err(|source| {
            Error::new(ErrorKind::Unexpected, "read state", &key)
                .with_detail("the stored record can't be understood")
                .with_fix("check that the state folder was written by this version or an older one")
                .with_source(source)
        })?;
        Ok((key, bytes, state))
    }
}

#[async_trait]
impl SiteStore for SitesInState {
    async fn read(&self, site: &Slug) -> Result<Option<SiteState>, Error> {
        Ok(self.load(site).await?.2)
    }

    async fn replace(
        &self,
        site: &Slug,
        seen: Option<&SiteState>,
        next: &SiteState,
    ) -> Result<Committed, Error> {
        let (key, bytes, state) = self.load(site).await?;
        if state.as_ref() != seen {
            return Ok(Committed::Conflict);
        }
        let record = serde_json::to_vec(next).expect("it is plain data");
        self.state.commit(Change::new().expect(&key, bytes).put(&key, record)).await
    }
}

/// Shows the zone.
impl fmt::Debug for SitesInState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SitesInState").field("zone", &self.zone).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryState;

    #[tokio::test]
    async fn a_damaged_record_is_an_error_and_not_none() {
        let state = Arc::new(MemoryState::default());
        let sites = SitesInState::new(state.clone(), "mail.example".parse().unwrap());
        let slug: Slug = "shop".parse().unwrap();
        let put = Change::new().put("mail.example/site/shop", "{}");
        assert_eq!(state.commit(put).await.unwrap(), Committed::Done);
        assert_eq!(sites.read(&slug).await.unwrap_err().kind(), ErrorKind::Unexpected);
        let next = SiteState::new("mailcow", "shop.mail.example".parse().unwrap());
        assert_eq!(sites.replace(&slug, None, &next).await.unwrap_err().kind(), ErrorKind::Unexpected);
    }
}
