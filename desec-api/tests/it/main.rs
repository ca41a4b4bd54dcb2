//! The client against recorded exchanges of the real server, against the fake, and over loopback sockets.

mod account;
mod account_secrets;
mod canonical;
mod domains;
mod fake;
mod fake_client;
mod fake_recorded;
mod fake_server;
mod fake_zonefile;
mod pace;
mod pagination;
mod policies;
mod recording;
mod replay;
mod rrsets;
mod secrets;
mod tls;
mod transport;
