//! The typed client on the fake: what an account does in its life.

use desec_api::{
    CaptchaKind, CaptchaSolution, Client, ConfirmationCode, DomainName, EmailAddress, Error, FactorCreation,
    FakeDesec, FakeReminder, NewPolicy, NewToken, PolicyPatch, RecordType, Registration, RrSetPatch,
    TokenPatch, Ttl,
};
use futures_util::TryStreamExt;
use secrecy::{ExposeSecret, SecretString};

fn anonymous(fake: &FakeDesec) -> Client {
    Client::anonymous().http_client(std::sync::Arc::new(fake.clone())).build().unwrap()
}

/// Returns the code of the last mail, which must be about `action`.
fn code(fake: &FakeDesec, action: &str) -> ConfirmationCode {
    let mail = fake.mails().pop().unwrap();
    assert_eq!(mail.action, action);
    mail.code.expose_secret().parse().unwrap()
}

async fn solved(fake: &FakeDesec, client: &Client) -> CaptchaSolution {
    client.captcha(&CaptchaKind::Image).await.unwrap().solve(fake.captcha_solution()).unwrap()
}

fn email(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_account_begins_and_ends() {
    let fake = FakeDesec::new();
    fake.throttle(true);
    let (client, bob) = (anonymous(&fake), email("bob@example.org"));
    let (old, new): (SecretString, SecretString) = ("a long password".into(), "a longer password".into());
    let registration = Registration::new(bob.clone()).with_password(old.clone());
    client.register(&registration).await.unwrap();
    assert!(client.login(&bob, &old).await.is_err(), "it is not active yet");
    let activation = code(&fake, "activate-account");
    let error = client.activate_account(&activation, None).await.unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "the captcha is missing: {error:?}");
    let solution = solved(&fake, &client).await;
    assert!(client.activate_account(&activation, Some(&solution)).await.unwrap().domain.is_none());
    let error = client.activate_account(&activation, Some(&solution)).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error:?}");

    let solution = solved(&fake, &client).await;
    client.reset_password(&bob, &solution).await.unwrap();
    client.confirm_password_reset(&code(&fake, "reset-password"), &new).await.unwrap();
    assert!(client.login(&bob, &old).await.is_err());
    let login = client.login(&bob, &new).await.unwrap();
    assert_eq!(login.token.mfa, Some(false));
    let session = fake.client_for(login.secret).unwrap();
    let account = session.account().await.unwrap();
    assert_eq!((account.email, account.domains_under_management), (bob.clone(), 0));
    let robert = email("robert@example.org");
    session.change_email(&bob, &new, &robert).await.unwrap();
    client.confirm_email_change(&code(&fake, "change-email")).await.unwrap();
    session.delete_account(&robert, &new).await.unwrap();
    client.confirm_account_deletion(&code(&fake, "delete-account")).await.unwrap();
    assert!(matches!(session.account().await, Err(Error::Unauthenticated { .. })));
    fake.client().unwrap().account().await.expect("the other account is still there");
    assert!(fake.calls().iter().all(|call| call.status != Some(429)), "the client keeps the limits");
}

#[tokio::test(start_paused = true)]
async fn a_registration_with_a_domain_brings_a_token_for_the_router() {
    let fake = FakeDesec::new();
    let (client, domain): (_, DomainName) = (anonymous(&fake), "bob.dedyn.io".parse().unwrap());
    let registration = Registration::new(email("bob@example.org")).with_domain(domain.clone());
    let solution = solved(&fake, &client).await;
    client.register(&registration.with_captcha(solution)).await.unwrap();
    let activation = client.activate_account(&code(&fake, "activate-account"), None).await.unwrap();
    assert_eq!(activation.domain.unwrap().name, domain);
    let router = fake.client_for(activation.token.unwrap().secret).unwrap();
    assert!(!router.zone(&domain).await.unwrap().is_empty());
    let owner = fake.client().unwrap();
    assert!(matches!(owner.domain(&domain).await, Err(Error::NotFound { .. })), "it is somebody else's");
}

