//! What Postfix, Rspamd behind it and the servers of others write, in lower case: the first entry whose words are all
//! there counts, so that what says more comes first.

use super::Words;

pub(super) const WORDS: &[Words] = &[
    // The network, as a queue entry tells it.
    Words {
        says: &["connect to", "port 25", "connection timed out"],
        code: "port_25_closed",
        cause: "no connection to port 25 of the other server comes about: hosters close it for outgoing mail",
        fix: "ask the hoster to open port 25, or set a relay for the domain",
    },
    Words {
        says: &[":25: connection timed out"],
        code: "port_25_closed",
        cause: "no connection to port 25 of the other server comes about: hosters close it for outgoing mail",
        fix: "if other destinations time out too, ask the hoster to open port 25 or set a relay for the domain",
    },
    Words {
        says: &["connection timed out"],
        code: "timed_out",
        cause: "the other server doesn't answer",
        fix: "check the network between the two hosts; the mail system tries again by itself",
    },
    Words {
        says: &["network is unreachable"],
        code: "network_unreachable",
        cause: "the mail host has no route to the other server, often for IPv6 only",
        fix: "give the mail host a working route, or switch IPv6 off in Postfix (inet_protocols = ipv4)",
    },
    Words {
        says: &["no route to host"],
        code: "network_unreachable",
        cause: "the mail host has no route to the other server",
        fix: "check the firewall and the routes of the mail host",
    },
    Words {
        says: &["connection refused"],
        code: "connection_refused",
        cause: "the other server runs no mail service at the address that its MX names",
        fix: "check the recipient's domain; with a relay, check the relay's host and port",
    },
    Words {
        says: &["lost connection"],
        code: "connection_lost",
        cause: "the other server ended the connection without a word",
        fix: "flush the queue later; if it stays so, a firewall or a block list of the other side cuts it off",
    },
    Words {
        says: &["server dropped connection"],
        code: "connection_lost",
        cause: "the other server ended the connection without a word",
        fix: "flush the queue later; if it stays so, a firewall or a block list of the other side cuts it off",
    },
    // DNS.
    Words {
        says: &["host or domain name not found", "type=mx", "try again"],
        code: "dns_no_answer",
        cause: "the resolver of the mail host gets no answer for the recipient's domain",
        fix: "look at the container unbound of mailcow and at its way to the internet",
    },
    Words {
        says: &["host or domain name not found"],
        code: "dns_no_such_domain",
        cause: "the recipient's domain, or the host that its MX names, is not in the DNS",
        fix: "correct the recipient's address; if the domain is your own, publish its MX and the address of its host",
    },
    Words {
        says: &["name service error"],
        code: "dns_no_answer",
        cause: "the resolver of the mail host can't find the other server",
        fix: "look at the container unbound of mailcow; correct the recipient's domain if it is misspelt",
    },
    Words {
        says: &["does not accept mail", "nullmx"],
        code: "null_mx",
        cause: "the recipient's domain says by its MX that it takes no mail (RFC 7505)",
        fix: "correct the recipient's address",
    },
    Words {
        says: &["sender address rejected: domain not found"],
        code: "sender_domain_not_found",
        cause: "the domain of the sender is not in the DNS as the other server sees it",
        fix: "publish MX and A records of the sender's domain, and check that its delegation works",
    },
    Words {
        says: &["domain not found"],
        code: "dns_no_such_domain",
        cause: "the recipient's domain is not in the DNS",
        fix: "correct the recipient's address",
    },
    Words {
        says: &["mail for", "loops back to myself"],
        code: "loops_back",
        cause: "the MX of the recipient's domain leads to this mail system, which doesn't serve the domain",
        fix: "add the domain to the mail system, or correct its MX",
    },
    Words {
        says: &["too many hops"],
        code: "mail_loop",
        cause: "the message goes round in a circle: two forwards or aliases lead to each other",
        fix: "remove one of the forwards or aliases of the recipient",
    },
    Words {
        says: &["mail forwarding loop"],
        code: "mail_loop",
        cause: "the message goes round in a circle: a forward leads back to its own mailbox",
        fix: "remove the forward that leads back",
    },
];
