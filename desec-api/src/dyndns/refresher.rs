//! Keeps published addresses up to date.

use std::{convert::Infallible, panic::resume_unwind, sync::Arc, time::Duration};

use tokio::{
    select,
    sync::{broadcast, oneshot},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::{
    DynDns,
    events::{KEPT_EVENTS, RefreshError, RefresherEvent, RefresherEvents},
    network::IpAddress,
    sources::{AddressError, AddressSource, PublicAddress, PublicAddresses},
    update::{AddressChange, DynDnsUpdate, invalid},
};
use crate::{Error, SubName, chance::chance, client::LONGEST_WAIT};

/// Publishes the addresses of a source: at its start, whenever they change, and once in a while.
///
/// - An address that the source does not know, and every address while look-ups fail, stays as published.
/// - After a failure it tries again, with a back-off that is random and doubles, up to the usual time between
///   two look-ups, or an hour if it was the update that failed; never before the time that the server asks for.
/// - After an update whose outcome is unknown it publishes again, even if the address is as before.
/// - More than two updates in two minutes are kept back by the pace of the client.
///
/// ```
/// use std::{net::Ipv4Addr, sync::Arc};
///
/// use desec_api::{
///     DomainName, DynDns, FakeDesec, PublicAddress, PublicAddresses, Refresher, RefresherEvent, Ttl,
/// };
/// use futures_util::StreamExt;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let domain: DomainName = "alice.dedyn.io".parse()?;
/// let fake = FakeDesec::new();
/// fake.add_domain(&domain, Ttl::new(3600)?);
///
/// // In earnest: Agreement::of([Arc::new(CheckIp::new(client)), Arc::new(a source of your own)])
/// let source = PublicAddresses {
///     v4: PublicAddress::Found(Ipv4Addr::new(9, 9, 9, 9)),
///     v6: PublicAddress::Unknown,
/// };
/// let dyndns = DynDns::new(fake.client()?, domain);
/// let (refresher, mut events) = Refresher::new(dyndns, Arc::new(source)).start()?;
/// assert!(matches!(events.next().await, Some(RefresherEvent::Updated { .. })));
/// refresher.stop().await;
/// # Ok::<(), desec_api::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Refresher {
    dyndns: DynDns,
    source: Arc<dyn AddressSource>,
    names: Vec<SubName>,
    check_every: Duration,
    refresh_every: Duration,
    special: bool,
}

impl Refresher {
    /// Returns a refresher for the apex of the domain of `dyndns`. It does nothing before its start.
    pub fn new(dyndns: DynDns, source: Arc<dyn AddressSource>) -> Self {
        let names = vec![SubName::apex()];
        Self { dyndns, source, names, check_every: CHECK, refresh_every: REFRESH, special: false }
    }

    /// Sets the names to keep, at least one, instead of the apex. All have the same addresses.
    pub fn with_names(mut self, names: impl IntoIterator<Item = SubName>) -> Self {
        self.names = names.into_iter().collect();
        self
    }

    /// Sets how often the addresses are looked up, at least a minute and at most a year; 5 minutes if
    /// not set.
    ///
    /// Each time up to a tenth is left out by chance.
    pub fn with_check_interval(mut self, interval: Duration) -> Self {
        self.check_every = interval.min(LONGEST_WAIT);
        self
    }

    /// Sets how often addresses that do not change are published again, at least a minute and at most a year;
    /// 24 hours if not set.
    ///
    /// Each time up to a tenth is left out by chance.
    pub fn with_refresh_interval(mut self, interval: Duration) -> Self {
        self.refresh_every = interval.min(LONGEST_WAIT);
        self
    }

    /// Allows addresses that are not globally routable, for tests and private networks.
    pub fn allowing_special_addresses(mut self) -> Self {
        self.special = true;
        self
    }

    /// Starts a task that refreshes until its handle is stopped or dropped.
    ///
    /// Nobody needs to read the events.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there is no name, or an interval is shorter than a minute.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(self) -> Result<(RefresherHandle, RefresherEvents), Error> {
        if self.names.is_empty() {
            return Err(invalid("the refresher has no name; name at least the apex"));
        }
        if self.check_every.min(self.refresh_every) < SHORTEST {
            return Err(invalid("the refresher needs intervals of at least a minute"));
        }
        let (sender, receiver) = broadcast::channel(KEPT_EVENTS);
        let (stop, stopped) = oneshot::channel();
        let (published, due, failures) = (NOTHING, Instant::now(), 0);
        let task =
            tokio::spawn(Task { refresher: self, events: sender, published, due, failures }.run(stopped));
        Ok((RefresherHandle { stop, task }, RefresherEvents::of(receiver)))
    }

    async fn look_up(&self) -> Result<PublicAddresses, AddressError> {
        let addresses = match timeout(LOOK_UP, self.source.addresses()).await {
            Ok(answer) => answer?,
            Err(_) => return Err(AddressError::failed("no answer within 3 minutes")),
        };
        if addresses.is_unknown() {
            return Err(AddressError::failed("the source knows no address of either family"));
        }
        Ok(addresses)
    }
}

/// A refresher that runs. It stops when this is dropped.
#[derive(Debug)]
#[must_use = "the refresher stops when its handle is dropped"]
pub struct RefresherHandle {
    stop: oneshot::Sender<Infallible>,
    task: JoinHandle<()>,
}

