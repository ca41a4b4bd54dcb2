//! Notifications and the settings of the web UI: recordings played back.

use mailcow_api::{Error, MailboxAddress, PasswordResetNotification, QuotaNotification};

use crate::replay;

const QUOTA: &str = "notifications/quota.json";
const UI: &str = "notifications/ui-settings.json";

#[tokio::test]
async fn messages_are_sent_as_recorded() {
    // The two fields that are left out belong to the quarantine and are ignored.
    let quota = QuotaNotification::new("quota@example.com", "Quota");
    let client = replay::one(QUOTA, 0, &["release_format", "retention_size"]);
    client.set_quota_notification(&quota).await.unwrap();
    // The other exchanges of this recording are of routes that belong to the web UI; see the table of coverage.
    let reset = PasswordResetNotification::new("noreply@example.com", "Reset", "{{link}}", "{{link}}");
    replay::one(UI, 4, &[]).set_password_reset_notification(&reset).await.unwrap();
}

#[tokio::test]
async fn a_copy_that_was_not_taken_is_told() {
    let ops: MailboxAddress = "ops@example.net".parse().unwrap();
    assert!("bad".parse::<MailboxAddress>().is_err(), "recorded beside it, refused before it is sent");
    let client =
        replay::altered(QUOTA, 1, |exchange| exchange.body["attr"]["bcc_rcpt"] = "ops@example.net".into());
    let agents = "agents.example.com".parse().unwrap();
    let error = client.set_quota_notification_bcc(&agents, &[ops], true).await.unwrap_err();
    assert!(matches!(error, Error::Partial { .. }), "{error}");
    assert_eq!(error.problem().unwrap().to_string(), "goto_invalid (bad)");
}

#[tokio::test]
async fn headers_cannot_be_smuggled_in() {
    let client = replay::client([]);
    let bad = QuotaNotification::new("a@example.com\nBcc: x@example.com", "");
    assert!(matches!(client.set_quota_notification(&bad).await, Err(Error::InvalidInput { .. })));
    let bad = PasswordResetNotification::new("", "a\r\nb", "", "");
    assert!(matches!(client.set_password_reset_notification(&bad).await, Err(Error::InvalidInput { .. })));
}
