//! The client against recorded exchanges of the real server, against the fake, and over loopback sockets.

mod canonical;
mod domains;
mod dyndns;
mod dyndns_chaos;
mod dyndns_fake;
mod dyndns_refresher;
mod dyndns_sources;
mod fake;
mod pace;
mod pagination;
mod recording;
mod replay;
mod rrsets;
mod secrets;
mod tls;
mod transport;
