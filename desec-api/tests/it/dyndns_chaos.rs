//! The refresher through days on which everything goes wrong.

use std::time::Duration;

use desec_api::{
    Fault,
    PublicAddress::{Absent, Unknown},
    RefresherEvent,
};
use futures_util::StreamExt;
use tokio::time::sleep;

use crate::dyndns_refresher::{at, published, six, world};

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_happened_the_end_is_right_and_nothing_was_throttled() {
    for seed in 0..20 {
        let (fake, source, refresher) = world();
        source.say(at(1), six(1));
        let (handle, events) = refresher.start().unwrap();
        let (mut dice, mut injected) = (Dice(seed), 0);
        for _ in 0..100 {
            sleep(Duration::from_secs(dice.below(3_600))).await;
            match dice.below(10) {
                0 => fake.inject(Fault::FailsStored),
                1 => fake.inject(Fault::FailsUnstored),
                2 => fake.inject(Fault::AnswerLost),
                3 => fake.inject(Fault::Unreachable),
                4 => {
                    injected += 1;
                    fake.inject(Fault::Throttled { retry_after: Some(Duration::from_secs(dice.below(900))) });
                }
                5 => source.fail(),
                6 => source.say(Unknown, six(2)),
                7 => source.say(at(3), Absent),
                n => source.say(at(dice.below(3).try_into().unwrap()), six(n.try_into().unwrap())),
            }
        }
        source.say(at(7), six(7));
        sleep(Duration::from_hours(24)).await;
        assert_eq!(published(&fake), ["9.9.9.7", "2a00::7"], "seed {seed}");
        handle.stop().await;
        let throttled = fake.calls().iter().filter(|call| call.status == Some(429)).count();
        assert!(throttled <= injected, "seed {seed}: {throttled} of {injected}");
        let last = events.collect::<Vec<_>>().await.pop();
        assert!(matches!(last, Some(RefresherEvent::Stopped)), "{last:?}");
    }
}
