use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::departed::Departed;
use super::occasion::Weather;
use super::outside::Outside;
use super::{Fault, FromOutside, Occasion, Policy, PostOffice};
use crate::DomainName;

/// The settings of a [`PostOffice`], each with the default that [`PostOffice::new`] has.
#[derive(Clone)]
pub struct PostOfficeBuilder {
    pub(super) host: DomainName,
    pub(super) policy: Policy,
    pub(super) clock: Clock,
    pub(super) weather: Option<Weather>,
    pub(super) outside: Option<Outside>,
}

impl PostOfficeBuilder {
    pub(super) fn new() -> Self {
        Self {
            host: DEFAULT_HOST.parse().expect("it is a domain name"),
            policy: Policy::new(),
            clock: Arc::new(SystemTime::now),
            weather: None,
            outside: None,
        }
    }

    /// Sets the name that the office calls itself by in `Received` fields and reports; `mail.invalid` by default.
    pub fn with_host(mut self, host: DomainName) -> Self {
        self.host = host;
        self
    }

    /// Sets what the office takes and what it does with the rest; [`Policy::new`] by default.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the size in bytes up to which a message is taken, see [`Policy::with_size_limit`].
    pub fn with_size_limit(mut self, bytes: usize) -> Self {
        self.policy = self.policy.with_size_limit(bytes);
        self
    }

    /// Sets what tells the time of arrivals, and gives UIDVALIDITY its values; [`SystemTime::now`] by default.
    ///
    /// Waits take their time from Tokio, not from here.
    pub fn with_clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets what goes wrong by itself: it is asked on each occasion that no [rule](crate::FaultRule) meets, and a fault
    /// that doesn't belong to the occasion is none. Nothing goes wrong by default.
    ///
    /// It is asked while the office is locked, and must not call it.
    ///
    /// ```
    /// use mail_access::{Fault, Occasion, PostOffice};
    ///
    /// let office = PostOffice::builder().with_weather(|occasion| match occasion {
    ///     Occasion::Recipient { .. } => Some(Fault::DeliveredTwice),
    ///     _ => None,
    /// });
    /// office.build();
    /// ```
    pub fn with_weather(
        mut self,
        weather: impl Fn(Occasion<'_>) -> Option<Fault> + Send + Sync + 'static,
    ) -> Self {
        self.weather = Some(Arc::new(weather));
        self
    }

    /// Sets what the world outside does about each message that departs, where [`Foreign::Kept`](crate::Foreign::Kept)
    /// lets it; [`take_departed`](PostOffice::take_departed) finds none of them then.
    ///
    /// It is asked while the office is locked, and must not call it.
    pub fn with_outside(
        mut self,
        outside: impl Fn(&Departed) -> Vec<FromOutside> + Send + Sync + 'static,
    ) -> Self {
        self.outside = Some(Arc::new(outside));
        self
    }

    /// Opens the office, without any domain.
    pub fn build(self) -> PostOffice {
        PostOffice::open(self)
    }
}

impl fmt::Debug for PostOfficeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostOfficeBuilder")
            .field("host", &self.host)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

pub(super) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// A name that no host can have (RFC 6761 section 6.4).
const DEFAULT_HOST: &str = "mail.invalid";
