//! What a client sees of the servers. All cases share one pair; each has accounts of its own.

use mail_access::{LocalServers, LocalUser};

use crate::Outcome;
use crate::client::{Imap, Smtp, await_empty_queue, await_mail, refusal};

pub(crate) const CASES: &[(&str, SharedCase)] = &[
    ("a_wrong_password_is_refused", a_wrong_password_is_refused),
    ("every_password_of_an_account_opens_it", every_password),
    ("an_account_added_while_running_logs_in_and_receives_at_once", added_account),
    ("an_account_removed_is_refused_at_once", removed_account),
    ("a_changed_password_counts_from_the_next_login", changed_password),
    ("submission_offers_what_mailcow_offers", submission_offer),
    ("imap_offers_what_mailcow_offers", imap_offer),
    ("a_foreign_sender_is_refused", foreign_sender),
    ("a_sender_acl_and_a_plus_tag_allow_other_senders", allowed_senders),
    ("an_unknown_recipient_is_refused", unknown_recipient),
    ("submission_without_login_is_refused", without_login),
    ("an_oversized_mail_is_refused", oversized),
    ("mail_to_a_foreign_domain_is_discarded", foreign_recipient),
    ("mail_to_a_plus_address_arrives", plus_address),
    ("mail_to_a_full_mailbox_comes_back", full_mailbox),
    ("a_second_mail_with_one_message_id_is_lost", duplicate),
    ("a_filter_that_files_itself_keeps_duplicates", own_filter),
    ("uidvalidity_can_be_reset", uid_validity),
];

fn a_wrong_password_is_refused(servers: &LocalServers) -> Outcome {
    servers.add_user("wrong@example.test", "right")?;
    for attempt in ["wrong", "righ", "right2", "RIGHT"] {
        refusal(Imap::login(servers, "wrong@example.test", attempt), "t NO [AUTHENTICATIONFAILED]")?;
        refusal(Smtp::login(servers, "wrong@example.test", attempt), "535 5.7.8")?;
    }
    refusal(Imap::login(servers, "nobody@example.test", "right"), "t NO [AUTHENTICATIONFAILED]")?;
    Imap::login(servers, "wrong@example.test", "right").map(drop)
}

fn added_account(servers: &LocalServers) -> Outcome {
    for round in 0..5 {
        let address = format!("added{round}@example.test");
        refusal(Imap::login(servers, &address, "secret"), "t NO")?;
        servers.add_user(&address, "secret")?;
        let mut smtp = Smtp::login(servers, &address, "secret")?;
        smtp.submit(&address, &[&address], &format!("welcome-{round}"), "Hello.")?;
        await_mail(servers, &address, "secret", &format!("Subject: welcome-{round}"))?;
    }
    Ok(())
}

fn removed_account(servers: &LocalServers) -> Outcome {
    servers.add_user("removed@example.test", "secret")?;
    servers.add_user("remover@example.test", "secret")?;
    let mut smtp = Smtp::login(servers, "remover@example.test", "secret")?;
    smtp.submit("remover@example.test", &["removed@example.test"], "removed", "Hello.")?;
    await_mail(servers, "removed@example.test", "secret", "Subject: removed")?;
    servers.remove_user("removed@example.test")?;
    refusal(Imap::login(servers, "removed@example.test", "secret"), "t NO")?;
    refusal(Smtp::login(servers, "removed@example.test", "secret"), "535")?;
    refusal(smtp.submit("remover@example.test", &["removed@example.test"], "gone", "Hello."), "550 5.1.1")?;
    servers.add_user("removed@example.test", "secret")?;
    let status =
        Imap::login(servers, "removed@example.test", "secret")?.command("STATUS INBOX (MESSAGES)")?;
    if status.contains("(MESSAGES 0)") {
        Ok(())
    } else {
        Err(format!("old mail is still there: {status}").into())
    }
}

fn changed_password(servers: &LocalServers) -> Outcome {
    let address = "changed@example.test";
    servers.add_user(address, "secret0")?;
    for round in 1..6 {
        let (old, new) = (format!("secret{}", round - 1), format!("secret{round}"));
        Imap::login(servers, address, &old)?;
        servers.add_user(address, new.clone())?;
        refusal(Imap::login(servers, address, &old), "t NO")?;
        refusal(Smtp::login(servers, address, &old), "535")?;
        Smtp::login(servers, address, &new)?;
    }
    Ok(())
}

fn every_password(servers: &LocalServers) -> Outcome {
    let passwords: Vec<String> = (0..6).map(|number| format!("app-{number}")).collect();
    let user = LocalUser::new("Apps@example.test", "main");
    servers.put_user(&passwords.iter().fold(user, |user, password| user.with_password(password.as_str())))?;
    for password in passwords.iter().map(String::as_str).chain(["main"]) {
        Imap::login(servers, "apps@example.test", password)?;
        Smtp::login(servers, "apps@example.test", password)?;
    }
    refusal(Imap::login(servers, "apps@example.test", "app-6"), "t NO")
}

