//! Allow and deny lists: recordings played back.

use mailcow_api::{DomainName, MailboxAddress, SenderPattern, SpamList, SpamPolicyId};

use crate::replay;

const ALL: &str = "spam_policies/all.json";

fn domain(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn agent() -> MailboxAddress {
    "agent-0001@agents.example.com".parse().unwrap()
}

fn sender(text: &str) -> SenderPattern {
    text.parse().unwrap()
}

fn id(number: u32) -> SpamPolicyId {
    number.to_string().parse().unwrap()
}

#[tokio::test]
async fn creates_are_sent_as_recorded_and_judged() {
    let agents = domain("agents.example.com");
    let (bad, good) = (sender("*@bad.test"), sender("good@partner.test"));
    replay::one(ALL, 0, &[]).add_domain_spam_policy(&agents, SpamList::Deny, &bad).await.unwrap();
    let other = replay::one(ALL, 1, &[]).add_domain_spam_policy(&agents, SpamList::Allow, &bad).await;
    assert_eq!(replay::code(other), "policy_list_from_exists");
    replay::one(ALL, 2, &[]).add_domain_spam_policy(&agents, SpamList::Allow, &good).await.unwrap();
    let (nope, x) = (domain("nope.example.com"), sender("x@y.test"));
    let unknown = replay::one(ALL, 3, &[]).add_domain_spam_policy(&nope, SpamList::Allow, &x).await;
    assert_eq!(replay::code(unknown), "access_denied");
    // Recorded as exchange 4. Exchange 5, with a list "zz", cannot be expressed.
    assert!("in valid!".parse::<SenderPattern>().is_err());
    let spam = sender("spam@bad.test");
    replay::one(ALL, 8, &[]).add_mailbox_spam_policy(&agent(), SpamList::Deny, &spam).await.unwrap();
}

#[tokio::test]
async fn lists_are_read() {
    let agents = domain("agents.example.com");
    let deny = replay::one(ALL, 6, &[]).domain_spam_policies(&agents, SpamList::Deny).await.unwrap();
    assert_eq!((deny.len(), deny[0].id, deny[0].sender.as_str()), (1, id(7), "*@bad.test"));
    let allow = replay::one(ALL, 7, &[]).domain_spam_policies(&agents, SpamList::Allow).await.unwrap();
    assert_eq!((allow[0].id, allow[0].sender.as_str()), (id(8), "good@partner.test"));
    // Those of the domain apply to its mailboxes too.
    let own = replay::one(ALL, 9, &[]).mailbox_spam_policies(&agent(), SpamList::Deny).await.unwrap();
    let objects: Vec<_> = own.iter().map(|policy| policy.object.as_str()).collect();
    assert_eq!(objects, [agents.as_str(), agent().as_str()]);
    let own = replay::one(ALL, 10, &[]).mailbox_spam_policies(&agent(), SpamList::Allow).await.unwrap();
    assert_eq!(own, allow);
}

#[tokio::test]
async fn empty_lists_are_empty() {
    let empty = |at| replay::one("server/get-empty-collections.json", at, &[]);
    let unknown = |at| replay::one("server/get-nonexistent.json", at, &[]);
    let org = empty(21).domain_spam_policies(&domain("example.org"), SpamList::Allow).await.unwrap();
    assert_eq!(org, []);
    let mailbox = "agent@example.org".parse().unwrap();
    assert_eq!(empty(22).mailbox_spam_policies(&mailbox, SpamList::Deny).await.unwrap(), []);
    let nope = "nope@nope.example.com".parse().unwrap();
    assert_eq!(unknown(25).mailbox_spam_policies(&nope, SpamList::Allow).await.unwrap(), []);
    let nope = domain("nope.example.com");
    assert_eq!(unknown(26).domain_spam_policies(&nope, SpamList::Allow).await.unwrap(), []);
}

#[tokio::test]
async fn deletes_are_judged_one_by_one() {
    let ids = [id(7), id(99_999)];
    assert_eq!(replay::done(replay::one(ALL, 11, &[]).delete_domain_spam_policies(&ids).await), ["7"]);
    let denied = replay::one(ALL, 11, &[]).delete_domain_spam_policies(&ids).await;
    assert_eq!(replay::code(denied), "access_denied");
}

#[tokio::test]
async fn an_entry_of_a_mailbox_is_deleted_alone() {
    // Not recorded: the answer is that of mailcow's source, which names the ids as one text.
    let answered = |answer: serde_json::Value| {
        replay::altered(ALL, 11, |exchange| {
            exchange.path = "/api/v1/delete/mailbox-policy".to_owned();
            exchange.body = serde_json::json!([9]);
            exchange.response.body = serde_json::json!([answer]).to_string().into();
        })
    };
    let done = serde_json::json!({"type": "success", "log": [], "msg": ["items_deleted", "9"]});
    answered(done).delete_mailbox_spam_policy(id(9)).await.unwrap();
    let denied = serde_json::json!({"type": "danger", "log": [], "msg": "access_denied"});
    let refused = answered(denied).delete_mailbox_spam_policy(id(9)).await;
    assert_eq!(replay::code(refused), "access_denied");
}
