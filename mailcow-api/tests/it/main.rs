//! All integration tests in one binary, a module per resource.

mod alias_domains;
mod aliases;
mod app_passwords;
mod dkim;
mod domains;
mod fake;
mod faults;
mod forwarding_hosts;
mod mailboxes;
mod maps;
mod rate_limits;
mod relayhosts;
mod replay;
mod resources;
mod server;
mod tape;
mod temporary_aliases;
mod tls;
mod transports;
mod wire;
