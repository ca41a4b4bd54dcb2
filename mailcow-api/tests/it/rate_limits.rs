//! Sending limits, played back from recordings.

use mailcow_api::{DomainName, MailboxAddress, ProblemKind, RateFrame, RateLimit};

use crate::replay;

const ALL: &str = "rate_limits/all.json";

fn agent() -> MailboxAddress {
    "agent-0001@agents.example.com".parse().unwrap()
}

fn domain() -> DomainName {
    "agents.example.com".parse().unwrap()
}

fn limit(value: u32, frame: RateFrame) -> RateLimit {
    RateLimit::new(value.try_into().unwrap(), frame)
}

#[tokio::test]
async fn the_limit_of_a_mailbox_is_set_read_and_removed() {
    let hourly = limit(10, RateFrame::Hour);
    replay::one(ALL, 0, &[]).set_mailbox_rate_limit(&agent(), &hourly).await.unwrap();
    let found = replay::one(ALL, 2, &[]).mailbox_rate_limit(&agent()).await.unwrap();
    assert_eq!(found, Some(limit(20, RateFrame::Minute)));
    replay::one(ALL, 7, &[]).remove_mailbox_rate_limit(&agent()).await.unwrap();
    assert_eq!(replay::one(ALL, 8, &[]).mailbox_rate_limit(&agent()).await.unwrap(), None);
}

#[tokio::test]
async fn the_limit_of_a_domain_is_set_and_read() {
    let fast = limit(100, RateFrame::Second);
    replay::one(ALL, 10, &[]).set_domain_rate_limit(&domain(), &fast).await.unwrap();
    assert_eq!(replay::one(ALL, 11, &[]).domain_rate_limit(&domain()).await.unwrap(), Some(fast));
}

#[tokio::test]
async fn refusals_have_their_kind() {
    let odd = limit(10, RateFrame::Other("w".to_owned()));
    let error = replay::one(ALL, 3, &[]).set_mailbox_rate_limit(&agent(), &odd).await.unwrap_err();
    assert_eq!(error.problem().unwrap().kind(), ProblemKind::InvalidValue);
    let unknown = "nope@agents.example.com".parse().unwrap();
    let error = replay::one(ALL, 4, &[])
        .set_mailbox_rate_limit(&unknown, &limit(10, RateFrame::Hour))
        .await
        .unwrap_err();
    assert_eq!(error.problem().unwrap().kind(), ProblemKind::AccessDenied);
    let unknown = "nope.example.com".parse().unwrap();
    let error = replay::one(ALL, 13, &[])
        .set_domain_rate_limit(&unknown, &limit(100, RateFrame::Second))
        .await
        .unwrap_err();
    assert_eq!(error.problem().unwrap().kind(), ProblemKind::AccessDenied);
}
