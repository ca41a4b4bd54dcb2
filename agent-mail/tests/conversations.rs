//! Threads, answers, labels, searches, attachments and waiting for mail, on the embedded world.

#[path = "conversations/waiting.rs"]
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use agent_mail::safety::{Admission, InboundCheck};
use agent_mail::{
    AgentId, AgentMail, AgentMailbox, Attachment, AttachmentPiece, Conversations, Embedded, Error, ErrorKind,
    Inbound, MessageId, NewMessage, Place, Reply, Wanted,
};
use async_trait::async_trait;
use mail_access::{Address, Fault, FolderName, Login, MailAccess, PostOffice, Query};
use serde_json::json;

fn id(name: &str) -> AgentId {
    name.parse().unwrap()
}

fn world() -> (Embedded, AgentMail) {
    let world = Embedded::new("agents.example".parse().unwrap());
    let mail = world.system().build().unwrap();
    (world, mail)
}

/// The same world without its message store: what can be done with an INBOX alone.
fn without_store(world: &Embedded) -> AgentMail {
    AgentMail::builder("agents.example".parse().unwrap())
        .provisioner(Arc::new(world.clone()))
        .mail_access(Arc::new(world.post_office().clone()))
        .build()
        .unwrap()
}

async fn agent(mail: &AgentMail, name: &str) -> AgentMailbox {
    mail.provision(&id(name)).await.unwrap()
}

/// Somebody who is no agent.
fn stranger(office: &PostOffice, name: &str) -> Login {
    let login = Login::new(format!("{name}@agents.example").parse().unwrap(), "secret".into());
    office.add_mailbox(login.address(), login.password().clone(), 0).unwrap();
    login
}

/// Puts the mail in all outboxes on its way.
async fn deliver(mail: &AgentMail) {
    mail.courier().run(tokio::time::sleep(Duration::from_secs(5))).await;
}

async fn unseen(mailbox: &AgentMailbox) -> Inbound {
    mailbox.fetch_unseen(1).await.unwrap().remove(0)
}

fn to(mailbox: &AgentMailbox) -> NewMessage {
    NewMessage::to(mailbox.contact())
}

