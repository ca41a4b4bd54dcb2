//! Where secrets are kept, beside memory and a folder of files.

mod env;
#[cfg(feature = "secret-file")]
mod file;
#[cfg(feature = "vault")]
mod vault;

pub use env::EnvSecrets;
#[cfg(feature = "secret-file")]
pub use file::SecretFile;
#[cfg(all(feature = "vault", feature = "conformance"))]
pub(crate) use vault::fake;
#[cfg(feature = "vault")]
pub use vault::{Vault, VaultLogin};

/// Tells whether a text can be a mount, a prefix or a namespace.
#[cfg(all(feature = "vault", feature = "from-env"))]
pub(crate) fn is_vault_path(text: &str) -> bool {
    vault::is_path(text)
}
