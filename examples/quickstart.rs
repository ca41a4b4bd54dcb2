//! Placeholder until the facade exists.
fn main() {}
