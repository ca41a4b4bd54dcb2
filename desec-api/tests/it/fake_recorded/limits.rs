//! The scenes of the limits, and of what the web server in front says.

use std::time::Duration;

use desec_api::{Fault, Method};
use serde_json::{Value, json};

use super::{Scene, world::World, zones::DYNDNS};

pub(crate) const SCENES: &[(&str, Scene)] = &[
    ("auth_header", |world, n, _| {
        world.domains(&["example.com"]);
        if n == 4 {
            world.leave_out(DYNDNS);
        }
    }),
    ("checkip", |world, _, _| world.leave_out(DYNDNS)),
    ("dyndns_errors", |world, _, _| world.leave_out(DYNDNS)),
    ("dyndns_throttled", |world, _, _| world.leave_out(DYNDNS)),
    ("dyndns_update", |world, _, _| world.leave_out(DYNDNS)),
    ("errors_transport", errors_transport),
    ("root", |world, n, _| match n {
        2 => world.leave_out("version 2 is not here"),
        3 => world.leave_out(METHOD),
        _ => {}
    }),
    ("throttle_account", throttle_account),
    ("throttle_daily", throttle_daily),
    ("throttle_long", throttle_long),
    ("throttle_nginx", |world, _, _| {
        world.fake.inject(Fault::Throttled { retry_after: None });
    }),
    ("throttle_reads", throttle_reads),
    ("throttle_writes", throttle_writes),
];

fn errors_transport(world: &mut World, n: usize, _: &[Value]) {
    world.domains(&["example.com"]);
    match n {
        2 => world.body = Some(vec![b' '; 1_126_402]),
        5..=8 => world.leave_out(METHOD),
        _ => {}
    }
}

fn throttle_account(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => world.secret = "gone".into(),
        1 => world.become_token(&json!({})),
        2 => {
            world.fake.throttle(true);
            let path = "/api/v1/auth/account/reset-password/".to_owned();
            world.before = (Method::Post, path, 3, Duration::from_millis(100));
        }
        3 => {
            let path = "/api/v1/auth/login/".to_owned();
            world.before = (Method::Post, path, 50, Duration::from_millis(100));
        }
        _ => {}
    }
}

// The recorded account had a personal limit of 4 requests a day; here it is the usual one.
fn throttle_daily(world: &mut World, n: usize, exchanges: &[Value]) {
    if n == 0 {
        world.seed(&exchanges[0]["response"]["body"]);
        world.fake.throttle(true);
        let path = "/api/v1/domains/".to_owned();
        world.before = (Method::Get, path, 1_999, Duration::from_millis(1_300));
    }
}

fn throttle_long(world: &mut World, n: usize, _: &[Value]) {
    let (path, times, seconds) = match n {
        0 => ("/api/v1/domains/example.com/rrsets/", 100, 5),
        1 => ("/api/v1/domains/example.com/rrsets/", 300, 37),
        _ => ("/api/v1/domains/", 1000, 3),
    };
    world.restart(&["example.com"]);
    world.fake.throttle(true);
    world.before = (Method::Post, path.to_owned(), times, Duration::from_secs(seconds));
}

fn throttle_reads(world: &mut World, n: usize, _: &[Value]) {
    if n == 0 {
        world.domains(&["dev.example.com"]);
        world.fake.throttle(true);
        let path = "/api/v1/domains/".to_owned();
        world.before = (Method::Get, path, 50, Duration::from_millis(130));
    }
}

fn throttle_writes(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => {
            world.domains(&["example.com", "dev.example.com"]);
            world.put("example.com", "www", "A", &["192.0.2.1", "192.0.2.2"]);
            world.fake.throttle(true);
        }
        3 => world.become_token(&json!({})),
        4 => {
            world.become_owner();
            let path = "/api/v1/domains/example.com/rrsets/".to_owned();
            world.before = (Method::Patch, path, 13, Duration::from_millis(1100));
        }
        _ => {}
    }
}

const METHOD: &str = "a method that the client does not have";
