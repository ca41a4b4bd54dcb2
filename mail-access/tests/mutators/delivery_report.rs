use std::time::SystemTime;

use mail_access::{Received, Uid};

/// Reads a message as a report on the delivery of another one.
pub(crate) fn check(bytes: &[u8]) {
    let received = Received::parse(Uid::new(1).expect("not 0"), SystemTime::UNIX_EPOCH, false, bytes);
    let Some(report) = received.delivery_report() else { return };
    assert!(report.recipients.len() <= bytes.len());
    report.envelope_id.as_deref().into_iter().chain(report.reporting_server.as_deref()).for_each(one_line);
    for recipient in &report.recipients {
        one_line(&recipient.final_recipient);
        let told = [&recipient.original_recipient, &recipient.diagnostic, &recipient.remote_server];
        told.into_iter().flatten().for_each(|text| one_line(text));
        let class = recipient.status.map(|(class, ..)| class);
        assert!(class.is_none_or(|class| [2, 4, 5].contains(&class)), "{recipient:?}");
        assert!(!recipient.is_permanent_failure() || class.is_none_or(|class| class == 5), "{recipient:?}");
        let _ = recipient.address();
    }
}

fn one_line(text: &str) {
    assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
}
