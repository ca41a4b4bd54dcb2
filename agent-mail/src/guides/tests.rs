use proptest::prelude::*;

use super::*;
use crate::golden::golden;

fn settings() -> ClientSettings {
    let host: DomainName = "mail.shop.example".parse().unwrap();
    ClientSettings::new("ada@shop.example".parse().unwrap(), host.clone())
        .with_name("Ada Lovelace")
        .with_pop3(Server::tls(host, 995))
}

fn start_tls() -> ClientSettings {
    let host: DomainName = "smtp.shop.example".parse().unwrap();
    let mut settings = settings().with_login("shop\\ada").with_submission(Server::start_tls(host, 587));
    settings.pop3 = None;
    settings
}

/// The texts of a document with the elements around them; it panics where the document is not well-formed.
fn texts(xml: &str) -> Vec<(String, String)> {
    let (mut path, mut texts, mut rest) = (Vec::new(), Vec::new(), xml);
    while let Some(start) = rest.find('<') {
        let (text, tag) = rest.split_at(start);
        if !text.trim().is_empty() {
            texts.push((path.join("/"), unescaped(text)));
        }
        let (tag, after) = tag[1..].split_once('>').expect("a tag ends");
        rest = after;
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(path.pop(), Some(name), "{xml}");
        } else if !tag.ends_with('/') {
            path.push(tag.split(' ').next().unwrap());
        }
    }
    assert!(path.is_empty() && rest.trim().is_empty(), "{xml}");
    texts
}

fn unescaped(text: &str) -> String {
    let known = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    let bare = known.iter().fold(text.to_owned(), |text, (name, _)| text.replace(name, ""));
    assert!(!bare.contains(['&', '<', '>', '"', '\'']), "{text}");
    known.iter().fold(text.to_owned(), |text, (name, c)| text.replace(name, c))
}

#[test]
fn each_format_is_as_it_was() {
    for (folder, settings) in [("guides/tls", settings()), ("guides/start_tls", start_tls())] {
        golden(&format!("{folder}/gmail.md"), &settings.gmail_guide());
        golden(&format!("{folder}/autoconfig.xml"), &settings.mozilla_autoconfig());
        golden(&format!("{folder}/autodiscover.xml"), &settings.outlook_autodiscover());
        golden(&format!("{folder}/profile.mobileconfig"), &settings.apple_profile());
        golden(&format!("{folder}/erpnext.json"), &settings.erpnext_json());
    }
}

#[test]
fn a_mailbox_of_a_specification_has_pop3_if_it_is_announced() {
    let mut spec = DomainSpec::new("shop.example".parse().unwrap(), "mail.shop.example".parse().unwrap());
    let ada = MailboxEntry::new("ada@shop.example".parse().unwrap()).with_name("Ada Lovelace");
    assert_eq!(ClientSettings::of(&spec, &ada).pop3, None);
    spec.dns.pop3s = Service::Offered;
    assert_eq!(ClientSettings::of(&spec, &ada), settings());
}

#[test]
fn identifiers_belong_to_the_mailbox() {
    let ids = |settings: &ClientSettings| -> Vec<String> {
        let texts = texts(&settings.apple_profile());
        let after = |(place, _): (usize, &(String, String))| texts[place + 1].1.clone();
        texts.iter().enumerate().filter(|(_, (_, text))| text == "PayloadUUID").map(after).collect()
    };
    let (ada, again) = (ids(&settings()), ids(&settings().with_name("Another name")));
    assert_eq!(ada, again, "a newer profile takes the place of the older one");
    assert!(ada.len() == 2 && ada[0] != ada[1]);
    for id in &ada {
        assert_eq!((id.len(), &id[14..15]), (36, "8"));
        assert!("89AB".contains(&id[19..20]), "{id}");
    }
    let bob = ClientSettings::new("bob@shop.example".parse().unwrap(), "mail.shop.example".parse().unwrap());
    assert_ne!(ids(&bob), ada);
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[<>&\"'|`\\\\\n\r\t\\]\\[*_ a]{1,20}", Just("]]></string><!--".to_owned())]
}

proptest! {
    #[test]
    fn a_name_is_shown_and_means_nothing(name in hostile(), login in hostile()) {
        prop_assume!(!name.trim().is_empty() && !login.trim().is_empty());
        let plain = settings().with_login("x");
        let hostile = settings().with_name(&name).with_login(&login);
        let visible = |text: &str| -> String {
            let text = text.replace(['\n', '\r', '\t'], " ");
            text.chars().filter(|c| !c.is_control() && !['\u{fffe}', '\u{ffff}'].contains(c)).collect()
        };
        for format in [
            ClientSettings::mozilla_autoconfig,
            ClientSettings::outlook_autodiscover,
            ClientSettings::apple_profile,
        ] {
            let (as_usual, odd) = (texts(&format(&plain)), texts(&format(&hostile)));
            let seen = |found: &[(String, String)], wanted: &str| found.iter().any(|(_, text)| *text == visible(wanted));
            prop_assert!(visible(&login).trim().is_empty() || seen(&odd, &login), "{odd:?}");
            let paths = |found: &[(String, String)]| found.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
            if !visible(&login).trim().is_empty() && !visible(&name).trim().is_empty() {
                prop_assert_eq!(paths(&as_usual), paths(&odd));
            }
        }
        let json: serde_json::Value = serde_json::from_str(&hostile.erpnext_json()).unwrap();
        prop_assert_eq!(json["email_account_name"].as_str(), Some(name.as_str()));
        prop_assert_eq!(json["login_id"].as_str(), Some(login.as_str()));
        prop_assert_eq!(json.as_object().unwrap().len(), 19);
    }

    #[test]
    fn a_guide_keeps_its_shape(name in hostile(), login in hostile(), local in "[a-z!#$%&'*+/=?^_`{|}~-]{1,20}") {
        let shape = |settings: &ClientSettings| -> Vec<usize> {
            settings.gmail_guide().lines().map(|line| line.matches('|').count()).collect()
        };
        let mut hostile = settings().with_name(name).with_login(login);
        hostile.address = format!("{local}@shop.example").parse().unwrap();
        prop_assert_eq!(shape(&hostile), shape(&settings()));
    }
}
