//! The state of a server that does not change.

use serde_json::{Value, json};

use super::state::Reply;

pub(super) fn list_containers() -> Reply {
    let running = |name: &&str| {
        let container = json!({
            "type": "info",
            "container": name,
            "state": "running",
            "started_at": "2026-01-01T07:00:00.000000000Z",
            "image": format!("registry.example/{name}:1.0"),
        });
        ((*name).to_owned(), container)
    };
    Reply::Json(Value::Object(CONTAINERS.iter().map(running).collect()))
}

/// All containers measure the same.
pub(super) fn get_container() -> Reply {
    Reply::Json(json!([{
        "read": "2026-11-20T08:00:00Z",
        "cpu_stats": {"cpu_usage": {"total_usage": 123}, "online_cpus": 2},
        "memory_stats": {"usage": 1_000_000, "limit": 2_000_000},
    }]))
}

pub(super) fn get_disk() -> Reply {
    let disk =
        json!({"type": "info", "disk": "/dev/sda1", "used": "11G", "total": "252G", "used_percent": "13%"});
    Reply::Json(disk)
}

pub(super) fn get_host() -> Reply {
    Reply::Json(json!({
        "cpu": {"cores": 2, "usage": 3.5},
        "memory": {"total": 25_197_035_520_i64, "usage": 4.1, "swap": [0, 0, 0, 0, 0, 0]},
        "uptime": 123_456.7,
        "system_time": "20.11.2026 09:00:00",
        "architecture": "x86_64",
    }))
}

/// The fake is not connected to the internet, so that it does not know its public addresses.
pub(super) fn get_addresses() -> Reply {
    Reply::Json(json!({"ipv4": false, "ipv6": false}))
}

const CONTAINERS: [&str; 18] = [
    "unbound-mailcow",
    "mysql-mailcow",
    "redis-mailcow",
    "clamd-mailcow",
    "rspamd-mailcow",
    "php-fpm-mailcow",
    "sogo-mailcow",
    "dovecot-mailcow",
    "postfix-mailcow",
    "memcached-mailcow",
    "nginx-mailcow",
    "acme-mailcow",
    "netfilter-mailcow",
    "watchdog-mailcow",
    "dockerapi-mailcow",
    "olefy-mailcow",
    "ofelia-mailcow",
    "postfix-tlspol-mailcow",
];
