use std::sync::Arc;
use std::time::Duration;

use agent_mail::backend::Provisioner;
use agent_mail::cassette::{Cassette, Recorder, Redaction, Replay};
use agent_mail::mail_access::{
    Error as MailError, Fault, FaultRule, Login, MailAccess, Position, PostOffice, Refusal, Selection,
};
use agent_mail::{AgentMail, Attachment, Embedded, ErrorKind, MemorySecrets, MemoryState, NewMessage};

use super::{address, id, note};

/// What a program does: two agents, a mail, an answer, a refusal.
async fn exchange(mail: &AgentMail) -> Vec<String> {
    let (ada, bob) = (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap());
    let mut seen = Vec::new();
    let sent = ada.send(note(bob.address(), "engines")).await.unwrap();
    let event = bob.events().next().await.unwrap().unwrap();
    let message = event.received().unwrap();
    assert_eq!(message.message_id().unwrap(), &sent.message_id, "it is this run's message");
    seen.push(message.subject().expose().to_owned());
    bob.reply(message, "Only of mail.").await.unwrap();
    event.ack().await.unwrap();
    for answer in ada.fetch_unseen(10).await.unwrap() {
        assert_eq!(answer.in_reply_to().unwrap(), &sent.message_id);
        seen.push(format!(
            "{} {:?}",
            answer.subject().expose(),
            answer.from().map(|from| from.expose().clone())
        ));
    }
    let refused = ada.send(note(&address("nobody@agents.example"), "hello")).await.unwrap_err();
    seen.push(format!("{:?} {:?}", refused.kind(), refused.code()));
    seen
}

fn over(backend: Arc<Recorder>) -> AgentMail {
    system(backend.clone(), backend)
}

