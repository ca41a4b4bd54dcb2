//! Those that change something.

use super::*;

fn move_to(mail: SmtpImap) -> Done {
    async move { show(mail.move_to(&ada(), &work(), 7, &[uid(3), uid(5)], &"b".parse().unwrap()).await) }
        .boxed()
}

fn append(mail: SmtpImap) -> Done {
    async move {
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_709_251_199);
        show(mail.append(&ada(), &work(), b"a\r\nb", &[Flag::Seen], Some(date)).await)
    }
    .boxed()
}

pub(in crate::imap::tests) const CHANGING: &[Deed] = &[
    deed(
        "create",
        "X",
        &[(&[r#"CREATE "a&-b\"c""#], "")],
        |mail| async move { show(mail.create_folder(&ada(), &"a&b\"c".parse().unwrap()).await) }.boxed(),
        "()",
        0,
    ),
    deed(
        "create what is there",
        "X",
        &[(&[r#"CREATE "work""#], "@ NO [ALREADYEXISTS] there\r\n")],
        |mail| async move { show(mail.create_folder(&ada(), &work()).await) }.boxed(),
        "()",
        0,
    ),
    deed(
        "delete what is not there",
        "X",
        &[(&[r#"DELETE "work""#], "@ NO [NONEXISTENT] gone\r\n")],
        |mail| async move { show(mail.delete_folder(&ada(), &work()).await) }.boxed(),
        "()",
        0,
    ),
    deed(
        "rename",
        "X",
        &[(&[r#"RENAME "work" "&APw-""#], "")],
        |mail| {
            async move { show(mail.rename_folder(&ada(), &work(), &"\u{fc}".parse().unwrap()).await) }.boxed()
        },
        "()",
        0,
    ),
    deed(
        "subscribe",
        "X",
        &[(&[r#"UNSUBSCRIBE "work""#], "")],
        |mail| async move { show(mail.subscribe(&ada(), &work(), false).await) }.boxed(),
        "()",
        0,
    ),
    deed(
        "change flags",
        "X",
        &[(&[r#"SELECT "work""#], SELECTED), (&[r"UID STORE 3:5 FLAGS.SILENT (\Flagged mine)"], "")],
        |mail| {
            async move {
                let set = FlagChange::Set(vec![Flag::Flagged, Flag::keyword("Mine").unwrap()]);
                show(mail.change_flags(&ada(), &work(), 7, &[uid(4), uid(3), uid(5)], &set).await)
            }
            .boxed()
        },
        "()",
        1,
    ),
    deed(
        "copy",
        "X",
        &[
            (&[r#"SELECT "work""#], SELECTED),
            (&[r#"UID COPY 3,5 "b""#], "@ NO [EXPUNGEISSUED] gone\r\n"),
            (&["NOOP"], "* 1 EXPUNGE\r\n"),
            (&[r#"UID COPY 3,5 "b""#], "@ OK [COPYUID 8 5 21] done\r\n"),
        ],
        |mail| {
            async move { show(mail.copy(&ada(), &work(), 7, &[uid(5), uid(3)], &"b".parse().unwrap()).await) }
                .boxed()
        },
        "[(Uid(5), Position { uid_validity: 8, uid: 21 })]",
        1,
    ),
    deed(
        "move",
        "MOVE",
        &[
            (&[r#"SELECT "work""#], SELECTED),
            (&[r#"UID MOVE 3,5 "b""#], "* OK [COPYUID 8 3,5 21:22] moved\r\n* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n"),
        ],
        move_to,
        "[(Uid(3), Position { uid_validity: 8, uid: 21 }), (Uid(5), Position { uid_validity: 8, uid: 22 })]",
        1,
    ),
    deed(
        "move by copying",
        "UIDPLUS",
        &[
            (&[r#"SELECT "work""#], SELECTED),
            (&[r#"UID COPY 3,5 "b""#], "@ OK [COPYUID 8 5 21] done\r\n"),
            (&[r"UID STORE 5 +FLAGS.SILENT (\Deleted)"], ""),
            (&["UID EXPUNGE 5"], "* 2 EXPUNGE\r\n"),
        ],
        move_to,
        "[(Uid(5), Position { uid_validity: 8, uid: 21 })]",
        1,
    ),
    deed(
        "append",
        "LITERAL+ UIDPLUS",
        &[(
            &["APPEND \"work\" (\\Seen) \"29-Feb-2024 23:59:59 +0000\" {4+}\r\na\r\nb"],
            "* 4 EXISTS\r\n@ OK [APPENDUID 7 10] done\r\n",
        )],
        append,
        "Some(Position { uid_validity: 7, uid: 10 })",
        0,
    ),
    deed(
        "append without extensions",
        "X",
        &[(&["APPEND \"work\" (\\Seen) \"29-Feb-2024 23:59:59 +0000\" {4}", "a\r\nb"], "")],
        append,
        "None",
        0,
    ),
    deed(
        "expunge",
        "UIDPLUS",
        &[
            (&[r#"SELECT "work""#], SELECTED),
            (&[r"UID STORE 3 +FLAGS.SILENT (\Deleted)"], ""),
            (&["UID EXPUNGE 3"], "* 1 EXPUNGE\r\n"),
        ],
        |mail| async move { show(mail.expunge(&ada(), &work(), 7, &[uid(3)]).await) }.boxed(),
        "()",
        1,
    ),
];
