//! Wrong passwords and changed ones.

use super::double::PIPELINING;
use super::*;

async fn at_once(pool: &Arc<Pool>, login: &Login, calls: usize) -> Vec<Result<Submission, Fault>> {
    let calls: Vec<_> = (0..calls)
        .map(|number| {
            let (pool, login) = (Arc::clone(pool), login.clone());
            tokio::spawn(async move { pool.submit(&login, &mail(number)).await })
        })
        .collect();
    let mut told = Vec::new();
    for call in calls {
        told.push(call.await.unwrap());
    }
    told
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_shown_to_the_server_once() {
    let server = Arc::new(Double::new(PIPELINING));
    let pool = Arc::new(pool(&server, Limits { per_login: 4, ..LIMITS }));
    let wrong = login("ada", "guess");
    for round in 1..3 {
        for told in at_once(&pool, &wrong, 50).await {
            let Err(Fault::Barred { status, left }) = told else { panic!("{told:?}") };
            assert_eq!((status.code, left), (535, LIMITS.pause));
        }
        tokio::time::sleep(Duration::from_secs(100)).await;
        let told = pool.submit(&wrong, &mail(0)).await;
        assert!(matches!(told, Err(Fault::Barred { left, .. }) if left.as_secs() == 200), "{told:?}");
        assert_eq!(server.seen(|seen| (seen.logins, seen.refused)), (round, round));
        tokio::time::sleep(Duration::from_secs(200)).await;
    }
    // The right one is another login, and so is everybody else's.
    assert!(pool.submit(&ada(), &mail(0)).await.is_ok());
    assert!(pool.submit(&wrong, &mail(1)).await.is_err());
    assert!(pool.submit(&login("bob", "canary"), &mail(2)).await.is_ok());
    assert!(server.seen(|seen| seen.peak) <= 2);
}

#[tokio::test(start_paused = true)]
async fn a_check_logs_in_anew_and_shows_a_wrong_password_once() {
    let server = Arc::new(Double::new(PIPELINING));
    let pool = Arc::new(pool(&server, LIMITS));
    assert!(pool.submit(&ada(), &mail(0)).await.is_ok());
    // The connection that is there proves nothing, and is none of these.
    for logins in 2..4 {
        pool.check(&ada()).await.unwrap();
        assert_eq!(server.seen(|seen| (seen.connections, seen.logins)), (logins, logins));
    }
    let wrong = login("ada", "guess");
    for _ in 0..3 {
        let told = pool.check(&wrong).await;
        assert!(matches!(&told, Err(Fault::Barred { status, .. }) if status.code == 535), "{told:?}");
        assert!(matches!(pool.submit(&wrong, &mail(1)).await, Err(Fault::Barred { .. })));
    }
    assert_eq!(server.seen(|seen| seen.refused), 1);
    let checks: Vec<_> = (0..20)
        .map(|_| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.check(&ada()).await })
        })
        .collect();
    for check in checks {
        check.await.unwrap().unwrap();
    }
    assert!(server.seen(|seen| seen.peak) <= 6, "a few at a time, with those that take leave");
    assert!(pool.submit(&ada(), &mail(2)).await.is_ok());
    assert_eq!(server.taken(), [0, 2]);
}

/// Who knows an old password gets no connection that was opened with the new one.
#[tokio::test(start_paused = true)]
async fn a_connection_serves_its_own_login_only() {
    let server = Arc::new(Double::new(PIPELINING));
    let pool = pool(&server, LIMITS);
    assert!(pool.submit(&ada(), &mail(0)).await.is_ok());
    assert!(matches!(pool.submit(&login("ada", "old"), &mail(1)).await, Err(Fault::Barred { .. })));
    let token = Login::with_token("ada@agents.example".parse().unwrap(), double::PASSWORD.into());
    assert!(matches!(pool.submit(&token, &mail(2)).await, Err(Fault::Protocol(_))));
    assert!(pool.submit(&ada(), &mail(3)).await.is_ok());
    assert_eq!(server.taken(), [0, 3]);
    assert_eq!(server.seen(|seen| (seen.connections, seen.logins)), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn when_one_has_logged_in_the_others_do_so_at_a_time() {
    let mut server = Double::new(PIPELINING);
    server.pace = Duration::from_secs(1);
    let server = Arc::new(server);
    let pool = Arc::new(pool(&server, Limits { per_login: 16, in_all: 16, ..LIMITS }));
    let calls = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { at_once(&pool, &ada(), 16).await }
    });
    // Greeting, EHLO and AUTH take 3 s.
    for open in [1, 16] {
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(server.seen(|seen| seen.connections), open);
        tokio::time::sleep(Duration::from_secs(1) + Duration::from_millis(1)).await;
    }
    assert!(calls.await.unwrap().iter().all(Result::is_ok));
}

/// Ten thousand logins that sent something once cost nothing when their connections are gone.
#[tokio::test(start_paused = true)]
async fn a_login_without_a_connection_costs_nothing() {
    let server = Arc::new(Double::new(PIPELINING));
    let pool = pool(&server, LIMITS);
    for number in 0..100 {
        assert!(pool.submit(&login(&format!("agent{number}"), "canary"), &mail(number)).await.is_ok());
    }
    assert_eq!(pool.shared.ledger().logins(), LIMITS.in_all);
    tokio::time::sleep(LIMITS.idle + Duration::from_secs(1)).await;
    assert_eq!(pool.shared.ledger().logins(), 0);
    assert_eq!(server.seen(|seen| (seen.connections, seen.quits, seen.open)), (100, 100, 0));
}
