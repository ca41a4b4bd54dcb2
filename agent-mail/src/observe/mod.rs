//! What can be seen of the agents' half while it works: spans, metrics, and under which names.
//!
//! The names stay the same. None of them, and no field or label, carries what is in a message, a subject, the address
//! of a correspondent, a server's words or a secret.
//!
//! # Spans
//! Each [`Operation`] is a span of `tracing`, with the target [`TARGET`]:
//!
//! | span | level | what it is around |
//! |---|---|---|
//! | `agent_mail.provision` | info | [`AgentMail::provision`](crate::AgentMail::provision) |
//! | `agent_mail.open` | debug | [`AgentMail::open`](crate::AgentMail::open) |
//! | `agent_mail.retire` | info | [`AgentMail::retire`](crate::AgentMail::retire) |
//! | `agent_mail.send` | info | [`AgentMailbox::send`](crate::AgentMailbox::send) and `send_once` |
//! | `agent_mail.enqueue` | info | [`AgentMailbox::enqueue`](crate::AgentMailbox::enqueue); of [`Effects`](crate::Effects) the preparing of each message |
//! | `agent_mail.attempt` | info | a try of the [`Courier`](crate::Courier) to get on with an entry of the outbox |
//! | `agent_mail.hand_out` | debug | noting and handing out an event |
//! | `agent_mail.acknowledge` | debug | [`Event::ack`](crate::Event::ack) and `ack_with` |
//! | `agent_mail.handle` | info | a call of an [`EventHandler`](crate::EventHandler) |
//! | `agent_mail.check` | debug | a check of [`safety`](crate::safety), asked about one message |
//!
//! | field | what it is |
//! |---|---|
//! | `operation` | the [name](Operation::name) of the operation |
//! | `agent` | the agent's name, as the program gave it |
//! | `message_id` | the Message-ID, only of messages whose identity was drawn by an agent of the same domain: another one is its author's own text |
//! | `uid` | the number in the INBOX, of a message that came in |
//! | `kind` | what an event tells: `received`, `sent`, `deferred`, `expired`, `refused`, `unconfirmed`, `bounced`, `complaint`, `mailbox_reset` |
//! | `redelivery` | whether the event may have been handed out before |
//! | `check` | which check was asked: a rule (`lists`, `suppression`, `redaction`, `auto_replies`, `budget`, `switch`, `send_gate`), or the name of the check's type, with which its `Debug` begins |
//! | `ruling` | what it said: `pass`, `change`, `hold`, `later`, `refuse`; `deliver`, `flag`, `drop` |
//! | `outcome` | `ok`, or the kind of the error: `unavailable`, `not_found`, ...; nothing for a call that was dropped |
//!
//! # Metrics
//! With the feature `metrics` each [`Meter`] is recorded by the `metrics` facade; [`Meter::describe_all`] describes
//! them to the recorder. Labels have few values, whatever the number of agents and messages:
//!
//! | metric | kind | labels | what it measures |
//! |---|---|---|---|
//! | `agent_mail_operation_seconds` | histogram | `operation`, `outcome` | how long an operation took; its count is the rate, of `handle` it is the time of handlers |
//! | `agent_mail_send_to_accepted_seconds` | histogram | | from the wish to send (or the set time) until the first recipient was accepted |
//! | `agent_mail_accepted_to_event_seconds` | histogram | | from the arrival in the mailbox until the first hand-out of the event, by two clocks |
//! | `agent_mail_messages_sent_total` | counter | | messages that were accepted for somebody |
//! | `agent_mail_messages_received_total` | counter | | messages handed out for the first time |
//! | `agent_mail_recipients_accepted_total` | counter | | recipients that the mail system has accepted |
//! | `agent_mail_recipients_refused_total` | counter | | recipients that it refused |
//! | `agent_mail_recipients_deferred_total` | counter | | recipients that have to wait |
//! | `agent_mail_recipients_expired_total` | counter | | recipients who weren't reached in time |
//! | `agent_mail_recipients_unconfirmed_total` | counter | | recipients of whom nobody knows |
//! | `agent_mail_recipients_bounced_total` | counter | | recipients that a delivery report says were not reached |
//! | `agent_mail_recipients_complained_total` | counter | | recipients who complained |
//! | `agent_mail_retries_total` | counter | `operation` | tries of `attempt` and `handle` after the first |
//! | `agent_mail_redeliveries_total` | counter | | events handed out again |
//! | `agent_mail_checks_stopped_total` | counter | `check`, `ruling` | messages that a check didn't let pass |
//! | `agent_mail_outbox_open` | gauge | `domain` | messages in the outboxes: read by the courier when it starts and once in 5 minutes, and by [`AgentMail::depths`](crate::AgentMail::depths) |
//! | `agent_mail_events_unacknowledged` | gauge | `domain` | events that wait for their acknowledgement, by `depths` |
//!
//! # What it costs
//! Without a subscriber a span is a look at a static flag: nothing is formatted, copied or allocated, as fields are read
//! only when somebody wants the span. Without the feature `metrics` the rest is not compiled in; with it and without a
//! recorder it is a call of `metrics`' own empty recorder and two looks at the clock. Labels are static words, but for a
//! check's name when it stops a message, and the domain of a gauge.

mod checks;
mod count;
mod meter;
mod operation;

pub(crate) use self::checks::{dropped, inbound, outbound, ruled, stopped};
pub(crate) use self::count::{attempted, counted, handed_out, outbox_open, retried, unacknowledged};
pub use self::meter::{Meter, MeterKind};
pub use self::operation::{Operation, TARGET};
pub(crate) use self::operation::{sealed, word};
