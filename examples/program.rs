//! What these examples have in common: what the environment says of real services, and how errors are told.

use std::error::Error;
use std::process::ExitCode;

/// Looks up a variable.
pub(crate) type Vars<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Looks up a variable of the program; an empty one counts as not set.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Tells whether the environment describes real services: all of `needed` is set. Each of the `optional` variables comes
/// with those without which it is of no use.
///
/// # Errors
/// If only a part is set: names all that is missing, so that nobody takes a world in memory for the real one.
pub(crate) fn is_real(needed: &[&str], optional: &[(&str, &[&str])], vars: Vars<'_>) -> Result<bool, String> {
    let is_set = |name: &str| vars(name).is_some();
    let chosen: Vec<_> = optional.iter().filter(|(name, _)| is_set(name)).collect();
    let mut found: Vec<&str> = needed.iter().copied().filter(|name| is_set(name)).collect();
    found.extend(chosen.iter().map(|(name, _)| *name));
    if found.is_empty() {
        return Ok(false);
    }
    let partners = chosen.iter().flat_map(|(_, partners)| partners.iter());
    let mut missing: Vec<&str> =
        needed.iter().chain(partners).copied().filter(|name| !is_set(name)).collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(true);
    }
    let (found, missing) = (found.join(", "), missing.join(", "));
    Err(format!("the environment has {found}, but these are not set: {missing}"))
}

/// Ends the program as `result` says; an error is told with its causes and with what to do.
pub(crate) fn end(result: Result<ExitCode, Box<dyn Error>>) -> ExitCode {
    let error = match result {
        Ok(code) => return code,
        Err(error) => error,
    };
    eprintln!("{error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        eprintln!("  because {inner}");
        cause = inner.source();
    }
    if let Some(error) = error.downcast_ref::<agent_mail::Error>() {
        eprintln!("  what to do: {}", error.fix());
    }
    ExitCode::FAILURE
}
