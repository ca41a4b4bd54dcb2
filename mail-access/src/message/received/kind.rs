//! What a message is for, and what it reports on.

use super::Received;
use crate::message::classify::{Kind, Signs};
use crate::message::{DeliveryReport, FeedbackReport, delivery_report};

impl Received {
    /// Returns what it is for.
    pub fn kind(&self) -> Kind {
        if self.feedback_report().is_some() {
            Kind::FeedbackReport
        } else if self.is_delivery_report() {
            Kind::DeliveryReport
        } else if self.is_report("disposition-notification") {
            Kind::ReadReport
        } else {
            Signs::of(self.header_bytes()).kind()
        }
    }

    /// Tells whether an automatic answer may be sent (RFC 3834 section 2): no machine, list or newsletter sent it,
    /// and the sender doesn't forbid it.
    pub fn allows_auto_reply(&self) -> bool {
        let is_daemon = self.from().is_some_and(|from| {
            let local = from.address.local_part().to_ascii_lowercase();
            matches!(&*local, "mailer-daemon" | "postmaster")
                || local.starts_with("owner-")
                || local.ends_with("-request")
        });
        let is_machine =
            matches!(self.kind(), Kind::DeliveryReport | Kind::FeedbackReport | Kind::ReadReport);
        !is_daemon && !is_machine && Signs::of(self.header_bytes()).allows_auto_reply()
    }

    /// Returns the identity of the mailing list that sent it on (RFC 2919), `ants.lists.example`.
    pub fn list_id(&self) -> Option<String> {
        Signs::of(self.header_bytes()).list_id
    }

    /// Tells whether a machine wrote it: Auto-Submitted is there and not `no` (RFC 3834 section 5).
    pub fn is_auto_submitted(&self) -> bool {
        Signs::of(self.header_bytes()).is_auto_submitted()
    }

    /// Tells whether it reports on the delivery of an earlier message: a `multipart/report` of RFC 3464, or a bounce
    /// that [`delivery_report`](Self::delivery_report) can read all the same.
    pub fn is_delivery_report(&self) -> bool {
        self.is_report("delivery-status") || self.delivery_report().is_some()
    }

    /// Returns what became of an earlier message, by RFC 3464 or as qmail and Exim write it.
    ///
    /// `None` as well for a report that names no recipient.
    pub fn delivery_report(&self) -> Option<DeliveryReport> {
        if self.content().kind.starts_with("multipart/") {
            let standard = delivery_report::standard(self.attachments());
            if standard.is_some() {
                return standard;
            }
        }
        let text = self.text()?;
        let is_daemon =
            self.from().is_some_and(|from| from.address.local_part().eq_ignore_ascii_case("mailer-daemon"));
        let signs = Signs::of(self.header_bytes());
        if !is_daemon && !signs.has_null_sender() {
            return None;
        }
        delivery_report::of_qmail(text).or_else(|| delivery_report::of_exim(&signs.failed_recipients, text))
    }

    /// Returns the complaint about an earlier message that it is (RFC 5965).
    pub fn feedback_report(&self) -> Option<FeedbackReport> {
        if self.is_report("feedback-report") { FeedbackReport::of(self.attachments()) } else { None }
    }

    fn is_report(&self, report: &str) -> bool {
        self.content().kind == "multipart/report" && self.content().report_type.as_deref() == Some(report)
    }
}
