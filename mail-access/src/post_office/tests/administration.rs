use super::*;

#[test]
fn an_address_is_given_out_once_whatever_the_case_of_its_letters() {
    let office = office();
    let exists = |name| Err(PostOfficeError::AddressExists(at_home(name)));
    assert_eq!(office.add_mailbox(&at_home("ADA"), PASSWORD.into(), 0), exists("ADA"));
    assert_eq!(office.add_alias(&at_home("Bob"), vec![at_home("ada")]), exists("Bob"));
    office.add_alias(&at_home("all"), vec![at_home("ada")]).unwrap();
    assert_eq!(office.add_mailbox(&at_home("All"), PASSWORD.into(), 0), exists("All"));
    office.remove_alias(&at_home("ALL")).unwrap();
    office.add_mailbox(&at_home("all"), PASSWORD.into(), 0).unwrap();
    assert!(office.has_mailbox(&at_home("All")));
}

#[test]
fn what_is_not_there_is_named() {
    let office = office();
    let elsewhere = address("ada@elsewhere.example");
    let unknown = Err(PostOfficeError::UnknownDomain(elsewhere.domain().clone()));
    assert_eq!(office.add_mailbox(&elsewhere, PASSWORD.into(), 0), unknown);
    assert_eq!(office.add_alias(&elsewhere, vec![at_home("ada")]), unknown);
    assert_eq!(office.add_catch_all(elsewhere.domain(), vec![at_home("ada")]), unknown);
    assert_eq!(office.remove_catch_all(elsewhere.domain()), unknown);
    assert_eq!(office.add_alias(&at_home("all"), vec![]), Err(PostOfficeError::NoTarget));

    office.add_alias(&at_home("all"), vec![at_home("ada")]).unwrap();
    let no_mailbox = Err(PostOfficeError::UnknownMailbox(at_home("all")));
    assert_eq!(office.set_password(&at_home("all"), PASSWORD.into()), no_mailbox);
    assert_eq!(office.remove_mailbox(&at_home("all")), no_mailbox);
    assert_eq!(office.expunge(&at_home("all"), &[]), no_mailbox);
    assert_eq!(office.reset_uid_validity(&at_home("all")), no_mailbox);
    assert!(!office.has_mailbox(&at_home("all")), "an alias is no mailbox");
    assert_eq!(
        office.remove_alias(&at_home("ada")),
        Err(PostOfficeError::UnknownAlias(at_home("ada"))),
        "a mailbox is no alias"
    );
}

#[tokio::test]
async fn a_domain_that_is_added_again_keeps_what_it_has() {
    let office = office();
    let domain = at_home("ada").domain().clone();
    office.add_catch_all(&domain, vec![at_home("bob")]).unwrap();
    office.add_domain(domain.clone());
    let again = office.add_catch_all(&domain, vec![at_home("ada")]);
    assert_eq!(again, Err(PostOfficeError::CatchAllExists(domain.clone())));
    submit(&office, &["any@agents.example"]).await.unwrap();
    assert_eq!(count(&office, "bob").await, 1);
    office.remove_catch_all(&domain).unwrap();
    submit(&office, &["any@agents.example"]).await.unwrap();
    assert_eq!(count(&office, "bob").await, 1, "now it goes nowhere");
}

#[tokio::test]
async fn each_incarnation_of_a_mailbox_has_a_uid_validity_of_its_own() {
    let office = office();
    let mut known = vec![inbox(&office, "ada").await.uid_validity, inbox(&office, "bob").await.uid_validity];
    assert_eq!(known, [NOW, NOW + 1], "seconds of the clock, and counted on in the same second");
    office.remove_mailbox(&at_home("bob")).unwrap();
    office.add_mailbox(&at_home("bob"), PASSWORD.into(), 0).unwrap();
    known.push(inbox(&office, "bob").await.uid_validity);
    office.reset_uid_validity(&at_home("bob")).unwrap();
    known.push(inbox(&office, "bob").await.uid_validity);
    assert!(known.is_sorted_by(|one, next| one < next), "{known:?}");
}

#[tokio::test]
async fn a_removed_mailbox_is_gone_with_its_mail_and_its_login() {
    let office = office();
    submit(&office, &["bob@agents.example"]).await.unwrap();
    office.remove_mailbox(&at_home("bob")).unwrap();
    assert!(!office.has_mailbox(&at_home("bob")));
    let answer = office.fetch(&login("bob"), &Selection::After(None), 1).await;
    assert!(matches!(answer, Err(Error::Authentication { .. })), "{answer:?}");
    office.add_mailbox(&at_home("bob"), PASSWORD.into(), 0).unwrap();
    assert_eq!(count(&office, "bob").await, 0);
}

#[tokio::test]
async fn after_a_change_of_password_only_the_new_one_opens() {
    let office = office();
    office.set_password(&at_home("Ada"), "new".into()).unwrap();
    assert_eq!(refusal(submit(&office, &["bob@agents.example"]).await), (535, (5, 7, 8)));
    let new = Login::new(at_home("ADA"), "new".into());
    office.submit(&new, &message(&["bob@agents.example"])).await.unwrap();
}

#[tokio::test]
async fn debug_shows_counts_and_nothing_else() {
    let office = office();
    submit(&office, &["bob@agents.example", "ada@agents.example"]).await.unwrap();
    assert_eq!(format!("{office:?}"), "PostOffice { domains: 1, mailboxes: 2, messages: 2, .. }");
    let builder = format!("{:?}", PostOffice::builder());
    assert!(builder.contains("mail.invalid") && builder.contains("104857600"), "{builder}");
}
