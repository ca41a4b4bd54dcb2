//! Waiting for mail.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_answer_that_came_before_the_waiting_is_found_and_events_keep_theirs() {
    for with_store in [true, false] {
        let world = Embedded::new("agents.example".parse().unwrap());
        let mail = if with_store { world.system().build().unwrap() } else { without_store(&world) };
        let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
        bob.send(to(&ada).with_subject("code 1").with_text("Your code is 111222.")).await.unwrap();
        let mut since = ada.cursor().await.unwrap();
        let receipt = ada.send(to(&bob).with_subject("Send me a code")).await.unwrap();
        bob.reply(&unseen(&bob).await, "Your code is 482913. See https://x.example/in?id=7").await.unwrap();
        bob.send(to(&ada).with_subject("code 3").with_text("Your code is 333444.")).await.unwrap();

        let stored = serde_json::to_string(&since).unwrap();
        let answer = Wanted::new().from(bob.address().to_string()).answer_to(receipt.message_id.clone());
        let found = ada.wait_for_code(answer, &mut since, SECOND).await.unwrap().unwrap();
        assert_eq!(found.code().unwrap(), "482913".into_untrusted());
        assert_eq!(found.link().unwrap(), "https://x.example/in?id=7".into_untrusted());
        // The next one is behind it; the stored place finds the first again.
        let next = ada.wait_for_code(Wanted::new(), &mut since, SECOND).await.unwrap().unwrap();
        assert_eq!(next.code().unwrap(), "333444".into_untrusted());
        let before = since.clone();
        assert!(ada.wait_for(&Wanted::new(), &mut since, SECOND).await.unwrap().is_none());
        assert_eq!(since, before);
        let mut again = serde_json::from_str(&stored).unwrap();
        let wanted = Wanted::new().subject("re: send").body("482913").matching(|mail| mail.size() < 10_000);
        assert!(ada.wait_for(&wanted, &mut again, SECOND).await.unwrap().is_some());
        let other = Wanted::new().from("eve");
        assert!(ada.wait_for(&other, &mut again, SECOND).await.unwrap().is_none());

        // The events get all three, and none of them was marked.
        let mut events = ada.events();
        for _ in 0..3 {
            let event = events.next().await.unwrap().unwrap();
            assert!(!event.is_redelivery());
            event.ack().await.unwrap();
        }
        assert_eq!(ada.fetch_unseen(9).await.unwrap().len(), 3);
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn waiting_goes_on_through_outages_and_a_new_numbering() {
    let (world, mail) = world();
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    let mut since = ada.cursor().await.unwrap();
    let wanted = Wanted::new().subject("late");
    let (found, ()) = tokio::join!(ada.wait_for(&wanted, &mut since, Duration::from_mins(10)), async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        world.post_office().fail_next(ada.address(), Fault::FetchUnavailable);
        bob.send(to(&ada).with_subject("other")).await.unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
        world.post_office().reset_uid_validity(ada.address()).unwrap();
        bob.send(to(&ada).with_subject("too late?")).await.unwrap();
    });
    assert_eq!(found.unwrap().unwrap().subject(), "too late?");
    // A dropped wait moves nothing.
    bob.send(to(&ada).with_subject("later")).await.unwrap();
    let before = since.clone();
    drop(
        tokio::time::timeout(
            Duration::ZERO,
            ada.wait_for(&Wanted::new().subject("never"), &mut since, SECOND),
        )
        .await,
    );
    assert_eq!(since, before);
    assert_eq!(ada.wait_for(&wanted, &mut since, SECOND).await.unwrap().unwrap().subject(), "later");
    // An error that no waiting mends is told at once.
    mail.retire(&id("ada")).await.unwrap();
    let error = ada.wait_for(&wanted, &mut since, Duration::from_hours(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
}

#[derive(Debug)]
struct NoSpam;

#[async_trait]
impl InboundCheck for NoSpam {
    async fn check(&self, _agent: &AgentId, message: &Inbound) -> Result<Admission, Error> {
        let spam = message.subject().is_some_and(|subject| subject.contains("spam"));
        Ok(if spam { Admission::Drop("spam".to_owned()) } else { Admission::Deliver })
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_check_drops_is_not_waited_for() {
    let world = Embedded::new("agents.example".parse().unwrap());
    let mail = world.system().inbound_check(Arc::new(NoSpam)).build().unwrap();
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    let mut since = ada.cursor().await.unwrap();
    for subject in ["spam", "ham"] {
        bob.send(to(&ada).with_subject(subject)).await.unwrap();
    }
    assert_eq!(ada.wait_for(&Wanted::new(), &mut since, SECOND).await.unwrap().unwrap().subject(), "ham");
}

#[tokio::test(start_paused = true)]
async fn all_of_it_runs_in_a_task_of_its_own() {
    let (_world, mail) = world();
    let task = tokio::spawn(async move {
        let ada = agent(&mail, "ada").await;
        let mut since = ada.cursor().await?;
        ada.send(to(&ada).with_subject("x")).await?;
        let found = ada.wait_for(&Wanted::new(), &mut since, SECOND).await?;
        let question = found.expect("it came");
        ada.reply_if_latest(&question, Reply::new("y")).await?;
        let place = ada.search(&Query::everything()).await?.remove(0);
        ada.label(&place, &["x"]).await?;
        while let Some(piece) = ada.attachments(&place).next().await {
            piece?;
        }
        ada.draft(to(&ada)).await?.send().await?;
        mail.approvals().pending().await?;
        mail.conversations().await?;
        Ok::<_, Error>(())
    });
    task.await.unwrap().unwrap();
}
