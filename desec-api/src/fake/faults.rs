//! What can go wrong, and what was received.

use std::{collections::VecDeque, time::Duration};

use crate::{Method, http::shown_path};

/// A request that a [`FakeDesec`](crate::FakeDesec) received.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FakeCall {
    /// The method.
    pub method: Method,
    /// The path, without the query. A confirmation code is left out of it.
    pub path: String,
    /// The status of the answer; `None` if there was none.
    pub status: Option<u16>,
}

impl FakeCall {
    pub(super) fn new(method: Method, path: &str, status: Option<u16>) -> Self {
        Self { method, path: shown_path(path).into_owned(), status }
    }
}

/// Something that goes wrong once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The next write is stored, but answers 500.
    FailsStored,
    /// The next write is not stored and answers 500.
    FailsUnstored,
    /// The next write takes too long: the web server in front answers 504.
    GatewayTimeout {
        /// Whether the write is executed nevertheless.
        stored: bool,
    },
    /// The next write loses a race against another one: it is not executed and answers 409.
    Conflict,
    /// The next write is stored, but its answer is lost.
    AnswerLost,
    /// The next read answers 500.
    ReadFails,
    /// The next request is not executed and answers 429.
    Throttled {
        /// The value of `Retry-After`, in whole seconds; without it the answer is one of the web server.
        retry_after: Option<Duration>,
    },
    /// The next request does not reach the server.
    Unreachable,
}

impl Fault {
    fn hits(self, write: bool) -> bool {
        match self {
            Self::Throttled { .. } | Self::Unreachable => true,
            Self::ReadFails => !write,
            _ => write,
        }
    }
}

/// Faults that wait for their requests, in order.
#[derive(Default)]
pub(super) struct Faults(VecDeque<(usize, Fault)>);

impl Faults {
    /// Lets a fault hit after it has let some of its requests pass.
    pub(super) fn push(&mut self, spared: usize, fault: Fault) {
        self.0.push_back((spared, fault));
    }

    /// Returns the fault of a request, if it is the turn of one.
    pub(super) fn next(&mut self, write: bool) -> Option<Fault> {
        let (spared, fault) = self.0.front_mut().filter(|(_, fault)| fault.hits(write))?;
        let fault = *fault;
        if *spared == 0 {
            self.0.pop_front();
            return Some(fault);
        }
        *spared -= 1;
        None
    }
}
