//! Several sources, believed only if they agree.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::time::timeout;

use super::{
    network::IpAddress,
    sources::{AddressError, AddressSource, PublicAddress, PublicAddresses},
};

/// Asks several sources at the same time, and believes them only if all that answer agree.
///
/// A family that too few of them know is [`PublicAddress::Unknown`]. If that are both families, the look-up
/// fails with [`AddressError::TooFew`]; if sources contradict each other about one family, it fails for both
/// with [`AddressError::Disagreement`].
#[derive(Clone, Debug)]
pub struct Agreement {
    sources: Vec<Arc<dyn AddressSource>>,
    needed: usize,
    deadline: Duration,
}

impl Agreement {
    /// Returns the agreement of `sources`, more than half of which must answer.
    pub fn of(sources: impl IntoIterator<Item = Arc<dyn AddressSource>>) -> Self {
        let sources: Vec<_> = sources.into_iter().collect();
        Self { needed: sources.len() / 2 + 1, sources, deadline: DEADLINE }
    }

    /// Sets how many sources must answer, at least one.
    pub fn requiring(mut self, needed: usize) -> Self {
        self.needed = needed.max(1);
        self
    }

    /// Sets how long a source may take before it counts as one that does not answer; 30 seconds if not set.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    async fn ask(&self, source: &dyn AddressSource) -> Result<PublicAddresses, AddressError> {
        let late = |_| AddressError::failed("a source gives no answer within its deadline");
        timeout(self.deadline, source.addresses()).await.map_err(late)?
    }
}

#[async_trait]
impl AddressSource for Agreement {
    async fn addresses(&self) -> Result<PublicAddresses, AddressError> {
        let (mut answers, mut failure) = (Vec::new(), None);
        for answer in join_all(self.sources.iter().map(|source| self.ask(&**source))).await {
            match answer {
                Ok(answer) => answers.push(answer),
                // Sources below that contradict each other are no more to be believed from above.
                Err(error @ AddressError::Disagreement { .. }) => return Err(error),
                Err(error) => failure = Some(Box::new(error)),
            }
        }
        let (v4, knowing_v4) = common(answers.iter().map(|answer| answer.v4), self.needed)?;
        let (v6, knowing_v6) = common(answers.iter().map(|answer| answer.v6), self.needed)?;
        let addresses = PublicAddresses { v4, v6 };
        if addresses.is_unknown() {
            let answered = knowing_v4.max(knowing_v6);
            return Err(AddressError::TooFew { answered, needed: self.needed, source: failure });
        }
        Ok(addresses)
    }
}

/// Returns what those who know say, and how many those are.
fn common<A: IpAddress>(
    answers: impl Iterator<Item = PublicAddress<A>>,
    needed: usize,
) -> Result<(PublicAddress<A>, usize), AddressError> {
    let known: Vec<_> = answers.filter(|answer| *answer != PublicAddress::Unknown).collect();
    let mut different: Vec<_> = known.iter().map(shown).collect();
    different.sort_unstable();
    different.dedup();
    if different.len() > 1 {
        return Err(AddressError::Disagreement { family: A::FAMILY, answers: different });
    }
    let enough = known.first().filter(|_| known.len() >= needed);
    Ok((enough.copied().unwrap_or(PublicAddress::Unknown), known.len()))
}

fn shown<A: IpAddress>(answer: &PublicAddress<A>) -> String {
    match answer {
        PublicAddress::Found(address) => address.to_string(),
        PublicAddress::Absent => "none".into(),
        PublicAddress::Unknown => "unknown".into(),
    }
}

const DEADLINE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;
    use PublicAddress::{Absent, Found, Unknown};

    #[derive(Debug)]
    struct Broken;

    #[async_trait]
    impl AddressSource for Broken {
        async fn addresses(&self) -> Result<PublicAddresses, AddressError> {
            Err(AddressError::failed("it is broken"))
        }
    }

    #[derive(Debug)]
    struct Silent;

    #[async_trait]
    impl AddressSource for Silent {
        async fn addresses(&self) -> Result<PublicAddresses, AddressError> {
            std::future::pending().await
        }
    }

    const A: PublicAddress<Ipv4Addr> = Found(Ipv4Addr::new(9, 9, 9, 9));
    const B: PublicAddress<Ipv4Addr> = Found(Ipv4Addr::new(9, 9, 9, 8));
    const SIX: PublicAddress<Ipv6Addr> = Found(Ipv6Addr::new(0x2a00, 0, 0, 0, 0, 0, 0, 1));

    fn says(v4: PublicAddress<Ipv4Addr>, v6: PublicAddress<Ipv6Addr>) -> Arc<dyn AddressSource> {
        Arc::new(PublicAddresses { v4, v6 })
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_answer_must_agree() {
        let disagree = [
            vec![says(A, SIX), says(B, SIX), says(A, SIX)],
            vec![says(A, SIX), says(Absent, SIX)],
            vec![says(A, Unknown), says(B, Unknown), Arc::new(Broken), Arc::new(Broken)],
        ];
        for sources in disagree {
            let error = Agreement::of(sources).requiring(1).addresses().await.unwrap_err();
            assert!(matches!(error, AddressError::Disagreement { family: "IPv4", .. }), "{error:?}");
            assert!(error.to_string().contains("9.9.9.9"), "{error}");
        }
        let agree = vec![says(A, SIX), says(A, Unknown), Arc::new(Broken)];
        let addresses = Agreement::of(agree).addresses().await.unwrap();
        assert_eq!((addresses.v4, addresses.v6), (A, Unknown), "only one knows of IPv6");
    }

    #[tokio::test(start_paused = true)]
    async fn enough_must_answer() {
        let sources = || vec![says(A, SIX), Arc::new(Broken) as Arc<dyn AddressSource>, Arc::new(Silent)];
        assert_eq!(Agreement::of(sources()).requiring(1).addresses().await.unwrap().v4, A);
        let error = Agreement::of(sources()).addresses().await.unwrap_err();
        assert_eq!(error.to_string(), "cannot learn the public address: 1 of 2 needed sources answer");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("within its deadline"), "{cause}");
        let none = Agreement::of([]).addresses().await.unwrap_err();
        assert!(matches!(none, AddressError::TooFew { answered: 0, needed: 1, source: None }), "{none:?}");
    }

    #[tokio::test]
    async fn a_certain_absence_is_an_answer() {
        let addresses = Agreement::of([says(A, Absent), says(A, Absent)]).addresses().await.unwrap();
        assert_eq!((addresses.v4, addresses.v6), (A, Absent));
    }

    #[tokio::test]
    async fn a_quarrel_below_is_a_quarrel_above() {
        let quarrel = Arc::new(Agreement::of([says(A, SIX), says(B, SIX)]));
        let error = Agreement::of([quarrel, says(A, SIX)]).requiring(1).addresses().await.unwrap_err();
        assert!(matches!(error, AddressError::Disagreement { .. }), "{error:?}");
    }
}
