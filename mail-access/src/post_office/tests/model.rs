use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
/// What somebody does to Bob's mailbox; messages are meant by their place among those that are there.
#[derive(Clone, Debug)]
enum Step {
    Submit(usize),
    MarkSeen(Vec<usize>),
    Expunge(Vec<usize>),
    Renumber,
    Fetch { after: usize, limit: usize },
    FetchUids { places: Vec<usize>, limit: usize },
    FetchUnseen { limit: usize },
    FetchById { which: usize, limit: usize },
}

/// The mailbox as its owner imagines it.
#[derive(Default)]
struct Model {
    messages: Vec<Imagined>,
    next_uid: u32,
}

#[derive(Clone)]
struct Imagined {
    uid: u32,
    seen: bool,
    which: usize,
}

impl Model {
    fn uids(&self, places: &[usize]) -> Vec<Uid> {
        // A place past the end stands for a UID that is not there.
        let uid = |place: &usize| self.messages.get(*place).map_or(self.next_uid + 7, |message| message.uid);
        places.iter().map(|place| Uid::new(uid(place)).unwrap()).collect()
    }

    fn matching(&self, matches: impl Fn(&Imagined) -> bool, limit: usize) -> (Vec<(u32, bool)>, bool) {
        let all: Vec<_> = self.messages.iter().filter(|message| matches(message)).collect();
        let first = all.iter().take(limit.max(1)).map(|message| (message.uid, message.seen)).collect();
        (first, all.len() > limit.max(1))
    }
}

proptest! {
    #[test]
    fn any_sequence_of_calls_ends_as_its_owner_imagines(steps in vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (office, bob) = (office(), login("bob"));
            // Few enough that the same Message-ID comes again and again; the last one is never sent.
            let known = [(); 3].map(|()| message(&["bob@agents.example"]));
            let mut model = Model { next_uid: 1, ..Model::default() };
            let mut uid_validity = inbox(&office, "bob").await.uid_validity;
            for step in steps {
                let (selection, expected) = match step {
                    Step::Submit(which) => {
                        office.submit(&login("ada"), &known[which]).await.unwrap();
                        model.messages.push(Imagined { uid: model.next_uid, seen: false, which });
                        model.next_uid += 1;
                        continue;
                    }
                    Step::MarkSeen(places) => {
                        let uids = model.uids(&places);
                        office.mark_seen(&bob, uid_validity, &uids).await.unwrap();
                        for message in &mut model.messages {
                            message.seen |= uids.iter().any(|uid| uid.get() == message.uid);
                        }
                        continue;
                    }
                    Step::Expunge(places) => {
                        let uids = model.uids(&places);
                        office.expunge(bob.address(), &uids).unwrap();
                        model.messages.retain(|message| !uids.iter().any(|uid| uid.get() == message.uid));
                        continue;
                    }
                    Step::Renumber => {
                        office.reset_uid_validity(bob.address()).unwrap();
                        let stale = office.fetch(&bob, &Selection::Uids(uid_validity, vec![]), 1).await;
                        prop_assert!(matches!(stale, Err(Error::Renumbered { .. })), "{stale:?}");
                        uid_validity = inbox(&office, "bob").await.uid_validity;
                        model.next_uid = 1;
                        for message in &mut model.messages {
                            message.uid = model.next_uid;
                            model.next_uid += 1;
                        }
                        continue;
                    }
                    Step::Fetch { after, limit } => {
                        let uid = model.messages.get(after).map_or(0, |message| message.uid);
                        let selection = Selection::After(Some(Position { uid_validity, uid }));
                        ((selection, limit), model.matching(|message| message.uid > uid, limit))
                    }
                    Step::FetchUids { places, limit } => {
                        let uids = model.uids(&places);
                        let expected =
                            model.matching(|message| uids.iter().any(|uid| uid.get() == message.uid), limit);
                        ((Selection::Uids(uid_validity, uids), limit), expected)
                    }
                    Step::FetchUnseen { limit } => {
                        ((Selection::Unseen, limit), model.matching(|message| !message.seen, limit))
                    }
                    Step::FetchById { which, limit } => {
                        let selection = Selection::MessageId(known[which].message_id().clone());
                        ((selection, limit), model.matching(|message| message.which == which, limit))
                    }
                };
                let batch = office.fetch(&bob, &selection.0, selection.1).await.unwrap();
                let found: Vec<_> = batch.messages.iter().map(|m| (m.uid().get(), m.is_seen())).collect();
                prop_assert_eq!((found, batch.more), expected, "{:?}", selection);
                prop_assert_eq!(batch.uid_validity, uid_validity);
            }
            Ok(())
        })?;
    }
}

fn step() -> impl Strategy<Value = Step> {
    let places = || vec(0_usize..8, 0..5);
    prop_oneof![
        5 => (0_usize..2).prop_map(Step::Submit),
        2 => places().prop_map(Step::MarkSeen),
        1 => places().prop_map(Step::Expunge),
        1 => Just(Step::Renumber),
        3 => (0_usize..8, 0_usize..8).prop_map(|(after, limit)| Step::Fetch { after, limit }),
        2 => (places(), 0_usize..8).prop_map(|(places, limit)| Step::FetchUids { places, limit }),
        2 => (0_usize..8).prop_map(|limit| Step::FetchUnseen { limit }),
        2 => (0_usize..3, 0_usize..8).prop_map(|(which, limit)| Step::FetchById { which, limit }),
    ]
}
