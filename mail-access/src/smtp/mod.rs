//! Submission of mail (RFC 6409, RFC 5321) over a stream that is private already.

mod auth;
mod reply;
mod session;
mod submit;

pub(crate) use session::Session;

#[cfg(test)]
mod tests;
