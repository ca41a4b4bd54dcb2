//! The client against recorded exchanges of the real server, against the fake, and over loopback sockets.

mod account;
mod account_secrets;
mod canonical;
mod domains;
mod dyndns;
mod dyndns_chaos;
mod dyndns_fake;
mod dyndns_refresher;
mod dyndns_secrets;
mod dyndns_sources;
mod errors;
mod fake;
mod fake_recorded;
mod fake_server;
mod pace;
mod pagination;
mod policies;
mod recording;
mod replay;
mod rrsets;
mod secrets;
mod sent;
mod simulation;
mod tls;
mod transport;