fn sizes(conversations: &Conversations) -> Vec<usize> {
    conversations.threads().iter().map(|thread| thread.messages().len()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_conversation_has_both_sides_and_keeps_its_name() {
    let (world, mail) = world();
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    ada.enqueue(agent_mail::Sending::new(to(&bob).with_subject("Engines").with_text("Do they dream?")))
        .await
        .unwrap();
    deliver(&mail).await;
    bob.reply(&unseen(&bob).await, "Of sheep.").await.unwrap();
    let mut conversations = ada.conversations().await.unwrap();
    assert_eq!(sizes(&conversations), [2]);
    let name = conversations.threads()[0].id().clone();
    assert!(conversations.threads()[0].messages()[0].is_own, "a copy is in the folder for sent mail");

    ada.send(to(&bob).with_subject("Tea").with_text("At four?")).await.unwrap();
    ada.reply(&unseen(&ada).await, "Of mail.").await.unwrap();
    bob.send(to(&ada).with_subject("News")).await.unwrap();
    conversations.update().await.unwrap();
    let thread = conversations.thread(&name).unwrap();
    assert_eq!((thread.messages().len(), thread.subject()), (2, "Engines".into_untrusted()));
    assert_eq!(conversations.threads().len(), 2);
    let read = ada.read(&thread.messages()[1].places[0]).await.unwrap().unwrap();
    assert_eq!(read.new_text().expose().trim_end(), "Of sheep.");

    // What is removed is gone from the thread, and a new numbering changes nothing.
    world.post_office().expunge(ada.address(), &[read.uid()]).unwrap();
    world.post_office().reset_uid_validity(ada.address()).unwrap();
    conversations.update().await.unwrap();
    assert_eq!(conversations.thread(&name).unwrap().messages().len(), 1);
    assert!(
        ada.read(&Place::new(&FolderName::inbox(), 1, read.uid())).await.is_err(),
        "it was numbered anew"
    );
}

trait IntoUntrusted {
    fn into_untrusted(self) -> agent_mail::Untrusted<Self>
    where
        Self: Sized,
    {
        agent_mail::Untrusted::new(self)
    }
}

impl IntoUntrusted for &str {}

#[tokio::test(start_paused = true)]
async fn an_agent_sees_its_own_mailbox_and_the_operator_sees_the_conversation() {
    let (world, mail) = world();
    let (ada, bob, carol) =
        (agent(&mail, "ada").await, agent(&mail, "bob").await, agent(&mail, "carol").await);
    ada.send(to(&bob).with_cc(carol.contact()).with_subject("Plan").with_text("A?")).await.unwrap();
    bob.reply(&unseen(&bob).await, "B, to Ada alone.").await.unwrap();
    carol.reply_all(&unseen(&carol).await, "C, to all.").await.unwrap();
    ada.send(to(&carol).with_subject("Secret").with_text("x")).await.unwrap();
    carol.reply(&carol.fetch_unseen(9).await.unwrap().remove(0), "y").await.unwrap();

    assert_eq!(
        sizes(&bob.conversations().await.unwrap()),
        [2],
        "the question and Carol's answer, not Ada's secret"
    );
    let all = mail.conversations().await.unwrap();
    let mut shown: Vec<_> = all
        .threads()
        .iter()
        .map(|thread| (thread.messages.len(), thread.seen_by.len(), thread.messages[0].sent_by.clone()))
        .collect();
    shown.sort();
    shown.reverse();
    assert_eq!(shown, [(3, 3, Some(id("ada"))), (2, 2, Some(id("ada")))]);

    // Eve names messages of both conversations to all three: they stay two, and hers is one more.
    let eve = stranger(world.post_office(), "eve");
    let names: Vec<MessageId> = all
        .threads()
        .iter()
        .flat_map(|thread| &thread.messages)
        .filter_map(|message| message.message_id.clone().map(agent_mail::Untrusted::expose))
        .collect();
    forge(world.post_office(), &eve, &[&ada, &bob, &carol], &names, "Re: Plan").await;
    let mut all = mail.conversations().await.unwrap();
    let mut counts: Vec<_> = all.threads().iter().map(|thread| thread.messages.len()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2, 3]);
    let hers = all.threads().iter().find(|thread| thread.messages.len() == 1).unwrap();
    assert_eq!(hers.seen_by.len(), 3, "hers is one, whoever got it");
    let of_ada = ada.conversations().await.unwrap();
    let forged = of_ada.thread(&hers.seen_by[0].1).unwrap().latest();
    assert!(forged.disputed.is_some(), "it is said that it claims to be an answer");

    // An answer to it is an answer to hers.
    ada.reply(&ada.fetch_unseen(9).await.unwrap().pop().unwrap(), "Who are you?").await.unwrap();
    all.update().await.unwrap();
    let mut counts: Vec<_> = all.threads().iter().map(|thread| thread.messages.len()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2, 3], "the answer went to Eve, and no mailbox here has it");
}

