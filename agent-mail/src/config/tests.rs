use super::*;

const GOOD: &[(&str, &str)] = &[
    ("MAILCOW_API_URL", "https://mail.example.org/"),
    ("MAILCOW_API_KEY", "AAAAAA-BBBBBB"),
    ("MAILCOW_HOSTNAME", "mail.example.org"),
    ("MAILCOW_DOMAIN", "agents.example.org"),
    ("DESEC_TOKEN", "canary-token"),
    ("AGENT_MAIL_STATE_DIR", "state"),
];

fn config(changes: &[(&str, &str)]) -> Result<Config, Error> {
    Config::from_vars(|name| {
        let all = changes.iter().chain(GOOD);
        all.into_iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn what_is_not_set_has_its_usual_value() {
    let config = config(&[]).unwrap();
    assert_eq!((config.imap.host(), config.imap.port()), ("mail.example.org", 993));
    assert_eq!((config.smtp.host(), config.smtp.port()), ("mail.example.org", 465));
    assert_eq!(config.zone, config.domain);
    assert_eq!(config.prefix, "agent_");
    assert_eq!(config.dns_interval, Duration::from_hours(24));
    assert!(config.gate && config.relay.is_none() && config.name_server.is_none());
}

#[test]
fn what_is_set_counts() {
    let config = config(&[
        ("MAILCOW_IMAP_HOST", "192.0.2.7"),
        ("MAILCOW_SMTP_PORT", "1465"),
        ("DESEC_DOMAIN", "example.org"),
        ("DESEC_UPDATE_INTERVAL_HOURS", "6"),
        ("AZT3KNET_AGENT_MAIL_PREFIX", "bot-"),
        ("AGENT_MAIL_SEND_GATE", "off"),
        ("AGENT_MAIL_NAME_SERVER", "2001:db8::53"),
        ("MAILCOW_RELAY_HOST", "smtp.relay.example"),
        ("MAILCOW_RELAY_SPF_INCLUDE", "relay.example"),
    ]);
    let config = config.unwrap();
    assert_eq!((config.imap.host(), config.smtp.port()), ("192.0.2.7", 1465));
    assert_eq!(config.zone.as_str(), "example.org");
    assert_eq!(config.dns_interval, Duration::from_hours(6));
    assert_eq!(config.prefix, "bot-");
    assert!(!config.gate);
    assert_eq!(config.name_server, "[2001:db8::53]:53".parse().ok());
    assert_eq!(config.spec().dns.spf.include, ["relay.example"]);
    assert_eq!(config.relay.unwrap().relay.spf_include.unwrap().as_str(), "relay.example");
    let elsewhere = self::config(&[("AGENT_MAIL_NAME_SERVER", "127.0.0.1:5353")]).unwrap();
    assert_eq!(elsewhere.name_server, "127.0.0.1:5353".parse().ok());
    let both = self::config(&[("AGENT_MAIL_PREFIX", "a-"), ("AZT3KNET_AGENT_MAIL_PREFIX", "b-")]).unwrap();
    assert_eq!(both.prefix, "a-");
}

#[test]
fn the_address_is_kept_if_that_is_asked_for() {
    let zone = ("DESEC_DOMAIN", "example.org");
    let agreeing = ("DESEC_CHECKIP_V4_URL", "https://ip.example.net/");
    let desec = desec_api::Client::builder("token".to_owned().into()).build().unwrap();
    for (changes, shown) in [(&[zone][..], "CheckIp"), (&[zone, agreeing][..], "Agreement")] {
        let config = config(&[&[("DESEC_DYNDNS", "yes")], changes].concat()).unwrap();
        assert!(config.dyndns);
        assert!(format!("{:?}", config.address_source(&desec).unwrap()).contains(shown));
    }
    assert!(!config(&[agreeing]).unwrap().dyndns);
}

#[test]
fn all_that_is_missing_is_named_at_once() {
    let error = Config::from_vars(|_| None).unwrap_err().to_string();
    for (name, _) in GOOD {
        assert!(error.contains(&format!("{name} is missing")), "{error}");
    }
}

#[test]
fn what_is_malformed_is_named_and_its_value_never_shown() {
    for (name, value) in [
        ("MAILCOW_API_URL", "http://canary-7.example.org"),
        ("MAILCOW_API_URL", "https://canary-7:x@mail.example.org"),
        ("MAILCOW_API_KEY", "canary-7!"),
        ("MAILCOW_HOSTNAME", "canary-7 x"),
        ("MAILCOW_DOMAIN", "canary-7..x"),
        ("MAILCOW_IMAP_HOST", "canary-7/"),
        ("MAILCOW_IMAP_PORT", "canary-7"),
        ("MAILCOW_SMTP_PORT", "587"),
        ("DESEC_DOMAIN", "canary-7.example"),
        ("DESEC_TOKEN", "canary-7 x"),
        ("DESEC_UPDATE_INTERVAL_HOURS", "0"),
        ("DESEC_DYNDNS", "canary-7"),
        ("DESEC_DYNDNS", "yes"),
        ("DESEC_CHECKIP_V4_URL", "http://canary-7.example.org"),
        ("AGENT_MAIL_PREFIX", "Canary-7"),
        ("AGENT_MAIL_CA_FILE", "no/such/canary-7.pem"),
        ("AGENT_MAIL_SEND_GATE", "canary-7"),
        ("AGENT_MAIL_NAME_SERVER", "canary-7.example"),
        ("MAILCOW_RELAY_HOST", "canary-7 x"),
        ("MAILCOW_RELAY_SPF_INCLUDE", "canary-7..x"),
        ("MAILCOW_RELAY_SPF_INCLUDE", "canary-7.example"),
        ("MAILCOW_RELAY_PORT", "canary-7"),
        ("MAILCOW_RELAY_USER", "canary-7"),
        ("MAILCOW_RELAY_PASSWORD", "canary-7"),
    ] {
        let error = config(&[(name, value)]).expect_err(name);
        let shown = format!("{error} {error:?} {}", error.fix());
        assert!(shown.contains(name), "{shown}");
        assert!(!shown.to_lowercase().contains("canary-7"), "{shown}");
    }
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", config(&LOGIN).unwrap());
    assert!(!shown.contains("canary") && !shown.contains("AAAAAA"), "{shown}");
}

#[tokio::test]
async fn what_the_relay_needs_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&[
        ("AGENT_MAIL_STATE_DIR", folder.path().to_str().unwrap()),
        ("MAILCOW_RELAY_HOST", "smtp.relay.example"),
        ("MAILCOW_RELAY_SPF_INCLUDE", "relay.example"),
    ]);
    let dns = config.unwrap().builder().unwrap().dns.unwrap();
    assert_eq!(dns.keeping.options.spf.include, ["relay.example"]);
}

const LOGIN: [(&str, &str); 4] = [
    ("MAILCOW_RELAY_HOST", "smtp.relay.example"),
    ("MAILCOW_RELAY_PORT", "2525"),
    ("MAILCOW_RELAY_USER", "shop"),
    ("MAILCOW_RELAY_PASSWORD", "canary word"),
];

#[test]
fn a_relay_s_login_makes_it_a_part_of_the_domain() {
    let relay = config(&LOGIN).unwrap().spec().relay.unwrap();
    assert_eq!((relay.host.as_str(), relay.port, relay.user.as_str()), ("smtp.relay.example", 2525, "shop"));
    assert!(config(&LOGIN[..2]).unwrap().spec().relay.is_none(), "Mailcow has it, and its login");
    let half = config(&LOGIN[..3]).unwrap_err().to_string();
    assert!(half.contains("either both are set or none"), "{half}");
}

#[test]
fn the_store_of_passwords_can_be_opened_alone() {
    let folder = tempfile::tempdir().unwrap();
    let open = |set: &'static [(&str, &str)]| {
        let lookup =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, to)| (*to).to_owned());
        Config::secret_store(lookup, folder.path()).map(|store| format!("{store:?}"))
    };
    assert!(open(&[]).unwrap().starts_with("SecretFiles"));
    assert!(open(&[("AGENT_MAIL_SECRETS", "env")]).unwrap().starts_with("EnvSecrets"));
    for wrong in [&[("AGENT_MAIL_SECRETS", "canary")][..], &[("AGENT_MAIL_CA_FILE", "no/such/canary")]] {
        let error = open(wrong).unwrap_err().to_string();
        assert!(error.contains(wrong[0].0) && !error.contains("canary"), "{error}");
    }
}
