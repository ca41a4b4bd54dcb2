//! What keeps agents that act by themselves from harm.

mod answers;
mod budgets;
mod canary;
mod handles;
mod later;
mod rules;
mod world;
