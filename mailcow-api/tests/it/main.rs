//! All integration tests in one binary, a module per resource.

mod app_passwords;
mod canary;
mod dkim;
mod domains;
mod fake;
mod faults;
mod items;
mod mailboxes;
mod manners;
mod rate_limits;
mod raw;
mod replay;
mod script;
mod search;
mod server;
mod tls;
mod wire;
