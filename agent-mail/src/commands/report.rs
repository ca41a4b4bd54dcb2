//! How the mailboxes were, as a page for people.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt as _, stream};
use mail_access::{AutoSubmitted, NewMessage, Query, Selection};

use super::{CommandError, Commands, Mailbox};
use crate::calendar::written;
use crate::guides::xml::escaped;
use crate::{AgentId, AgentMailbox, Error, ErrorKind};

/// How the mailboxes were in a time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The domain of the mailboxes.
    pub domain: String,
    /// Where the time begins.
    pub begin: SystemTime,
    /// Where it ends.
    pub end: SystemTime,
    /// The mailboxes, by name of the agent.
    pub rows: Vec<ReportRow>,
}

/// How a mailbox was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportRow {
    /// Whose it is.
    pub mailbox: Mailbox,
    /// What was counted, or why it can't be.
    pub figures: Result<MailboxFigures, CommandError>,
}

/// What was counted in a mailbox: in its INBOX and in the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxFigures {
    /// The messages that came in the time and are still there.
    pub received: u64,
    /// Those of them that report on the delivery of other mail (RFC 3464).
    pub delivery_reports: u64,
    /// All messages that are there.
    pub messages: u64,
    /// Those of them that nobody marked as seen.
    pub unread: u64,
    /// The messages that wait to be sent.
    pub waiting: u64,
    /// The messages whose sending was begun and whose outcome nobody knows.
    pub unconfirmed: u64,
}

impl Commands {
    /// Counts what is in the mailboxes that the commander may see, and what came in a time. Nothing is changed. A mailbox
    /// that can't be read has its error in its place; each is waited for within the deadline.
    ///
    /// # Errors
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if the rights don't allow
    /// [`MonitorAll`](super::Action::MonitorAll); or if the state can't be read.
    pub async fn report(&self, begin: SystemTime, end: SystemTime) -> Result<Report, Error> {
        self.rights.check(&super::Command::MonitorAll { reading: super::Reading::new() })?;
        let rows = stream::iter(self.mailboxes().await?).map(|mailbox| async move {
            let counted = tokio::time::timeout(self.deadline, self.count(&mailbox.agent, begin, end)).await;
            let counted = counted.unwrap_or_else(|_| Err(late(&mailbox.agent)));
            ReportRow { mailbox, figures: counted.map_err(|error| (&error).into()) }
        });
        let rows = rows.buffered(self.at_once).collect().await;
        Ok(Report { domain: self.mail.domain().to_string(), begin, end, rows })
    }

    async fn count(
        &self,
        agent: &AgentId,
        begin: SystemTime,
        end: SystemTime,
    ) -> Result<MailboxFigures, Error> {
        let mailbox = self.mail.open(agent).await?;
        let outbox = mailbox.outbox().await?.len();
        let unconfirmed = mailbox.unconfirmed().await?.len();
        let counted = count_inbox(&mailbox, begin, end).await?;
        Ok(MailboxFigures { waiting: many(outbox), unconfirmed: many(unconfirmed), ..counted })
    }
}

async fn count_inbox(
    mailbox: &AgentMailbox,
    begin: SystemTime,
    end: SystemTime,
) -> Result<MailboxFigures, Error> {
    let (desk, inbox) = (mailbox.desk(COUNT)?, mail_access::FolderName::inbox());
    let status = desk.status(&inbox).await?;
    // The search knows days only, in the server's time; a day more is let in and then looked at to the second.
    let since = begin.checked_sub(DAY).unwrap_or(begin);
    let recent = desk.search(&inbox, &Query::Since(since)).await?;
    let reports = Query::Since(since).and(Query::Header("Content-Type".into(), "delivery-status".into()));
    let reports = desk.search(&inbox, &reports).await?.uids;
    let listing = desk.list(&inbox, &Selection::Uids(recent.uid_validity, recent.uids)).await?;
    let received = || listing.entries.iter().filter(|entry| (begin..end).contains(&entry.internal_date));
    Ok(MailboxFigures {
        received: many(received().count()),
        delivery_reports: many(received().filter(|entry| reports.contains(&entry.uid)).count()),
        messages: status.messages.into(),
        unread: status.unseen.into(),
        ..MailboxFigures::default()
    })
}

impl Report {
    /// Returns the mailboxes that could not be read.
    pub fn failures(&self) -> impl Iterator<Item = (&Mailbox, &CommandError)> {
        self.rows.iter().filter_map(|row| Some((&row.mailbox, row.figures.as_ref().err()?)))
    }

    /// Returns what was counted, of all mailboxes together.
    pub fn total(&self) -> MailboxFigures {
        self.rows
            .iter()
            .filter_map(|row| row.figures.as_ref().ok())
            .fold(<_>::default(), MailboxFigures::plus)
    }

    /// Returns one line that says it all.
    pub fn subject(&self) -> String {
        let failures = match self.failures().count() {
            0 => String::new(),
            1 => ", 1 failure".to_owned(),
            more => format!(", {more} failures"),
        };
        format!("Mail of {}: {} received{failures}", self.domain, self.total().received)
    }

