//! Plans over a mail system, a zone and the stores: what they say, and that they are done whatever breaks.

mod bad_input;
mod claims;
mod faults;
mod plans;
mod scale;
mod stale;
mod sweep;
mod undoing;
mod world;
