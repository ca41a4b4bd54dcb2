use std::time::Duration;

use super::*;

fn domain() -> DomainName {
    at_home("ada").domain().clone()
}

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_mailbox_that_is_off_takes_no_mail_and_no_login_and_keeps_what_it_has() {
    let office = office();
    submit(&office, &["bob@agents.example"]).await.unwrap();
    office.set_active(&at_home("Bob"), false).unwrap();
    let answer = office.fetch(&login("bob"), &Selection::After(None), 9).await;
    assert!(matches!(answer, Err(Error::Authentication { .. })), "{answer:?}");
    office.set_policy(office.policy().with_unknown_recipients(Treatment::Refused));
    assert_eq!(refusal(submit(&office, &["bob+x@agents.example"]).await), (550, (5, 1, 1)));
    office.set_catch_all(&domain(), vec![at_home("ada")]).unwrap();
    submit(&office, &["bob@agents.example"]).await.unwrap();
    assert_eq!(count(&office, "ada").await, 1, "it is for nobody now");
    office.set_active(&at_home("bob"), true).unwrap();
    assert_eq!(count(&office, "bob").await, 1);
}

#[tokio::test]
async fn who_waits_learns_that_the_mailbox_or_the_domain_is_off() {
    for switch in [
        |office: &PostOffice| office.set_active(&at_home("bob"), false).unwrap(),
        |office: &PostOffice| office.set_domain_active(&domain(), false).unwrap(),
    ] {
        let office = office();
        let (bob, after) = (login("bob"), Position { uid_validity: NOW + 1, uid: 0 });
        let wait = office.wait(&bob, after, Duration::from_hours(1));
        let (ended, ()) = tokio::join!(wait, async { switch(&office) });
        assert!(matches!(ended, Err(Error::Authentication { .. })), "{ended:?}");
    }
}

#[tokio::test]
async fn a_domain_that_is_off_is_as_foreign_until_it_is_on_again() {
    let office = office();
    office.add_domain(name("other.example"));
    let eve = address("eve@other.example");
    office.add_mailbox(&eve, PASSWORD.into(), 0).unwrap();
    office.set_domain_active(eve.domain(), false).unwrap();
    office.set_policy(office.policy().with_foreign_domains(Foreign::Refused));
    assert_eq!(refusal(submit(&office, &["eve@other.example"]).await), (554, (5, 7, 1)));
    let eve = Login::new(eve, PASSWORD.into());
    assert!(office.fetch(&eve, &Selection::After(None), 9).await.is_err());
    office.set_domain_active(&name("other.example"), true).unwrap();
    submit(&office, &["eve@other.example"]).await.unwrap();
    assert_eq!(office.fetch(&eve, &Selection::After(None), 9).await.unwrap().messages.len(), 1);
}

#[tokio::test]
async fn mail_to_another_name_of_a_domain_comes_to_the_domain() {
    let office = office();
    let other = name("old.example");
    office.add_alias_domain(other.clone(), &domain()).unwrap();
    office.add_alias_domain(other.clone(), &domain()).unwrap();
    office.add_alias(&at_home("all"), vec![address("bob@old.example"), at_home("bob")]).unwrap();
    submit(&office, &["bob@old.example", "bob+x@old.example", "all@OLD.example"]).await.unwrap();
    assert_eq!(count(&office, "bob").await, 3);
    let from_other = NewMessage::to(at_home("bob")).seal(&address("ada@old.example").into()).unwrap();
    office.submit(&login("ada"), &from_other).await.unwrap();
    assert!(!office.has_domain(&other), "it is no domain of its own");
    assert_eq!(office.alias_domains_of(&domain()), std::slice::from_ref(&other));
    assert_eq!(office.alias_domain_target(&other), Some(domain()));

    office.set_policy(office.policy().with_unknown_recipients(Treatment::Refused));
    assert_eq!(refusal(submit(&office, &["nobody@old.example"]).await), (550, (5, 1, 1)));
    office.remove_alias_domain(&other, &name("third.example"));
    assert_eq!(office.alias_domains_of(&domain()).len(), 1, "only its own domain takes it away");
    office.remove_alias_domain(&other, &domain());
    office.set_policy(office.policy().with_foreign_domains(Foreign::Refused));
    assert_eq!(refusal(submit(&office, &["bob@old.example"]).await), (554, (5, 7, 1)));
}

