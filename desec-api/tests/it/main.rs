//! The client against recorded exchanges of the real server, against the fake, and over loopback sockets.

mod account;
mod account_secrets;
mod canonical;
mod domains;
mod errors;
mod fake;
mod pace;
mod pagination;
mod plan;
mod plan_apply;
mod plan_property;
mod plan_spelling;
mod policies;
mod recording;
mod replay;
mod rrsets;
mod secrets;
mod sent;
mod simulation;
mod tls;
mod transport;
