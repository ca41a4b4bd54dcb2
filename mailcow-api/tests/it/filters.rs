//! Sieve filters: recordings played back.

use mailcow_api::{Error, FilterChange, FilterId, FilterKind, MailboxAddress, NewFilter};

use crate::replay;

const ALL: &str = "filters/all.json";
const HUB: &str = "filters/hub-setup.json";
const SCRIPT: &str =
    "require [\"fileinto\"];\nif header :contains \"subject\" \"task\" { fileinto \"Tasks\"; stop; }\n";

fn address(text: &str) -> MailboxAddress {
    text.parse().unwrap()
}

fn agent() -> MailboxAddress {
    address("agent-0001@agents.example.com")
}

fn id(number: u32) -> FilterId {
    number.to_string().parse().unwrap()
}

fn new(script: &str) -> NewFilter {
    NewFilter::new(agent(), FilterKind::Before, "to folder", script)
}

#[tokio::test]
async fn creates_are_sent_as_recorded_and_judged() {
    replay::one(ALL, 0, &[]).add_filter(&new(SCRIPT)).await.unwrap();
    replay::one(ALL, 1, &[]).add_filter(&new(SCRIPT)).await.unwrap();
    let error = replay::one(ALL, 2, &[]).add_filter(&new("if nonsense {")).await.unwrap_err();
    let problem = error.problem().unwrap();
    assert_eq!(problem.code(), "sieve_error");
    assert_eq!(problem.args(), ["line 1: identifier nonsense where test command expected"]);
    let unknown = NewFilter::new(address("nope@agents.example.com"), FilterKind::Before, "to folder", SCRIPT);
    assert_eq!(replay::code(replay::one(ALL, 5, &[]).add_filter(&unknown).await), "access_denied");
}

#[tokio::test]
async fn what_mailcow_refuses_or_ignores_is_not_sent() {
    let client = replay::client([]);
    // Recorded as exchange 3. Exchange 4, without a mailbox, cannot be expressed.
    let blank = NewFilter::new(agent(), FilterKind::Before, "", SCRIPT);
    let odd = NewFilter::new(agent(), FilterKind::Other("x".to_owned()), "to folder", SCRIPT);
    for bad in [blank, odd, new(" \n"), new("keep;\0")] {
        assert!(matches!(client.add_filter(&bad).await, Err(Error::InvalidInput { .. })), "{bad:?}");
    }
    for bad in [
        FilterChange::new(),
        FilterChange::new().with_script(""),
        FilterChange::new().with_description("a\nb"),
        FilterChange::new().with_kind(FilterKind::Other("x".to_owned())),
    ] {
        assert!(matches!(client.edit_filter(id(1), &bad).await, Err(Error::InvalidInput { .. })), "{bad:?}");
    }
}

#[tokio::test]
async fn filters_are_read() {
    let own = replay::one(ALL, 6, &[]).mailbox_filters(&agent()).await.unwrap();
    assert_eq!(own, replay::one(ALL, 7, &[]).filters().await.unwrap());
    assert_eq!(
        own.iter().map(|filter| (filter.id, filter.active)).collect::<Vec<_>>(),
        [(id(1), false), (id(2), true)]
    );
    assert_eq!((own[0].kind.clone(), own[0].script.as_str()), (FilterKind::Before, SCRIPT));
    assert_eq!((own[0].description.as_str(), own[0].mailbox.as_str()), ("to folder", agent().as_str()));
    let user = replay::one(ALL, 10, &[]).user_sieve(&agent()).await.unwrap().unwrap();
    assert_eq!(user, "if header :contains \"subject\" \"x\" { fileinto \"X\"; }\n");
    let empty = |at| replay::one("server/get-empty-collections.json", at, &[]);
    assert_eq!(empty(16).filters().await.unwrap(), []);
    assert_eq!(empty(32).user_sieve(&address("agent@example.org")).await.unwrap(), None);
    let client = replay::one("server/get-nonexistent.json", 16, &[]);
    assert_eq!(client.mailbox_filters(&address("nope@nope.example.com")).await.unwrap(), []);
}

#[tokio::test]
async fn edits_and_deletes_are_sent_as_recorded_and_judged() {
    let on = FilterChange::new().with_active(true);
    replay::one(ALL, 8, &[]).edit_filter(id(1), &on).await.unwrap();
    assert_eq!(replay::code(replay::one(ALL, 9, &[]).edit_filter(id(999), &on).await), "access_denied");
    let ids = [id(1), id(2), id(999)];
    assert_eq!(replay::done(replay::one(ALL, 11, &[]).delete_filters(&ids).await), ["1", "2"]);
    assert_eq!(replay::code(replay::one(ALL, 11, &[]).delete_filters(&ids).await), "access_denied");
}

#[tokio::test]
async fn a_hub_files_by_a_filter_of_its_own() {
    let hub = address("hub@hub2.example.com");
    let script = "require [\"fileinto\"];\nif header :contains \"X-Spam-Flag\" \"YES\" { fileinto \"Junk\"; } else \
                  { fileinto \"INBOX\"; }\n";
    let filter = NewFilter::new(hub.clone(), FilterKind::Before, "hub files explicitly", script);
    replay::one(HUB, 4, &[]).add_filter(&filter).await.unwrap();
    // Recorded with an @ that was encoded twice, which means the same.
    let client = replay::altered(HUB, 5, |exchange| exchange.path = exchange.path.replace("%2540", "@"));
    let own = client.mailbox_filters(&hub).await.unwrap();
    assert_eq!((own.len(), own[0].script.as_str(), own[0].active), (1, script, true));
}
