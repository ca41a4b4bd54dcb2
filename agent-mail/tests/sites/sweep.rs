//! Each call of each workflow breaks once, in each way; the next call finishes, and nothing is left over.

use agent_mail::Error;
use agent_mail::sites::{SiteStatus, Sites};

use super::faults::How;
use super::stage::{Stage, until_it_hangs};
use super::{ZONE, ada, sites, slug};

#[derive(Clone, Copy, Debug)]
enum Call {
    Enable,
    Disable,
    AddMailbox,
}

impl Call {
    async fn make(self, sites: &Sites) -> Result<(), Error> {
        let shop = slug("shop");
        match self {
            Self::Enable => sites.enable(&shop).await.map(drop),
            Self::Disable => sites.disable(&shop).await.map(drop),
            Self::AddMailbox => sites.add_mailbox(&shop, &ada()).await.map(drop),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_breaks_the_next_call_finishes() {
    let workflows: [(&[Call], Call); 5] = [
        (&[], Call::Enable),
        (&[Call::Enable], Call::AddMailbox),
        (&[Call::Enable, Call::AddMailbox], Call::Disable),
        (&[Call::Enable, Call::AddMailbox, Call::Disable], Call::Enable),
        (&[Call::Enable, Call::AddMailbox], Call::AddMailbox),
    ];
    let mut broken = 0;
    for (before, call) in workflows {
        let wanted = {
            let stage = prepared(before).await;
            call.make(&sites(&stage)).await.unwrap();
            seen(&stage).await
        };
        for how in How::ALL {
            for k in 0.. {
                let stage = prepared(before).await;
                stage.faults.arm(k, how);
                let first = until_it_hangs(call.make(&sites(&stage))).await;
                if !stage.faults.calm() {
                    assert!(first.is_some_and(|first| first.is_ok()), "nothing broke");
                    break;
                }
                broken += 1;
                let state = sites(&stage).status(&slug("shop")).await.unwrap();
                let is_told =
                    state.last_error.as_ref().is_some_and(|told| !told.is_empty() && told.len() <= 256);
                assert_eq!(state.status == SiteStatus::Failed, is_told, "{call:?} {how:?} {k}: {state:?}");
                // The program starts anew and is asked for the same.
                call.make(&sites(&stage))
                    .await
                    .unwrap_or_else(|error| panic!("{call:?} {how:?} {k}: {error}"));
                assert_eq!(seen(&stage).await, wanted, "{call:?} {how:?} {k}");
            }
        }
    }
    assert!(broken > 100, "{broken} calls were broken");
}

/// A mailbox that was begun and is not asked for again leaves no password behind.
#[tokio::test(start_paused = true)]
async fn a_mailbox_that_nobody_asks_for_again_is_whole_or_gone() {
    for how in How::ALL {
        for k in 0.. {
            let stage = prepared(&[Call::Enable]).await;
            stage.faults.arm(k, how);
            let _ = until_it_hangs(Call::AddMailbox.make(&sites(&stage))).await;
            if !stage.faults.calm() {
                break;
            }
            let ready = sites(&stage).enable(&slug("shop")).await.unwrap();
            assert_eq!((ready.status, ready.last_error), (SiteStatus::Ready, None), "{how:?} {k}");
            let shown = stage.shown("shop.mail.example").await;
            let mailboxes = shown.matches("ServedMailbox {").count();
            assert!(
                shown.ends_with(&format!("MemorySecrets {{ secrets: {mailboxes} }}")),
                "{how:?} {k}: {shown}"
            );
        }
    }
}

async fn prepared(calls: &[Call]) -> Stage {
    let stage = Stage::new(ZONE);
    for call in calls {
        call.make(&sites(&stage)).await.unwrap();
    }
    stage
}

async fn seen(stage: &Stage) -> String {
    let state = sites(stage).status(&slug("shop")).await.unwrap();
    format!("{state:#?}\n{}", stage.shown("shop.mail.example").await)
}