    /// Returns it as plain text.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n\n", self.subject(), self.time());
        for row in &self.rows {
            let _ = writeln!(text, "{} <{}>", row.mailbox.agent, row.mailbox.address);
            match &row.figures {
                Ok(figures) => {
                    for (name, value) in NAMES.iter().zip(figures.values()) {
                        let _ = writeln!(text, "  {name}: {value}");
                    }
                }
                Err(error) => {
                    let _ = writeln!(text, "  can't be read: {}\n  what to do: {}", error.message, error.fix);
                }
            }
        }
        text
    }

    /// Returns it as an HTML page that loads nothing and runs nothing. All that it shows is escaped.
    pub fn html(&self) -> String {
        let mut html = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title></head>\n\
             <body style=\"font-family:sans-serif\">\n<h1 style=\"font-size:1.2em\">{0}</h1>\n<p>{1}</p>\n\
             <table border=\"1\" cellpadding=\"4\" style=\"border-collapse:collapse\">\n<tr><th>agent</th><th>address</th>",
            escaped(&self.subject()),
            escaped(&self.time()),
        );
        html.extend(NAMES.iter().map(|name| format!("<th>{}</th>", escaped(name))));
        html += "</tr>\n";
        for row in &self.rows {
            let (agent, address) = (row.mailbox.agent.to_string(), row.mailbox.address.to_string());
            let _ = write!(html, "<tr><td>{}</td><td>{}</td>", escaped(&agent), escaped(&address));
            match &row.figures {
                Ok(figures) => {
                    html.extend(figures.values().map(|value| format!("<td align=\"right\">{value}</td>")));
                }
                Err(error) => {
                    let (wrong, fix) = (escaped(&error.message), escaped(&error.fix));
                    let span = NAMES.len();
                    let _ = write!(html, "<td colspan=\"{span}\"><b>{wrong}</b><br>{fix}</td>");
                }
            }
            html += "</tr>\n";
        }
        html += "<tr><th colspan=\"2\" align=\"left\">all</th>";
        html.extend(self.total().values().map(|value| format!("<td align=\"right\">{value}</td>")));
        html + "</tr>\n</table>\n</body></html>\n"
    }

    /// Puts subject, text and HTML into a message, marked as written by a program.
    #[must_use]
    pub fn into_message(self, message: NewMessage) -> NewMessage {
        message
            .with_subject(self.subject())
            .with_text(self.text())
            .with_html(self.html())
            .with_auto_submitted(AutoSubmitted::Generated)
    }

    fn time(&self) -> String {
        format!("{} to {}", written(self.begin), written(self.end))
    }
}

impl MailboxFigures {
    fn values(&self) -> [u64; 6] {
        [self.received, self.delivery_reports, self.messages, self.unread, self.waiting, self.unconfirmed]
    }

    fn plus(self, other: &Self) -> Self {
        Self {
            received: self.received + other.received,
            delivery_reports: self.delivery_reports + other.delivery_reports,
            messages: self.messages + other.messages,
            unread: self.unread + other.unread,
            waiting: self.waiting + other.waiting,
            unconfirmed: self.unconfirmed + other.unconfirmed,
        }
    }
}

fn many(count: usize) -> u64 {
    count.try_into().unwrap_or(u64::MAX)
}

fn late(agent: &AgentId) -> Error {
    Error::new(ErrorKind::Unavailable, COUNT, agent).with_detail("the mailbox did not answer in time")
}

const NAMES: [&str; 6] = ["received", "delivery reports", "messages", "unread", "waiting", "unconfirmed"];
const COUNT: &str = "count";
const DAY: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::golden::golden;

    #[test]
    fn a_report_is_a_page_that_nothing_in_it_can_break() {
        let row = |agent: &str, figures| {
            let address = "agent_x@agents.example".parse().unwrap();
            ReportRow { mailbox: Mailbox::new(agent.parse().unwrap(), address), figures }
        };
        let counted = |received, unread| MailboxFigures {
            received,
            unread,
            messages: 40,
            waiting: 1,
            ..<_>::default()
        };
        let broken = Error::new(ErrorKind::Unauthenticated, COUNT, "<script>alert(1)</script>");
        let end = UNIX_EPOCH + Duration::from_hours(24 * 20_000);
        let report = Report {
            domain: "agents.example".to_owned(),
            begin: end - DAY,
            end,
            rows: vec![
                row("ada", Ok(counted(3, 2))),
                row("</td><img src=x onerror='a(\"b\")'>&amp;\n", Ok(counted(4, 1))),
                row("bob", Err((&broken).into())),
            ],
        };
        golden("commands/report.txt", &report.text());
        golden("commands/report.html", &report.html());
        let html = report.html();
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        assert_eq!((report.total().received, report.failures().count()), (7, 1));
        assert_eq!(report.subject(), "Mail of agents.example: 7 received, 1 failure");
        let message =
            report.clone().into_message(NewMessage::to("a@b.example".parse::<crate::Address>().unwrap()));
        assert_eq!(message.auto_submitted(), Some(AutoSubmitted::Generated));
        assert_eq!((message.html(), message.text()), (Some(&*html), Some(&*report.text())));
    }
}
