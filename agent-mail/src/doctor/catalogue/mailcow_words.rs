//! What Mailcow answers without a code, in lower case.

use super::Words;

pub(super) const WORDS: &[Words] = &[
    Words {
        says: &["api read/write access denied"],
        code: "read_only_key",
        cause: "the API key may only read, or did not arrive",
        fix: "use the read-write key",
    },
    Words {
        says: &["api access denied for ip"],
        code: "address_not_allowed",
        cause: "the API key is not for the address of this host",
        fix: "add the address of this host to the key's list of allowed addresses; don't repeat the call",
    },
    Words {
        says: &["authentication failed"],
        code: "wrong_key",
        cause: "the API key is unknown or inactive",
        fix: "set a key that is active on this server; don't repeat the call: about ten of them ban the address of this host",
    },
    Words {
        says: &["duplicate entry"],
        code: "already_exists",
        cause: "an entry of this name is there already",
        fix: "read what is there and change it",
    },
    Words {
        says: &["sqlstate"],
        code: "mysql_error",
        cause: "the database refuses a value",
        fix: "read back what is there before it is sent again",
    },
    Words {
        says: &["route not found"],
        code: "wrong_server",
        cause: "this Mailcow has no such call",
        fix: "update Mailcow, and check the base URL",
    },
    Words {
        says: &["method is allowed"],
        code: "wrong_server",
        cause: "the call came with another method than this Mailcow has it",
        fix: "check the base URL, and that no proxy changes the method",
    },
    Words {
        says: &["valid json"],
        code: "invalid_value",
        cause: "the body did not arrive as JSON",
        fix: "check that nothing in front of Mailcow alters requests",
    },
    Words {
        says: &["cannot find attributes"],
        code: "invalid_value",
        cause: "the call came without its values",
        fix: "check that nothing in front of Mailcow alters requests",
    },
    Words {
        says: &["invalid spam score"],
        code: "invalid_value",
        cause: "the spam score is no pair of numbers",
        fix: "send the lower and the higher score, as 8,15",
    },
    Words {
        says: &["invalid search category"],
        code: "invalid_value",
        cause: "there is no search of this kind",
        fix: "search for mailboxes or domains",
    },
    Words {
        says: &["pushover api"],
        code: "back_end_down",
        cause: "the push service doesn't take the message",
        fix: "check token and key of Pushover, and the way to the internet",
    },
    Words {
        says: &["cannot edit item"],
        code: "not_found",
        cause: "there is no such item, or it can't be changed",
        fix: "list what is there",
    },
    Words {
        says: &["cannot determine current acl"],
        code: "not_found",
        cause: "the user whose rights are to change doesn't exist",
        fix: "list the users first",
    },
    Words {
        says: &["cannot find matching credentialids"],
        code: "not_found",
        cause: "there is no such security key",
        fix: "register the key again",
    },
    Words {
        says: &["bad character"],
        code: "invalid_value",
        cause: "a value has a blank or another character that it can't have",
        fix: "take the blank out",
    },
    Words {
        says: &["connection to database failed"],
        code: "back_end_down",
        cause: "the database of Mailcow doesn't run",
        fix: "look at the container mysql of mailcow",
    },
    Words {
        says: &["connection to redis failed"],
        code: "back_end_down",
        cause: "Redis of Mailcow doesn't run",
        fix: "look at the container redis of mailcow",
    },
    Words {
        says: &["connection to dockerapi"],
        code: "back_end_down",
        cause: "dockerapi of Mailcow doesn't run",
        fix: "look at the container dockerapi of mailcow",
    },
    Words {
        says: &["initializing the database"],
        code: "back_end_down",
        cause: "Mailcow is starting",
        fix: "wait some minutes and try again",
    },
];