impl RefresherHandle {
    /// Stops the refresher, and returns when nothing will be published any more.
    ///
    /// A look-up and a pause end at once. An update under way, or waiting for its turn, is waited for, at most
    /// the longest wait and the deadline of the client; a handle that is just dropped stops the same way, but
    /// nobody waits. Dropping this future is the same as dropping the handle.
    ///
    /// # Panics
    /// If the source panicked, which ended the refresher.
    pub async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.task.await
            && error.is_panic()
        {
            resume_unwind(error.into_panic());
        }
    }
}

struct Task {
    refresher: Refresher,
    events: broadcast::Sender<RefresherEvent>,
    /// What the server has for sure; unknown where nothing was published or the outcome is not known.
    published: PublicAddresses,
    /// When unchanged addresses are to be published again.
    due: Instant,
    failures: u32,
}

impl Task {
    // The stop is the end of the channel, whatever ended it.
    async fn run(mut self, mut stop: oneshot::Receiver<Infallible>) {
        loop {
            let found = select! {
                biased;
                _ = &mut stop => break,
                found = self.refresher.look_up() => found,
            };
            let wait = match found {
                // Not cut by a stop: nobody could tell whether it happened.
                Ok(addresses) => self.publish(addresses).await,
                Err(error) => self.failed(RefreshError::LookUp(error)),
            };
            select! {
                biased;
                _ = &mut stop => break,
                () = sleep(wait) => {}
            }
        }
        self.tell(RefresherEvent::Stopped);
    }

    /// Publishes what is new or due, and returns the time until the next look-up.
    async fn publish(&mut self, addresses: PublicAddresses) -> Duration {
        let changed = differs(self.published.v4, addresses.v4) || differs(self.published.v6, addresses.v6);
        if changed || Instant::now() >= self.due {
            let names = self.refresher.names.iter().cloned();
            let mut update = DynDnsUpdate::new(change(addresses.v4), change(addresses.v6)).with_names(names);
            if self.refresher.special {
                update = update.allowing_special_addresses();
            }
            if let Err(error) = self.refresher.dyndns.update(&update).await {
                if error.outcome_unknown() {
                    self.published = NOTHING;
                }
                return self.failed(RefreshError::Update(error));
            }
            merge(&mut self.published.v4, addresses.v4);
            merge(&mut self.published.v6, addresses.v6);
            self.due = Instant::now() + shortened(self.refresher.refresh_every);
            self.tell(RefresherEvent::Updated { addresses });
        } else {
            self.tell(RefresherEvent::Unchanged { addresses });
        }
        self.failures = 0;
        shortened(self.refresher.check_every).min(self.due.saturating_duration_since(Instant::now()))
    }

    /// Returns the time until the next attempt.
    fn failed(&mut self, error: RefreshError) -> Duration {
        // A look-up costs the account nothing, so a machine that was offline comes back soon.
        let (cap, asked) = match &error {
            RefreshError::LookUp(_) => (self.refresher.check_every, None),
            RefreshError::Update(error) => (LONGEST_BACK_OFF, error.retry_after()),
        };
        let bound = FIRST_BACK_OFF.saturating_mul(2_u32.saturating_pow(self.failures)).min(cap);
        self.failures += 1;
        let next = bound.mul_f64(chance()).max(SHORTEST_BACK_OFF) + asked.unwrap_or_default();
        self.tell(match error {
            RefreshError::LookUp(error @ AddressError::Disagreement { .. }) => {
                RefresherEvent::Disagreement { error: Arc::new(error), next }
            }
            error => RefresherEvent::Failed { error: Arc::new(error), next },
        });
        next
    }

    fn tell(&self, event: RefresherEvent) {
        // Nobody needs to listen.
        let _ = self.events.send(event);
    }
}

fn differs<A: IpAddress>(published: PublicAddress<A>, found: PublicAddress<A>) -> bool {
    found != PublicAddress::Unknown && found != published
}

fn merge<A: IpAddress>(published: &mut PublicAddress<A>, found: PublicAddress<A>) {
    if found != PublicAddress::Unknown {
        *published = found;
    }
}

fn change<A: IpAddress>(found: PublicAddress<A>) -> AddressChange<A> {
    match found {
        PublicAddress::Found(address) => AddressChange::Set(vec![address]),
        PublicAddress::Absent => AddressChange::Delete,
        PublicAddress::Unknown => AddressChange::Preserve,
    }
}

fn shortened(interval: Duration) -> Duration {
    interval.mul_f64(1.0 - chance() / 10.0)
}

const NOTHING: PublicAddresses = PublicAddresses { v4: PublicAddress::Unknown, v6: PublicAddress::Unknown };
const CHECK: Duration = Duration::from_mins(5);
const REFRESH: Duration = Duration::from_hours(24);
const SHORTEST: Duration = Duration::from_mins(1);
// The client and its pace may take 130 seconds for one question.
const LOOK_UP: Duration = Duration::from_mins(3);
const SHORTEST_BACK_OFF: Duration = Duration::from_secs(1);
const FIRST_BACK_OFF: Duration = Duration::from_mins(1);
const LONGEST_BACK_OFF: Duration = Duration::from_hours(1);
