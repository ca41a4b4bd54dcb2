//! The scenes of the account, its tokens and their policies.

use desec_api::Method;
use serde_json::{Value, json};

use super::{Scene, world::World};

pub(crate) const SCENES: &[(&str, Scene)] = &[
    ("account_actions", account_actions),
    ("account_get", account_get),
    ("account_update", |_, _, _| {}),
    ("login", |world, _, _| {
        world.fake.set_password(&PASSWORD.into());
    }),
    ("logout", logout),
    ("policies_create", policies_create),
    ("policies_delete", policies_delete),
    ("policies_effect", policies_effect),
    ("policies_get", policies_get),
    ("policies_list", policies_list),
    ("policies_root", policies_root),
    ("policies_update", policies_update),
    ("register", register),
    ("tokens_create", tokens_create),
    ("tokens_delete", tokens_delete),
    ("tokens_get", tokens_get),
    ("tokens_list", tokens_list),
    ("tokens_restrictions", tokens_restrictions),
    ("tokens_update", tokens_update),
    ("totp", totp),
];

fn account_actions(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => {
            world.account("carol@example.com", "a long password 1");
            world.captcha("9a8de353-e9e4-4a02-8f5a-43c42e086d19", "8ZEA9");
        }
        4 => {
            let (email, new) = ("carol@example.com", "carol2@example.com");
            let body = json!({ "email": email, "password": "another password 5", "new_email": new });
            world.ask(Method::Post, "/api/v1/auth/account/change-email/", &body);
        }
        7 => {
            world.fake.set_password(&PASSWORD.into());
            world.domains(&["example.com"]);
        }
        _ => {}
    }
}

fn account_get(world: &mut World, n: usize, _: &[Value]) {
    match n {
        1 => world.become_token(&json!({})),
        3 => world.secret = "gone".into(),
        7 => {
            world.become_owner();
            world.alias("admin@example.org", &world.fake.email());
            world.fake.set_domain_limit(None);
            world.domains(&["example.com"]);
        }
        _ => {}
    }
}

fn logout(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => world.secret = "gone".into(),
        2 => world.become_token(&json!({})),
        3 => world.become_owner(),
        _ => {}
    }
}

fn policies_create(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => {
            world.domains(&["example.com", "dev.example.com"]);
            world.foreign("bob1.example");
            world.token(TOKEN, &json!({}));
        }
        13 => world.become_token(&json!({})),
        _ => {}
    }
}

fn policies_delete(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => {
            world.domains(&["example.com"]);
            automatic(world);
            world.token(TOKEN, &json!({}));
            policy(world, "", &json!([null, null, null, false]));
            policy(world, "93ebf165-bb71-4171-a06c-ee06322536cd", &json!(["example.com", "", "TXT", true]));
            policy(world, "60f28bfb-a9a6-496c-aa03-10bbe83a2ccf", &json!([null, "www", null, true]));
        }
        3 => world.become_token(&json!({})),
        _ => {}
    }
}

fn policies_effect(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => {
            world.domains(&["example.com", "dev.example.com", "example.org"]);
            world.put("example.com", "", "A", &["192.0.2.80", "192.0.2.81"]);
            world.put("dev.example.com", "www", "CNAME", &["dev.example.com."]);
            world.secret = world.token(TOKEN, &json!({ "perm_delete_domain": true }));
            policy(world, "", &json!([null, null, null, false]));
            policy(world, "", &json!(["example.com", "_acme-challenge", "TXT", true]));
            policy(world, "", &json!(["dev.example.com", null, "A", true]));
            policy(world, "", &json!([null, "www", null, true]));
        }
        14 => {
            let permissions = json!({
                "auto_policy": true, "perm_create_domain": true, "perm_delete_domain": true,
                "perm_manage_tokens": true,
            });
            world.secret = world.token(AUTOMATIC, &permissions);
            let token = format!("Token {}", world.secret);
            world.ask_as(&token, Method::Post, "/api/v1/domains/", &json!({ "name": "auto.example" }));
        }
        _ => {}
    }
}

fn policies_get(world: &mut World, n: usize, _: &[Value]) {
    if n == 0 {
        world.domains(&["example.com"]);
        world.token(TOKEN, &json!({}));
        policy(world, "", &json!([null, null, null, false]));
        policy(world, CHALLENGE, &json!(["example.com", "_acme-challenge", "TXT", true]));
    }
}

fn policies_list(world: &mut World, n: usize, exchanges: &[Value]) {
    match n {
        0 => {
            world.domains(&["example.com", "dev.example.com"]);
            world.secret = world.token(TOKEN, &json!({}));
            for found in exchanges[0]["response"]["body"].as_array().unwrap().iter().rev() {
                let parts = ["domain", "subname", "type", "perm_write"].map(|name| found[name].clone());
                policy(world, "", &json!(parts));
            }
        }
        1 => world.become_token(&json!({})),
        2 => world.become_owner(),
        _ => {}
    }
}

fn policies_root(world: &mut World, _: usize, _: &[Value]) {
    world.token(TOKEN, &json!({}));
}