fn submission_offer(servers: &LocalServers) -> Outcome {
    let (_, offer) = Smtp::open(servers)?;
    for keyword in ["PIPELINING", "AUTH PLAIN LOGIN", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SIZE 65536"]
    {
        if !offer.contains(keyword) {
            return Err(format!("{keyword} is missing in {offer}").into());
        }
    }
    for keyword in ["CHUNKING", "SMTPUTF8", "STARTTLS"] {
        if offer.contains(keyword) {
            return Err(format!("{keyword} is offered in {offer}").into());
        }
    }
    Ok(())
}

fn imap_offer(servers: &LocalServers) -> Outcome {
    servers.add_user("offer@example.test", "secret")?;
    let mut session = Imap::login(servers, "offer@example.test", "secret")?;
    if !session.greeting().contains("IDLE LITERAL+ AUTH=PLAIN AUTH=LOGIN") {
        return Err(session.greeting().into());
    }
    let offer = session.command("CAPABILITY")?;
    for name in [
        "UIDPLUS",
        "CONDSTORE",
        "QRESYNC",
        "MOVE",
        "SPECIAL-USE",
        "QUOTA",
        "ACL",
        "COMPRESS=DEFLATE",
        "METADATA",
    ] {
        if !offer.contains(name) {
            return Err(format!("{name} is missing in {offer}").into());
        }
    }
    let folders = session.command("LIST \"\" \"*\" RETURN (SPECIAL-USE)")?;
    for folder in ["\\Junk) \"/\" Junk", "\\Trash) \"/\" Trash", "\\Sent) \"/\" Sent"] {
        if !folders.contains(folder) {
            return Err(format!("{folder} is missing in {folders}").into());
        }
    }
    Ok(())
}

fn foreign_sender(servers: &LocalServers) -> Outcome {
    servers.add_user("honest@example.test", "secret")?;
    servers.add_user("victim@example.test", "secret")?;
    for sender in ["victim@example.test", "unknown@example.test", "any@elsewhere.test"] {
        let mut smtp = Smtp::login(servers, "honest@example.test", "secret")?;
        refusal(smtp.submit(sender, &["victim@example.test"], "forged", "Hello."), "553 5.7.1")?;
    }
    Ok(())
}

fn allowed_senders(servers: &LocalServers) -> Outcome {
    servers.add_user("hub@acl.test", "secret")?;
    servers.add_user("ada@acl.test", "secret")?;
    // The catch-all makes what has no mailbox the hub's; only the sender permission gives it Ada's address.
    servers.set_aliases(&[("@acl.test", "hub@acl.test")]);
    let mut hub = Smtp::login(servers, "hub@acl.test", "secret")?;
    hub.submit("nobody@acl.test", &["someone@acl.test", "ada@acl.test"], "caught", "Hello.")?;
    let caught = await_mail(servers, "hub@acl.test", "secret", "Subject: caught")?;
    if !caught.contains("X-Original-To: someone@acl.test") {
        return Err(format!("the envelope's recipient is lost: {caught}").into());
    }
    await_mail(servers, "ada@acl.test", "secret", "Subject: caught")?;
    await_empty_queue(servers)?;
    if Imap::login(servers, "hub@acl.test", "secret")?.inbox()?.contains("X-Original-To: ada@acl.test") {
        return Err("the catch-all swallowed a mailbox's mail".into());
    }
    refusal(hub.submit("ada@acl.test", &["ada@acl.test"], "early", "Hello."), "553 5.7.1")?;
    servers.set_sender_acl(&[("@acl.test", "hub@acl.test")]);
    let mut hub = Smtp::login(servers, "hub@acl.test", "secret")?;
    hub.submit("ada@acl.test", &["ada@acl.test"], "allowed", "Hello.")?;
    await_mail(servers, "ada@acl.test", "secret", "Subject: allowed")?;
    Smtp::login(servers, "ada@acl.test", "secret")?
        .submit("ada+tag@acl.test", &["ada@acl.test"], "tagged", "Hello.")
        .map(drop)
}

fn unknown_recipient(servers: &LocalServers) -> Outcome {
    servers.add_user("asks@example.test", "secret")?;
    let mut smtp = Smtp::login(servers, "asks@example.test", "secret")?;
    refusal(smtp.submit("asks@example.test", &["nobody@example.test"], "unknown", "Hello."), "550 5.1.1")
}

fn without_login(servers: &LocalServers) -> Outcome {
    servers.add_user("open@example.test", "secret")?;
    let (mut smtp, _) = Smtp::open(servers)?;
    refusal(smtp.submit("open@example.test", &["open@example.test"], "open", "Hello."), "554 5.7.1")
}

fn oversized(servers: &LocalServers) -> Outcome {
    servers.add_user("large@example.test", "secret")?;
    let mut smtp = Smtp::login(servers, "large@example.test", "secret")?;
    let announced = smtp.command(&format!("MAIL FROM:<large@example.test> SIZE={}", SIZE_LIMIT + 1));
    refusal(announced, "552 5.3.4")?;
    let body = "x".repeat(70) + "\r\n";
    let body = body.repeat(1000);
    refusal(smtp.submit("large@example.test", &["large@example.test"], "large", &body), "552 5.3.4")
}

fn foreign_recipient(servers: &LocalServers) -> Outcome {
    servers.add_user("abroad@example.test", "secret")?;
    let mut smtp = Smtp::login(servers, "abroad@example.test", "secret")?;
    smtp.submit("abroad@example.test", &["any@elsewhere.test", "abroad@example.test"], "abroad", "Hello.")?;
    await_mail(servers, "abroad@example.test", "secret", "Subject: abroad")?;
    await_empty_queue(servers)?;
    let inbox = Imap::login(servers, "abroad@example.test", "secret")?.inbox()?;
    if inbox.contains("MAILER-DAEMON") { Err(format!("bounced: {inbox}").into()) } else { Ok(()) }
}

fn plus_address(servers: &LocalServers) -> Outcome {
    servers.add_user("plus@example.test", "secret")?;
    let mut smtp = Smtp::login(servers, "plus@example.test", "secret")?;
    smtp.submit("plus@example.test", &["plus+tag@example.test"], "tagged", "Hello.")?;
    await_mail(servers, "plus@example.test", "secret", "X-Original-To: plus+tag@example.test").map(drop)
}

fn full_mailbox(servers: &LocalServers) -> Outcome {
    servers.add_user("sender@example.test", "secret")?;
    servers.put_user(&LocalUser::new("full@example.test", "secret").with_quota_mib(1))?;
    let large = ("x".repeat(70) + "\r\n").repeat(800);
    let mut smtp = Smtp::login(servers, "sender@example.test", "secret")?;
    for number in 0..25 {
        smtp.submit("sender@example.test", &["full@example.test"], &format!("fill-{number}"), &large)?;
    }
    let bounce = await_mail(servers, "sender@example.test", "secret", "MAILER-DAEMON")?;
    for part in
        ["Return-Path: <>", "multipart/report", "Status: 5.2.2", "Final-Recipient: rfc822; full@example.test"]
    {
        if !bounce.contains(part) {
            return Err(format!("{part} is missing in {bounce}").into());
        }
    }
    Ok(())
}

fn duplicate(servers: &LocalServers) -> Outcome {
    servers.add_user("twice@example.test", "secret")?;
    send_twice(servers, "twice@example.test")?;
    let inbox = Imap::login(servers, "twice@example.test", "secret")?.inbox()?;
    match inbox.matches("Subject: twice").count() {
        1 => Ok(()),
        copies => Err(format!("{copies} copies").into()),
    }
}

fn own_filter(servers: &LocalServers) -> Outcome {
    let filter = "require \"fileinto\";\r\nfileinto \"INBOX\";\r\n";
    servers.put_user(&LocalUser::new("filter@example.test", "secret").with_sieve(filter))?;
    send_twice(servers, "filter@example.test")?;
    let inbox = Imap::login(servers, "filter@example.test", "secret")?.inbox()?;
    match inbox.matches("Subject: twice").count() {
        2 => Ok(()),
        copies => Err(format!("{copies} copies").into()),
    }
}

fn send_twice(servers: &LocalServers, address: &str) -> Outcome {
    let mut smtp = Smtp::login(servers, address, "secret")?;
    for _ in 0..2 {
        smtp.submit(address, &[address], "twice", "Hello.")?;
        await_empty_queue(servers)?;
    }
    Ok(())
}

fn uid_validity(servers: &LocalServers) -> Outcome {
    let address = "restored@example.test";
    servers.add_user(address, "secret")?;
    Smtp::login(servers, address, "secret")?.submit(address, &[address], "kept", "Hello.")?;
    await_mail(servers, address, "secret", "Subject: kept")?;
    let mut open = Imap::login(servers, address, "secret")?;
    open.command("SELECT INBOX")?;
    for _ in 0..2 {
        let before = Imap::login(servers, address, "secret")?.uid_validity()?;
        servers.reset_uidvalidity(address)?;
        let after = Imap::login(servers, address, "secret")?.uid_validity()?;
        if after <= before {
            return Err(format!("{before} became {after}").into());
        }
    }
    // A session that had the inbox open must not go on as if nothing had happened.
    let seen = open.command("NOOP").and_then(|_| open.command("SELECT INBOX"));
    let now = Imap::login(servers, address, "secret")?.uid_validity()?;
    if seen.is_ok_and(|reply| !reply.contains(&format!("UIDVALIDITY {now}"))) {
        return Err("an open session keeps the old UIDVALIDITY".into());
    }
    await_mail(servers, address, "secret", "Subject: kept").map(drop)
}

/// Small, so that a mail above it is quickly made; enough for 25 of them to fill 1 MiB.
pub(crate) const SIZE_LIMIT: u64 = 65536;

type SharedCase = fn(&LocalServers) -> Outcome;
