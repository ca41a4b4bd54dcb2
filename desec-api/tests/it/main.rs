//! The client against recorded exchanges of the real server, against the fake, and over loopback sockets.

mod canonical;
mod domains;
mod fake;
mod fake_recorded;
mod fake_server;
mod pace;
mod pagination;
mod recording;
mod replay;
mod rrsets;
mod secrets;
mod tls;
mod transport;
