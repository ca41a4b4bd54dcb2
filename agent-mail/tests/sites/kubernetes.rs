//! Sites whose state is in annotations, on a server behind TLS.

use std::sync::Arc;

use agent_mail::ErrorKind;
use agent_mail::sites::{FakeKubernetes, SiteStatus, SiteStore, Sites};

use super::api_server::{ApiServer, TOKEN};
use super::stage::Stage;
use super::{ZONE, ada, slug, template};

#[tokio::test]
async fn the_state_of_a_site_is_what_kubectl_shows() {
    let fake = FakeKubernetes::new(TOKEN);
    fake.add_namespace("tenant-shop");
    let server = ApiServer::start(fake.clone()).await;
    let stage = Stage::new(ZONE);
    let sites = Sites::builder(stage.operator(), Arc::new(server.store()), template()).build().unwrap();

    let ready = sites.enable(&slug("shop")).await.unwrap();
    assert_eq!(ready.status, SiteStatus::Ready);
    let annotations = fake.annotations("tenant-shop").unwrap();
    let value = |key: &str| annotations[&format!("platform.example/mail-{key}")].as_str();
    assert_eq!(
        [value("enabled"), value("provider"), value("domain"), value("status")],
        ["true", "mailcow", "shop.mail.example", "ready"]
    );
    let writes = fake.patches();
    assert!(sites.add_mailbox(&slug("shop"), &ada()).await.unwrap().created);
    assert_eq!(sites.enable(&slug("shop")).await.unwrap(), ready);
    assert_eq!(fake.patches(), writes + 2, "a second enable writes nothing");

    let missing = sites.enable(&slug("other")).await.unwrap_err();
    assert_eq!((missing.kind(), missing.fix()), (ErrorKind::NotFound, "make the site's namespace first"));
}

#[tokio::test]
async fn a_server_that_the_authority_does_not_know_hears_no_token() {
    let fake = FakeKubernetes::new(TOKEN);
    fake.add_namespace("shop");
    let server = ApiServer::start(fake).await;
    let error = server.builder().build().unwrap().read(&slug("shop")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
