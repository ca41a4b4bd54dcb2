//! Rspamd and presets: recordings played back.

use mailcow_api::{Error, NewRspamdSetting, RspamdSettingChange, RspamdSettingId};

use crate::replay;

const ALL: &str = "rspamd/all.json";

fn id(number: u32) -> RspamdSettingId {
    number.to_string().parse().unwrap()
}

#[tokio::test]
async fn creates_are_sent_as_recorded() {
    replay::one(ALL, 0, &[])
        .add_rspamd_setting(&NewRspamdSetting::new("test", "priority = 1;"))
        .await
        .unwrap();
    // Recorded as exchange 1 with the answer map_content_empty.
    let empty = replay::client([]).add_rspamd_setting(&NewRspamdSetting::new("", "")).await;
    assert!(matches!(empty, Err(Error::InvalidInput { .. })));
}

#[tokio::test]
async fn one_or_all_are_read() {
    let all = replay::one(ALL, 2, &[]).rspamd_settings().await.unwrap();
    assert_eq!((all.len(), all[0].id, all[0].description.as_str()), (1, id(1), "test"));
    assert_eq!((all[0].content.as_str(), all[0].active), ("priority = 1;", true));
    let one = replay::one(ALL, 3, &[]).get_rspamd_setting(id(1)).await.unwrap();
    assert_eq!(one.as_ref(), Some(&all[0]));
    assert_eq!(
        replay::one("server/get-empty-collections.json", 19, &[]).rspamd_settings().await.unwrap(),
        []
    );
    let none = replay::one("server/get-nonexistent.json", 19, &[]).get_rspamd_setting(id(999)).await;
    assert_eq!(none.unwrap(), None);
}

#[tokio::test]
async fn edits_and_deletes_are_sent_as_recorded_and_judged() {
    let off = RspamdSettingChange::new().with_active(false);
    replay::one(ALL, 4, &[]).edit_rspamd_setting(id(1), &off).await.unwrap();
    // The one that does not exist is confirmed too.
    replay::one(ALL, 5, &[]).delete_rspamd_settings(&[id(1), id(999)]).await.unwrap();
    let nothing = replay::client([]).edit_rspamd_setting(id(1), &RspamdSettingChange::new()).await;
    assert!(matches!(nothing, Err(Error::InvalidInput { .. })));
}

#[tokio::test]
async fn an_unknown_map_is_refused() {
    let refused = replay::one(ALL, 6, &[]).set_rspamd_map("nope.map", "x").await;
    assert_eq!(replay::code(refused), "global_map_invalid");
    let known = replay::altered(ALL, 4, |exchange| {
        exchange.path = "/api/v1/edit/rspamd-map".to_owned();
        exchange.body =
            serde_json::json!({"items": ["global_rcpt_whitelist.map"], "attr": {"rspamd_map_data": ""}});
    });
    known.set_rspamd_map("global_rcpt_whitelist.map", "").await.unwrap();
}

#[tokio::test]
async fn actions_are_pairs() {
    let actions = replay::one("logs/all.json", 15, &[]).rspamd_actions().await.unwrap();
    let first: Vec<_> = actions.iter().take(2).map(|action| (action.name.as_str(), action.count)).collect();
    assert_eq!((actions.len(), first), (5, vec![("reject", 3), ("soft reject", 10)]));
}

#[tokio::test]
async fn presets_are_read() {
    let rspamd = replay::one("presets/all.json", 0, &[]).rspamd_presets().await.unwrap();
    assert_eq!(
        rspamd.iter().map(|preset| preset.name.as_str()).collect::<Vec<_>>(),
        ["preset_1", "preset_3", "preset_4"]
    );
    let sieve = replay::one("presets/all.json", 1, &[]).sieve_presets().await.unwrap();
    assert_eq!((sieve.len(), sieve[2].content.as_str()), (8, "discard; stop;"));
    // Only the headlines are in the language of the server.
    let french = replay::one("presets/language.json", 2, &[]).sieve_presets().await.unwrap();
    assert!(french[2].headline.starts_with("Jeter en silence"), "{}", french[2].headline);
    assert!(
        french.iter().zip(&sieve).all(|(one, other)| one.name == other.name && one.content == other.content)
    );
}
