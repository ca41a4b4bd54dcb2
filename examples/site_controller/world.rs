//! Over what the service works.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use agent_mail::sites::{SiteStore, Sites, SitesInKubernetesBuilder, SitesInState};
use agent_mail::{
    Desec, DomainName, DomainSpec, Embedded, Mailcow, MemoryState, Operator, RedbState, SecretFiles,
};

/// Makes the sites of a world in memory.
pub(crate) fn embedded(zone: &str) -> Result<Sites, Box<dyn Error>> {
    let zone: DomainName = zone.parse()?;
    let world = Arc::new(Embedded::new(zone.clone()));
    let state = Arc::new(MemoryState::default());
    let operator = Operator::builder(world.clone()).dns(world, zone.clone()).state(state.clone()).build()?;
    let store = Arc::new(SitesInState::new(state, zone.clone()));
    let template = DomainSpec::new(zone.clone(), format!("post.{zone}").parse()?);
    Ok(Sites::builder(operator, store, template).provider("embedded").build()?)
}

/// Makes the sites that the environment describes.
pub(crate) fn open(vars: &dyn Fn(&str) -> Option<String>) -> Result<Sites, Box<dyn Error>> {
    let needed = |name: &str| vars(name).ok_or_else(|| format!("{name} is not set"));
    let Some(url) = vars("MAILCOW_API_URL") else {
        return embedded(&vars("SITES_MAIL_ZONE").unwrap_or_else(|| "mail.example".to_owned()));
    };
    let zone: DomainName = needed("SITES_MAIL_ZONE")?.parse()?;
    let folder = PathBuf::from(needed("AGENT_MAIL_STATE_DIR")?);
    std::fs::create_dir_all(&folder)?;
    let state = Arc::new(RedbState::open(folder.join("state.redb"))?);
    let mailcow = mailcow_api::Client::builder(&url, needed("MAILCOW_API_KEY")?.into()).build()?;
    let desec = desec_api::Client::builder(needed("DESEC_TOKEN")?.into()).build()?;
    let operator = Operator::builder(Arc::new(Mailcow::new(mailcow)))
        .dns(Arc::new(Desec::new(desec)), zone.clone())
        .state(state.clone())
        .secrets(Arc::new(SecretFiles::open(folder.join("secrets"))?))
        .build()?;
    let store: Arc<dyn SiteStore> = match vars("SITES_KUBERNETES_PREFIX") {
        Some(prefix) => Arc::new(SitesInKubernetesBuilder::in_cluster(&prefix, vars)?.build()?),
        None => Arc::new(SitesInState::new(state, zone.clone())),
    };
    let template = DomainSpec::new(zone, needed("MAILCOW_HOSTNAME")?.parse()?);
    Ok(Sites::builder(operator, store, template).build()?)
}
