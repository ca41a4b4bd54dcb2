//! Mail for the sites of a platform's tenants, each known by its [`Slug`].
//!
//! [`Sites`] enables and disables a site's mail and adds mailboxes, over an [`Operator`]. What it knows of a site is a
//! [`SiteState`], kept in a [`SiteStore`]: [`SitesInState`] in the state file, `SitesInKubernetes` (feature
//! `kubernetes`) in five annotations of the site's namespace.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use std::sync::Arc;
//! use agent_mail::sites::{NewSiteMailbox, SiteStatus, Sites, SitesInState};
//! use agent_mail::{DomainName, DomainSpec, Embedded, MemoryState, Operator};
//!
//! let zone: DomainName = "mail.example".parse()?;
//! let world = Arc::new(Embedded::new(zone.clone()));
//! let operator = Operator::builder(world.clone()).dns(world, zone.clone()).build()?;
//! let store = SitesInState::new(Arc::new(MemoryState::default()), zone.clone());
//! let template = DomainSpec::new(zone, "mx.mail.example".parse()?);
//! let sites = Sites::builder(operator, Arc::new(store), template).build()?;
//!
//! let shop = "shop".parse()?;
//! let state = sites.enable(&shop).await?;
//! assert_eq!((state.domain.as_str(), state.status), ("shop.mail.example", SiteStatus::Ready));
//! let ada = sites.add_mailbox(&shop, &NewSiteMailbox::new("ada").with_name("Ada")).await?;
//! assert_eq!((ada.address.to_string().as_str(), ada.created), ("ada@shop.mail.example", true));
//! assert_eq!(sites.disable(&shop).await?.status, SiteStatus::Disabled); // the mailbox and its mail are kept
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod mailbox;
mod slug;
mod state;
mod store;

use std::fmt;
use std::sync::Arc;

use mail_access::DomainName;

pub use builder::SitesBuilder;
#[cfg(all(feature = "kubernetes", feature = "conformance"))]
pub use kubernetes::{FakeKubernetes, KubernetesFault};
#[cfg(feature = "kubernetes")]
pub use kubernetes::{SitesInKubernetes, SitesInKubernetesBuilder};
pub use mailbox::{NewSiteMailbox, SiteMailbox};
pub use slug::Slug;
pub use state::{SiteState, SiteStatus};
pub use store::{SiteStore, SitesInState};

use crate::backend::{Committed, MailChange};
use crate::local_part;
use crate::locks::Locks;
use crate::{DomainSpec, Error, ErrorKind, Operator, Plan, Step};

/// Gives the sites of tenants their mail, each in a domain of its own.
///
/// A site's domain carries `site <slug>` as its description on the mail system, and a domain that carries another is
/// never touched. Calls about one site take turns within the process; of several processes the store lets one write and
/// tells the others so. Cheap to clone; the clones are one system.
///
/// What a call wants is noted before anything is done. One that fails leaves [`SiteStatus::Failed`] and the reason, one
/// that is dropped leaves [`SiteStatus::Pending`]; the next call finishes either.
#[derive(Clone)]
pub struct Sites(Arc<Inner>);

struct Inner {
    operator: Operator,
    store: Arc<dyn SiteStore>,
    template: DomainSpec,
    provider: String,
    locks: Locks,
}

impl Sites {
    /// Begins a system whose sites all are as `template` says, each in `<slug>.<template's domain>`.
    pub fn builder(operator: Operator, store: Arc<dyn SiteStore>, template: DomainSpec) -> SitesBuilder {
        SitesBuilder::new(operator, store, template)
    }

    /// Gives a site its mail, in the domain that it has, or else in `<slug>.<mail zone>`. After
    /// [`disable`](Self::disable) its mailboxes and mail are there again.
    ///
    /// Safe to repeat: if all is as it should be, nothing is written.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the mail system serves the domain for somebody else;
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the name makes no domain or that of the mail host;
    /// [`NotReady`](ErrorKind::NotReady) if another process works on the site; else what operator and store say.
    pub async fn enable(&self, site: &Slug) -> Result<SiteState, Error> {
        self.enable_in(site, None).await
    }

    /// Does what [`enable`](Self::enable) does, in a domain of the caller's choice. That the tenant may have mail there
    /// is for the caller to know.
    ///
    /// # Errors
    /// As [`enable`](Self::enable); [`AlreadyExists`](ErrorKind::AlreadyExists) if the site has another domain;
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the domain is the mail zone, above it, or another site's part of it.
    pub async fn enable_at(&self, site: &Slug, domain: DomainName) -> Result<SiteState, Error> {
        self.enable_in(site, Some(domain)).await
    }

