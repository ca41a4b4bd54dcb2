//! The examples over a Mailcow and a deSEC that they reach by HTTP, as the environment says.

use std::time::Duration;

use desec_api::{FakeDesec, Ttl};
use mailcow_api::{FakeMailcow, FakeServer};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::program::Running;

struct Services {
    mailcow: FakeMailcow,
    desec: FakeDesec,
    api: FakeServer,
    dns: desec_api::FakeServer,
    folder: TempDir,
}

impl Services {
    /// A mail system that serves the domain, and its empty zone.
    async fn start() -> Self {
        let (mailcow, desec) = (FakeMailcow::new(), FakeDesec::new());
        desec.add_domain(&"shop.example".parse().unwrap(), Ttl::new(3600).unwrap());
        let (api, dns) = (mailcow.serve().await, desec.serve().await);
        Self { mailcow, desec, api, dns, folder: tempfile::tempdir().unwrap() }
    }

    /// Runs an example to its end, and returns what it says and its exit code.
    async fn run(&self, example: &'static str, arguments: &[&str], more: &[(&str, &str)]) -> (String, i32) {
        let known = [
            ("MAILCOW_API_URL", self.api.uri()),
            ("MAILCOW_API_KEY", self.mailcow.api_key().expose_secret().to_owned()),
            ("MAILCOW_HOSTNAME", "mail.shop.example".to_owned()),
            ("MAILCOW_DOMAIN", "shop.example".to_owned()),
            ("DESEC_DOMAIN", "shop.example".to_owned()),
            ("DESEC_TOKEN", self.desec.token().expose_secret().to_owned()),
            ("DESEC_API_URL", self.dns.uri()),
            ("AGENT_MAIL_STATE_DIR", self.folder.path().display().to_string()),
            ("AGENT_MAIL_NAME_SERVER", "127.0.0.1".to_owned()),
        ];
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let vars: Vec<(String, String)> =
            known.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(more).collect();
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let run = move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let vars: Vec<_> = vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let (said, status) = Running::start(example, &arguments, &vars).end(Duration::from_mins(1));
            (said, status.code().unwrap())
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bootstrap_ends_with_the_zone_and_what_is_to_be_done_elsewhere() {
    let services = Services::start().await;
    let parts = [
        "The zone as a file:",
        "@ 3600 IN MX 10 mail.shop.example.",
        "# DNS checklist for shop.example",
        "# Security checklist for shop.example",
        "agent_ada@shop.example",
    ];
    let (said, code) = services.run("dns_bootstrap", &[], &[]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("nothing is written without --apply"), "{said}");
    for part in parts {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(services.mailcow.client().get_dkim(&"shop.example".parse().unwrap()).await.unwrap().is_none());

    let (said, code) = services.run("dns_bootstrap", &["--apply"], &[]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("The second run wrote 0 RRsets"), "{said}");
    for part in parts.into_iter().chain(["dkim._domainkey"]) {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_with_its_login_is_planned_and_set_up() {
    let services = Services::start().await;
    let relay = [
        ("MAILCOW_RELAY_HOST", "smtp.relay.example"),
        ("MAILCOW_RELAY_USER", "shop"),
        ("MAILCOW_RELAY_PASSWORD", "canary word"),
    ];
    let (said, code) = services.run("domain_plan", &[], &relay).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("smtp.relay.example") && !said.contains("canary"), "{said}");
    let (said, code) = services.run("domain_plan", &["--apply"], &relay).await;
    assert_eq!(code, 0, "{said}");
    let hosts = services.mailcow.client().relayhosts().await.unwrap();
    assert_eq!(
        (hosts[0].hostname.as_str(), hosts[0].username.as_str()),
        ("[smtp.relay.example]:587", "shop")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_s_passwords_are_where_the_environment_says() {
    let services = Services::start().await;
    let place = |name: &str| services.folder.path().join(name).display().to_string();
    let (list, key) = (place("list.yml"), place("key.txt"));
    std::fs::write(&list, "domains:\n  - name: shop.example\n    users: [ada]\n").unwrap();
    let identity = agent_mail::EncryptionKey::generate().identity().unwrap();
    std::fs::write(&key, identity.expose_secret()).unwrap();

    let wrong = [("AGENT_MAIL_CA_FILE", list.as_str())];
    assert_eq!(services.run("mail_list", &["plan", &list], &wrong).await.1, 1, "it holds no certificates");
    let file = [("AGENT_MAIL_SECRETS", "file"), ("AGENT_MAIL_SECRETS_KEY_FILE", key.as_str())];
    let (said, code) = services.run("mail_list", &["apply", &list], &file).await;
    assert_eq!(code, 2, "{said}");
    let key = agent_mail::EncryptionKey::from_identity(&identity).unwrap();
    let store = agent_mail::SecretFile::open(place("secrets.age"), key).unwrap();
    let ada = "ada@shop.example".parse().unwrap();
    assert!(agent_mail::backend::SecretStore::get(&store, &ada).await.unwrap().is_some());
    assert!(!services.folder.path().join("secrets").exists());
}
