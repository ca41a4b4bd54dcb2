//! A Mailcow whose mailboxes are real, and a deSEC.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use agent_mail::{AgentMail, Config};
use desec_api::FakeDesec;
use mail_access::{Endpoint, LocalServers, LocalServersConfig, LocalUser, SmtpImap, tls_config};
use mailcow_api::FakeMailcow;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) struct World {
    pub(crate) mailcow: FakeMailcow,
    pub(crate) desec: FakeDesec,
    pub(crate) runtime: Runtime,
    folder: TempDir,
    servers: Arc<LocalServers>,
    mailcow_http: mailcow_api::FakeServer,
    desec_http: desec_api::FakeServer,
}

impl World {
    pub(crate) fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let servers =
            Arc::new(LocalServers::start(&LocalServersConfig::new([DOMAIN])).expect("the servers start"));
        let (mailcow, desec) = (FakeMailcow::new(), FakeDesec::new());
        desec.add_domain(&DOMAIN.parse().unwrap(), desec_api::Ttl::new(3600).unwrap());
        let real = servers.clone();
        mailcow.on_logins_changed(move |logins| {
            let mut users: BTreeMap<&str, LocalUser> = BTreeMap::new();
            for login in logins.iter().filter(|login| login.imap && login.smtp) {
                let address = login.address.as_str();
                let user = match users.remove(address) {
                    Some(user) => user.with_password(login.password.clone()),
                    None => LocalUser::new(address, login.password.clone()),
                };
                users.insert(address, user);
            }
            real.set_users(&users.into_values().collect::<Vec<_>>()).expect("the accounts can be written");
        });
        let (mailcow_http, desec_http) =
            runtime.block_on(async { (mailcow.serve().await, desec.serve().await) });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), servers.ca_pem()).unwrap();
        Self { mailcow, desec, runtime, folder, servers, mailcow_http, desec_http }
    }

    pub(crate) fn servers(&self) -> &LocalServers {
        &self.servers
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the environment of a program in this world.
    pub(crate) fn environment(&self) -> BTreeMap<&'static str, String> {
        use secrecy::ExposeSecret;
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        BTreeMap::from([
            ("MAILCOW_API_URL", self.mailcow_http.uri()),
            ("MAILCOW_API_KEY", self.mailcow.api_key().expose_secret().to_owned()),
            ("MAILCOW_HOSTNAME", "mail.example.test".to_owned()),
            ("MAILCOW_DOMAIN", DOMAIN.to_owned()),
            ("MAILCOW_IMAP_HOST", "localhost".to_owned()),
            ("MAILCOW_IMAP_PORT", self.servers.imaps_port().to_string()),
            ("MAILCOW_SMTP_HOST", "localhost".to_owned()),
            ("MAILCOW_SMTP_PORT", self.servers.smtps_port().to_string()),
            ("DESEC_TOKEN", self.desec.token().expose_secret().to_owned()),
            ("DESEC_API_URL", self.desec_http.uri()),
            ("AGENT_MAIL_CA_FILE", path("ca.pem")),
            ("AGENT_MAIL_STATE_DIR", path("state")),
        ])
    }

    /// Connects to the servers anew.
    pub(crate) fn mail_access(&self) -> SmtpImap {
        let endpoint = |port| Endpoint::new("localhost", port).unwrap();
        let tls = tls_config(Some(self.servers.ca_pem().as_bytes())).unwrap();
        SmtpImap::over_tls(endpoint(self.servers.smtps_port()), endpoint(self.servers.imaps_port()), tls)
    }

    /// Starts the system as a program in this world would.
    pub(crate) fn agent_mail(&self) -> AgentMail {
        let environment = self.environment();
        let config =
            Config::from_vars(|name| environment.get(name).cloned()).expect("the environment is complete");
        config.builder().and_then(agent_mail::AgentMailBuilder::build).expect("the system can be built")
    }
}

const DOMAIN: &str = "agents.example.test";
