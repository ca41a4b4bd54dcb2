//! Domain administrators: recordings played back.

use mailcow_api::{
    AdminChange, AdminName, DomainAdminChange, DomainAdminRight, DomainName, Error, NewDomainAdmin,
};
use secrecy::ExposeSecret;

use crate::replay;

const ALL: &str = "domain_admins/all.json";

fn name(text: &str) -> AdminName {
    text.parse().unwrap()
}

fn domains(names: &[&str]) -> Vec<DomainName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn new(text: &str, password: &str) -> NewDomainAdmin {
    NewDomainAdmin::new(name(text), password.into(), domains(&["agents.example.com", "example.net"]))
}

#[tokio::test]
async fn creates_are_sent_as_recorded_and_judged() {
    // The name is sent in lower case, as mailcow stores it.
    let again = replay::altered(ALL, 0, |exchange| exchange.body["username"] = "fleet-admin".into());
    assert_eq!(
        replay::code(again.add_domain_admin(&new("Fleet-Admin", "Fake-Passw0rd-123")).await),
        "object_exists"
    );
    // The one domain was recorded as a text instead of a list of one.
    let one = replay::altered(ALL, 1, |exchange| {
        exchange.body["domains"] = serde_json::json!([exchange.body["domains"]]);
    });
    let fleet2 = NewDomainAdmin::new(name("fleet2"), "Fake-Passw0rd-123".into(), domains(&["example.org"]));
    one.add_domain_admin(&fleet2).await.unwrap();
    assert!("bad name!".parse::<AdminName>().is_err(), "recorded as exchange 2, refused before it is sent");
    let weak = replay::one(ALL, 3, &[]).add_domain_admin(&new("weakpw", "abc")).await;
    assert_eq!(replay::code(weak), "password_complexity");
}

#[tokio::test]
async fn an_admin_without_one_of_its_domains_is_partly_created() {
    let nodom =
        NewDomainAdmin::new(name("nodom"), "Fake-Passw0rd-123".into(), domains(&["nope.example.com"]));
    let error = replay::one(ALL, 4, &[]).add_domain_admin(&nodom).await.unwrap_err();
    assert!(matches!(error, Error::Partial { .. }) && error.outcome_unknown(), "{error}");
    assert_eq!(error.problem().unwrap().code(), "domain_invalid");
}

#[tokio::test]
async fn one_or_all_are_read() {
    let all = replay::one(ALL, 5, &[]).domain_admins().await.unwrap();
    assert_eq!(
        all.iter().map(|admin| admin.username.as_str()).collect::<Vec<_>>(),
        ["fleet-admin", "fleet2"]
    );
    assert_eq!(all[1].domains, ["example.org"]);
    let one = replay::one(ALL, 6, &[]).get_domain_admin(&name("fleet-admin")).await.unwrap().unwrap();
    assert_eq!(one, all[0]);
    assert_eq!((one.domains.len(), one.other_domains.len(), one.active), (2, 5, true));
    // Without any other domain the list is an empty text.
    let last = replay::altered(ALL, 6, |exchange| {
        let mut body: serde_json::Value = serde_json::from_slice(&exchange.response.body).unwrap();
        body["unselected_domains"] = "".into();
        exchange.response.body = body.to_string().into();
    });
    assert!(last.get_domain_admin(&name("fleet-admin")).await.unwrap().unwrap().other_domains.is_empty());
    assert_eq!(replay::one("server/get-empty-collections.json", 10, &[]).domain_admins().await.unwrap(), []);
    let none = replay::one("server/get-nonexistent.json", 11, &[]).get_domain_admin(&name("nope")).await;
    assert_eq!(none.unwrap(), None);
}

#[tokio::test]
async fn edits_are_sent_as_recorded_and_judged() {
    let account = AdminChange::new().with_active(true).with_name(name("fleet-adm"));
    let change =
        DomainAdminChange::new().with_account(account).with_domains(domains(&["agents.example.com"]));
    // The empty passwords of the recording stand for the present one.
    let client = replay::one(ALL, 7, &["password", "password2"]);
    client.edit_domain_admin(&name("fleet-admin"), &change).await.unwrap();
    let active = DomainAdminChange::new().with_account(AdminChange::new().with_active(true));
    let unknown = replay::one(ALL, 8, &[]).edit_domain_admin(&name("nope"), &active).await;
    assert_eq!(replay::code(unknown), "access_denied");
}

#[tokio::test]
async fn rights_are_replaced() {
    let rights = [
        DomainAdminRight::SyncJobs,
        DomainAdminRight::Quarantine,
        DomainAdminRight::AppPasswords,
        DomainAdminRight::RateLimit,
    ];
    replay::one(ALL, 9, &[]).set_domain_admin_rights(&name("fleet-adm"), &rights).await.unwrap();
    let error =
        replay::one(ALL, 10, &[]).set_domain_admin_rights(&name("nope"), &rights[..1]).await.unwrap_err();
    assert_eq!(error.problem().unwrap().args(), ["Cannot determine current ACL"]);
    let odd = [DomainAdminRight::Other("a,b".to_owned())];
    let refused = replay::client([]).set_domain_admin_rights(&name("fleet-adm"), &odd).await;
    assert!(matches!(refused, Err(Error::InvalidInput { .. })));
}

#[tokio::test]
async fn a_token_is_a_secret() {
    let token = replay::one(ALL, 11, &[]).add_domain_admin_token(&name("fleet-adm")).await.unwrap();
    assert_eq!(token.expose_secret(), "AAAAAA-BBBBBB-CCCCCC-DDDDDD-EEEEEE");
    assert!(!format!("{token:?}").contains("AAAAAA"));
    let unknown = replay::one(ALL, 12, &[]).add_domain_admin_token(&name("nope")).await;
    assert_eq!(replay::code(unknown), "object_doesnt_exist");
}

#[tokio::test]
async fn deletes_are_judged_one_by_one() {
    let names = [name("fleet-adm"), name("nope")];
    assert_eq!(replay::done(replay::one(ALL, 13, &[]).delete_domain_admins(&names).await), ["fleet-adm"]);
    assert_eq!(
        replay::code(replay::one(ALL, 13, &[]).delete_domain_admins(&names).await),
        "username_invalid"
    );
}

#[tokio::test]
async fn nothing_is_sent_that_mailcow_would_ignore() {
    let client = replay::client([]);
    let without = NewDomainAdmin::new(name("x"), "Fake-Passw0rd-123".into(), []);
    assert!(matches!(client.add_domain_admin(&without).await, Err(Error::InvalidInput { .. })));
    for change in [DomainAdminChange::new(), DomainAdminChange::new().with_domains([])] {
        let refused = client.edit_domain_admin(&name("x"), &change).await;
        assert!(matches!(refused, Err(Error::InvalidInput { .. })), "{change:?}");
    }
}
