//! Drafts that live on the server.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_draft_is_edited_found_again_and_sent_once() {
    let world = World::new();
    let mail = world.system().build().unwrap();
    let (ada, bob) = two(&mail).await;
    let first = ada.draft(NewMessage::default().with_subject("Engines")).await.unwrap();
    let other = ada.draft(NewMessage::to(bob.address()).with_text("later")).await.unwrap();
    let second = first
        .edit(NewMessage::to(bob.address()).with_subject("Engines").with_text("Do they?"))
        .await
        .unwrap();
    assert_eq!((second.id(), second.revision()), (first.id(), 2));
    assert_eq!(first.edit(NewMessage::default()).await.unwrap_err().kind(), ErrorKind::Stale);
    assert_eq!(first.send().await.unwrap_err().kind(), ErrorKind::Stale);
    assert_eq!(first.discard().await.unwrap_err().kind(), ErrorKind::Stale);

    let mail = world.system().build().unwrap();
    let ada = mail.open(&id("ada")).await.unwrap();
    let drafts = ada.drafts().await.unwrap();
    assert_eq!(drafts.iter().map(agent_mail::Draft::id).collect::<Vec<_>>(), [other.id(), second.id()]);
    let draft = ada.open_draft(first.id()).await.unwrap();
    assert_eq!(draft.message(), second.message());
    draft.send().await.unwrap();
    assert_eq!(draft.send().await.unwrap_err().kind(), ErrorKind::NotFound);
    drafts[0].discard().await.unwrap();
    drafts[0].discard().await.unwrap();
    assert!(ada.drafts().await.unwrap().is_empty());
    deliver(&mail).await;
    let got = bob.fetch_unseen(9).await.unwrap();
    assert_eq!((got.len(), *got[0].subject().as_ref().expose()), (1, "Engines"));
    assert!(
        got[0].message().expose().header("X-Draft-Revision").is_none(),
        "the outside sees no trace of it"
    );
    assert_eq!(
        ada.draft(NewMessage::default().with_subject("a\nb")).await.unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    // One without a recipient is no mail yet.
    let empty = ada.draft(NewMessage::default()).await.unwrap();
    assert_eq!(empty.send().await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(ada.drafts().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_draft_of_a_person_s_mail_program_is_one_too() {
    let world = World::new();
    let mail = world.system().build().unwrap();
    let (ada, bob) = two(&mail).await;
    let draft = ada.draft(NewMessage::to(bob.address()).with_text("by an agent")).await.unwrap();
    let login = login(&world, &ada);
    let folder: FolderName = "Drafts".parse().unwrap();
    let office = world.embedded.post_office();
    let theirs = format!(
        "From: {}\r\nTo: {}\r\nMessage-ID: <p@x.example>\r\nSubject: p\r\n\r\nby a person\r\n",
        ada.address(),
        bob.address()
    );
    office.append(&login, &folder, theirs.as_bytes(), &[Flag::Draft], None).await.unwrap();
    let drafts = ada.drafts().await.unwrap();
    assert_eq!(drafts.len(), 2);
    assert_eq!((drafts[1].revision(), drafts[1].message().text()), (0, Some("by a person")));
    let edited = drafts[1].edit(drafts[1].message().clone().with_text("by both")).await.unwrap();
    assert_eq!(edited.revision(), 1);
    edited.send().await.unwrap();
    // A mail program has opened the agent's before it is sent, and saves it after that: no edit is thrown away.
    draft.send().await.unwrap();
    let saved = draft.message().clone().with_text("by a person, late");
    let saved = saved.draft(&ada.contact(), draft.id(), SystemTime::UNIX_EPOCH, 1).unwrap();
    office.append(&login, &folder, &saved, &[Flag::Draft], None).await.unwrap();
    let late = ada.drafts().await.unwrap();
    assert_eq!((late.len(), late[0].message().text()), (1, Some("by a person, late")));
    assert_eq!(late[0].send().await.unwrap_err().kind(), ErrorKind::AlreadyExists);
}

#[tokio::test(start_paused = true)]
async fn a_draft_survives_every_dropped_call_and_is_sent_once() {
    let mut most = 0;
    for step in ["edit", "send"] {
        let (mut points, mut ended) = (0, false);
        while !ended {
            let world = World::new();
            let office = Arc::new(world.embedded.post_office().clone());
            let paused = Arc::new(Pausing::new(office, 0));
            let state = Arc::new(Pausing::new(Arc::new(agent_mail::MemoryState::default()), 0));
            let build = || {
                let system = world.system().mail_access(paused.clone()).message_store(paused.clone());
                system.state(state.clone() as Arc<dyn StateStore>).build().unwrap()
            };
            let mail = build();
            let (ada, bob) = two(&mail).await;
            let draft = ada.draft(NewMessage::to(bob.address()).with_text("one")).await.unwrap();
            ended = if step == "edit" {
                let edit = draft.edit(NewMessage::to(bob.address()).with_text("two"));
                drop_after(points, edit).await.is_some()
            } else {
                drop_after(points, draft.send()).await.is_some()
            };
            let mail = build();
            let ada = mail.open(&id("ada")).await.unwrap();
            let drafts = ada.drafts().await.unwrap();
            let sent = queued(&ada).await.len();
            assert_eq!(drafts.len() + sent, 1, "{step}, dropped after {points} polls");
            for draft in &drafts {
                draft.send().await.unwrap();
            }
            assert_eq!(queued(&ada).await.len(), 1);
            let login = login(&world, &ada);
            let folder: FolderName = "Drafts".parse().unwrap();
            assert!(ada.drafts().await.unwrap().is_empty());
            let left =
                world.embedded.post_office().search(&login, &folder, &Query::everything()).await.unwrap();
            assert!(
                left.uids.is_empty(),
                "{step}, dropped after {points} polls: nothing is left of older revisions"
            );
            points += 1;
        }
        most = most.max(points);
        println!("{step}: dropped at {points} points");
    }
    assert!(most > 15, "{most}");
}

#[tokio::test(start_paused = true)]
async fn a_draft_that_needs_approval_stays_until_then() {
    let world = World::new();
    let mail = world.asking(None);
    let (ada, bob) = two(&mail).await;
    let draft = ada.draft(offer(&bob)).await.unwrap();
    let names: Vec<_> = [draft.send().await, draft.send().await]
        .into_iter()
        .map(|sent| sent.unwrap_err().code().unwrap().to_owned())
        .collect();
    assert_eq!(names[0], names[1], "it is asked about once");
    assert_eq!(ada.drafts().await.unwrap().len(), 1);
    let pending = mail.approvals().pending().await.unwrap();
    mail.approvals().approve(&pending[0], "Eve", "").await.unwrap();
    assert!(ada.drafts().await.unwrap().is_empty());
    deliver(&mail).await;
    assert_eq!(bob.fetch_unseen(9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_store_there_are_no_drafts() {
    let world = Embedded::new("agents.example".parse().unwrap());
    let mail = AgentMail::builder("agents.example".parse().unwrap())
        .provisioner(Arc::new(world.clone()))
        .mail_access(Arc::new(world.post_office().clone()))
        .build()
        .unwrap();
    let ada = mail.provision(&id("ada")).await.unwrap();
    assert_eq!(ada.draft(NewMessage::default()).await.unwrap_err().kind(), ErrorKind::Unsupported);
}
