//! The mail of sites: what is made and kept, who is kept apart, and what is left when something breaks.

#[path = "../api_server/mod.rs"]
mod api_server;
#[path = "../operator/faults.rs"]
#[allow(dead_code, reason = "other tests need other faults")]
mod faults;
mod kubernetes;
mod real;
#[path = "../stage/mod.rs"]
mod stage;
mod sweep;

use std::collections::BTreeSet;
use std::sync::Arc;

use agent_mail::backend::{Committed, MailAdmin, SecretStore};
use agent_mail::sites::{NewSiteMailbox, SiteState, SiteStatus, SiteStore, Sites, SitesInState, Slug};
use agent_mail::{DomainSpec, Error, ErrorKind};
use async_trait::async_trait;
use faults::How;
use secrecy::ExposeSecret;
use stage::Stage;

const ZONE: &str = "mail.example";

fn template() -> DomainSpec {
    DomainSpec::new(ZONE.parse().unwrap(), "post.mail.example".parse().unwrap())
}

fn store(stage: &Stage) -> Arc<dyn SiteStore> {
    Arc::new(SitesInState::new(stage.state(), ZONE.parse().unwrap()))
}

fn sites(stage: &Stage) -> Sites {
    Sites::builder(stage.operator(), store(stage), template()).build().unwrap()
}

fn slug(name: &str) -> Slug {
    name.parse().unwrap()
}

fn ada() -> NewSiteMailbox {
    NewSiteMailbox::new("ada").with_name("Ada").with_quota_mib(64)
}

#[tokio::test]
async fn a_site_gets_its_mail_loses_it_and_has_it_again() {
    let stage = Stage::new(ZONE);
    let sites = sites(&stage);
    let shop = slug("shop");
    let fresh = sites.status(&shop).await.unwrap();
    assert_eq!(
        (fresh.enabled, fresh.status, fresh.domain.as_str()),
        (false, SiteStatus::Disabled, "shop.mail.example")
    );
    assert_eq!(sites.disable(&shop).await.unwrap(), fresh, "there is nothing to take away");
    assert!(stage.world.survey(&fresh.domain).await.unwrap().is_none());

    let ready = sites.enable(&shop).await.unwrap();
    assert_eq!((ready.enabled, ready.status, ready.last_error.as_deref()), (true, SiteStatus::Ready, None));
    assert_eq!(sites.status(&shop).await.unwrap(), ready);
    let added = sites.add_mailbox(&shop, &ada()).await.unwrap();
    assert!(added.created);
    let password = stage.secrets.get(&added.address).await.unwrap().unwrap();
    assert!(password.expose_secret().len() >= 16);

    let before = stage.shown("shop.mail.example").await;
    assert_eq!(sites.enable(&shop).await.unwrap(), ready);
    assert!(!sites.add_mailbox(&shop, &ada()).await.unwrap().created);
    assert!(
        !sites.add_mailbox(&shop, &NewSiteMailbox::new("ada")).await.unwrap().created,
        "it stays as it is"
    );
    assert_eq!(stage.shown("shop.mail.example").await, before);

    let off = sites.disable(&shop).await.unwrap();
    assert_eq!((off.enabled, off.status), (false, SiteStatus::Disabled));
    assert_eq!(sites.disable(&shop).await.unwrap(), off);
    let served = stage.world.survey(&off.domain).await.unwrap().unwrap();
    assert_eq!((served.active, served.mailboxes.len()), (false, 1));
    let refused = sites.add_mailbox(&shop, &ada()).await.unwrap_err();
    assert_eq!((refused.kind(), refused.fix()), (ErrorKind::NotReady, "enable the site's mail first"));

    assert_eq!(sites.enable(&shop).await.unwrap(), ready);
    assert_eq!(stage.shown("shop.mail.example").await, before, "all data is there again");
}

#[tokio::test]
async fn a_mailbox_that_is_there_stays_as_it_is_at_a_site_that_failed_too() {
    let stage = Stage::new(ZONE);
    let sites = sites(&stage);
    let shop = slug("shop");
    let mut statuses = BTreeSet::new();
    for calls in 1..12 {
        sites.enable(&shop).await.unwrap();
        sites.add_mailbox(&shop, &ada()).await.unwrap();
        let before = stage.shown("shop.mail.example").await;
        sites.disable(&shop).await.unwrap();
        stage.faults.arm(calls, How::NotDone);
        drop(sites.enable(&shop).await);
        stage.faults.calm();
        let status = sites.status(&shop).await.unwrap();
        if !status.enabled {
            continue;
        }
        statuses.insert(status.status.to_string());
        let other = NewSiteMailbox::new("ada").with_name("Somebody else").with_quota_mib(128);
        assert!(!sites.add_mailbox(&shop, &other).await.unwrap().created, "{calls}");
        assert_eq!(stage.shown("shop.mail.example").await, before, "{calls}");
        assert_eq!(sites.status(&shop).await.unwrap().status, SiteStatus::Ready);
    }
    assert!(statuses.contains("failed"), "{statuses:?}");
}

