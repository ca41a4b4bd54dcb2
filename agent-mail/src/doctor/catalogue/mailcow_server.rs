//! What Mailcow answers when the trouble is its own or that of the key, and the kinds that its client makes of that.

use super::mailcow::Codes;

pub(super) const CODES: &[Codes] = &[
    Codes {
        any_of: &["wrong_key"],
        cause: "the API key is unknown or inactive, or did not arrive",
        fix: "set a key that is active on this server; don't repeat the call: about ten of them ban the address of this host",
    },
    Codes { any_of: &["read_only_key"], cause: "the API key may only read", fix: "use the read-write key" },
    Codes {
        any_of: &["address_not_allowed"],
        cause: "the API key is not for the address of this host",
        fix: "add the address of this host to the key's list of allowed addresses; don't repeat the call",
    },
    Codes {
        any_of: &["proxy_denied"],
        cause: "a proxy in front of Mailcow wants another credential",
        fix: "give the client the credential of the proxy",
    },
    Codes {
        any_of: &[
            "no_active_admin",
            "last_key",
            "login_failed",
            "authsource_in_use",
            "set_acl_failed",
            "unlimited_quota_acl",
            "extra_acl_invalid",
            "extra_acl_invalid_domain",
            "demo_mode_enabled",
        ],
        cause: "the server doesn't allow this to this user, or not to the last one",
        fix: "do it with an administrator's read-write key",
    },
    Codes {
        any_of: &["mysql_error"],
        cause: "the database refuses, mostly because a value is there already",
        fix: "read back what is there before it is sent again",
    },
    Codes {
        any_of: &[
            "redis_error",
            "generic_server_error",
            "temp_error",
            "unknown",
            "file_open_error",
            "nginx_reload_failed",
            "global_filter_write_error",
            "global_map_write_error",
            "dockerapi_error",
        ],
        cause: "a service behind Mailcow failed",
        fix: "look at the containers of mailcow and try again",
    },
    Codes {
        any_of: &["release_send_failed"],
        cause: "the message can't be handed to Postfix",
        fix: "look at the container postfix of mailcow, then release it again",
    },
    Codes {
        any_of: &["ham_learn_error", "spam_learn_error"],
        cause: "Rspamd doesn't learn the message: it has learned it already, or doesn't answer",
        fix: "look at the container rspamd of mailcow; a message that was learned needs nothing more",
    },
    Codes {
        any_of: &["back_end_down"],
        cause: "Mailcow, or a service behind it (database, Redis, dockerapi, PHP), is down or starting",
        fix: "look at the containers of mailcow and try again later",
    },
    Codes {
        any_of: &["unreachable"],
        cause: "no connection to the server comes about, or it was lost",
        fix: "check the address of the server, its TLS certificate, and whether this host is banned",
    },
    Codes {
        any_of: &["wrong_server"],
        cause: "there is another server than Mailcow at this address, or another version of it",
        fix: "check the base URL and the version of Mailcow",
    },
    Codes {
        any_of: &["other"],
        cause: "Mailcow says something that this catalogue doesn't know",
        fix: "look the code up in the documentation of Mailcow",
    },
    Codes {
        any_of: &["partly_done"],
        cause: "not all items of the call were carried out",
        fix: "see what is known of each item, and read back those that are unknown",
    },
    Codes {
        any_of: &["unknown_outcome"],
        cause: "nobody knows whether the write was carried out: Mailcow answers so after an error of its own, too",
        fix: "read back what is there before it is sent again",
    },
    Codes {
        any_of: &["unexpected_answer"],
        cause: "the answer is none that Mailcow gives",
        fix: "check the version of Mailcow, and that nothing in front of it alters its answers",
    },
];
