//! Where the passwords are kept, by environment.

use std::path::Path;
use std::sync::Arc;

use super::vars::{Vars, token};
use crate::backend::SecretStore;
use crate::{EnvSecrets, Error, SecretFiles};

/// The store that `AGENT_MAIL_SECRETS` names. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub(super) enum SecretsConfig {
    Files,
    Env,
    #[cfg(feature = "secret-file")]
    File(crate::EncryptionKey),
    #[cfg(feature = "vault")]
    Vault(Box<VaultConfig>),
}

#[cfg(feature = "vault")]
#[derive(Clone, Debug)]
pub(super) struct VaultConfig {
    address: String,
    login: crate::VaultLogin,
    namespace: Option<String>,
    mount: Option<String>,
    prefix: Option<String>,
}

impl SecretsConfig {
    /// Reads what the store of choice needs; what is wrong is noted in `vars`.
    pub(super) fn read(vars: &mut Vars<'_>) -> Option<Self> {
        let store = vars.optional("AGENT_MAIL_SECRETS", STORES, |text| {
            ["files", "file", "env", "vault"].into_iter().find(|store| *store == text)
        });
        match store {
            None | Some("files") => Some(Self::Files),
            Some("env") => Some(Self::Env),
            Some("file") => Self::read_file(vars),
            _ => Self::read_vault(vars),
        }
    }

    pub(super) fn open(
        &self,
        folder: &Path,
        tls: &Arc<rustls::ClientConfig>,
    ) -> Result<Arc<dyn SecretStore>, Error> {
        let _ = tls;
        Ok(match self {
            Self::Files => Arc::new(SecretFiles::open(folder.join("secrets"))?),
            Self::Env => Arc::new(EnvSecrets::new()),
            #[cfg(feature = "secret-file")]
            Self::File(key) => Arc::new(crate::SecretFile::open(folder.join("secrets.age"), key.clone())?),
            #[cfg(feature = "vault")]
            Self::Vault(vault) => Arc::new(vault.open(tls)?),
        })
    }

    #[cfg(feature = "secret-file")]
    fn read_file(vars: &mut Vars<'_>) -> Option<Self> {
        use crate::EncryptionKey;
        let key =
            vars.optional("AGENT_MAIL_SECRETS_KEY_FILE", "a file with a key AGE-SECRET-KEY-1..", |path| {
                EncryptionKey::from_identity(&std::fs::read_to_string(path).ok()?.into()).ok()
            });
        let rule = "a passphrase of at least 12 characters";
        let passphrase = vars.optional("AGENT_MAIL_SECRETS_PASSPHRASE", rule, |text| {
            EncryptionKey::from_passphrase(text.to_owned().into()).ok()
        });
        vars.one_of(key, passphrase, "AGENT_MAIL_SECRETS_KEY_FILE", "AGENT_MAIL_SECRETS_PASSPHRASE")
            .map(Self::File)
    }

    #[cfg(not(feature = "secret-file"))]
    fn read_file(vars: &mut Vars<'_>) -> Option<Self> {
        vars.problems.push("AGENT_MAIL_SECRETS names a store of the feature secret-file".to_owned());
        None
    }

    #[cfg(feature = "vault")]
    fn read_vault(vars: &mut Vars<'_>) -> Option<Self> {
        use super::vars::api_url;
        use crate::VaultLogin;
        let address = vars.required("VAULT_ADDR", "an address like https://vault.example.org:8200", api_url);
        let given = vars.optional("VAULT_TOKEN", "a token of Vault", token).map(VaultLogin::token);
        let role = vars.optional("VAULT_ROLE_ID", "the id of an AppRole", token);
        let secret = vars.optional("VAULT_SECRET_ID", "the secret id of the AppRole", token);
        let role = role
            .zip(secret)
            .map(|(role, secret)| VaultLogin::app_role(secrecy::ExposeSecret::expose_secret(&role), secret));
        let login = vars.one_of(given, role, "VAULT_TOKEN", "VAULT_ROLE_ID with VAULT_SECRET_ID");
        let form = "segments of letters, digits, -, _ and dots, with / between them";
        let segments = |text: &str| crate::secrets::is_vault_path(text).then(|| text.to_owned());
        let namespace = vars.optional("VAULT_NAMESPACE", form, segments);
        let mount = vars.optional("AGENT_MAIL_VAULT_MOUNT", form, segments);
        let prefix = vars.optional("AGENT_MAIL_VAULT_PREFIX", form, segments);
        let config = VaultConfig { address: address?, login: login?, namespace, mount, prefix };
        Some(Self::Vault(Box::new(config)))
    }

