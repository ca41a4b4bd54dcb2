//! What Postfix writes of reputation, logins, TLS and content, and what other servers do: looked at behind the words of
//! networks and DNS.

use super::Words;

pub(super) const WORDS: &[Words] = &[
    // Greylisting and reputation.
    Words {
        says: &["greylist"],
        code: "greylisted",
        cause: "the other server puts off senders that it doesn't know yet",
        fix: "wait: the mail system tries again by itself within minutes",
    },
    Words {
        says: &["graylist"],
        code: "greylisted",
        cause: "the other server puts off senders that it doesn't know yet",
        fix: "wait: the mail system tries again by itself within minutes",
    },
    Words {
        says: &["zen.spamhaus.org", "open resolver"],
        code: "blocklist_open_resolver",
        cause: "the other server asks the block list through a public resolver, so that it is refused and blocks everybody",
        fix: "tell the postmaster of the other server; your address is not listed",
    },
    Words {
        says: &["zen.spamhaus.org"],
        code: "on_blocklist_spamhaus",
        cause: "the address of the mail host is on a list of Spamhaus: it sent spam, or belongs to a dynamic range (PBL)",
        fix: "look the address up at check.spamhaus.org, stop what sent spam, ask there for removal, or send through a relay",
    },
    Words {
        says: &["pbl.spamhaus"],
        code: "on_blocklist_spamhaus",
        cause: "the address of the mail host belongs to a range that is not meant to send mail by itself",
        fix: "ask for removal at check.spamhaus.org if the address is static, or send through a relay",
    },
    Words {
        says: &["dbl.spamhaus"],
        code: "domain_on_blocklist",
        cause: "a domain in the message, or the sender's, is on a list of domains that spam names",
        fix: "look the domain up at check.spamhaus.org and remove links to listed domains",
    },
    Words {
        says: &["spamcop"],
        code: "on_blocklist",
        cause: "the address of the mail host is on the list of SpamCop",
        fix: "find and stop what sent spam; the entry goes by itself a day after the last report",
    },
    Words {
        says: &["barracuda"],
        code: "on_blocklist",
        cause: "the address of the mail host has a poor reputation at Barracuda",
        fix: "ask for removal at barracudacentral.org after what sent spam is stopped",
    },
    Words {
        says: &["blocked using"],
        code: "on_blocklist",
        cause: "the address of the mail host is on the block list that is named",
        fix: "find and stop what sent spam, then ask the list that is named for removal, or send through a relay",
    },
    Words {
        says: &["block list"],
        code: "on_blocklist",
        cause: "the address of the mail host is on a block list of the other side",
        fix: "follow the link in the other server's answer, or send through a relay",
    },
    Words {
        says: &["poor reputation"],
        code: "poor_reputation",
        cause: "the other server has seen too little good mail of this address",
        fix: "send few messages at first, only to who wants them, and check SPF, DKIM, DMARC and the reverse name",
    },
    Words {
        says: &["unusual rate"],
        code: "rate_limited_by_peer",
        cause: "the other server has had too much mail from this address in a short time",
        fix: "send more slowly; the mail system tries again by itself",
    },
    // Who the sender is.
    Words {
        says: &["reverse dns"],
        code: "no_reverse_name",
        cause: "the address of the mail host has no reverse name, or one that doesn't lead back to it",
        fix: "have the hoster set the reverse name (PTR) of the address to the name of the mail host",
    },
    Words {
        says: &["ptr record"],
        code: "no_reverse_name",
        cause: "the address of the mail host has no reverse name, or one that doesn't lead back to it",
        fix: "have the hoster set the reverse name (PTR) of the address to the name of the mail host",
    },
    Words {
        says: &["cannot find your hostname"],
        code: "no_reverse_name",
        cause: "the address of the mail host has no reverse name, or one that doesn't lead back to it",
        fix: "have the hoster set the reverse name (PTR) of the address to the name of the mail host",
    },
    Words {
        says: &["helo command rejected"],
        code: "helo_refused",
        cause: "the name by which the mail host greets is none that the DNS knows",
        fix: "publish the address of the mail host under the name by which it greets (MAILCOW_HOSTNAME)",
    },
    Words {
        says: &["5.7.26"],
        code: "not_authenticated",
        cause: "the other server finds neither SPF nor DKIM of the sender's domain in order",
        fix: "run the readiness checks: publish SPF with the mail host in it, and the DKIM key of the mail system",
    },
    Words {
        says: &["sender is unauthenticated"],
        code: "not_authenticated",
        cause: "the other server finds neither SPF nor DKIM of the sender's domain in order",
        fix: "run the readiness checks: publish SPF with the mail host in it, and the DKIM key of the mail system",
    },
    Words {
        says: &["dmarc"],
        code: "dmarc_failed",
        cause: "the sender's domain wants mail refused that fails SPF and DKIM, and this one did",
        fix: "publish the DKIM key of the mail system and an SPF record with the mail host in it",
    },
    Words {
        says: &["spf"],
        code: "spf_failed",
        cause: "the SPF record of the sender's domain doesn't let this mail host, or its relay, send",
        fix: "add the mail host (mx), its address, or the include of the relay to the SPF record",
    },
    // Logins and relays.
    Words {
        says: &["connection lost to authentication server"],
        code: "auth_backend_down",
        cause: "Postfix can't ask Dovecot whether the login is right",
        fix: "look at the containers dovecot and php-fpm of mailcow",
    },
    Words {
        says: &["sasl authentication failed", "server"],
        code: "relay_login_refused",
        cause: "the relay refuses the user name or the password that the mail system has for it",
        fix: "set the relay again with the right user name and password",
    },
    Words {
        says: &["authentication failed"],
        code: "login_refused",
        cause: "user name or password are wrong, or the app password is off or not for this protocol",
        fix: "set a new app password, and don't repeat the login: ten failures ban the address of this host",
    },
    Words {
        says: &["application-specific password"],
        code: "login_refused",
        cause: "the server wants an app password in place of the account's own",
        fix: "make an app password and log in with it",
    },
    Words {
        says: &["starttls is required"],
        code: "tls_required",
        cause: "the server takes no login without encryption",
        fix: "submit by port 465 with TLS, or by port 587 with STARTTLS",
    },
    Words {
        says: &["must issue a starttls"],
        code: "tls_required",
        cause: "the server takes nothing without encryption",
        fix: "submit by port 465 with TLS, or by port 587 with STARTTLS",
    },
    Words {
        says: &["not owned by user"],
        code: "sender_not_owned",
        cause: "the login may not send in the name of this sender",
        fix: "send as the mailbox itself, or let it send as the other address: an alias, or a sender permission",
    },
    Words {
        says: &["rejected: not logged in"],
        code: "sender_not_logged_in",
        cause: "the sender's domain is served here, and whoever sends in its name has to log in",
        fix: "log in to submit; if it comes from a service elsewhere, give that service a mailbox of its own",
    },
    Words {
        says: &["relay access denied"],
        code: "relay_denied",
        cause: "the server doesn't serve the recipient's domain and doesn't know the sender: the MX leads to a server that \
                doesn't want this domain's mail, or the sender didn't log in",
        fix: "log in to submit; if the recipient is your own, add its domain to the mail system or correct its MX",
    },
    Words {
        says: &["relay not permitted"],
        code: "relay_denied",
        cause: "the server doesn't serve the recipient's domain and doesn't know the sender",
        fix: "log in to submit; if the recipient is your own, add its domain to the mail system or correct its MX",
    },
    // TLS.
    Words {
        says: &["cannot start tls"],
        code: "tls_failed",
        cause: "the TLS handshake with the other server fails",
        fix: "look whether a TLS policy for the recipient's domain asks for more than its server has",
    },
    Words {
        says: &["tls is required, but was not offered"],
        code: "tls_not_offered",
        cause: "a TLS policy, DANE or MTA-STS asks for encryption that the other server doesn't offer",
        fix: "tell the postmaster of the other server, or relax the TLS policy for that domain",
    },
    Words {
        says: &["certificate"],
        code: "certificate_refused",
        cause: "the certificate of the other server is not trusted for its name",
        fix: "check the certificate of the server that is named, and any TLS policy for the domain",
    },
    // Recipients.
    Words {
        says: &["user unknown"],
        code: "no_such_recipient",
        cause: "the recipient doesn't exist at the server of its domain",
        fix: "correct the address; if it is your own, add a mailbox, an alias or a catch-all",
    },
    Words {
        says: &["unverified recipient"],
        code: "recipient_not_verified",
        cause: "the server behind this one doesn't confirm the recipient",
        fix: "check the address, and whether the server behind this one can be reached",
    },
    // Limits and content.
    Words {
        says: &["insufficient system storage"],
        code: "disk_full",
        cause: "the disk of the mail system is full",
        fix: "make room on the mail system's disk; mail is taken again as soon as there is some",
    },
    Words {
        says: &["too many recipients from"],
        code: "rate_limited",
        cause: "this client named more recipients than the server takes in a time",
        fix: "send more slowly",
    },
    Words {
        says: &["too many recipients"],
        code: "too_many_recipients",
        cause: "the message has more recipients than the server takes at once",
        fix: "send it in parts of at most 1000 recipients",
    },
    Words {
        says: &["too many connections"],
        code: "too_many_connections",
        cause: "this host holds more connections than the server allows",
        fix: "use fewer connections at a time",
    },
    Words {
        says: &["ratelimit"],
        code: "rate_limited",
        cause: "the sending limit of the mailbox or of its domain is used up",
        fix: "wait for the limit's period, or raise the limit of the mailbox or the domain",
    },
    Words {
        says: &["rate limit"],
        code: "rate_limited",
        cause: "the sending limit of the mailbox or of its domain is used up",
        fix: "wait for the limit's period, or raise the limit of the mailbox or the domain",
    },
    Words {
        says: &["virus"],
        code: "virus",
        cause: "a virus scanner found something in the message",
        fix: "remove the attachment that is meant; check the machine that it comes from",
    },
    Words {
        says: &["spam message rejected"],
        code: "spam_refused",
        cause: "Rspamd holds the message for spam beyond doubt",
        fix: "run the doctor for a high spam score with the headers of such a message",
    },
    Words {
        says: &["unsolicited"],
        code: "spam_refused",
        cause: "the other server holds the message for unsolicited",
        fix: "check SPF, DKIM, DMARC and the reverse name, send to fewer who didn't ask for it, and offer to unsubscribe",
    },
    Words {
        says: &["content restrictions"],
        code: "content_refused",
        cause: "the other server refuses something in the message: an attachment, a link, a word",
        fix: "send it without attachments and links to find which",
    },
    // Services behind Postfix.
    Words {
        says: &["temporary lookup failure"],
        code: "lookup_failed",
        cause: "Postfix can't ask the database who the recipient is",
        fix: "look at the container mysql of mailcow",
    },
    Words {
        says: &["service unavailable - try again later"],
        code: "milter_down",
        cause: "the spam filter doesn't answer Postfix",
        fix: "look at the container rspamd of mailcow",
    },
    Words {
        says: &["queue file write error"],
        code: "disk_full",
        cause: "the mail system can't write the message down, mostly for want of disk space",
        fix: "make room on the mail system's disk",
    },
    Words {
        says: &["server configuration error"],
        code: "configuration_error",
        cause: "the configuration of Postfix has an error",
        fix: "undo the last change to data/conf/postfix/extra.cf and look at the log of Postfix",
    },
    Words {
        says: &["blocked"],
        code: "blocked_by_peer",
        cause: "the other server refuses mail from this address or sender",
        fix: "follow the link in the other server's answer, or send through a relay",
    },
    Words {
        says: &["server busy"],
        code: "peer_busy",
        cause: "the other server has no time now",
        fix: "wait: the mail system tries again by itself",
    },
    Words {
        says: &["try again later"],
        code: "greylisted",
        cause: "the server puts the message off, as greylisting does",
        fix: "wait: the mail system tries again by itself within minutes",
    },
];
