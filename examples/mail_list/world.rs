//! Where the mailboxes are: an embedded world, one that is remembered in a folder, or a real one.
//!
//! | variable | what it is |
//! |---|---|
//! | `MAIL_LIST_DIR` | the folder in which the embedded world is remembered |
//! | `MAILCOW_API_URL`, `MAILCOW_API_KEY` | a real Mailcow, and its read-write key |
//! | `MAILCOW_HOSTNAME` | the host that the domains' MX records name |
//! | `AGENT_MAIL_STATE_DIR` | the folder for state and passwords |
//! | `DESEC_TOKEN`, `DESEC_DOMAIN` | deSEC, and the zone of the domains; without both no records are planned |
//! | `DESEC_API_URL` | deSEC's API, if it is another one |
//! | `AGENT_MAIL_CA_FILE` | certificates in PEM to trust beside the public ones |
//! | `AGENT_MAIL_SECRETS`, .. | where passwords are kept, as [`Config`] has it: files in the state folder unless set |
//!
//! It is real as soon as one of those of Mailcow or deSEC is set; what is missing then is named. All goes over TLS.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agent_mail::backend::{MailAdmin, SecretStore, StateStore};
use agent_mail::mail_access::tls_config;
use agent_mail::mail_list::Roster;
use agent_mail::{
    Config, Desec, DomainName, DomainSpec, Embedded, MailboxEntry, Mailcow, MemorySecrets, MemoryState,
    Operator, RedbState, SecretFiles,
};

use super::program::{self, Vars};

pub(crate) struct World {
    operator: Operator,
    template: DomainSpec,
    remembered: Option<Remembered>,
}

/// An embedded world and the file with what it was.
struct Remembered {
    world: Embedded,
    file: PathBuf,
}

impl World {
    pub(crate) async fn open(vars: Vars<'_>) -> Result<Self, Box<dyn Error>> {
        if Self::is_real(vars)? {
            return Self::real(vars);
        }
        match vars("MAIL_LIST_DIR") {
            Some(folder) => Self::in_folder(Path::new(&folder)).await,
            None => Self::in_memory(),
        }
    }

    /// Tells whether the environment describes a real world.
    pub(crate) fn is_real(vars: Vars<'_>) -> Result<bool, String> {
        let needed = ["MAILCOW_API_URL", "MAILCOW_API_KEY", "MAILCOW_HOSTNAME", "AGENT_MAIL_STATE_DIR"];
        let optional: [(&str, &[&str]); 2] =
            [("DESEC_TOKEN", &["DESEC_DOMAIN"]), ("DESEC_DOMAIN", &["DESEC_TOKEN"])];
        program::is_real(&needed, &optional, vars)
    }

    /// Makes a world that ends with the program.
    pub(crate) fn in_memory() -> Result<Self, Box<dyn Error>> {
        let world = Embedded::new(ZONE.parse()?);
        let operator = over(&world, Arc::new(MemoryState::default()), Arc::new(MemorySecrets::default()))?;
        Ok(Self { operator, template: template()?, remembered: None })
    }

    pub(crate) fn roster(&self) -> Result<Roster, Box<dyn Error>> {
        Ok(Roster::new(self.operator.clone(), self.template.clone())?)
    }

    /// Writes down what the embedded world is now.
    pub(crate) async fn remember(
        &self,
        domains: impl IntoIterator<Item = &DomainName>,
    ) -> Result<(), Box<dyn Error>> {
        let Some(Remembered { world, file }) = &self.remembered else { return Ok(()) };
        let mut specs = read(file)?;
        for domain in domains {
            let Some(served) = world.survey(domain).await? else { continue };
            let mut spec = self.template.clone();
            spec.domain = domain.clone();
            spec.mailboxes = (served.mailboxes.into_iter())
                .map(|one| MailboxEntry::new(one.address).with_name(one.name).with_quota_mib(one.quota_mib))
                .collect();
            specs.retain(|known| known.domain != *domain);
            specs.push(spec);
        }
        let new = file.with_extension("new");
        std::fs::write(&new, serde_json::to_vec_pretty(&specs)?)?;
        Ok(std::fs::rename(new, file)?)
    }

    /// Makes the embedded world again as it was at the end of the last run.
    async fn in_folder(folder: &Path) -> Result<Self, Box<dyn Error>> {
        std::fs::create_dir_all(folder)?;
        let (world, file) = (Embedded::new(ZONE.parse()?), folder.join("world.json"));
        let secrets: Arc<dyn SecretStore> = Arc::new(SecretFiles::open(folder.join("secrets"))?);
        let earlier = over(&world, Arc::new(MemoryState::default()), secrets.clone())?;
        for spec in read(&file)? {
            earlier.apply(&earlier.plan(&spec).await?).await?;
        }
        let operator = over(&world, Arc::new(RedbState::open(folder.join("state.redb"))?), secrets)?;
        Ok(Self { operator, template: template()?, remembered: Some(Remembered { world, file }) })
    }

    fn real(vars: Vars<'_>) -> Result<Self, Box<dyn Error>> {
        let needed = |name: &str| vars(name).ok_or_else(|| format!("{name} is not set"));
        let folder = PathBuf::from(needed("AGENT_MAIL_STATE_DIR")?);
        std::fs::create_dir_all(&folder)?;
        let secrets = Config::secret_store(vars, &folder)?;
        let authority = vars("AGENT_MAIL_CA_FILE").map(std::fs::read).transpose()?;
        let tls = Arc::new(tls_config(authority.as_deref())?);
        let mailcow =
            mailcow_api::Client::builder(&needed("MAILCOW_API_URL")?, needed("MAILCOW_API_KEY")?.into());
        let mut builder = Operator::builder(Arc::new(Mailcow::new(mailcow.tls(tls.clone()).build()?)))
            .state(Arc::new(RedbState::open(folder.join("state.redb"))?))
            .secrets(secrets);
        if let Some(token) = vars("DESEC_TOKEN") {
            let mut desec = desec_api::Client::builder(token.into()).tls(tls);
            if let Some(url) = vars("DESEC_API_URL") {
                desec = desec.base_url(&url);
            }
            builder = builder.dns(Arc::new(Desec::new(desec.build()?)), needed("DESEC_DOMAIN")?.parse()?);
        }
        let host: DomainName = needed("MAILCOW_HOSTNAME")?.parse()?;
        let template = DomainSpec::new(host.clone(), host);
        Ok(Self { operator: builder.build()?, template, remembered: None })
    }
}

fn over(
    world: &Embedded,
    state: Arc<dyn StateStore>,
    secrets: Arc<dyn SecretStore>,
) -> Result<Operator, Box<dyn Error>> {
    let world = Arc::new(world.clone());
    Ok(Operator::builder(world.clone()).dns(world, ZONE.parse()?).state(state).secrets(secrets).build()?)
}

fn template() -> Result<DomainSpec, Box<dyn Error>> {
    Ok(DomainSpec::new(ZONE.parse()?, format!("mail.{ZONE}").parse()?))
}

fn read(file: &Path) -> Result<Vec<DomainSpec>, Box<dyn Error>> {
    match std::fs::read(file) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The embedded world's zone: all of its domains end in it.
const ZONE: &str = "example";