    #[cfg(not(feature = "vault"))]
    fn read_vault(vars: &mut Vars<'_>) -> Option<Self> {
        vars.problems.push("AGENT_MAIL_SECRETS names a store of the feature vault".to_owned());
        None
    }
}

#[cfg(feature = "vault")]
impl VaultConfig {
    fn open(&self, tls: &Arc<rustls::ClientConfig>) -> Result<crate::Vault, Error> {
        let http = Arc::new(crate::http::ReqwestClient::new(tls.clone())?);
        let mut vault = crate::Vault::new(&self.address, self.login.clone(), http)?;
        if let Some(namespace) = &self.namespace {
            vault = vault.with_namespace(namespace)?;
        }
        if let Some(mount) = &self.mount {
            vault = vault.with_mount(mount)?;
        }
        if let Some(prefix) = &self.prefix {
            vault = vault.with_prefix(prefix)?;
        }
        Ok(vault)
    }
}

const STORES: &str = "one of files, file, env and vault";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> (Option<SecretsConfig>, String) {
        let lookup =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let mut vars = Vars { lookup: &lookup, problems: Vec::new() };
        let read = SecretsConfig::read(&mut vars);
        let problems = vars.problems.join("; ");
        (read.filter(|_| problems.is_empty()), problems)
    }

    #[test]
    fn without_a_word_they_are_in_files() {
        assert!(matches!(read(&[]).0, Some(SecretsConfig::Files)));
        assert!(matches!(read(&[("AGENT_MAIL_SECRETS", "env")]).0, Some(SecretsConfig::Env)));
        let (wrong, problems) = read(&[("AGENT_MAIL_SECRETS", "canary-7")]);
        assert!(wrong.is_none() && problems.contains(STORES) && !problems.contains("canary"), "{problems}");
    }

    #[cfg(feature = "secret-file")]
    #[test]
    fn a_file_needs_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.txt");
        let identity = crate::EncryptionKey::generate().identity().unwrap();
        std::fs::write(&path, secrecy::ExposeSecret::expose_secret(&identity)).unwrap();
        let (file, key) =
            (("AGENT_MAIL_SECRETS", "file"), ("AGENT_MAIL_SECRETS_KEY_FILE", path.to_str().unwrap()));
        let passphrase = ("AGENT_MAIL_SECRETS_PASSPHRASE", "canary canary canary");
        for good in [key, passphrase] {
            let (read, problems) = read(&[file, good]);
            assert!(matches!(read, Some(SecretsConfig::File(_))), "{problems}");
            assert!(!format!("{read:?}").contains("canary"));
        }
        let short = ("AGENT_MAIL_SECRETS_PASSPHRASE", "canary");
        for bad in [&[file][..], &[file, key, passphrase], &[file, short], &[file, (key.0, "no/such/canary")]]
        {
            let (read, problems) = read(bad);
            assert!(read.is_none() && problems.contains("AGENT_MAIL_SECRETS_"), "{problems}");
            assert!(!problems.contains("canary"), "{problems}");
        }
    }

    #[cfg(feature = "vault")]
    #[test]
    fn a_vault_needs_an_address_and_one_login() {
        let vault = ("AGENT_MAIL_SECRETS", "vault");
        let address = ("VAULT_ADDR", "https://vault.example:8200");
        let (given, role, secret) =
            (("VAULT_TOKEN", "canary"), ("VAULT_ROLE_ID", "role"), ("VAULT_SECRET_ID", "canary"));
        let tls = Arc::new(mail_access::tls_config(None).unwrap());
        for good in [&[vault, address, given][..], &[vault, address, role, secret]] {
            let place = [
                ("VAULT_NAMESPACE", "team/"),
                ("AGENT_MAIL_VAULT_MOUNT", "kv"),
                ("AGENT_MAIL_VAULT_PREFIX", "a"),
            ];
            let (read, problems) = read(&[good, &place].concat());
            let opened = read.expect(&problems).open(Path::new("never"), &tls).unwrap();
            let shown = format!("{opened:?}");
            assert!(
                shown.contains("\"team\"") && shown.contains("\"kv\"") && !shown.contains("canary"),
                "{shown}"
            );
        }
        let bad: [&[(&str, &str)]; 6] = [
            &[vault, given],
            &[vault, address],
            &[vault, address, role],
            &[vault, address, given, role, secret],
            &[vault, ("VAULT_ADDR", "http://canary.example"), given],
            &[vault, address, given, ("AGENT_MAIL_VAULT_MOUNT", "../canary")],
        ];
        for bad in bad {
            let (read, problems) = read(bad);
            assert!(
                read.is_none() && problems.contains("VAULT_") && !problems.contains("canary"),
                "{problems}"
            );
        }
    }
}