#[test]
fn a_name_is_given_out_once() {
    let office = office();
    let (other, third) = (name("old.example"), name("third.example"));
    let exists = |name: &DomainName| Err(PostOfficeError::DomainExists(name.clone()));
    assert_eq!(office.add_alias_domain(domain(), &domain()), exists(&domain()));
    let unknown = Err(PostOfficeError::UnknownDomain(third.clone()));
    assert_eq!(office.add_alias_domain(other.clone(), &third), unknown);
    office.add_domain(third.clone());
    office.add_alias_domain(other.clone(), &domain()).unwrap();
    assert_eq!(office.add_alias_domain(other.clone(), &third), exists(&other));
    office.add_domain(other.clone());
    assert!(office.has_domain(&other) && office.alias_domains_of(&domain()).is_empty());
}

#[test]
fn a_domain_goes_when_it_is_empty() {
    let office = office();
    let not_empty = Err(PostOfficeError::DomainNotEmpty(domain()));
    assert_eq!(office.remove_domain(&domain()), not_empty);
    office.remove_mailbox(&at_home("ada")).unwrap();
    office.remove_mailbox(&at_home("bob")).unwrap();
    office.add_alias_domain(name("old.example"), &domain()).unwrap();
    assert_eq!(office.remove_domain(&domain()), not_empty);
    office.remove_alias_domain(&name("old.example"), &domain());
    for _ in 0..2 {
        office.remove_domain(&domain()).unwrap();
        assert!(!office.has_domain(&domain()));
    }
    assert_eq!(
        office.set_domain_active(&domain(), true),
        Err(PostOfficeError::UnknownDomain(domain())),
        "it is not there"
    );
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_has_its_own_limit_or_shares_that_of_its_domain() {
    let office = office();
    let bobs = || NewMessage::to(at_home("ada")).seal(&at_home("bob").into()).unwrap();
    let hour = Duration::from_hours(1);
    office.set_domain_rate_limit(&domain(), Some((1, hour))).unwrap();
    office.set_rate_limit(&at_home("ada"), Some((2, hour))).unwrap();
    for _ in 0..2 {
        submit(&office, &["bob@agents.example"]).await.unwrap();
    }
    assert_eq!(refusal(submit(&office, &["bob@agents.example"]).await), (451, (4, 7, 1)));
    office.set_rate_limit(&at_home("ada"), None).unwrap();
    assert_eq!(refusal(submit(&office, &["bob@agents.example"]).await), (451, (4, 7, 1)));
    office.set_domain_rate_limit(&domain(), None).unwrap();
    submit(&office, &["bob@agents.example"]).await.unwrap();

    office.set_domain_rate_limit(&domain(), Some((1, hour))).unwrap();
    tokio::time::sleep(hour).await;
    office.submit(&login("bob"), &bobs()).await.unwrap();
    assert_eq!(refusal(submit(&office, &["bob@agents.example"]).await), (451, (4, 7, 1)), "bob had it");
}

#[tokio::test]
async fn the_administrator_sees_what_he_set() {
    let office = office();
    office.set_quota(&at_home("bob"), 7).unwrap();
    office.set_forward(&at_home("bob"), vec![address("x@elsewhere.example")], false).unwrap();
    office.set_alias(&at_home("Zoe"), vec![at_home("ada")]).unwrap();
    office.set_alias(&at_home("zoe"), vec![at_home("bob"), at_home("ada")]).unwrap();
    assert_eq!(office.set_alias(&at_home("zoe"), vec![]), Err(PostOfficeError::NoTarget));
    let exists = Err(PostOfficeError::AddressExists(at_home("bob")));
    assert_eq!(office.set_alias(&at_home("bob"), vec![at_home("ada")]), exists);
    office.set_catch_all(&domain(), vec![at_home("zoe")]).unwrap();

    let seen = office.mailboxes_of(&domain());
    let shown: Vec<_> =
        seen.iter().map(|mailbox| (mailbox.address.local_part(), mailbox.quota_mib)).collect();
    assert_eq!(shown, [("ada", 0), ("bob", 7)]);
    assert!(seen[0].active && seen[0].keeps_copy && seen[0].forward_to.is_empty());
    assert!(!seen[1].keeps_copy && seen[1].forward_to == [address("x@elsewhere.example")]);
    assert_eq!(office.aliases_of(&domain()), [(at_home("zoe"), vec![at_home("bob"), at_home("ada")])]);
    assert_eq!(office.catch_all_of(&domain()), [at_home("zoe")]);
    assert!(office.mailboxes_of(&name("other.example")).is_empty());
}
