//! More callers than connections.

use super::double::PIPELINING;
use super::*;

#[tokio::test(start_paused = true)]
async fn a_thousand_tasks_never_open_a_seventeenth_connection() {
    // All of one login, and each of another one.
    for logins in [1, 1000] {
        let mut server = Double::new(PIPELINING);
        server.pace = Duration::from_millis(5);
        let server = Arc::new(server);
        let pool = Arc::new(pool(&server, Limits { per_login: 16, in_all: 16, ..LIMITS }));
        let tasks: Vec<_> = (0..1000)
            .map(|number| {
                let pool = Arc::clone(&pool);
                let login = login(&format!("agent{}", number % logins), "canary");
                tokio::spawn(async move { (number, Some(pool.submit(&login, &mail(number)).await)) })
            })
            .collect();
        let mut told = Vec::new();
        for task in tasks {
            told.push(task.await.unwrap());
        }
        assert_eq!(judge(&told, &server, "load").ok, 1000);
        let (connections, peak) = server.seen(|seen| (seen.connections, seen.peak));
        assert_eq!(peak, 16);
        assert_eq!(connections, if logins == 1 { 16 } else { 1000 });
        println!("1000 tasks of {logins} logins: {connections} connections, at most {peak} at a time");
    }
}

/// A thousand agents when the server comes back: no more connections than are allowed, no login refused.
#[tokio::test(start_paused = true)]
async fn a_restart_of_the_server_is_no_storm() {
    let mut server = Double::new(PIPELINING);
    server.pace = Duration::from_millis(5);
    let server = Arc::new(server);
    let pool = Arc::new(pool(&server, Limits { per_login: 4, in_all: 16, ..LIMITS }));
    let tasks: Vec<_> = (0..1000)
        .map(|number| {
            let pool = Arc::clone(&pool);
            let login = login(&format!("agent{}", number % 50), "canary");
            tokio::spawn(async move { (number, Some(pool.submit(&login, &mail(number)).await)) })
        })
        .collect();
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.restart();
    }
    let mut told = Vec::new();
    for task in tasks {
        told.push(task.await.unwrap());
    }
    settle().await;
    let told = judge(&told, &server, "restart");
    let (peak, refused) = server.seen(|seen| (seen.peak, seen.refused));
    assert_eq!((peak, refused), (16, 0));
    assert!(told.ok > 900, "{told:?}");
    println!("5 restarts under 1000 calls: {told:?}");
}

/// First come, first served, across logins too.
#[tokio::test(start_paused = true)]
async fn places_are_given_in_the_order_of_the_calls() {
    let mut server = Double::new(PIPELINING);
    server.pace = Duration::from_millis(5);
    let server = Arc::new(server);
    let pool = Arc::new(pool(&server, Limits { per_login: 2, in_all: 2, ..LIMITS }));
    let mut tasks = Vec::new();
    let order = ["ada", "ada", "bob", "eve", "eve", "eve", "ada", "bob", "ada"];
    for (number, name) in order.iter().enumerate() {
        let pool = Arc::clone(&pool);
        let login = login(name, "canary");
        tasks.push(tokio::spawn(async move { pool.submit(&login, &mail(number)).await.is_ok() }));
        // The next one comes later, and long before this one is done.
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    for task in tasks {
        assert!(task.await.unwrap());
    }
    // Two go on at a time, so that neighbours may change places.
    for (place, number) in server.taken().into_iter().enumerate() {
        assert!(place.abs_diff(number) <= 2, "{:?}", server.taken());
    }
    assert_eq!(server.seen(|seen| seen.peak), 2);
}