/// Sends what no honest program writes: an answer to messages that the sender never saw.
async fn forge(office: &PostOffice, from: &Login, to: &[&AgentMailbox], names: &[MessageId], subject: &str) {
    let recipients: Vec<Address> = to.iter().map(|mailbox| mailbox.address().clone()).collect();
    let references: Vec<_> = names.iter().map(ToString::to_string).collect();
    let to: Vec<_> = recipients.iter().map(ToString::to_string).collect();
    let id = MessageId::generate(from.address().domain());
    let bytes = format!(
        "From: {}\r\nTo: {}\r\nMessage-ID: {id}\r\nIn-Reply-To: {}\r\nReferences: {}\r\nSubject: {subject}\r\n\r\nhello\r\n",
        from.address(),
        to.join(", "),
        references[0],
        references.join("\r\n ")
    );
    let message = mail_access::Outgoing::restore(from.address().clone(), recipients, id, bytes).unwrap();
    office.submit(from, &message).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_forged_from_joins_nothing_where_the_server_tells() {
    let world = Embedded::new("agents.example".parse().unwrap());
    let mail = world.system().build().unwrap();
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    let first = ada.send(to(&bob).with_subject("Plan").with_text("A?")).await.unwrap();
    bob.reply(&unseen(&bob).await, "B.").await.unwrap();
    // It claims to be from Ada herself, who never sent it.
    let office = world.post_office();
    let inbox = FolderName::inbox();
    let password = secrecy::SecretString::from("phone");
    office.set_app_password(ada.address(), "phone", password.clone()).unwrap();
    let login = Login::new(ada.address().clone(), password);
    let forged = format!(
        "From: {}\r\nTo: {}\r\nMessage-ID: <f@x>\r\nIn-Reply-To: {}\r\nSubject: Re: Plan\r\n\r\nz\r\n",
        ada.address(),
        ada.address(),
        first.message_id
    );
    mail_access::MessageStore::append(office, &login, &inbox, forged.as_bytes(), &[], None).await.unwrap();
    assert_eq!(sizes(&ada.conversations().await.unwrap()), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn answers_and_forwards_go_where_they_should() {
    let (world, mail) = world();
    let (ada, bob, carol) =
        (agent(&mail, "ada").await, agent(&mail, "bob").await, agent(&mail, "carol").await);
    let file = Attachment::new("plan.pdf", "application/pdf", *b"%PDF");
    let question =
        to(&bob).with_cc(carol.contact()).with_cc(ada.contact()).with_subject("Plan").with_text("A or B?");
    ada.send(question.with_attachment(file)).await.unwrap();
    let question = unseen(&bob).await;
    let receipt = bob.reply_all(&question, "B.").await.unwrap();
    let mut got: Vec<_> = receipt.accepted.iter().map(ToString::to_string).collect();
    got.sort();
    assert_eq!(got, [ada.address().to_string(), carol.address().to_string()], "its own address is left out");

    let quoting = bob.answer(&question, Reply::new("B!").with_html("<b>B!</b>").with_quote()).unwrap();
    assert_eq!(quoting.recipients().collect::<Vec<_>>(), [ada.address()]);
    bob.send(quoting).await.unwrap();
    let answers = ada.fetch_unseen(9).await.unwrap();
    let quoted = answers.last().unwrap();
    assert!(quoted.text().unwrap().expose().contains("> A or B?"), "{:?}", quoted.text());
    assert_eq!(quoted.new_text().expose().trim_end(), "B!");

    let dave = stranger(world.post_office(), "dave");
    bob.forward(&question, dave.address(), "See below.").await.unwrap();
    let forwarded = world.post_office().fetch(&dave, &mail_access::Selection::Unseen, 9).await.unwrap();
    let forwarded = &forwarded.messages[0];
    assert_eq!((forwarded.subject(), forwarded.attachments().len()), ("Fwd: Plan", 1));
    assert!(forwarded.text().unwrap().contains("A or B?"));
    assert!(forwarded.references().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_sent_only_if_the_thread_has_not_moved_on() {
    for with_store in [true, false] {
        let world = Embedded::new("agents.example".parse().unwrap());
        let mail = if with_store { world.system().build().unwrap() } else { without_store(&world) };
        let (ada, bob, carol) =
            (agent(&mail, "ada").await, agent(&mail, "bob").await, agent(&mail, "carol").await);
        ada.send(to(&bob).with_cc(carol.contact()).with_subject("Plan").with_text("A?")).await.unwrap();
        let question = unseen(&bob).await;
        // Other mail doesn't matter, nor does a stranger's that claims to be an answer.
        carol.send(to(&bob).with_subject("Plan").with_text("other")).await.unwrap();
        let eve = stranger(world.post_office(), "eve");
        let name = question.message_id().unwrap().expose().clone();
        forge(world.post_office(), &eve, &[&bob], &[name], "Re: Plan").await;
        let answer = bob.reply_if_latest(&question, Reply::new("B.")).await.unwrap();
        let again = bob.reply_if_latest(&question, Reply::new("B, again.")).await.unwrap_err();
        assert_eq!((again.kind(), again.code()), (ErrorKind::Stale, Some(answer.message_id.as_str())));

        let question = unseen(&carol).await;
        deliver(&mail).await;
        let later = bob
            .reply_all(&bob.read(&here(&bob, &question).await).await.unwrap().unwrap(), "To all.")
            .await
            .unwrap();
        let stale = carol.reply_if_latest(&question, Reply::new("C.")).await.unwrap_err();
        assert_eq!((stale.kind(), stale.code()), (ErrorKind::Stale, Some(later.message_id.as_str())));
        assert!(stale.to_string().contains("a message to <"), "{stale}");
        let latest = carol.fetch_unseen(9).await.unwrap().pop().unwrap();
        carol.reply_if_latest(&latest, Reply::new("C.").to_all()).await.unwrap();
    }
}

/// Finds the copy of a message that another agent has.
async fn here(mailbox: &AgentMailbox, message: &Inbound) -> Place {
    let all = mailbox.conversations().await.unwrap();
    let id = (*message.message_id().unwrap().expose()).clone();
    let thread = all.thread_of(&id).unwrap();
    let is_it =
        |known: &&agent_mail::ThreadMessage| known.message_id.as_ref().is_some_and(|known| *known == id);
    thread.messages().iter().find(is_it).unwrap().places[0].clone()
}

#[tokio::test(start_paused = true)]
async fn of_several_answers_at_once_one_is_sent() {
    let (_world, mail) = world();
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    ada.send(to(&bob).with_subject("Plan")).await.unwrap();
    let question = unseen(&bob).await;
    let answers = futures_util::future::join_all(
        (0..8).map(|n| bob.reply_if_latest(&question, Reply::new(n.to_string()))),
    )
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let is_stale =
        |answer: &&Result<_, Error>| answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::Stale);
    assert_eq!(answers.iter().filter(is_stale).count(), 7);
    assert_eq!(bob.outbox().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn labels_metadata_and_searches() {
    let (world, mail) = world();
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    for subject in ["invoice 1", "invoice 2", "news"] {
        ada.send(to(&bob).with_subject(subject).with_text("gr\u{fc}ne Tinte")).await.unwrap();
    }
    let invoices =
        bob.search(&Query::Subject("INVOICE".into()).and(Query::Body("GR\u{dc}N".into()))).await.unwrap();
    assert_eq!(invoices.len(), 2);
    bob.label(&invoices[0], &["Paid", "2026"]).await.unwrap();
    bob.label(&invoices[0], &["paid"]).await.unwrap();
    assert_eq!(bob.labels(&invoices[0]).await.unwrap(), ["2026", "paid"]);
    assert_eq!(bob.labelled("PAID").await.unwrap(), invoices[..1]);
    bob.unlabel(&invoices[0], &["2026"]).await.unwrap();
    for wrong in ["two words", "", "\\Seen", "a\r\nb"] {
        assert_eq!(
            bob.label(&invoices[0], &[wrong]).await.unwrap_err().kind(),
            ErrorKind::InvalidInput,
            "{wrong:?}"
        );
    }
    let conversations = bob.conversations().await.unwrap();
    let found =
        conversations.search(&Query::Flag(mail_access::Flag::keyword("paid").unwrap())).await.unwrap();
    assert_eq!((found.len(), found[0].subject().expose()), (1, "invoice 1"));
    bob.label_thread(found[0], &["closed"]).await.unwrap();
    assert_eq!(bob.labels(&invoices[0]).await.unwrap(), ["closed", "paid"]);

    let thread = found[0].id();
    bob.set_metadata("team/lead", Some(&json!({"name": "Carol"}))).await.unwrap();
    bob.set_thread_metadata(thread, "order", Some(&json!(7))).await.unwrap();
    drop(mail);
    let mail = world.system().build().unwrap();
    let bob = mail.open(&id("bob")).await.unwrap();
    assert_eq!(bob.metadata().await.unwrap()["team/lead"]["name"], "Carol");
    assert_eq!(bob.thread_metadata(thread).await.unwrap()["order"], 7);
    assert!(mail.open(&id("ada")).await.unwrap().thread_metadata(thread).await.unwrap().is_empty());
    bob.set_thread_metadata(thread, "order", None).await.unwrap();
    assert!(bob.thread_metadata(thread).await.unwrap().is_empty());
    let large = json!("x".repeat(65_536));
    for (key, value) in [("", json!(1)), ("k", large)] {
        assert_eq!(bob.set_metadata(key, Some(&value)).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    mail.retire(&id("bob")).await.unwrap();
    assert_eq!(bob.set_metadata("late", Some(&json!(1))).await.unwrap_err().kind(), ErrorKind::NotFound);
    let anew = mail.provision(&id("bob")).await.unwrap();
    assert!(anew.metadata().await.unwrap().is_empty(), "nothing of an agent outlives it");
}

#[tokio::test(start_paused = true)]
async fn attachments_come_in_pieces() {
    let (_world, mail) = world();
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    let content: Vec<u8> = (0..=250).cycle().take(3 << 20).collect();
    let message = to(&bob)
        .with_text("two files")
        .with_attachment(Attachment::new("../large.bin", "application/octet-stream", content.clone()))
        .with_attachment(Attachment::new("small.txt", "text/csv", *b"a,b\r\n"));
    ada.send(message).await.unwrap();
    let place = bob.search(&Query::everything()).await.unwrap().remove(0);
    let mut pieces = bob.attachments(&place);
    let (mut files, mut largest) = (Vec::new(), 0);
    while let Some(piece) = pieces.next().await {
        match piece.unwrap() {
            AttachmentPiece::Begin(head) => files.push((head.safe_name, Vec::new())),
            AttachmentPiece::Bytes(bytes) => {
                let bytes = bytes.expose();
                largest = largest.max(bytes.len());
                files.last_mut().unwrap().1.extend(bytes);
            }
            AttachmentPiece::End => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(files, [("large.bin".to_owned(), content), ("small.txt".to_owned(), b"a,b\r\n".to_vec())]);
    assert!(largest <= 73 << 10, "{largest}");
    let gone = Place::new(&place.folder, place.at.uid_validity, mail_access::Uid::new(99).unwrap());
    assert!(bob.attachments(&gone).next().await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn the_operator_sees_a_later_agent_of_a_name_with_its_own_mail_only() {
    let (_world, mail) = world();
    let bob = agent(&mail, "bob").await;
    let old = agent(&mail, "ada").await;
    old.send(to(&old).with_subject("of the first")).await.unwrap();
    let mut all = mail.conversations().await.unwrap();
    assert_eq!(all.threads().len(), 1);
    mail.retire(&id("ada")).await.unwrap();
    let new = agent(&mail, "ada").await;
    bob.send(to(&new).with_subject("of the second")).await.unwrap();
    let gone = old.search(&Query::everything()).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::Unauthenticated, "a handle of the first sees nothing: {gone}");
    all.update().await.unwrap();
    let subjects: Vec<_> =
        all.threads().iter().flat_map(|thread| &thread.messages).map(|one| one.subject.clone()).collect();
    assert_eq!(subjects, ["of the second".to_owned()].map(agent_mail::Untrusted::new));
}
