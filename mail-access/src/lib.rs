//! Under construction.

#[cfg(feature = "local-servers")]
mod local_servers;

#[cfg(feature = "local-servers")]
pub use local_servers::{LocalServers, LocalServersConfig, LocalUser, Unavailable};
