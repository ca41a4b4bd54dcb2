//! Everything that a program could come to see of a call.

use std::fmt::{Debug, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_access::Error;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Listens to both kinds of log at every level, for the whole process.
pub(crate) fn listen() {
    tracing::subscriber::set_global_default(Ear::default()).expect("nobody else listens");
    log::set_logger(&LogEar).expect("nobody else listens");
    log::set_max_level(log::LevelFilter::Trace);
}

/// Returns what was logged: the target and the text of each record.
pub(crate) fn logged() -> Vec<(String, String)> {
    LOGGED.lock().unwrap().clone()
}

/// Values and errors as a program would print them.
#[derive(Default)]
pub(crate) struct Shown(String);

impl Shown {
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    pub(crate) fn value(&mut self, value: &impl Debug) {
        writeln!(self.0, "{value:?} {value:#?}").unwrap();
    }

    /// Adds a value or an error with its sources, and returns which of them it is.
    pub(crate) fn outcome<T: Debug>(&mut self, outcome: &Result<T, Error>) -> &'static str {
        self.value(outcome);
        let Err(error) = outcome else { return "ok" };
        let mut source: Option<&dyn std::error::Error> = Some(error);
        while let Some(error) = source {
            writeln!(self.0, "{error}").unwrap();
            source = error.source();
        }
        writeln!(self.0, "{:?}", error.status()).unwrap();
        match error {
            Error::Authentication { .. } => "authentication",
            Error::Protocol { .. } => "protocol",
            Error::Interrupted { .. } | Error::Unavailable { .. } => "lost",
            _ => "refused",
        }
    }
}

/// Returns a secret as it may stand in a text: plain, and within base64 at each of the three places it can begin.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    for before in 0..3 {
        let encoded = STANDARD.encode([vec![0; before], secret.as_bytes().to_vec()].concat());
        // The first and the last characters depend on what stands beside it.
        let from = [0, 2, 3][before];
        let whole = (before + secret.len()) * 8 / 6;
        forms.push(encoded[from..whole].to_owned());
    }
    forms
}

#[derive(Default)]
struct Ear(AtomicU64);

impl Subscriber for Ear {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(span.metadata().name().to_owned());
        span.record(&mut fields);
        note(span.metadata().target(), fields.0);
        Id::from_u64(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        note("a span", fields.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        note(event.metadata().target(), fields.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

struct LogEar;

impl log::Log for LogEar {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        note(record.target(), record.args().to_string());
    }

    fn flush(&self) {}
}

fn note(target: &str, text: String) {
    LOGGED.lock().unwrap().push((target.to_owned(), text));
}

static LOGGED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());
