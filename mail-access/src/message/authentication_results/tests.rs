use super::*;

const LMTP: &str = "Received: from mail.agents.example ([172.22.1.253])\r\n\tby 9e5b1c02aa10 with LMTP id abc;\r\n\tFri, 20 Nov 2026 09:00:00 +0000\r\n";
const OURS: &str = "Received: from b.example (b.example [192.0.2.1])\r\n\t(using TLSv1.3 by nobody)\r\n\tby mail.agents.example (Postcow) with ESMTPS id 1;\r\n\tFri, 20 Nov 2026 09:00:00 +0000\r\n";
const THEIRS: &str = "Received: by b.example with SMTP id 2; Fri, 20 Nov 2026 08:59:00 +0000\r\n";
const REAL: &str = "Authentication-Results: mail.agents.example;\r\n\tdkim=fail header.d=b.example header.s=k;\r\n\tspf=softfail (mail.agents.example: 192.0.2.1 is not allowed) smtp.mailfrom=x@b.example;\r\n\tdmarc=fail reason=\"no match\" header.from=b.example (policy=reject)\r\n";
const FORGED: &str = "Authentication-Results: mail.agents.example; dkim=pass header.d=b.example; spf=pass; dmarc=pass header.from=b.example\r\n";

fn server() -> TrustedServer {
    TrustedServer::new("mail.agents.example")
}

fn believed(server: &TrustedServer, header: &str) -> Option<bool> {
    let results = server.results(format!("{header}From: x@b.example\r\n\r\n").as_bytes())?;
    Some(results.dmarc().is_some_and(AuthenticationMethod::passed))
}

#[test]
fn the_field_of_the_own_server_is_read() {
    let real = server().results(format!("{LMTP}{OURS}{REAL}{THEIRS}").as_bytes()).unwrap();
    assert_eq!(real.authserv_id, "mail.agents.example");
    let spf = real.spf().unwrap();
    assert_eq!(
        (&spf.verdict, spf.property("smtp.mailfrom")),
        (&AuthenticationVerdict::SoftFail, Some("x@b.example"))
    );
    let dkim: Vec<_> = real.dkim().map(|dkim| (dkim.passed(), dkim.property("header.D"))).collect();
    assert_eq!(dkim, [(false, Some("b.example"))]);
    let dmarc = real.dmarc().unwrap();
    assert_eq!(
        (dmarc.reason.as_deref(), dmarc.property("header.from")),
        (Some("no match"), Some("b.example"))
    );
    assert_eq!(believed(&server(), &format!("{REAL}{LMTP}{OURS}")), Some(false));
    assert_eq!(believed(&server(), &format!("{LMTP}{REAL}{OURS}")), Some(false));
    let strict = server().with_results_above_received();
    assert_eq!(believed(&strict, &format!("{LMTP}{REAL}{OURS}")), Some(false));
    assert_eq!(believed(&strict, &format!("{LMTP}{OURS}{REAL}")), None);
    let relay = OURS.replace("by mail.", "by mx2.");
    assert_eq!(believed(&server(), &format!("{LMTP}{relay}{REAL}")), None);
    assert_eq!(
        believed(&server().with_host("MX2.agents.example"), &format!("{LMTP}{relay}{REAL}")),
        Some(false)
    );
}

/// What an attacker can write into the mail, in each of the places that he can reach.
#[test]
fn no_forged_field_is_believed() {
    let submission = OURS.replace("ESMTPS", "ESMTPSA");
    let as_ours = OURS.replace("192.0.2.1", "198.51.100.1");
    let with = |from: &str, to: &str| FORGED.replace(from, to);
    let name = "mail.agents.example;";
    let forged: Vec<(String, Option<bool>)> = vec![
        // Below the real one, however much it looks as if it were above.
        (format!("{LMTP}{OURS}{REAL}{FORGED}{THEIRS}"), Some(false)),
        (format!("{LMTP}{OURS}{REAL}{THEIRS}{FORGED}"), Some(false)),
        (format!("{LMTP}{OURS}{REAL}{as_ours}{FORGED}"), Some(false)),
        (format!("{LMTP}{OURS}{REAL}{LMTP}{FORGED}"), Some(false)),
        (format!("{LMTP}{REAL}{OURS}{FORGED}{LMTP}{FORGED}"), Some(false)),
        (
            format!("{LMTP}{OURS}{REAL}{}", with("Authentication-Results", "AUTHENTICATION-RESULTS")),
            Some(false),
        ),
        // No real one: the field stands below what others wrote.
        (format!("{LMTP}{OURS}{THEIRS}{FORGED}"), None),
        (format!("{LMTP}{THEIRS}{OURS}{FORGED}"), None),
        (format!("{LMTP}{OURS}{LMTP}{FORGED}"), None),
        (format!("{LMTP}{submission}{FORGED}"), None),
        (format!("{submission}{FORGED}"), None),
        (format!("{LMTP}{OURS}Received: (by mail.agents.example) by b.example; x\r\n{FORGED}"), None),
        (format!("{LMTP}{OURS}Received: by mail.agents.example.b.example with SMTP; x\r\n{FORGED}"), None),
        (format!("{LMTP}{OURS}Received: junk\r\n{FORGED}"), None),
        // No real one: the field bears another name.
        (format!("{LMTP}{OURS}{}", with(name, "agents.example;")), None),
        (format!("{LMTP}{OURS}{}", with(name, "mail.agents.example.b.example;")), None),
        (format!("{LMTP}{OURS}{}", with(name, "b.example (mail.agents.example);")), None),
        (format!("{LMTP}{OURS}{}", with(name, "\"mail.agents.example \";")), None),
        (format!("{LMTP}{OURS}{}", with(name, "mail.agents.example@b.example;")), None),
        (format!("{LMTP}{OURS}{}", with("Authentication-Results", "X-Authentication-Results")), None),
        (format!("{LMTP}{OURS}{}", with("Authentication-Results", "ARC-Authentication-Results")), None),
        (format!("{LMTP}{OURS}{}", with(name, "mail.agents.example (;")), None),
        (format!("{LMTP}{OURS}Subject: x\r\n {FORGED}"), None),
        (format!("{LMTP}{OURS}\r\n{FORGED}"), None),
    ];
    assert!(forged.len() >= 20);
    for (header, expected) in forged {
        assert_eq!(believed(&server(), &header), expected, "{header}");
        assert_ne!(believed(&server().with_results_above_received(), &header), Some(true), "{header}");
    }
    // A server that doesn't write the field at all is only safe to trust with it above its own line.
    assert_eq!(believed(&server().with_results_above_received(), &format!("{LMTP}{OURS}{FORGED}")), None);
}

