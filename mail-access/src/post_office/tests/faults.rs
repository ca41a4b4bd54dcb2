use tokio::time::sleep;

use super::*;

#[tokio::test]
async fn a_submit_fails_once_as_it_was_told_and_says_no_lie() {
    for (fault, unknown, arrived) in [
        (Fault::SubmitUnavailable, false, 0),
        (Fault::SubmitLost, true, 0),
        (Fault::SubmitTakenAndLost, true, 1),
    ] {
        let office = office();
        office.fail_next(&at_home("Ada"), fault);
        let error = submit(&office, &["bob@agents.example"]).await.unwrap_err();
        assert_eq!((error.is_outcome_unknown(), error.is_retryable()), (unknown, !unknown), "{error:?}");
        assert_eq!(count(&office, "bob").await, arrived, "{fault:?}");
        submit(&office, &["bob@agents.example"]).await.unwrap();
        assert_eq!(count(&office, "bob").await, arrived + 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_the_answer_before_a_lost_link() {
    for fault in [Fault::SubmitLost, Fault::SubmitTakenAndLost] {
        let office = office();
        office.fail_next(&at_home("ada"), fault);
        let forged = NewMessage::to(at_home("bob")).seal(&at_home("bob").into()).unwrap();
        assert_eq!(refusal(office.submit(&login("ada"), &forged).await), (553, (5, 7, 1)), "{fault:?}");
    }
}

#[tokio::test]
async fn a_fault_waits_for_its_login_and_its_method_and_keeps_its_turn() {
    let office = office();
    for fault in [Fault::FetchUnavailable, Fault::SubmitLost, Fault::SubmitUnavailable] {
        office.fail_next(&at_home("ada"), fault);
    }
    let bobs = NewMessage::to(at_home("ada")).seal(&at_home("bob").into()).unwrap();
    office.submit(&login("bob"), &bobs).await.expect("only Ada's calls fail");
    assert!(submit(&office, &["bob@agents.example"]).await.unwrap_err().is_outcome_unknown());
    assert!(submit(&office, &["bob@agents.example"]).await.unwrap_err().is_retryable());
    let answer = office.fetch(&login("ada"), &Selection::After(None), 10).await;
    assert!(matches!(answer, Err(Error::Unavailable { operation: "fetch", .. })), "{answer:?}");
    assert_eq!(count(&office, "ada").await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_under_way_loses_its_link() {
    let office = office();
    let start = Position { uid_validity: inbox(&office, "bob").await.uid_validity, uid: 0 };
    let other = office.clone();
    let waiting =
        tokio::spawn(async move { other.wait(&login("bob"), start, Duration::from_hours(1)).await });
    sleep(Duration::from_mins(1)).await;
    office.fail_next(&at_home("bob"), Fault::WaitUnavailable);
    let answer = waiting.await.unwrap();
    assert!(matches!(answer, Err(Error::Unavailable { operation: "wait", .. })), "{answer:?}");
}

#[tokio::test]
async fn a_rule_meets_only_whom_it_names_and_as_often_as_it_says() {
    let office = office();
    let refused = Fault::RecipientRefused(Refusal::TEMPORARY);
    let rule = FaultRule::new(refused).with_login(&at_home("ada")).with_recipient(&at_home("bob"));
    office.add_fault(rule.clone().with_times(2));
    assert!(format!("{rule:?}").contains("bob@agents.example"), "{rule:?}");
    let bobs = NewMessage::to(at_home("bob")).seal(&at_home("bob").into()).unwrap();
    office.submit(&login("bob"), &bobs).await.expect("it isn't Bob's");
    submit(&office, &["ada@agents.example"]).await.expect("it isn't to Bob");
    for _ in 0..2 {
        let done = submit(&office, &["bob@agents.example", "ada@agents.example"]).await.unwrap();
        assert_eq!((done.accepted, done.refused[0].1.code), (vec![at_home("ada")], 452));
    }
    submit(&office, &["bob@agents.example"]).await.expect("it met its two");
    office.add_fault(rule.with_times(100));
    office.clear_faults();
    submit(&office, &["bob@agents.example"]).await.expect("it was cleared");
    assert_eq!(count(&office, "bob").await, 3);
}

#[tokio::test]
async fn a_refused_message_goes_to_nobody_and_says_whether_to_try_again() {
    for (words, retryable) in [(Refusal::TEMPORARY, true), (Refusal::PERMANENT, false)] {
        let office = office();
        office.add_fault(FaultRule::new(Fault::SubmitRefused(words)).with_times(2));
        for _ in 0..2 {
            let error = submit(&office, &["bob@agents.example", "ada@agents.example"]).await.unwrap_err();
            assert!(matches!(error, Error::Refused { .. }), "{error:?}");
            assert_eq!((error.is_retryable(), error.is_outcome_unknown()), (retryable, false), "{error:?}");
        }
        assert_eq!(count(&office, "bob").await, 0);
        submit(&office, &["bob@agents.example"]).await.unwrap();
    }
}

#[tokio::test]
async fn faults_of_the_whole_and_of_recipients_meet_in_one_submission() {
    let office = office();
    office.add_fault(FaultRule::new(Fault::DeliveredTwice).with_recipient(&at_home("bob")));
    office.add_fault(FaultRule::new(Fault::SubmitTakenAndLost));
    office.add_fault(FaultRule::new(Fault::RecipientRefused(Refusal::PERMANENT)));
    let error = submit(&office, &["bob@agents.example", "ada@agents.example"]).await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error:?}");
    assert_eq!((count(&office, "bob").await, count(&office, "ada").await), (2, 0));
}
