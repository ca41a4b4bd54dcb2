use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::sleep;

use super::*;
use crate::{MessageId, Received};

/// What the answer to a submission promises about its copies at Bob's and its reports at Ada's.
struct Promise {
    id: MessageId,
    copies: std::ops::RangeInclusive<usize>,
    reports: usize,
}

proptest! {
    /// Whatever goes wrong: what was accepted arrives or is reported, what was refused does neither, and only where
    /// the outcome is unknown there are two of them.
    #[test]
    fn no_fault_makes_the_office_lie(faults in vec(vec(fault(), 0..3), 1..12), greylisting: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let office = office();
            if greylisting {
                office.set_policy(Policy::like_postfix().with_greylisting(Duration::from_mins(1)));
            }
            let mut promises = Vec::new();
            for faults in faults {
                for fault in &faults {
                    office.fail_next(&at_home("ada"), *fault);
                }
                let sent = message(&["bob@agents.example"]);
                let answer = office.submit(&login("ada"), &sent).await;
                let later = faults.iter().find(|fault| !is_of_call(**fault));
                let (copies, reports) = match (&answer, later) {
                    (Err(error), _) if error.is_outcome_unknown() => (0..=2, 0),
                    (Err(_), _) => (0..=0, 0),
                    (Ok(_), Some(Fault::DeliveryFailed(_))) => (0..=0, 1),
                    (Ok(_), Some(Fault::DeliveredTwice)) => (2..=2, 0),
                    (Ok(_), _) => (1..=1, 0),
                };
                promises.push((Promise { id: sent.message_id().clone(), copies, reports }, answer));
                office.clear_faults();
                sleep(Duration::from_secs(7)).await;
            }
            sleep(Duration::from_hours(2)).await;
            let (bobs, adas) = (inbox(&office, "bob").await.messages, inbox(&office, "ada").await.messages);
            let mut known = 0;
            for (Promise { id, copies, reports }, answer) in promises {
                let arrived = bobs.iter().filter(|one| one.message_id() == Some(&id)).count();
                known += arrived;
                prop_assert!(copies.contains(&arrived), "{} copies after {:?}", arrived, answer);
                let about = |report: &&Received| String::from_utf8_lossy(report.raw()).contains(&id.to_string());
                let told = adas.iter().filter(about).count();
                let unknown = answer.is_err_and(|error| error.is_outcome_unknown());
                prop_assert!(told == reports || (unknown && arrived + told <= 2), "{} reports", told);
            }
            prop_assert_eq!(bobs.len(), known, "nobody gets what nobody sent");
            Ok(())
        })?;
    }
}

fn is_of_call(fault: Fault) -> bool {
    !matches!(
        fault,
        Fault::DeliveryFailed(_)
            | Fault::DeliveryLate(_)
            | Fault::DeliveredTwice
            | Fault::DeliveredBroken { .. }
            | Fault::Overtaken { .. }
    ) && !matches!(fault, Fault::RecipientRefused(_))
}

fn fault() -> impl Strategy<Value = Fault> {
    let time = || (0_u64..100).prop_map(Duration::from_secs);
    prop_oneof![
        Just(Fault::SubmitUnavailable),
        Just(Fault::SubmitLost),
        Just(Fault::SubmitTakenAndLost),
        time().prop_map(Fault::SubmitSlow),
        time().prop_map(Fault::SubmitTakenAndSlow),
        Just(Fault::SubmitRefused(Refusal::TEMPORARY)),
        Just(Fault::RecipientRefused(Refusal::PERMANENT)),
        Just(Fault::DeliveryFailed(Refusal::PERMANENT)),
        time().prop_map(Fault::DeliveryLate),
        Just(Fault::DeliveredTwice),
        Just(Fault::DeliveredBroken { with_header: true }),
        (0_u32..4, time()).prop_map(|(by, at_most)| Fault::Overtaken { by, at_most }),
    ]
}