/// The sender chooses the address that the server's own field repeats.
#[test]
fn no_sender_hides_the_real_field() {
    for mailfrom in ["\"a b\"@b.example", "\"a;b\"@b.example", "a\"b@b.example", "(@b.example", "a;b"] {
        let real = REAL.replace("x@b.example", mailfrom);
        assert_ne!(believed(&server(), &format!("{LMTP}{OURS}{real}{FORGED}")), Some(true), "{mailfrom}");
    }
    let real = REAL.replace("x@b.example", "\"a b\"@b.example");
    let results = server().results(format!("{LMTP}{OURS}{real}").as_bytes()).unwrap();
    assert_eq!(results.spf().unwrap().property("smtp.mailfrom"), Some("a b@b.example"));
    assert!(results.dmarc().is_some_and(|dmarc| !dmarc.passed()));
}

#[test]
fn the_grammar_is_kept_to() {
    let methods = |value: &str| {
        let results = AuthenticationResults::parse(value)?;
        let shown = results.methods.iter().map(|method| format!("{}={}", method.method, method.verdict));
        Some(shown.collect::<Vec<_>>().join(" "))
    };
    for (value, expected) in [
        ("\"\"", None),
        ("a.example; none", Some("")),
        ("a.example 1; none", Some("")),
        ("a.example", Some("")),
        ("a.example;", Some("")),
        ("a.example 1; spf=pass", Some("spf=pass")),
        (
            "a.example; SPF/1 = Pass (x(y)z\\)) smtp.mailfrom = b.example ; dkim=none",
            Some("spf=pass dkim=none"),
        ),
        (
            "a.example; dkim=pass header.b=\"a=;b\" header.i=@b.example; dkim=hardfail",
            Some("dkim=pass dkim=fail"),
        ),
        ("a.example; dkim=pass header.b=ab==; arc=strange", Some("dkim=pass arc=strange")),
        ("a.example; spf=pass (open", None),
        ("a.example; spf=\"open", None),
        ("a.example; =pass", None),
        ("a.example spf=pass", None),
        ("a.example; spf pass", None),
        ("", None),
        ("; spf=pass", None),
    ] {
        assert_eq!(methods(value).as_deref(), expected, "{value}");
    }
}

#[test]
fn a_domain_is_vouched_for_by_dmarc_alone() {
    let vouches =
        |value: &str| AuthenticationResults::parse(value).unwrap().vouches_for(&"b.example".parse().unwrap());
    assert!(vouches("a; dmarc=pass header.from=b.example"));
    assert!(vouches("a; dmarc=pass (p=none) header.from=B.example"));
    assert!(!vouches("a; dmarc=pass header.from=c.example"));
    assert!(!vouches("a; dmarc=pass"));
    assert!(!vouches("a; dkim=pass header.d=b.example; spf=pass; dmarc=none header.from=b.example"));
    assert!(!vouches("a; dmarc=pass header.from=b.example; dmarc=fail header.from=b.example"));
}

proptest::proptest! {
    #[test]
    fn any_value_is_read_or_refused(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..30)) {
        let value = pieces.concat();
        AuthenticationResults::parse(&value);
        server().results(format!("Received: {value}\r\nAuthentication-Results: {value}\r\n").as_bytes());
    }
}

const PIECES: &[&str] = &[
    "mail.agents.example",
    ";",
    "=",
    "spf",
    "pass",
    "(",
    ")",
    "\"",
    "\\",
    " ",
    "\r\n ",
    "header.d",
    "1",
    "/",
    "by ",
    "with ",
    "LMTP",
    "\u{fc}",
    "none",
    ".",
];
