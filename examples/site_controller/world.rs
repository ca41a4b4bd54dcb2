//! Over what the service works.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use agent_mail::sites::{SiteStore, Sites, SitesInKubernetesBuilder, SitesInState};
use agent_mail::{Config, DomainName, DomainSpec, Embedded, MemoryState, Operator, RedbState};

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
    if vars("MAILCOW_API_URL").is_none() {
        return embedded(&vars("MAILCOW_DOMAIN").unwrap_or_else(|| "mail.example".to_owned()));
    }
    let config = Config::from_vars(vars)?;
    let (operator, template) = (config.operator()?.build()?, config.spec());
    let store: Arc<dyn SiteStore> = if let Some(prefix) = vars("SITES_KUBERNETES_PREFIX") {
        Arc::new(SitesInKubernetesBuilder::in_cluster(&prefix, vars)?.build()?)
    } else {
        let folder = vars("AGENT_MAIL_STATE_DIR").ok_or("AGENT_MAIL_STATE_DIR is not set")?;
        let state = RedbState::open(PathBuf::from(folder).join("sites.redb"))?;
        Arc::new(SitesInState::new(Arc::new(state), template.domain.clone()))
    };
    Ok(Sites::builder(operator, store, template).build()?)
}
