//! All integration tests in one binary, a module per resource.

mod app_passwords;
mod dkim;
mod domains;
mod fake;
mod faults;
mod mailboxes;
mod rate_limits;
mod replay;
mod server;
mod tls;
mod wire;
