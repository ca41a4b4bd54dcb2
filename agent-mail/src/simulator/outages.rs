use std::ops::Range;
use std::time::Duration;

/// What a world can be without for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Service {
    /// Provisioning.
    Mailcow,
    /// The zone.
    Desec,
    /// Submission.
    Smtp,
    /// Reading.
    Imap,
}

/// When which service is away, in the world's time.
#[derive(Clone, Debug, Default)]
pub(super) struct Outages(Vec<(Service, Range<Duration>)>);

impl Outages {
    pub(super) fn add(&mut self, service: Service, during: Range<Duration>) {
        self.0.push((service, during));
    }

    pub(super) fn is_out(&self, service: Service, now: Duration) -> bool {
        self.of(service).any(|during| during.contains(&now))
    }

    /// Returns how long it is until the service goes away next.
    pub(super) fn next(&self, service: Service, now: Duration) -> Option<Duration> {
        let ahead = self.of(service).filter(|during| !during.is_empty() && during.start > now);
        ahead.map(|during| during.start.saturating_sub(now)).min()
    }

    fn of(&self, service: Service) -> impl Iterator<Item = &Range<Duration>> {
        self.0.iter().filter(move |(of, _)| *of == service).map(|(_, during)| during)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_away_from_the_first_moment_to_before_the_last() {
        let seconds = Duration::from_secs;
        let mut outages = Outages::default();
        outages.add(Service::Smtp, seconds(10)..seconds(20));
        outages.add(Service::Smtp, seconds(5)..seconds(6));
        outages.add(Service::Imap, seconds(1)..seconds(1));
        let out = [4, 5, 6, 9, 10, 19, 20].map(|at| outages.is_out(Service::Smtp, seconds(at)));
        assert_eq!(out, [false, true, false, false, true, true, false]);
        assert!(!outages.is_out(Service::Imap, seconds(1)));
        let next = [0, 5, 10].map(|at| outages.next(Service::Smtp, seconds(at)));
        assert_eq!(next, [Some(seconds(5)), Some(seconds(5)), None]);
        assert_eq!(outages.next(Service::Imap, seconds(0)), None, "one without length is none");
    }
}
