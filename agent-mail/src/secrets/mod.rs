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
pub use vault::fake;
#[cfg(feature = "vault")]
pub use vault::{Vault, VaultLogin};
