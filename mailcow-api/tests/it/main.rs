//! All integration tests in one binary, a module per resource.

mod alias_domains;
mod aliases;
mod app_passwords;
mod canary;
mod dkim;
mod domains;
mod fake;
mod faults;
mod forwarding_hosts;
mod items;
mod mailboxes;
mod manners;
mod maps;
mod rate_limits;
mod raw;
mod relayhosts;
mod replay;
mod resources;
mod script;
mod search;
mod server;
mod tape;
mod temporary_aliases;
mod tls;
mod transports;
mod wire;