    async fn enable_in(&self, site: &Slug, given: Option<DomainName>) -> Result<SiteState, Error> {
        let _alone = self.0.locks.acquire(site.as_str()).await;
        let seen = self.0.store.read(site).await?;
        let domain = self.choose(site, seen.as_ref(), given)?;
        let _alone_there = self.0.locks.acquire(&format!("domain {domain}")).await;
        let spec = self.spec(site, domain.clone());
        let planned = self.plan(site, &spec).await;
        // A site that was refused from the start is none.
        if let (None, Err(error)) = (&seen, &planned)
            && matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::InvalidInput)
        {
            return Err(planned.expect_err("it is one"));
        }
        let before = seen.clone().unwrap_or_else(|| SiteState::new(&self.0.provider, domain));
        let wanted = before.pending(true);
        match planned {
            Ok(plan) if plan.is_empty() && before == wanted.settled() => Ok(before),
            planned => {
                self.note(site, seen.as_ref(), &wanted).await?;
                let done = match planned {
                    Ok(plan) => self.carry_out(site, &spec, plan).await,
                    Err(error) => Err(error),
                };
                self.settle(site, wanted, done).await
            }
        }
    }

    /// Takes a site's mail away and keeps all data: the domain takes no mail and no logins, and nothing is removed.
    ///
    /// Safe to repeat. A site that never had mail stays as it is.
    ///
    /// # Errors
    /// As [`enable`](Self::enable).
    pub async fn disable(&self, site: &Slug) -> Result<SiteState, Error> {
        let _alone = self.0.locks.acquire(site.as_str()).await;
        let Some(seen) = self.0.store.read(site).await? else {
            return Ok(SiteState::new(&self.0.provider, self.choose(site, None, None)?));
        };
        let wanted = seen.pending(false);
        if seen == wanted.settled() {
            return Ok(seen);
        }
        let _alone_there = self.0.locks.acquire(&format!("domain {}", seen.domain)).await;
        self.note(site, Some(&seen), &wanted).await?;
        let done = self.0.operator.switch_off(&seen.domain, &description(site)).await;
        self.settle(site, wanted, done.map(drop)).await
    }

    /// Returns what is known of a site's mail; of a site that never had any, what it would begin with. It asks the store
    /// only.
    ///
    /// # Errors
    /// What the store says; [`InvalidInput`](ErrorKind::InvalidInput) if the name makes no domain.
    pub async fn status(&self, site: &Slug) -> Result<SiteState, Error> {
        match self.0.store.read(site).await? {
            Some(state) => Ok(state),
            None => Ok(SiteState::new(&self.0.provider, self.choose(site, None, None)?)),
        }
    }

    /// Adds a mailbox to a site. Its password is made, kept in the operator's secret store, and has to be changed by the
    /// person at the first login to the web interface.
    ///
    /// Safe to repeat: a mailbox that is there stays as it is.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a local part, name or quota that is none, and
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) for the address of an alias: the site's state stays;
    /// [`NotReady`](ErrorKind::NotReady) if the site has no mail; else as [`enable`](Self::enable).
    pub async fn add_mailbox(&self, site: &Slug, mailbox: &NewSiteMailbox) -> Result<SiteMailbox, Error> {
        let _alone = self.0.locks.acquire(site.as_str()).await;
        let seen = self.0.store.read(site).await?.filter(|state| state.enabled).ok_or_else(|| {
            Error::new(ErrorKind::NotReady, "add mailbox", format!("site {site}"))
                .with_detail("the site has no mail")
                .with_fix("enable the site's mail first")
        })?;
        let domain = seen.domain.clone();
        let address = local_part::address(&mailbox.local_part, &domain).map_err(|rule| {
            Error::new(ErrorKind::InvalidInput, "add mailbox", format!("site {site}")).with_detail(rule)
        })?;
        let _alone_there = self.0.locks.acquire(&format!("domain {domain}")).await;
        let spec = self.spec(site, domain).with_mailbox(mailbox.entry(address.clone()));
        let planned = match self.plan(site, &spec).await {
            Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::InvalidInput) => {
                return Err(error);
            }
            planned => planned,
        };
        let created = planned
            .as_ref()
            .is_ok_and(|plan| plan.steps().iter().any(|step| step.adds_mailbox() == Some(&address)));
        if planned.is_ok() && !created && seen.status == SiteStatus::Ready {
            return Ok(SiteMailbox { address, created });
        }
        let wanted = seen.pending(true);
        self.note(site, Some(&seen), &wanted).await?;
        let done = match planned {
            Ok(plan) => self.carry_out(site, &spec, plan).await,
            Err(error) => Err(error),
        };
        self.settle(site, wanted, done).await?;
        Ok(SiteMailbox { address, created })
    }

    /// Plans for a domain of the site's own. A mailbox that is there stays as it is, whatever is left to be done.
    async fn plan(&self, site: &Slug, spec: &DomainSpec) -> Result<Plan, Error> {
        let mut plan = self.0.operator.plan(spec).await?;
        let sets_mailbox = |step: &Step| match step {
            Step::Mail { change, .. } => {
                matches!(
                    **change,
                    MailChange::SetMailbox { .. } | MailChange::SetRelay { mailbox: Some(_), .. }
                )
            }
            _ => false,
        };
        if plan.steps().iter().any(sets_mailbox) {
            let alone = DomainSpec { mailboxes: Vec::new(), ..spec.clone() };
            plan = self.0.operator.plan(&alone).await?;
        }
        owned(site, &plan).map(|()| plan)
    }

    /// Applies a plan; one that others made stale meanwhile is made anew.
    async fn carry_out(&self, site: &Slug, spec: &DomainSpec, mut plan: Plan) -> Result<(), Error> {
        let mut left = REPLANS;
        loop {
            match self.0.operator.apply(&plan).await {
                Err(error) if error.kind() == ErrorKind::Stale && left > 0 => {
                    left -= 1;
                    plan = self.plan(site, spec).await?;
                }
                done => return done.map(drop),
            }
        }
    }

    /// Writes down what is wanted.
    async fn note(&self, site: &Slug, seen: Option<&SiteState>, wanted: &SiteState) -> Result<(), Error> {
        if seen == Some(wanted) || self.0.store.replace(site, seen, wanted).await? == Committed::Done {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotReady, "write site", site)
            .with_detail("another process works on the site")
            .with_fix("ask for the site's status, then try again"))
    }

    /// Writes down what came of it.
    async fn settle(
        &self,
        site: &Slug,
        wanted: SiteState,
        done: Result<(), Error>,
    ) -> Result<SiteState, Error> {
        match done {
            Ok(()) => {
                let settled = wanted.settled();
                let noted = self.note(site, Some(&wanted), &settled).await;
                // Whoever did the same at the same time has written the same.
                if noted.is_err() && self.0.store.read(site).await?.as_ref() != Some(&settled) {
                    noted?;
                }
                tracing::info!(%site, domain = %settled.domain, status = %settled.status, "site settled");
                Ok(settled)
            }
            Err(error) => {
                tracing::warn!(%site, %error, "site failed");
                // The failure that is told is the first one; without a note the site stays pending.
                if let Err(second) = self.note(site, Some(&wanted), &wanted.failed(&error)).await {
                    tracing::warn!(%site, error = %second, "the failure could not be noted");
                }
                Err(error)
            }
        }
    }

    /// Returns the domain that a site has or gets.
    fn choose(
        &self,
        site: &Slug,
        seen: Option<&SiteState>,
        given: Option<DomainName>,
    ) -> Result<DomainName, Error> {
        let refused = |kind: ErrorKind, detail: String| {
            Err(Error::new(kind, "choose domain", format!("site {site}")).with_detail(detail))
        };
        match (seen, given) {
            (Some(state), None) => Ok(state.domain.clone()),
            (Some(state), Some(given)) if state.domain == given => Ok(given),
            (Some(state), Some(given)) => {
                let detail = format!("the site has its mail in {} and can't move to {given}", state.domain);
                refused(ErrorKind::AlreadyExists, detail)
            }
            (None, given) => {
                let (zone, host) = (&self.0.template.domain, &self.0.template.mail_host);
                let Ok(own) = format!("{site}.{zone}").parse::<DomainName>() else {
                    return refused(ErrorKind::InvalidInput, format!("its name is too long in {zone}"));
                };
                let domain = given.unwrap_or_else(|| own.clone());
                if host.is_within(&domain) {
                    return refused(
                        ErrorKind::InvalidInput,
                        format!("{domain} is what the mail host {host} lies in"),
                    );
                }
                if domain != own && (domain.is_within(zone) || zone.is_within(&domain)) {
                    let detail = format!("of the shared mail zone {zone} it may have {own}, not {domain}");
                    return refused(ErrorKind::InvalidInput, detail);
                }
                Ok(domain)
            }
        }
    }

    fn spec(&self, site: &Slug, domain: DomainName) -> DomainSpec {
        let mut spec = self.0.template.clone();
        spec.domain = domain;
        spec.description = description(site);
        spec
    }
}

/// Shows the mail zone.
impl fmt::Debug for Sites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sites").field("zone", &self.0.template.domain).finish_non_exhaustive()
    }
}

/// Refuses a plan for a domain that is somebody else's: the mark of the owner is the domain's description.
fn owned(site: &Slug, plan: &Plan) -> Result<(), Error> {
    let other = plan.steps().iter().any(|step| match step {
        Step::Mail { change, undo: Some(undo) } if matches!(**change, MailChange::SetDomain { .. }) => {
            matches!(&**undo, MailChange::SetDomain { description: before, .. } if *before != description(site))
        }
        _ => false,
    });
    if !other {
        return Ok(());
    }
    Err(Error::new(ErrorKind::AlreadyExists, "plan site", plan.domain())
        .with_detail("the mail system serves the domain for somebody else")
        .with_fix("give the site another domain, or describe the domain there as this site's"))
}

fn description(site: &Slug) -> String {
    format!("site {site}")
}

const REPLANS: u32 = 3;
