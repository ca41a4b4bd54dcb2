//! The quarantine: recordings played back.

use mailcow_api::{Error, Mib, QuarantineId, QuarantineSettings};

use crate::replay;

const ALL: &str = "quarantine/all.json";

fn id(number: u32) -> QuarantineId {
    number.to_string().parse().unwrap()
}

#[tokio::test]
async fn the_list_is_read_with_scores_of_both_types() {
    let all = replay::one(ALL, 0, &[]).quarantine().await.unwrap();
    assert_eq!(all.iter().map(|item| item.score).collect::<Vec<_>>(), [16.2, 99_999.99, 15.0]);
    let first = &all[0];
    assert_eq!((first.id, first.queue_id.as_str(), first.subject.as_str()), (id(1), "4ABC0", "Win a prize"));
    assert_eq!((first.created, first.has_virus, first.notified), (1_795_163_278, false, false));
    assert_eq!((first.sender.as_str(), first.action.as_str()), ("spam@bad.test", "reject"));
    assert_eq!(replay::one("server/get-empty-collections.json", 14, &[]).quarantine().await.unwrap(), []);
}

#[tokio::test]
async fn one_message_is_read_and_not_shown() {
    let one = replay::one(ALL, 1, &[]).get_quarantined(id(1)).await.unwrap().unwrap();
    assert!(one.message.starts_with("From: spam@bad.test\r\n") && one.symbols.contains("BAYES_SPAM"));
    assert_eq!((one.ip.as_str(), one.created.as_str()), ("198.51.100.1", "2026-11-20 09:27:58"));
    assert!(!format!("{one:?}").contains("From:"));
    let none = replay::altered(ALL, 1, |exchange| exchange.response.body = b"[]".to_vec());
    assert_eq!(none.get_quarantined(id(1)).await.unwrap(), None);
}

#[tokio::test]
async fn messages_are_released_and_learned() {
    // Recorded without a Postfix: a warning and no success.
    let refused = replay::one(ALL, 2, &[]).release_quarantined(id(1)).await;
    assert!(matches!(refused, Err(Error::Refused { .. })));
    assert_eq!(replay::code(refused), "release_send_failed");
    replay::one(ALL, 3, &[]).learn_quarantined_as_spam(id(1)).await.unwrap();
    let unknown = replay::one(ALL, 4, &[]).release_quarantined(id(99_999)).await;
    assert_eq!(replay::code(unknown), "access_denied");
}

#[tokio::test]
async fn what_was_learned_as_spam_was_not_released() {
    let other = |action: &'static str| {
        replay::altered(ALL, 3, |exchange| exchange.body["attr"]["action"] = action.into())
    };
    let error = other("release").release_quarantined(id(1)).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
    let error = other("learnham").learn_quarantined_as_ham(id(1)).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
}

#[tokio::test]
async fn deletes_are_judged_one_by_one() {
    let ids = [1, 2, 3, 77, 99_999].map(id);
    // The recorded list holds the text "abc", which is no id; its refusal stands for that of 77. Deletes are sent by
    // four, so the recorded five are cut into four and one.
    let part = |items: std::ops::Range<usize>| {
        let mut exchange = replay::load(ALL).swap_remove(5);
        exchange.body =
            serde_json::json!(ids[items.clone()].iter().map(QuarantineId::to_string).collect::<Vec<_>>());
        let answer: Vec<serde_json::Value> = serde_json::from_slice(&exchange.response.body).unwrap();
        exchange.response.body = serde_json::to_vec(&answer[items]).unwrap();
        exchange
    };
    let client = || replay::client([part(0..4), part(4..5)]);
    assert_eq!(replay::done(client().delete_quarantined(&ids).await), ["1", "2", "3", "99999"]);
    assert_eq!(replay::code(client().delete_quarantined(&ids).await), "access_denied");
    assert!("abc".parse::<QuarantineId>().is_err());
}

#[tokio::test]
async fn all_settings_are_sent() {
    let settings = QuarantineSettings::new(5, "q@example.com", "Quarantine")
        .with_max_size(Mib::new(10))
        .with_max_age_days(30)
        .with_excluded_domains(["example.net".parse().unwrap()]);
    replay::one(ALL, 6, &[]).set_quarantine_settings(&settings).await.unwrap();
    let bad = settings.with_max_age_days(0);
    let refused = replay::client([]).set_quarantine_settings(&bad).await;
    assert!(matches!(refused, Err(Error::InvalidInput { .. })));
}
