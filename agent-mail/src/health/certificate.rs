//! How long a certificate is still good.

use std::net::IpAddr;
use std::time::SystemTime;

use mail_access::DomainName;

use crate::readiness::{Probe, ProbeError, Security};
use crate::{Error, ErrorKind};

/// Looks for how many whole days the certificate of a mail host is still good, at the port of IMAP over TLS; 0 if it has
/// expired. It is what [`Health::with_certificate_days`](super::Health::with_certificate_days) asks for.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use agent_mail::{Embedded, health::certificate_days};
///
/// let world = Embedded::new("agents.example".parse()?);
/// let host = "mail.agents.example".parse()?;
/// assert_eq!(certificate_days(&world, "192.0.2.25".parse()?, &host).await?, 89);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Unavailable`](ErrorKind::Unavailable) if the port can't be reached, [`Unexpected`](ErrorKind::Unexpected) if it shows
/// no certificate, or one that is not trusted for the name.
pub async fn certificate_days(probe: &dyn Probe, address: IpAddr, host: &DomainName) -> Result<u32, Error> {
    let error = |kind| Error::new(kind, "read certificate", host);
    match probe.probe(address, IMAPS, Security::Tls, host).await {
        Ok(greeting) => {
            let certificate = greeting
                .certificate
                .ok_or_else(|| error(ErrorKind::Unexpected).with_detail("the server shows no certificate"))?;
            let left = certificate.not_after.duration_since(SystemTime::now()).unwrap_or_default();
            Ok(u32::try_from(left.as_secs() / DAY).unwrap_or(u32::MAX))
        }
        Err(ProbeError::Untrusted(why)) if why.to_lowercase().contains("expired") => Ok(0),
        Err(problem @ ProbeError::Untrusted(_)) => Err(error(ErrorKind::Unexpected)
            .with_detail(problem.to_string())
            .with_fix("look at the container acme of mailcow, and at the name of the mail host")),
        Err(problem) => Err(error(ErrorKind::Unavailable).with_detail(problem.to_string())),
    }
}

const IMAPS: u16 = 993;
const DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;

    use super::*;
    use crate::readiness::{Certificate, Greeting};

    #[derive(Debug)]
    struct Answers(Result<Greeting, ProbeError>);

    #[async_trait]
    impl Probe for Answers {
        async fn probe(
            &self,
            _: IpAddr,
            port: u16,
            _: Security,
            _: &DomainName,
        ) -> Result<Greeting, ProbeError> {
            assert_eq!(port, 993);
            self.0.clone()
        }
    }

    #[tokio::test]
    async fn an_expired_certificate_has_no_days_and_a_closed_port_is_unknown() {
        let until = |time| {
            let certificate = Certificate::new(vec!["mail.x.example".into()], time);
            Ok(Greeting::new("* OK", Some(certificate)))
        };
        let hours = |hours| SystemTime::now() + Duration::from_hours(hours);
        for (answer, wanted) in [
            (until(hours(25)), Ok(1)),
            (until(hours(23)), Ok(0)),
            (until(SystemTime::UNIX_EPOCH), Ok(0)),
            (Err(ProbeError::Untrusted("invalid peer certificate: Expired".into())), Ok(0)),
            (Err(ProbeError::Untrusted("UnknownIssuer".into())), Err(ErrorKind::Unexpected)),
            (Err(ProbeError::Closed("refused".into())), Err(ErrorKind::Unavailable)),
            (Ok(Greeting::new("* OK", None)), Err(ErrorKind::Unexpected)),
        ] {
            let host = "mail.x.example".parse().unwrap();
            let days = certificate_days(&Answers(answer), "192.0.2.1".parse().unwrap(), &host).await;
            assert_eq!(days.map_err(|error| error.kind()), wanted);
        }
    }
}
