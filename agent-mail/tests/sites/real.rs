//! Sites over a Mailcow and a deSEC, as far as their doubles go: through real JSON.

use std::sync::Arc;

use agent_mail::backend::SecretStore;
use agent_mail::sites::{SiteStatus, Sites, SitesInState};
use agent_mail::{Desec, Mailcow, MemorySecrets, MemoryState, Operator};
use desec_api::{FakeDesec, Ttl};
use mailcow_api::FakeMailcow;
use secrecy::ExposeSecret;

use super::{ZONE, ada, slug, template};

#[tokio::test]
async fn a_site_lives_on_mailcow_and_desec() {
    let (mailcow, desec) = (FakeMailcow::new(), FakeDesec::new());
    desec.add_domain(&ZONE.parse().unwrap(), Ttl::new(3600).unwrap());
    let state = Arc::new(MemoryState::default());
    let secrets = Arc::new(MemorySecrets::default());
    let operator = Operator::builder(Arc::new(Mailcow::new(mailcow.client())))
        .dns(Arc::new(Desec::new(desec.client_builder().unpaced().build().unwrap())), ZONE.parse().unwrap())
        .state(state.clone())
        .secrets(secrets.clone())
        .build()
        .unwrap();
    let store = SitesInState::new(state, ZONE.parse().unwrap());
    let sites = Sites::builder(operator, Arc::new(store), template()).build().unwrap();
    let shop = slug("shop");

    assert_eq!(sites.enable(&shop).await.unwrap().status, SiteStatus::Ready);
    let added = sites.add_mailbox(&shop, &ada()).await.unwrap();
    let secret = secrets.get(&added.address).await.unwrap().unwrap();
    let opens = |mailcow: &FakeMailcow| {
        mailcow.logins().iter().any(|login| {
            login.address.as_str() == added.address.to_string()
                && login.password.expose_secret() == secret.expose_secret()
        })
    };
    assert!(opens(&mailcow), "the stored password opens the mailbox");
    let shown =
        mailcow.client().get_mailbox(&added.address.to_string().parse().unwrap()).await.unwrap().unwrap();
    assert!(shown.settings.forced_password_change);

    let writes = mailcow.writes();
    sites.enable(&shop).await.unwrap();
    assert!(!sites.add_mailbox(&shop, &ada()).await.unwrap().created);
    assert_eq!(mailcow.writes(), writes, "twice changes nothing");

    assert_eq!(sites.disable(&shop).await.unwrap().status, SiteStatus::Disabled);
    let domain = mailcow.client().get_domain(&"shop.mail.example".parse().unwrap()).await.unwrap().unwrap();
    assert!(!domain.active);
    assert_eq!(sites.enable(&shop).await.unwrap().status, SiteStatus::Ready);
    assert!(opens(&mailcow), "it is there again");
}
