//! The time for a decision, which somebody keeps.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_courier_keeps_the_time_though_nobody_looks() {
    let world = World::new();
    let mail = world.asking(Some((Duration::from_hours(1), Overdue::Send)));
    let courier = mail.courier();
    let (ada, bob) = two(&mail).await;
    let work = async {
        let early = held(&ada, offer(&bob)).await;
        tokio::time::sleep(Duration::from_mins(20)).await;
        let late = held(&ada, offer(&bob).with_subject("later")).await;
        tokio::time::sleep(Duration::from_mins(39)).await;
        assert!(ada.held().await.unwrap().iter().all(|held| held.decision.is_none()));
        tokio::time::sleep(Duration::from_secs(62)).await;
        let decided: Vec<_> =
            ada.held().await.unwrap().into_iter().filter(|held| held.decision.is_some()).collect();
        assert_eq!(decided.iter().map(|held| &held.id).collect::<Vec<_>>(), [&early]);
        assert!(decided[0].decision.as_ref().unwrap().by.is_none());
        tokio::time::sleep(Duration::from_mins(20)).await;
        assert!(ada.held().await.unwrap().iter().all(|held| held.decision.is_some()), "{late}");
        assert_eq!(bob.fetch_unseen(9).await.unwrap().len(), 2);
    };
    Box::pin(courier.run(work)).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_time_sends_rejects_or_keeps_also_after_a_restart() {
    for (then, pending, sent) in [(Overdue::Send, 0, 1), (Overdue::Reject, 0, 0), (Overdue::Keep, 1, 0)] {
        let world = World::new();
        let terms = Some((Duration::from_hours(1), then));
        let name = {
            let mail = world.asking(terms);
            let (ada, bob) = two(&mail).await;
            let name = held(&ada, offer(&bob)).await;
            tokio::time::sleep(Duration::from_mins(59)).await;
            let waiting = mail.approvals().pending().await.unwrap();
            assert!(waiting.len() == 1 && !waiting[0].overdue);
            name
        };
        tokio::time::sleep(Duration::from_mins(2)).await;
        // The time was over while no program ran. Terms that are set anew are for what comes.
        let mail = world.asking(None);
        let ada = mail.open(&id("ada")).await.unwrap();
        let left = mail.approvals().pending().await.unwrap();
        assert_eq!((left.len(), queued(&ada).await.len()), (pending, sent), "{then:?}");
        let held = mail.approvals().get(&name).await.unwrap();
        assert_eq!(held.decision.is_none(), then == Overdue::Keep);
        assert_eq!(held.overdue, then == Overdue::Keep);
        assert!(held.decision.is_none_or(|decision| decision.by.is_none()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_news_tell_what_waits_and_each_change() {
    let world = World::new();
    let mail = world.asking(Some((Duration::from_hours(1), Overdue::Reject)));
    let (ada, bob) = two(&mail).await;
    let first = held(&ada, offer(&bob)).await;
    let desk = mail.approvals();
    let mut news = desk.news();
    assert_eq!(news.next().await.unwrap().id, first);
    let quiet = tokio::time::timeout(Duration::from_mins(5), news.next()).await;
    assert!(quiet.is_err(), "nothing new");
    let (second, told) = tokio::join!(held(&ada, offer(&bob)), news.next());
    let told = told.unwrap();
    assert_eq!(told.id, second);
    desk.edit(&told, "Eve", offer(&bob).with_subject("x")).await.unwrap();
    assert_eq!(news.next().await.unwrap().revisions.len(), 2);
    desk.approve(&desk.get(&second).await.unwrap(), "Eve", "").await.unwrap();
    assert!(news.next().await.unwrap().decision.is_some());
    // Nobody decides on the first one: the listener keeps the time.
    let over = news.next().await.unwrap();
    assert_eq!((over.id, over.decision.unwrap().verdict), (first, Verdict::Rejected));
}
