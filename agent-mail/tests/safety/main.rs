//! What keeps agents that act by themselves from harm.

mod answers;
mod asked_again;
mod budgets;
mod canary;
mod charging;
#[path = "../failing/mod.rs"]
mod failing;
mod handles;
mod later;
#[path = "../pausing/mod.rs"]
mod pausing;
mod rules;
mod unnoted;
mod world;
