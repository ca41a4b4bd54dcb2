//! Puts the mail system's errors into the facade's words.

use std::fmt::Display;

use mail_access::Error as MailError;

use crate::{Error, ErrorKind};

/// Makes a facade error of one of mail-access.
pub(crate) fn lift(error: MailError, operation: &'static str, subject: impl Display) -> Error {
    let kind = match &error {
        MailError::Authentication { status, .. } if status.is_temporary() => ErrorKind::Unavailable,
        MailError::Authentication { .. } => ErrorKind::Unauthenticated,
        MailError::Interrupted { .. } => ErrorKind::Interrupted,
        MailError::Invalid { .. } => ErrorKind::InvalidInput,
        MailError::Refused { .. } | MailError::RecipientsRefused { .. } if error.is_retryable() => {
            ErrorKind::Unavailable
        }
        MailError::Refused { .. } | MailError::RecipientsRefused { .. } => ErrorKind::Rejected,
        // The same call finds the new numbering.
        MailError::Renumbered { .. } => ErrorKind::NotReady,
        MailError::Unavailable { .. } => ErrorKind::Unavailable,
        _ => ErrorKind::Unexpected,
    };
    let code = error.status().map(|status| match status.enhanced {
        Some((class, subject, detail)) => format!("{class}.{subject}.{detail}"),
        None => status.code.to_string(),
    });
    let mut lifted = Error::new(kind, operation, subject).with_retry_after(error.retry_after());
    if let Some(code) = code {
        lifted = lifted.with_code(code);
    }
    if let MailError::Unavailable { source, .. } = &error
        && source.kind() == std::io::ErrorKind::InvalidData
    {
        // TLS speaks of what the other side sent: nearly always a certificate.
        lifted = lifted
            .with_fix("make the server's certificate trusted: for a private CA, give its certificate in PEM");
    }
    lifted.with_source(error)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use mail_access::Status;

    use super::*;

    #[test]
    fn the_server_s_words_are_the_source_and_its_code_is_kept() {
        let refused = MailError::Refused {
            operation: "submit",
            status: Status::new(552, Some((5, 3, 4)), "too large"),
        };
        let error = lift(refused, "send", "ada");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Rejected, Some("5.3.4")));
        assert_eq!(error.to_string(), "send ada: the server refused it");
        assert_eq!(error.source().unwrap().to_string(), "submit: the server refused: 552 5.3.4 too large");
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_told_from_a_server_that_is_down() {
        let unavailable = |kind: std::io::ErrorKind| {
            let (server, source) = ("mail.example:993".to_owned(), kind.into());
            lift(MailError::Unavailable { operation: "fetch", server, source }, "read", "ada")
        };
        assert!(unavailable(std::io::ErrorKind::InvalidData).fix().contains("certificate"));
        assert!(!unavailable(std::io::ErrorKind::ConnectionRefused).fix().contains("certificate"));
    }

    #[test]
    fn what_is_temporary_may_be_tried_again() {
        let text = "Greylisted, try again in 300 seconds";
        let later = MailError::Refused { operation: "submit", status: Status::new(451, None, text) };
        let later = lift(later, "send", "ada");
        assert!(later.is_retryable());
        assert_eq!(later.retry_after(), Some(std::time::Duration::from_mins(5)));
        let lost =
            MailError::Interrupted { operation: "submit", source: std::io::ErrorKind::BrokenPipe.into() };
        assert!(!lift(lost, "send", "ada").is_retryable());
    }
}
