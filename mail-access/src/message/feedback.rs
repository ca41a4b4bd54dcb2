//! Complaints about an earlier message (RFC 5965, ARF).

use std::fmt;
use std::net::IpAddr;

use super::Attachment;
use super::delivery_report::{original_id, recipient};
use super::header_fields::named_fields;
use crate::MessageId;

/// A complaint about an earlier message. Anyone can send one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeedbackReport {
    /// What the complaint is about.
    pub feedback: FeedbackType,
    /// The Message-ID of the earlier message, if the complaint has its header.
    pub original: Option<MessageId>,
    /// The program that wrote it.
    pub user_agent: Option<String>,
    /// The envelope sender of the earlier message.
    pub original_sender: Option<String>,
    /// Its recipients.
    pub original_recipients: Vec<String>,
    /// The host that it came from.
    pub source_ip: Option<IpAddr>,
    /// The domains that the complaint is about.
    pub reported_domains: Vec<String>,
}

impl FeedbackReport {
    /// Reads the machine-readable part.
    pub(super) fn of(attachments: &[Attachment]) -> Option<Self> {
        let told = attachments.iter().find(|file| file.content_type == "message/feedback-report")?;
        let mut report = Self {
            feedback: FeedbackType::Other(String::new()),
            original: original_id(attachments),
            user_agent: None,
            original_sender: None,
            original_recipients: Vec::new(),
            source_ip: None,
            reported_domains: Vec::new(),
        };
        let mut is_report = false;
        for (name, value) in named_fields(told.content.trim_ascii_start()) {
            match name.to_ascii_lowercase().as_str() {
                "feedback-type" => {
                    is_report = true;
                    report.feedback = FeedbackType::of(&value);
                }
                "user-agent" => report.user_agent = Some(value),
                "original-mail-from" => report.original_sender = Some(recipient(&value)),
                "original-rcpt-to" => report.original_recipients.push(recipient(&value)),
                "source-ip" => report.source_ip = value.trim_matches(['[', ']']).parse().ok(),
                "reported-domain" => report.reported_domains.push(value),
                _ => {}
            }
        }
        is_report.then_some(report)
    }
}

/// What a complaint is about (RFC 5965 section 7.3, RFC 6591, RFC 6430).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FeedbackType {
    /// Unwanted mail.
    Abuse,
    /// Fraud or phishing.
    Fraud,
    /// A virus.
    Virus,
    /// It was taken for unwanted, and is not.
    NotSpam,
    /// Its authentication failed.
    AuthFailure,
    /// Another word, in lower case.
    Other(String),
}

impl FeedbackType {
    fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "abuse" => Self::Abuse,
            "fraud" => Self::Fraud,
            "virus" => Self::Virus,
            "not-spam" => Self::NotSpam,
            "auth-failure" => Self::AuthFailure,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// Writes the word of the report.
impl fmt::Display for FeedbackType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Abuse => "abuse",
            Self::Fraud => "fraud",
            Self::Virus => "virus",
            Self::NotSpam => "not-spam",
            Self::AuthFailure => "auth-failure",
            Self::Other(word) => word,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_read() {
        let part = |kind: &str, content: &str| Attachment::new("", kind, content);
        let parts = [
            part(
                "message/feedback-report",
                "Feedback-Type: Abuse\r\nUser-Agent: Generator/1.0\r\nVersion: 1\r\nOriginal-Mail-From: \
                 <ada@agents.example>\r\nOriginal-Rcpt-To: <bob@b.example>\r\nOriginal-Rcpt-To: carol@b.example\r\n\
                 Source-IP: 192.0.2.1\r\nReported-Domain: agents.example\r\n\r\n",
            ),
            part(
                "message/rfc822",
                "From: <ada@agents.example>\r\nMessage-ID: <1@agents.example>\r\n\r\nhi\r\n",
            ),
        ];
        let report = FeedbackReport::of(&parts).unwrap();
        assert_eq!(report.feedback, FeedbackType::Abuse);
        assert_eq!(report.original.unwrap().as_str(), "1@agents.example");
        assert_eq!(report.user_agent.as_deref(), Some("Generator/1.0"));
        assert_eq!(report.original_sender.as_deref(), Some("ada@agents.example"));
        assert_eq!(report.original_recipients, ["bob@b.example", "carol@b.example"]);
        assert_eq!(report.source_ip, Some([192, 0, 2, 1].into()));
        assert_eq!(report.reported_domains, ["agents.example"]);
        assert!(FeedbackReport::of(&parts[1..]).is_none());
    }
}
