//! What Mailcow answers to a request that can't be carried out.

/// What several codes mean.
pub(super) struct Codes {
    pub(super) any_of: &'static [&'static str],
    pub(super) cause: &'static str,
    pub(super) fix: &'static str,
}

pub(super) const CODES: &[Codes] = &[
    Codes {
        any_of: &["object_exists"],
        cause: "there is a mailbox, resource or user of this name already",
        fix: "use what is there, or choose another name",
    },
    Codes {
        any_of: &["domain_exists"],
        cause: "the domain is there already, by itself or as another name of one that is",
        fix: "use the domain that is there, or remove the alias domain of this name",
    },
    Codes {
        any_of: &["is_alias", "is_spam_alias"],
        cause: "an alias, or a temporary one, has this address",
        fix: "remove the alias, or choose another address",
    },
    Codes {
        any_of: &["is_alias_or_mailbox"],
        cause: "a mailbox or an alias has this address",
        fix: "edit the alias that is there, or choose another address",
    },
    Codes {
        any_of: &["already_exists"],
        cause: "the name is taken",
        fix: "read what is there and use it, or choose another name",
    },
    Codes {
        any_of: &["dkim_domain_or_sel_exists"],
        cause: "the domain has a DKIM key already",
        fix: "use that key, or remove it first; its DNS record has to change too",
    },
    Codes {
        any_of: &[
            "transport_dest_exists",
            "tls_policy_map_entry_exists",
            "recipient_map_entry_exists",
            "bcc_exists",
            "template_exists",
        ],
        cause: "there is an entry for the same name already",
        fix: "change the entry that is there",
    },
    Codes {
        any_of: &["policy_list_from_exists"],
        cause: "the sender is on the allow list or the deny list already",
        fix: "remove the entry from the other list first",
    },
    Codes {
        any_of: &["access_denied"],
        cause: "there is no such object or domain, or a value is bad: with an administrator's key Mailcow says no more",
        fix: "check that the domain and the object exist, and each value that was sent",
    },
    Codes {
        any_of: &["domain_not_found", "targetd_not_found"],
        cause: "Mailcow doesn't serve the domain",
        fix: "add the domain first",
    },
    Codes {
        any_of: &["object_doesnt_exist", "not_found"],
        cause: "the id or the name belongs to nothing",
        fix: "list what is there and use one of its ids",
    },
    Codes {
        any_of: &["app_passwd_id_invalid"],
        cause: "there is no app password of this id",
        fix: "list the app passwords of the mailbox",
    },
    Codes {
        any_of: &["password_complexity"],
        cause: "the password doesn't meet the password policy of the server",
        fix: "use at least the length and the kinds of characters that the policy asks for",
    },
    Codes {
        any_of: &["password_mismatch"],
        cause: "the password and its repetition differ",
        fix: "send the same password twice",
    },
    Codes { any_of: &["password_empty"], cause: "the password is missing", fix: "send a password" },
    Codes {
        any_of: &["password_policy"],
        cause: "the password doesn't meet the password policy of the server",
        fix: "use a longer password with letters, digits and special characters",
    },
    Codes {
        any_of: &["mailbox_quota_exceeded"],
        cause: "the mailbox is to hold more than a mailbox of this domain may",
        fix: "ask for a smaller quota (in MiB), or raise the largest quota of the domain",
    },
    Codes {
        any_of: &["mailbox_quota_left_exceeded"],
        cause: "the domain has too little room left for the quota; a negative figure means that it was overrun",
        fix: "ask for a smaller quota (in MiB), or raise that of the domain",
    },
    Codes {
        any_of: &["mailbox_quota_exceeds_domain_quota"],
        cause: "the largest quota of a mailbox is above the quota of the whole domain",
        fix: "raise the quota of the domain, or lower that of a mailbox",
    },
    Codes {
        any_of: &["mailbox_defquota_exceeds_mailbox_maxquota"],
        cause: "the usual quota of a mailbox is above the largest one",
        fix: "lower the usual quota, or raise the largest one",
    },
    Codes {
        any_of: &["domain_quota_m_in_use"],
        cause: "the mailboxes of the domain hold more than its new quota",
        fix: "set the quota of the domain above what is in use",
    },
    Codes {
        any_of: &["max_quota_in_use"],
        cause: "a mailbox has more than the new largest quota",
        fix: "lower the quota of that mailbox first",
    },
    Codes {
        any_of: &["quota_exceeded"],
        cause: "a size is above a limit of the domain",
        fix: "ask for a smaller quota (in MiB), or raise that of the domain",
    },
    Codes {
        any_of: &["max_mailbox_exceeded", "mailboxes_in_use"],
        cause: "the domain has as many mailboxes as it may",
        fix: "remove mailboxes, or raise the limit of the domain",
    },
    Codes {
        any_of: &["max_alias_exceeded", "aliases_in_use"],
        cause: "the domain has as many aliases as it may",
        fix: "remove aliases, use a catch-all, or raise the limit of the domain",
    },
    Codes {
        any_of: &["tag_limit_exceeded"],
        cause: "an object can't have so many tags",
        fix: "use fewer tags",
    },
    Codes {
        any_of: &["limit_reached"],
        cause: "a count is above a limit of the domain",
        fix: "remove what is no longer needed, or raise the limit of the domain",
    },
    Codes {
        any_of: &["domain_not_empty", "not_empty"],
        cause: "the domain still has mailboxes, aliases or resources",
        fix: "remove these first",
    },
    Codes {
        any_of: &["domain_invalid"],
        cause: "the name of the domain is none",
        fix: "send a name of letters, digits, hyphens and dots, in punycode",
    },
    Codes {
        any_of: &["domain_cannot_match_hostname"],
        cause: "the domain is the name of the Mailcow host itself",
        fix: "use the domain above it, or a name beside it",
    },
    Codes {
        any_of: &["mailbox_invalid", "username_invalid", "malformed_username", "resource_invalid"],
        cause: "the name has characters that a mailbox or user can't have, or nothing of this name exists",
        fix: "use letters, digits, dots, hyphens and underscores",
    },
    Codes {
        any_of: &[
            "alias_empty",
            "goto_empty",
            "app_name_empty",
            "bcc_empty",
            "text_empty",
            "script_empty",
            "subject_empty",
            "defquota_empty",
            "maxquota_empty",
            "map_content_empty",
            "ip_list_empty",
        ],
        cause: "a value that is needed is empty",
        fix: "send the value",
    },
    Codes {
        any_of: &["alias_invalid", "goto_invalid", "alias_goto_identical"],
        cause: "the address of an alias or its target is none, or both are the same",
        fix: "send whole addresses, and a target other than the alias",
    },
    Codes {
        any_of: &["alias_domain_invalid", "aliasd_targetd_identical", "target_domain_invalid"],
        cause: "the alias domain is no name, is served already, or is its own target",
        fix: "choose a name that is not served yet, and another target",
    },
    Codes {
        any_of: &["dkim_domain_or_sel_invalid"],
        cause: "the selector, the size or the domain of the key can't be, or the domain has a key already",
        fix: "read the key that is there; use a selector of letters, digits and hyphens, and 2048 bits",
    },
    Codes {
        any_of: &["private_key_error"],
        cause: "the key that was given is no private key that can be read",
        fix: "import an RSA key in PEM",
    },
    Codes {
        any_of: &["sender_acl_invalid", "extended_sender_acl_denied"],
        cause: "the mailbox can't be allowed to send as this address",
        fix: "name an address or @domain that this Mailcow serves",
    },
    Codes {
        any_of: &["rl_timeframe"],
        cause: "the period of a sending limit has to be s, m, h or d",
        fix: "send one of these, with a number of messages",
    },
    Codes {
        any_of: &["relayhost_invalid"],
        cause: "there is no relay of this id",
        fix: "list the relays, or add it first",
    },
    Codes {
        any_of: &[
            "invalid_nexthop",
            "invalid_nexthop_authenticated",
            "next_hop_interferes",
            "next_hop_interferes_any",
            "invalid_host",
            "invalid_destination",
            "network_host_invalid",
        ],
        cause: "the host or network is none, or another entry stands against it",
        fix: "send a host name that resolves, or an address; one login for each next hop",
    },
    Codes {
        any_of: &[
            "invalid_bcc_map_type",
            "bcc_must_be_email",
            "invalid_recipient_map_new",
            "invalid_recipient_map_old",
            "tls_policy_map_dest_invalid",
            "tls_policy_map_parameter_invalid",
        ],
        cause: "a map has a value that it can't have",
        fix: "correct the value that is named",
    },
    Codes {
        any_of: &["policy_list_from_invalid"],
        cause: "the sender in a list is no address or pattern",
        fix: "send an address, *@domain or domain",
    },
    Codes {
        any_of: &["sieve_error", "filter_type", "invalid_filter_type"],
        cause: "the filter script has an error, or its type is none",
        fix: "correct the line that is named",
    },
    Codes {
        any_of: &["quarantine_category_invalid"],
        cause: "the category of quarantine notices is none",
        fix: "send add_header, reject or all",
    },
    Codes {
        any_of: &["mode_invalid", "max_age_invalid", "mx_invalid", "version_invalid"],
        cause: "the MTA-STS policy has a value that it can't have",
        fix: "mode is enforce, testing or none; max_age lies within 1 and 31557600 seconds",
    },
    Codes {
        any_of: &["template_name_invalid", "template_id_invalid"],
        cause: "the template has no name, or there is none of this id",
        fix: "list the templates",
    },
    Codes {
        any_of: &["comment_too_long"],
        cause: "a comment has more than 160 characters",
        fix: "shorten the comment",
    },
    Codes {
        any_of: &[
            "validity_missing",
            "value_missing",
            "required_data_missing",
            "no_user_defined",
            "description_invalid",
            "object_is_not_numeric",
            "quota_not_0_not_numeric",
        ],
        cause: "a value that is needed is missing or is no number",
        fix: "send the value",
    },
    Codes {
        any_of: &[
            "cors_invalid_method",
            "cors_invalid_origin",
            "global_map_invalid",
            "settings_map_invalid",
            "invalid_authsource",
            "pushover_key",
            "pushover_token",
            "pushover_credentials_missing",
            "from_invalid",
            "to_invalid",
            "reset_f2b_regex",
            "invalid_mime_type",
            "rspamd_ui_pw_length",
        ],
        cause: "a setting has a value that it can't have",
        fix: "correct the value that is named",
    },
    Codes {
        any_of: &["invalid_value"],
        cause: "a value is malformed or not allowed",
        fix: "correct the value that is named",
    },
];
