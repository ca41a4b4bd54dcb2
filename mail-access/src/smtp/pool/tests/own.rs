//! Many messages go over few connections, one behind the other: what each caller is told is about its own message.

use super::double::{CHUNKING, NEITHER, PIPELINING};
use super::*;
use crate::wire::link::{Cut, Manner, Side};
use proptest::prelude::*;

/// What the server makes of a message.
#[derive(Clone, Debug)]
struct Case {
    /// Which of the recipients it takes.
    takes: Vec<bool>,
    is_spam: bool,
    all_or_nothing: bool,
    begins: u64,
}

impl Case {
    fn any() -> impl Strategy<Value = Self> {
        let takes = prop::collection::vec(prop::bool::weighted(0.7), 1..4);
        (takes, prop::bool::weighted(0.2), prop::bool::weighted(0.2), 0..60_u64).prop_map(
            |(takes, is_spam, all_or_nothing, begins)| Self { takes, is_spam, all_or_nothing, begins },
        )
    }

    fn recipients(&self, number: usize, taken: bool) -> Vec<String> {
        let named = self.takes.iter().enumerate().filter(|(_, takes)| **takes == taken);
        let kind = if taken { "yes" } else { "no" };
        named.map(|(at, _)| format!("{kind}.{number}.{at}@x.example")).collect()
    }

    fn message(&self, number: usize) -> Outgoing {
        let (yes, no) = (self.recipients(number, true), self.recipients(number, false));
        let recipients = yes.iter().chain(&no).map(|to| to.parse().unwrap()).collect();
        let text = format!("Subject: {number}\r\n\r\n.\r\n{}\r\n", if self.is_spam { "spam" } else { "ham" });
        let (ada, id) = (ada().address().clone(), format!("{number}@agents.example").parse().unwrap());
        let message = Outgoing::restore(ada, recipients, id, text.into_bytes()).unwrap();
        if self.all_or_nothing { message.with_all_or_nothing() } else { message }
    }

    /// Tells whether a caller was told the truth about its own message, which was taken so many times.
    fn is_told(&self, number: usize, told: &Result<Submission, Fault>, taken: usize) -> bool {
        let (yes, no) = (self.recipients(number, true), self.recipients(number, false));
        let are_refused = |refused: &[(crate::Address, Status)]| {
            let named: Vec<_> = refused.iter().map(|(to, _)| to.to_string()).collect();
            named == no && refused.iter().all(|(to, status)| status.text == format!("<{to}>"))
        };
        let is_none_taken = yes.is_empty() || (self.all_or_nothing && !no.is_empty());
        match told {
            Ok(done) => {
                let accepted: Vec<_> = done.accepted.iter().map(ToString::to_string).collect();
                let is_fine = !is_none_taken && !self.is_spam && taken == 1;
                is_fine
                    && accepted == yes
                    && are_refused(&done.refused)
                    && done.status.text == number.to_string()
            }
            Err(Fault::RecipientsRefused(refused)) => is_none_taken && taken == 0 && are_refused(refused),
            Err(Fault::Refused(status)) if is_none_taken => {
                taken == 0 && status.text == format!("<{}>", no[0])
            }
            Err(Fault::Refused(status)) => self.is_spam && taken == 0 && status.text == number.to_string(),
            Err(Fault::Interrupted(_)) => taken <= 1,
            Err(Fault::Lost(_)) => taken == 0,
            Err(_) => false,
        }
    }
}

fn cuts() -> impl Strategy<Value = Vec<Cut>> {
    let side = prop::sample::select(vec![Side::ToServer, Side::ToClient]);
    let manner = prop::sample::select(vec![Manner::Fin, Manner::Reset, Manner::Half]);
    let cut = (side, 0..2000_usize, manner).prop_map(|(side, after, manner)| Cut { side, after, manner });
    prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(cut, 1..4)]
}

proptest! {
    #[test]
    fn each_caller_is_told_about_its_own_message(
        cases in prop::collection::vec(Case::any(), 2..12),
        cuts in cuts(),
        // Beyond 250 ms nothing goes ahead, and beyond 1 s what did is given back.
        pace in prop_oneof![8 => 0..20_u64, 1 => 100..400_u64, 1 => 900..1300_u64],
        // The replies to a flight have to find room.
        buffer in 10..14_u32,
        offers in prop::sample::select(vec![PIPELINING, PIPELINING, CHUNKING, NEITHER]),
        per_login in 1..3_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let mut server = Double::new(offers);
            (server.pace, server.buffer) = (Duration::from_millis(pace), 1 << buffer);
            let is_whole = cuts.is_empty();
            let server = Arc::new(server.cutting(cuts));
            let pool = Arc::new(pool(&server, Limits { per_login, ..LIMITS }));
            let calls: Vec<_> = cases.iter().cloned().enumerate().map(|(number, case)| {
                let pool = Arc::clone(&pool);
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(case.begins)).await;
                    pool.submit(&ada(), &case.message(number)).await
                })
            }).collect();
            for (number, (call, case)) in calls.into_iter().zip(&cases).enumerate() {
                let told = call.await.unwrap();
                let taken = server.taken().iter().filter(|taken| **taken == number).count();
                prop_assert!(case.is_told(number, &told, taken), "{number} {case:?}, taken {taken} times: {told:?}");
                let is_answered = !matches!(told, Err(Fault::Interrupted(_) | Fault::Lost(_)));
                prop_assert!(is_answered || !is_whole, "{told:?}");
            }
            prop_assert_eq!(server.seen(|seen| seen.problems.clone()), [""; 0]);
            prop_assert!(server.seen(|seen| seen.peak) <= per_login);
            Ok(())
        })?;
    }
}
