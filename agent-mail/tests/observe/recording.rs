//! A subscriber and a recorder that keep all they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Recorder, SharedString, Unit,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

/// A span that was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) name: &'static str,
    pub(crate) level: String,
    about: Option<&'static Metadata<'static>>,
    pub(crate) fields: BTreeMap<&'static str, String>,
}

/// Keeps all spans, and everything that was said in whatever way as one text.
#[derive(Clone, Default)]
pub(crate) struct Spans {
    pub(crate) told: Arc<Mutex<Told>>,
    /// It doesn't want the spans of the agents' half.
    pub(crate) is_deaf: bool,
}

#[derive(Default)]
pub(crate) struct Told {
    spans: Vec<Seen>,
    entered: Vec<usize>,
    text: String,
}

impl Spans {
    pub(crate) fn text(&self) -> String {
        self.told.lock().unwrap().text.clone()
    }

    /// Returns the spans of the agents' half that have this name.
    pub(crate) fn named(&self, name: &str) -> Vec<Seen> {
        self.told.lock().unwrap().spans.iter().filter(|span| span.name == name).cloned().collect()
    }

    /// Returns how many spans are entered.
    pub(crate) fn entered(&self) -> usize {
        self.told.lock().unwrap().entered.len()
    }

    /// Returns what stands in a field of the spans of this name, each once.
    pub(crate) fn values(&self, name: &str, field: &str) -> BTreeSet<String> {
        self.named(name).iter().filter_map(|span| span.fields.get(field).cloned()).collect()
    }
}

/// Of what a span or an event says.
struct Reader<'a> {
    fields: BTreeMap<&'static str, String>,
    text: &'a mut String,
}

impl Visit for Reader<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}").trim_matches('"').to_owned();
        writeln!(self.text, "{field}={value}").unwrap();
        self.fields.insert(field.name(), value);
    }
}

impl Subscriber for Spans {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        !(self.is_deaf && about.is_span() && about.target() == "agent_mail")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let told = &mut *self.told.lock().unwrap();
        let mut reader = Reader { fields: BTreeMap::new(), text: &mut told.text };
        span.record(&mut reader);
        let fields = reader.fields;
        let about = span.metadata();
        // Those of other crates take a number and have no name.
        let name = if about.target() == "agent_mail" { about.name() } else { "" };
        told.spans.push(Seen { name, level: about.level().to_string(), about: Some(about), fields });
        Id::from_u64(told.spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let told = &mut *self.told.lock().unwrap();
        let mut reader = Reader { fields: BTreeMap::new(), text: &mut told.text };
        values.record(&mut reader);
        let fields = reader.fields;
        told.spans[place(span)].fields.extend(fields);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let told = &mut *self.told.lock().unwrap();
        event.record(&mut Reader { fields: BTreeMap::new(), text: &mut told.text });
    }

    fn enter(&self, span: &Id) {
        self.told.lock().unwrap().entered.push(place(span));
    }

    fn exit(&self, span: &Id) {
        let entered = &mut self.told.lock().unwrap().entered;
        let at = entered.iter().rposition(|entered| *entered == place(span)).expect("it was entered");
        entered.remove(at);
    }

    fn current_span(&self) -> Current {
        let told = self.told.lock().unwrap();
        let last = told.entered.last().and_then(|place| Some((place, told.spans[*place].about?)));
        last.map_or_else(Current::none, |(place, about)| Current::new(Id::from_u64(*place as u64 + 1), about))
    }
}

fn place(span: &Id) -> usize {
    usize::try_from(span.into_u64()).unwrap() - 1
}

/// Keeps the values of all metrics, by `name label=value label=value`.
#[derive(Clone, Default)]
pub(crate) struct Figures {
    values: Arc<Mutex<BTreeMap<String, Vec<f64>>>>,
    described: Arc<Mutex<BTreeSet<String>>>,
}

impl Figures {
    /// Returns all that was recorded under a name, whatever the labels.
    pub(crate) fn of(&self, name: &str) -> Vec<f64> {
        let values = self.values.lock().unwrap();
        let of = values.iter().filter(|(key, _)| key.split(' ').next() == Some(name));
        of.flat_map(|(_, values)| values.clone()).collect()
    }

    /// Returns the last value under a name with labels.
    pub(crate) fn last(&self, key: &str) -> Option<f64> {
        self.values.lock().unwrap().get(key)?.last().copied()
    }

    /// Returns all names with their labels.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.values.lock().unwrap().keys().cloned().collect()
    }

    pub(crate) fn described(&self) -> BTreeSet<String> {
        self.described.lock().unwrap().clone()
    }

    fn cell(&self, key: &Key) -> Arc<Cell> {
        let labels = key.labels().map(|label| format!(" {}={}", label.key(), label.value()));
        let key = format!("{}{}", key.name(), labels.collect::<String>());
        Arc::new(Cell { key, values: self.values.clone() })
    }
}

struct Cell {
    key: String,
    values: Arc<Mutex<BTreeMap<String, Vec<f64>>>>,
}

impl Cell {
    fn push(&self, value: f64) {
        self.values.lock().unwrap().entry(self.key.clone()).or_default().push(value);
    }
}

impl CounterFn for Cell {
    fn increment(&self, value: u64) {
        self.push(f64::from(u32::try_from(value).unwrap()));
    }
    fn absolute(&self, _: u64) {
        unreachable!("counters only grow");
    }
}

impl GaugeFn for Cell {
    fn increment(&self, _: f64) {
        unreachable!("gauges are set");
    }
    fn decrement(&self, _: f64) {
        unreachable!("gauges are set");
    }
    fn set(&self, value: f64) {
        self.push(value);
    }
}

impl HistogramFn for Cell {
    fn record(&self, value: f64) {
        self.push(value);
    }
}

impl Recorder for Figures {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.described.lock().unwrap().insert(name.as_str().to_owned());
    }
    fn describe_gauge(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.described.lock().unwrap().insert(name.as_str().to_owned());
    }
    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.described.lock().unwrap().insert(name.as_str().to_owned());
    }
    fn register_counter(&self, key: &Key, _: &metrics::Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key))
    }
    fn register_gauge(&self, key: &Key, _: &metrics::Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key))
    }
    fn register_histogram(&self, key: &Key, _: &metrics::Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.cell(key))
    }
}