#[tokio::test]
async fn nobody_gets_the_domain_of_another() {
    let stage = Stage::new(ZONE);
    let sites = sites(&stage);
    sites.enable(&slug("one")).await.unwrap();
    let give = |site: &str, domain: &str| {
        let (sites, site, domain) = (sites.clone(), slug(site), domain.parse().unwrap());
        async move { sites.enable_at(&site, domain).await.map_err(|error| error.kind()) }
    };
    for domain in ["one.mail.example", "x.one.mail.example", "mail.example", "example", "post.mail.example"] {
        assert_eq!(give("two", domain).await, Err(ErrorKind::InvalidInput), "{domain}");
    }
    assert_eq!(sites.status(&slug("two")).await.unwrap().status, SiteStatus::Disabled, "it is none");
    assert_eq!(give("one", "two.mail.example").await, Err(ErrorKind::AlreadyExists), "it has a domain");
    assert_eq!(give("two", "two.mail.example").await.unwrap().domain.as_str(), "two.mail.example");
    assert_eq!(sites.enable(&slug("post")).await.unwrap_err().kind(), ErrorKind::InvalidInput);

    // A domain that the mail system serves for others is never touched.
    let theirs = DomainSpec::new("three.mail.example".parse().unwrap(), "post.mail.example".parse().unwrap());
    let operator = stage.operator();
    operator.apply(&operator.plan(&theirs).await.unwrap()).await.unwrap();
    let before = stage.shown("three.mail.example").await;
    let refused = sites.enable(&slug("three")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert_eq!(stage.shown("three.mail.example").await, before);
    assert_eq!(sites.status(&slug("three")).await.unwrap().last_error, None);
}

#[tokio::test]
async fn mailboxes_that_are_none_are_refused_and_the_site_stays_ready() {
    let stage = Stage::new(ZONE);
    let sites = sites(&stage);
    let shop = slug("shop");
    let ready = sites.enable(&shop).await.unwrap();
    for local_part in ["", "Ada", "a b", "../x", "ada@other.example", "a\r\nb", &"a".repeat(65)] {
        let refused = sites.add_mailbox(&shop, &NewSiteMailbox::new(local_part)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{local_part:?}");
    }
    let huge = sites.add_mailbox(&shop, &ada().with_quota_mib(u32::MAX)).await.unwrap_err();
    assert_eq!(huge.kind(), ErrorKind::InvalidInput);
    assert_eq!(sites.status(&shop).await.unwrap(), ready);
    assert!(stage.world.survey(&ready.domain).await.unwrap().unwrap().mailboxes.is_empty());
}

#[tokio::test]
async fn calls_about_one_site_take_turns() {
    let stage = Stage::new(ZONE);
    let sites = sites(&stage);
    let calls: Vec<_> = (0..20)
        .map(|n| {
            let sites = sites.clone();
            tokio::spawn(async move {
                let shop = slug("shop");
                sites.enable(&shop).await?;
                sites
                    .add_mailbox(&shop, &NewSiteMailbox::new(format!("user{}", n % 5)))
                    .await
                    .map(|added| added.created)
            })
        })
        .collect();
    let mut created = 0;
    for call in calls {
        created += u32::from(call.await.unwrap().unwrap());
    }
    assert_eq!(created, 5);
    let ready = sites.status(&slug("shop")).await.unwrap();
    assert_eq!(ready.status, SiteStatus::Ready);
    assert_eq!(stage.world.survey(&ready.domain).await.unwrap().unwrap().mailboxes.len(), 5);
}

#[tokio::test]
async fn a_state_that_another_process_wrote_is_not_overwritten() {
    let stage = Stage::new(ZONE);
    let shop = slug("shop");
    sites(&stage).enable(&shop).await.unwrap();
    let ready = sites(&stage).status(&shop).await.unwrap();

    let store = Arc::new(Overtaken(store(&stage)));
    let here = Sites::builder(stage.operator(), store, template()).build().unwrap();
    let refused = here.add_mailbox(&shop, &ada()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotReady);
    assert!(
        stage.world.survey(&ready.domain).await.unwrap().unwrap().mailboxes.is_empty(),
        "nothing was done"
    );
    assert!(!sites(&stage).status(&shop).await.unwrap().enabled, "the other's word holds");
}

#[test]
fn a_template_describes_no_one() {
    let stage = Stage::new(ZONE);
    let build = |template: DomainSpec| Sites::builder(stage.operator(), store(&stage), template).build();
    assert!(build(template()).is_ok());
    let mut wrong = [template(), template(), template(), template()];
    wrong[0].description = "ours".to_owned();
    wrong[1].active = false;
    wrong[2].prune = true;
    wrong[3].alias_domains.push("other.example".parse().unwrap());
    for template in wrong {
        assert_eq!(build(template).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let provider = Sites::builder(stage.operator(), store(&stage), template()).provider("my cow").build();
    assert_eq!(provider.unwrap_err().kind(), ErrorKind::InvalidInput);
}

/// Another process disables the site while this one works on it.
#[derive(Debug)]
struct Overtaken(Arc<dyn SiteStore>);

#[async_trait]
impl SiteStore for Overtaken {
    async fn read(&self, site: &Slug) -> Result<Option<SiteState>, Error> {
        let seen = self.0.read(site).await?;
        if let Some(state) = seen.as_ref().filter(|state| state.enabled) {
            let mut other = state.clone();
            (other.enabled, other.status) = (false, SiteStatus::Pending);
            let _ = self.0.replace(site, seen.as_ref(), &other).await?;
        }
        Ok(seen)
    }

    async fn replace(
        &self,
        site: &Slug,
        seen: Option<&SiteState>,
        next: &SiteState,
    ) -> Result<Committed, Error> {
        self.0.replace(site, seen, next).await
    }
}