#[tokio::test(start_paused = true)]
async fn a_token_for_certificates_may_do_nothing_else() {
    let (fake, domain): (_, DomainName) = (FakeDesec::new(), "example.com".parse().unwrap());
    fake.add_domain(&domain, Ttl::new(3600).unwrap());
    let owner = fake.client().unwrap();
    let created = owner
        .create_token(&NewToken::new("acme").with_max_age("30 00:00:00".parse().unwrap()))
        .await
        .unwrap();
    let id = &created.token.id;
    let challenge = Some("_acme-challenge".parse().unwrap());
    let wanted = NewPolicy::new(Some(domain.clone()), challenge.clone(), Some(RecordType::Txt), true);
    assert!(
        matches!(owner.create_policy(id, &wanted).await, Err(Error::Invalid { .. })),
        "the default comes first"
    );
    let default = owner.create_policy(id, &NewPolicy::default_policy(false)).await.unwrap();
    let policy = owner.create_policy(id, &wanted).await.unwrap();
    assert!(matches!(owner.create_policy(id, &wanted).await, Err(Error::Conflict { .. })));
    let acme = fake.client_for(created.secret).unwrap();
    assert_eq!(acme.policies(id).await.unwrap(), [policy.clone(), default.clone()]);
    let patch = |name: &str| {
        let set = RrSetPatch::new(name.parse().unwrap(), RecordType::Txt).with_ttl(Ttl::new(3600).unwrap());
        [set.with_records(["\"proof\"".into()])]
    };
    acme.patch_rrsets(&domain, &patch("_acme-challenge")).await.unwrap();
    assert!(matches!(acme.patch_rrsets(&domain, &patch("www")).await, Err(Error::Forbidden { .. })));
    owner.update_policy(id, &policy.id, &PolicyPatch::new().with_subname(None)).await.unwrap();
    acme.patch_rrsets(&domain, &patch("www")).await.unwrap();
    assert!(owner.delete_policy(id, &default.id).await.is_err(), "the default goes last");
    owner.delete_policy(id, &policy.id).await.unwrap();
    owner.delete_policy(id, &default.id).await.unwrap();
    owner.update_token(id, &TokenPatch::new().with_name("old")).await.unwrap();
    let tokens: Vec<_> = owner.tokens().try_collect().await.unwrap();
    assert_eq!((tokens.len(), tokens[0].name.as_str()), (2, "old"));
    owner.delete_token(id).await.unwrap();
    assert!(matches!(acme.zone(&domain).await, Err(Error::Unauthenticated { .. })));
}

#[tokio::test(start_paused = true)]
async fn mails_that_nobody_asked_for_are_answered() {
    let (fake, domain): (_, DomainName) = (FakeDesec::new(), "example.com".parse().unwrap());
    let client = anonymous(&fake);
    fake.remind(FakeReminder::ConfirmAccount);
    client.confirm_account(&code(&fake, "confirm-account")).await.unwrap();
    fake.remind(FakeReminder::RenewDomain(domain));
    client.confirm_domain_renewal(&code(&fake, "renew-domain")).await.unwrap();
    fake.remind(FakeReminder::ChangeOutreach);
    client.confirm_outreach_preference(&code(&fake, "change-outreach-preference")).await.unwrap();
    assert!(!fake.client().unwrap().account().await.unwrap().outreach_preference);
}

#[tokio::test(start_paused = true)]
async fn a_second_factor_is_added_by_mail_and_then_by_the_first() {
    let fake = FakeDesec::new();
    let password = SecretString::from("a long password");
    fake.set_password(&password);
    let client = anonymous(&fake);
    let login = client.login(&email(&fake.email()), &password).await.unwrap();
    let session = fake.client_for(login.secret).unwrap();
    assert!(matches!(session.create_factor("phone").await.unwrap(), FactorCreation::ToBeConfirmed));
    let created = client.confirm_factor(&code(&fake, "create-totp")).await.unwrap();
    assert!(matches!(session.factors().await, Err(Error::Forbidden { .. })), "the factor is due");
    let id = created.factor.id;
    assert!(session.verify_factor(&id, &"000000".into()).await.is_err());
    session.verify_factor(&id, &fake.totp_code().into()).await.unwrap();
    assert_eq!(session.update_factor(&id, "tablet").await.unwrap().name, "tablet");
    let FactorCreation::Created(second) = session.create_factor("key").await.unwrap() else {
        panic!("the first factor was shown");
    };
    session.delete_factor(&second.factor.id).await.unwrap();
    let names: Vec<_> = session.factors().await.unwrap().into_iter().map(|factor| factor.name).collect();
    assert_eq!(names, ["tablet"]);
}
