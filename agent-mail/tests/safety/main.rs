//! What keeps agents that act by themselves from harm.

mod answers;
mod asked_again;
mod budgets;
mod canary;
#[path = "../failing/mod.rs"]
mod failing;
mod handles;
mod later;
mod rules;
mod world;
