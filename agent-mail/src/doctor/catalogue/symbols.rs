//! The symbols of Rspamd that cost points, by their beginning.

/// What symbols mean that begin alike.
pub(super) struct Symbols {
    pub(super) begin: &'static [&'static str],
    pub(super) cause: &'static str,
    pub(super) fix: &'static str,
}

pub(super) const SYMBOLS: &[Symbols] = &[
    Symbols {
        begin: &["R_SPF_FAIL"],
        cause: "the SPF record of the sender's domain forbids the sending host to send (-all)",
        fix: "add the mail host (mx), its address, or the include of the relay to the SPF record",
    },
    Symbols {
        begin: &["R_SPF_SOFTFAIL", "R_SPF_NEUTRAL"],
        cause: "the SPF record of the sender's domain doesn't name the sending host, and leaves open whether it may send (~all, ?all)",
        fix: "add the mail host (mx), its address, or the include of the relay to the SPF record",
    },
    Symbols {
        begin: &["R_SPF_NA", "R_SPF_NONE"],
        cause: "the sender's domain has no SPF record",
        fix: "publish v=spf1 mx -all, with the include of a relay if there is one",
    },
    Symbols {
        begin: &["R_SPF_PERMFAIL", "R_SPF_PLUSALL"],
        cause: "the SPF record is broken or lets everybody send: two records, more than ten look-ups, a wrong term, or +all",
        fix: "publish exactly one record, with fewer includes, that ends in -all or ~all",
    },
    Symbols {
        begin: &["R_SPF_DNSFAIL", "R_DKIM_TEMPFAIL", "DMARC_DNSFAIL", "ARC_DNSFAIL"],
        cause: "the records of the sender's domain could not be looked up",
        fix: "check the delegation and the name servers of the domain",
    },
    Symbols {
        begin: &["R_DKIM_NA"],
        cause: "the message is not signed",
        fix: "create the DKIM key of the domain on the mail system; a relay must not strip it",
    },
    Symbols {
        begin: &["R_DKIM_REJECT"],
        cause: "the signature doesn't fit: the published key is another one, or something changed the message on its way",
        fix: "publish the key that the mail system has now, and check what a relay or list does to messages",
    },
    Symbols {
        begin: &["R_DKIM_PERMFAIL"],
        cause: "the key that the signature names is not published, or is broken",
        fix: "publish the key of the mail system under its selector, whole and in one record",
    },
    Symbols {
        begin: &["DMARC_POLICY_REJECT", "DMARC_POLICY_QUARANTINE", "DMARC_POLICY_SOFTFAIL"],
        cause: "neither SPF nor DKIM passes for the domain in From, and its DMARC policy says what to do",
        fix: "make SPF or DKIM pass for that very domain",
    },
    Symbols {
        begin: &["DMARC_NA"],
        cause: "the sender's domain has no DMARC policy",
        fix: "publish v=DMARC1; p=quarantine at _dmarc",
    },
    Symbols {
        begin: &["DMARC_BAD_POLICY"],
        cause: "the DMARC record can't be read",
        fix: "publish one record that begins with v=DMARC1; p=",
    },
    Symbols {
        begin: &["RDNS_NONE", "RDNS_DNSFAIL", "HFILTER_HOSTNAME_UNKNOWN", "AUTH_NA_OR_FAIL"],
        cause: "the address of the sending host has no reverse name",
        fix: "have the hoster set the reverse name (PTR) to the name of the mail host",
    },
    Symbols {
        begin: &["HFILTER_HELO_", "HFILTER_FROMHOST_", "HFILTER_MID_"],
        cause: "the name by which the sending host greets, or that stands in From, is not in the DNS or looks dynamic",
        fix: "give the mail host a name of its own, with address and reverse name",
    },
    Symbols {
        begin: &[
            "RBL_SPAMHAUS",
            "SPAMHAUS_",
            "RECEIVED_SPAMHAUS",
            "URIBL_",
            "DBL_",
            "SURBL_",
            "RBL_",
            "DNSWL_BLOCKED",
            "MAILSPIKE",
            "SEM_",
            "RSPAMD_URIBL",
            "RSPAMD_EMAILBL",
            "PHISHING",
            "PH_SURBL",
            "CRACKED_SURBL",
            "ABUSE_SURBL",
        ],
        cause: "the sending address, or a link in the text, is on the list that is named",
        fix: "look the address or the link up at that list; remove the link, or stop what sent spam and ask for removal",
    },
    Symbols {
        begin: &["BAYES_SPAM", "NEURAL_SPAM"],
        cause: "the words of the message look like spam that this server has learned",
        fix: "have recipients mark it as no spam, and learn it as ham from the quarantine; write plainer text",
    },
    Symbols {
        begin: &["FUZZY_DENIED", "LOCAL_FUZZY_DENIED", "MAILCOW_FUZZY_DENIED", "FUZZY_PROB"],
        cause: "the message, or one nearly the same, was reported as spam",
        fix: "don't send the same text to many; learn it as ham if it was reported by mistake",
    },
    Symbols {
        begin: &["MIME_HTML_ONLY"],
        cause: "the message has HTML and no plain text",
        fix: "send a text beside the HTML",
    },
    Symbols {
        begin: &["R_PARTS_DIFFER"],
        cause: "text and HTML of the message say different things",
        fix: "make both of the same content",
    },
    Symbols {
        begin: &["MISSING_MID", "INVALID_MSGID", "MID_RHS_", "MID_CONTAINS"],
        cause: "the Message-ID is missing or unusual",
        fix: "let the library make it",
    },
    Symbols {
        begin: &["MISSING_DATE", "INVALID_DATE", "DATE_IN_"],
        cause: "the date is missing or wrong",
        fix: "set the clock of the sending host",
    },
    Symbols {
        begin: &["MISSING_SUBJECT", "EMPTY_SUBJECT", "SUBJ_ALL_CAPS", "SUBJECT_", "SUBJ_"],
        cause: "the subject is missing, or written to catch the eye",
        fix: "write a plain subject",
    },
    Symbols {
        begin: &["MISSING_TO", "UNDISC_RCPT", "R_UNDISC_RCPT"],
        cause: "nobody stands in To",
        fix: "name the recipient in To",
    },
    Symbols {
        begin: &[
            "MISSING_FROM",
            "FROM_INVALID",
            "FROM_NAME_HAS",
            "FROM_NEEDS_ENCODING",
            "SPOOF_",
            "FROM_NEQ_",
        ],
        cause: "the sender in From is missing, malformed or differs from the envelope",
        fix: "send as the mailbox itself, with a plain name",
    },
    Symbols {
        begin: &["FORGED_SENDER", "FORGED_RECIPIENTS", "FORGED_"],
        cause: "From and the envelope differ, or the message looks as another program would write it",
        fix: "send as the mailbox itself",
    },
    Symbols {
        begin: &["REPLYTO_", "SPOOF_REPLYTO"],
        cause: "answers go to another domain than the sender's",
        fix: "leave Reply-To out, or use the sender's domain",
    },
    Symbols {
        begin: &["FREEMAIL_", "DISPOSABLE_"],
        cause: "the sender, or where answers go, is a free or throw-away address",
        fix: "use an address of your own domain",
    },
    Symbols {
        begin: &["MIME_BAD", "MIME_ARCHIVE", "MIME_DOUBLE_BAD", "MIME_EXE", "BAD_ATTACH", "ARCHIVE_"],
        cause: "an attachment is of a kind that carries viruses",
        fix: "send it as PDF, or share a link",
    },
    Symbols {
        begin: &["CLAM_VIRUS", "VIRUS_FOUND", "CLAM_", "OLEFY_"],
        cause: "a virus scanner found something in an attachment",
        fix: "remove the attachment and check the machine that it comes from",
    },
    Symbols {
        begin: &[
            "R_WHITE_ON_WHITE",
            "HTML_",
            "ZERO_FONT",
            "MANY_INVISIBLE",
            "R_EMPTY_IMAGE",
            "HAS_DATA_URI",
            "HTTP_TO_",
        ],
        cause: "the HTML hides text, holds little but images, or its links show another address than they lead to",
        fix: "write plain HTML with text, and links that show where they lead",
    },
    Symbols {
        begin: &["BULK_RE_", "PRECEDENCE_BULK", "HAS_LIST_UNSUB", "MANY_"],
        cause: "the message looks like bulk mail",
        fix: "send to those who asked for it, with a way to unsubscribe",
    },
    Symbols {
        begin: &["RATELIMIT", "IP_REPUTATION_SPAM", "SENDER_REP_SPAM", "REP_SPAM", "IP_SCORE", "ASN_"],
        cause: "the sending address or its network has a poor reputation",
        fix: "send little at first and only what is wanted; choose a relay with a better reputation",
    },
    Symbols {
        begin: &["GREYLIST"],
        cause: "the server puts off senders that it doesn't know yet",
        fix: "wait: the sender's server tries again by itself",
    },
    Symbols {
        begin: &["SIEVE_", "BCC", "CRYPTO_"],
        cause: "a rule of the server adds to the score",
        fix: "look at the rule that is named in the spam filter's settings",
    },
    Symbols {
        begin: &["KEEP_SPAM", "MAILCOW_BLACK", "BLACKLIST", "GLOBAL_", "SOGO_CONTACT_EXCLUDE"],
        cause: "the sender is on a deny list of this server or of the domain",
        fix: "take the sender off the list",
    },
    Symbols {
        begin: &["ONCE_RECEIVED", "RCVD_NO_TLS", "RCVD_UNAUTH", "RCVD_ILLEGAL"],
        cause: "the message came by an unusual way: straight from a client, or without encryption",
        fix: "send through the mail system with a login and TLS",
    },
];
