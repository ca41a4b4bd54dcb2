//! The pool with a server that keeps count of everything.

use std::collections::HashMap;

use super::*;

mod cancel;
mod double;
mod health;
mod load;
mod logins;
mod own;
mod random;
mod runtimes;
mod stalls;
mod sweep;

use double::Double;

/// Few connections and the times of the defaults.
const LIMITS: Limits = Limits {
    per_login: 1,
    in_all: 4,
    messages: 1000,
    idle: Duration::from_mins(1),
    wait: Duration::from_mins(5),
    pause: Duration::from_mins(5),
};

fn pool(server: &Arc<Double>, limits: Limits) -> Pool {
    let endpoint = Endpoint::new("mail.agents.example", 465).unwrap();
    let connector = Arc::clone(server) as Arc<dyn Connector>;
    Pool::new(connector, endpoint, Security::ImplicitTls, limits)
}

fn login(name: &str, password: &str) -> Login {
    Login::new(format!("{name}@agents.example").parse().unwrap(), password.into())
}

fn ada() -> Login {
    login("ada", double::PASSWORD)
}

/// A message that the server tells from others by its number.
fn mail(number: usize) -> Outgoing {
    let (ada, bob) = ("ada@agents.example".parse().unwrap(), "bob@x.example".parse().unwrap());
    let id = format!("{number}@agents.example").parse().unwrap();
    let text = format!("Subject: {number}\r\n\r\n.y\r\n");
    Outgoing::restore(ada, vec![bob], id, text.into_bytes()).unwrap()
}

/// What callers were told about their messages, by outcome.
#[derive(Debug, Default)]
struct Told {
    ok: usize,
    not: usize,
    unknown: usize,
    dropped: usize,
}

/// Compares what callers were told (`None` after a dropped call) with what the server took.
fn judge(told: &[(usize, Option<Result<Submission, Fault>>)], server: &Double, context: &str) -> Told {
    let mut taken: HashMap<usize, usize> = HashMap::new();
    for number in server.taken() {
        *taken.entry(number).or_default() += 1;
    }
    let mut sum = Told::default();
    for (number, outcome) in told {
        let times = taken.remove(number).unwrap_or(0);
        let (fine, count) = match outcome {
            // The answer is its own and nobody else's.
            Some(Ok(done)) => (times == 1 && done.status.text == number.to_string(), &mut sum.ok),
            Some(Err(Fault::Interrupted(_))) => (times <= 1, &mut sum.unknown),
            Some(Err(_)) => (times == 0, &mut sum.not),
            None => (times <= 1, &mut sum.dropped),
        };
        assert!(fine, "{context}: {number} was taken {times} times and told as {outcome:?}");
        *count += 1;
    }
    assert!(taken.is_empty(), "{context}: nobody asked for {taken:?}");
    sum
}

/// Lets everything that is on its way come to its end.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}

/// How many runs a test with random input makes.
fn cases() -> usize {
    proptest::test_runner::Config::default().cases as usize
}