fn system(mail: Arc<dyn MailAccess>, provisioner: Arc<dyn Provisioner>) -> AgentMail {
    let builder = AgentMail::builder("agents.example".parse().unwrap()).mail_access(mail);
    let builder = builder.state(Arc::new(MemoryState::default())).secrets(Arc::new(MemorySecrets::default()));
    builder.provisioner(provisioner).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_program_runs_on_its_own_recording() {
    let world = Embedded::new("agents.example".parse().unwrap());
    world.post_office().add_fault(
        FaultRule::new(Fault::SubmitRefused(Refusal::PERMANENT))
            .with_recipient(&address("nobody@agents.example")),
    );
    let recorder = Recorder::new(Arc::new(world.post_office().clone()))
        .with_provisioner(Arc::new(world.clone()))
        .with_redaction(Redaction::Secrets);
    let recorder = Arc::new(recorder);
    let real = exchange(&over(recorder.clone())).await;
    let text = recorder.cassette().to_string();
    let replay = Arc::new(Replay::new(text.parse().unwrap()));
    let played = exchange(&system(replay.clone(), replay.clone())).await;
    assert_eq!(real, played);
    assert_eq!(replay.remaining(), 0);
    let error = system(replay.clone(), replay).provision(&id("eve")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.to_string().contains("not recorded"), "{error}");
}

/// A mail system with everything in its traffic that must not get into a file.
async fn traffic(recorder: &Recorder, ada: &Login) {
    let note = |text: &str| NewMessage::to(ada.address()).with_subject("hello").with_text(text);
    let encoded = NewMessage::to(ada.address())
        .with_subject(format!("gr\u{fc}\u{df}e {CANARY}"))
        .with_html(format!("<p>gr\u{fc}\u{df}e {CANARY}</p>"))
        .with_attachment(Attachment::new(
            "k.bin",
            "application/octet-stream",
            format!("\0{CANARY}\0").into_bytes(),
        ));
    for message in [note(CANARY), note(TOKEN), encoded, note("nothing to hide")] {
        recorder.submit(ada, &message.seal(&ada.address().into()).unwrap()).await.unwrap();
    }
    recorder.fetch(ada, &Selection::Unseen, 10).await.unwrap();
    let wrong = Login::new(ada.address().clone(), WRONG.into());
    recorder.fetch(&wrong, &Selection::Unseen, 10).await.unwrap_err();
    recorder.wait(ada, Position { uid_validity: 1, uid: 0 }, Duration::from_secs(1)).await.unwrap();
}

fn recorder(redaction: Redaction) -> (Recorder, Login) {
    let office = PostOffice::new();
    office.add_domain("secretlab.example".parse().unwrap());
    let ada = Login::new(address("ada.lovelace@secretlab.example"), CANARY.into());
    office.add_mailbox(ada.address(), CANARY.into(), 0).unwrap();
    (Recorder::new(Arc::new(office)).with_secret(&TOKEN.into()).with_redaction(redaction), ada)
}

#[tokio::test(start_paused = true)]
async fn no_secret_gets_into_a_cassette_in_any_encoding() {
    for redaction in [Redaction::Secrets, Redaction::Bodies, Redaction::All] {
        let (recorder, ada) = recorder(redaction);
        traffic(&recorder, &ada).await;
        let text = recorder.cassette().to_string();
        for secret in [CANARY, TOKEN, WRONG] {
            assert!(!text.contains(secret), "{redaction:?}");
        }
        // Decoded as a mail program would.
        let replay = Replay::new(text.parse().unwrap());
        let login = replay_login(&text);
        let batch = replay.fetch(&login, &Selection::Unseen, 10).await.unwrap();
        assert_eq!(batch.messages.len(), 4, "{redaction:?}");
        let mut plain = 0;
        for message in &batch.messages {
            let read = format!(
                "{} {:?} {:?} {:?}",
                message.subject(),
                message.text(),
                message.html(),
                message.attachments()
            );
            assert!(!read.contains(CANARY) && !read.contains(TOKEN), "{redaction:?}: {read}");
            plain += usize::from(read.contains("nothing to hide"));
        }
        assert_eq!(plain, usize::from(redaction == Redaction::Secrets));
        assert_eq!(text.contains("secretlab"), redaction != Redaction::All, "{redaction:?}");
        assert_eq!(text.contains("lovelace"), redaction != Redaction::All, "{redaction:?}");
        assert_eq!(format!("{:?}", recorder.cassette()), "Cassette { calls: 7, .. }");
    }
}

fn replay_login(text: &str) -> Login {
    let logins = text.parse::<Cassette>().unwrap().logins();
    Login::new(logins[0].clone(), "any".into())
}

#[tokio::test(start_paused = true)]
async fn each_error_comes_back_as_it_was() {
    let (recorder, ada) = recorder(Redaction::Secrets);
    let office = PostOffice::new();
    office.add_domain("agents.example".parse().unwrap());
    drop(recorder);
    office.add_mailbox(&address("ada@agents.example"), CANARY.into(), 0).unwrap();
    let ada = Login::new(address("ada@agents.example"), ada.password().clone());
    let recorder = Recorder::new(Arc::new(office.clone())).with_redaction(Redaction::Secrets);
    let message = note(ada.address(), "hello").seal(&ada.address().into()).unwrap();
    let two = NewMessage::to(ada.address()).with_cc(address("bo@agents.example")).with_text("x");
    let two = two.seal(&ada.address().into()).unwrap();
    let faults = [
        Fault::SubmitUnavailable,
        Fault::SubmitLost,
        Fault::SubmitRefused(Refusal::TEMPORARY),
        Fault::SubmitRefused(Refusal::PERMANENT),
    ];
    let mut real = Vec::new();
    for fault in faults {
        office.fail_next(ada.address(), fault);
        real.push(recorder.submit(&ada, &message).await.unwrap_err());
    }
    office.add_fault(FaultRule::new(Fault::RecipientRefused(Refusal::PERMANENT)).with_times(2));
    real.push(recorder.submit(&ada, &two.clone().with_all_or_nothing()).await.unwrap_err());
    let gone = Selection::Uids(7, vec![agent_mail::mail_access::Uid::new(1).unwrap()]);
    real.push(recorder.fetch(&ada, &gone, 1).await.unwrap_err());
    let wrong = Login::new(ada.address().clone(), WRONG.into());
    real.push(recorder.fetch(&wrong, &Selection::Unseen, 1).await.unwrap_err());

    let replay = Replay::new(recorder.cassette().to_string().parse().unwrap());
    let mut played: Vec<MailError> = Vec::new();
    for _ in faults {
        played.push(replay.submit(&ada, &message).await.unwrap_err());
    }
    played.push(replay.submit(&ada, &two).await.unwrap_err());
    played.push(replay.fetch(&ada, &gone, 1).await.unwrap_err());
    played.push(replay.fetch(&ada, &Selection::Unseen, 1).await.unwrap_err());
    for (real, played) in real.iter().zip(&played) {
        assert_eq!(real.to_string(), played.to_string());
        assert_eq!(std::mem::discriminant(real), std::mem::discriminant(played));
        assert_eq!((real.is_retryable(), real.retry_after()), (played.is_retryable(), played.retry_after()));
    }
}

#[test]
fn what_is_no_cassette_is_named_by_its_line() {
    for (text, word) in [
        ("", "line 1"),
        ("hello", "line 1"),
        ("{\"cassette\":2,\"redaction\":\"all\"}", "version 2"),
        ("{\"cassette\":1,\"redaction\":\"all\"}\n\n{\"call\":\"dance\"}", "line 3"),
    ] {
        let error = text.parse::<Cassette>().unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

const CANARY: &str = "canary-9f86d081884c7d65";
const TOKEN: &str = "token-2c26b46b68ffc68f";
const WRONG: &str = "wrong-fcde2b2edba56bf4";