fn policies_update(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => {
            world.domains(&["example.com"]);
            automatic(world);
            world.token(TOKEN, &json!({}));
            let default = "ff6c7dc3-5e73-4ddb-b77d-d7e8e558f98b";
            policy(world, default, &json!([null, null, null, false]));
            policy(world, CHALLENGE, &json!(["example.com", "_acme-challenge", "TXT", true]));
            policy(world, "", &json!(["example.com", "", "TXT", true]));
        }
        8 => world.become_token(&json!({})),
        _ => {}
    }
}

fn register(world: &mut World, n: usize, _: &[Value]) {
    match n {
        3 => world.captcha("92e40d87-c497-4872-85aa-3e7a9a81ec62", "W6BLR"),
        9 => world.captcha("12532124-5e3f-491c-8e44-69f5c4dd0933", "SZYFU"),
        13 => world.captcha("966a8946-a24f-451f-beaf-ef893d46d1bc", "DX653"),
        _ => {}
    }
}

fn tokens_create(world: &mut World, n: usize, _: &[Value]) {
    if n == 20 {
        world.become_token(&json!({}));
    }
}

fn tokens_delete(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => {
            world.token(ONE, &json!({}));
            world.become_token(&json!({}));
        }
        1 | 4 => world.become_owner(),
        3 => world.secret = "gone".into(),
        _ => {}
    }
}

fn tokens_get(world: &mut World, n: usize, _: &[Value]) {
    if n == 0 {
        world.token(ONE, &json!({ "name": "my new token" }));
    }
}

fn tokens_list(world: &mut World, n: usize, exchanges: &[Value]) {
    match n {
        0 => {
            world.fake.set_password(&PASSWORD.into());
            let path = "/api/v1/auth/tokens/";
            let first = world.ask(Method::Get, path, &Value::Null)[0]["id"].clone();
            let path = format!("{path}{}/", first.as_str().unwrap());
            world.ask(Method::Patch, &path, &json!({ "name": "full" }));
            for token in exchanges[0]["response"]["body"].as_array().unwrap().iter().rev().skip(1) {
                if token["mfa"].is_null() {
                    world.token("", token);
                } else {
                    let body = json!({ "email": world.fake.email(), "password": PASSWORD });
                    world.ask(Method::Post, "/api/v1/auth/login/", &body);
                }
            }
        }
        1 => world.become_token(&json!({})),
        _ => {}
    }
}

fn tokens_restrictions(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => {
            world.domains(&["example.com"]);
            world.become_token(&json!({ "allowed_subnets": ["203.0.113.77"] }));
        }
        1 => world.fake.set_client_address([203, 0, 113, 77].into()),
        2 => {
            let settings = json!({ "name": "expired", "max_age": "0" });
            world.secret = world.token("3173885a-ba5d-481c-ac73-3da2facde266", &settings);
        }
        3 => world.become_owner(),
        4 => world.become_token(&json!({ "max_age": "00:01:00" })),
        5 => world.become_token(&json!({ "max_unused_period": "00:00:00" })),
        _ => {}
    }
}

fn tokens_update(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => {
            let settings = json!({ "name": "renamed", "perm_create_domain": true, "max_age": "1" });
            world.token(ONE, &settings);
        }
        5 => world.become_token(&json!({})),
        6 => world.become_owner(),
        _ => {}
    }
}

fn totp(world: &mut World, n: usize, _: &[Value]) {
    if [0, 5].contains(&n) {
        world.fake.set_password(&PASSWORD.into());
        let body = json!({ "email": world.fake.email(), "password": PASSWORD });
        let login = world.ask(Method::Post, "/api/v1/auth/login/", &body);
        login["token"].as_str().unwrap().clone_into(&mut world.secret);
    }
    if n == 6 {
        world.become_owner();
    }
}

// A token with a policy that the server made.
fn automatic(world: &mut World) {
    world.token(AUTOMATIC, &json!({ "auto_policy": true }));
    let path = world.translated(&format!("/api/v1/auth/tokens/{AUTOMATIC}/policies/rrsets/"));
    let policies = world.ask(Method::Get, &path, &Value::Null);
    world.alias("7bac7cad-04aa-42e9-b823-698b22915387", policies[0]["id"].as_str().unwrap());
}

fn policy(world: &mut World, recorded: &str, parts: &Value) {
    let path = world.translated(&format!("/api/v1/auth/tokens/{TOKEN}/policies/rrsets/"));
    let body = json!({
        "domain": parts[0], "subname": parts[1], "type": parts[2], "perm_write": parts[3],
    });
    let policy = world.ask(Method::Post, &path, &body);
    world.alias(recorded, policy["id"].as_str().unwrap());
}

const PASSWORD: &str = "correct horse battery";
// Tokens and a policy of the recordings.
const TOKEN: &str = "54fcbbfe-f029-4280-943b-e6db8f4574c6";
const AUTOMATIC: &str = "1cdc6f35-6245-423e-8557-f9421927fc39";
const ONE: &str = "844819f5-95d1-48ab-b69b-46016e60506a";
const CHALLENGE: &str = "3df3983f-c52b-4584-b57f-c60ad6c89c00";
