//! The examples as programs.

mod program;
mod real_services;
#[cfg(unix)]
mod stopping;
