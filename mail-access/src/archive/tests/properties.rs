use proptest::prelude::*;

use super::*;
use crate::Uid;
use crate::archive::stored::Format;
use crate::archive::{maildir, mbox};

fn message() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "\r\n",
        "\n",
        "\r",
        "From ",
        ">",
        ">From ",
        "a",
        " ",
        "X-Archived-As: crlf",
        "X-Archived-As: verbatim",
        "Status: RO",
        "X-Status: A",
        "X-Keywords: a",
        "\0",
        "\u{fc}",
    ];
    proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 1..30)
        .prop_map(|pieces| pieces.concat().into_bytes())
}

fn flags() -> impl Strategy<Value = Vec<Flag>> {
    let flags =
        ["\\Seen", "\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "$forwarded", "k1", "a,b", "c:d"];
    proptest::sample::subsequence(flags.to_vec(), 0..flags.len()).prop_map(|flags| {
        let mut flags: Vec<Flag> = flags.iter().map(|flag| flag.parse().unwrap()).collect();
        flags.sort_unstable();
        flags
    })
}

proptest! {
    /// Without the manifest too: the files alone hold all of it.
    #[test]
    fn messages_come_back_from_an_mbox_alone(messages in messages()) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.mbox");
        let bytes: Vec<_> = messages.iter().map(|(message, flags, date)| mbox::entry(message, flags, *date)).collect();
        fs::write(&file, bytes.concat()).unwrap();
        prop_assert_eq!(read(Format::Mbox, &file), messages);
    }

    #[test]
    fn messages_come_back_from_a_maildir_alone(messages in messages()) {
        let directory = tempfile::tempdir().unwrap();
        let maildir = directory.path().join(".a");
        maildir::prepare(&maildir).unwrap();
        for ((message, flags, date), uid) in messages.iter().zip(1..) {
            maildir::put(&maildir, 7, Uid::new(uid).unwrap(), message, flags, *date).unwrap();
        }
        prop_assert_eq!(read(Format::Maildir, &maildir), messages);
    }
}

fn messages() -> impl Strategy<Value = Vec<Seen>> {
    let date =
        (0..4_000_000_000_u64).prop_map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    proptest::collection::vec((message(), flags(), date), 1..5)
}

fn read(format: Format, place: &Path) -> Vec<Seen> {
    let stored = format.read(place).unwrap().map(Result::unwrap);
    stored.map(|stored| (stored.bytes, stored.flags, stored.date.unwrap())).collect()
}
