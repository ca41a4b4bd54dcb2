//! What belongs together, drafts, labels, files and waiting, at a real Dovecot.

use std::time::Duration;

use agent_mail::{Attachment, AttachmentPiece, ErrorKind, NewMessage, Reply, Sending, Wanted};
use mail_access::Query;

use crate::program::id;
use crate::world::World;

pub(crate) fn conversations_and_drafts_at_real_servers(world: &World) {
    world.runtime.block_on(async {
        let mail = world.agent_mail();
        let (ada, bob) =
            (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap());
        let courier = mail.courier();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn(async move { courier.run(async { drop(stopped.await) }).await });

        // A draft in Dovecot's own folder for drafts, edited, found again, sent once.
        let draft = ada.draft(NewMessage::default().with_subject("Pl\u{e4}ne")).await.unwrap();
        let content: Vec<u8> = (0..=255).cycle().take(400_000).collect();
        let whole = NewMessage::to(bob.contact())
            .with_bcc(ada.contact())
            .with_subject("Pl\u{e4}ne")
            .with_text("A or B?\n\nThe code is 482913.")
            .with_attachment(Attachment::new("pl\u{e4}ne.bin", "application/octet-stream", content.clone()));
        let draft = draft.edit(whole).await.unwrap();
        assert_eq!(ada.drafts().await.unwrap().len(), 1);
        let mut since = bob.cursor().await.unwrap();
        let queued = ada.open_draft(draft.id()).await.unwrap().send().await.unwrap();
        assert!(ada.drafts().await.unwrap().is_empty());
        assert_eq!(draft.send().await.unwrap_err().kind(), ErrorKind::NotFound);

        let wanted = Wanted::new().from(ada.address().to_string()).subject("PL\u{c4}NE").body("or b?");
        let found = bob.wait_for_code(wanted, &mut since, LONG).await.unwrap().expect("it comes");
        assert_eq!(found.code().unwrap().expose(), "482913");
        assert_eq!(found.message.message().expose().message_id(), Some(&queued.message_id));

        // The file comes in pieces, the same as it went.
        let place = bob.search(&Query::Subject("pl\u{e4}ne".into())).await.unwrap().remove(0);
        let (mut files, mut bytes) = (0, Vec::new());
        let mut pieces = bob.attachments(&place);
        while let Some(piece) = pieces.next().await {
            match piece.unwrap() {
                AttachmentPiece::Begin(head) => {
                    assert_eq!(head.safe_name, "pl\u{e4}ne.bin");
                    files += 1;
                }
                AttachmentPiece::Bytes(some) => bytes.extend(some.expose()),
                _ => {}
            }
        }
        assert!(files == 1 && bytes == content);

        bob.label(&place, &["Plans", "2026"]).await.unwrap();
        bob.unlabel(&place, &["2026"]).await.unwrap();
        assert_eq!(
            (bob.labels(&place).await.unwrap(), bob.labelled("plans").await.unwrap()),
            (vec!["plans".into()], vec![place])
        );

        // The thread has both sides: the copies in the folder for sent mail.
        let mut at_ada = ada.cursor().await.unwrap();
        bob.enqueue(Sending::new(bob.answer(&found.message, Reply::new("B.").with_quote()).unwrap()))
            .await
            .unwrap();
        let answers = Wanted::new().answer_to(queued.message_id.clone());
        let answer = ada.wait_for(&answers, &mut at_ada, LONG).await.unwrap().expect("it comes");
        assert_eq!(answer.new_text().expose().trim_end(), "B.");
        let stale = bob.reply_if_latest(&found.message, Reply::new("A.")).await.unwrap_err();
        assert_eq!(stale.kind(), ErrorKind::Stale);
        ada.reply_if_latest(&answer, Reply::new("Fine.")).await.unwrap();
        bob.wait_for(&Wanted::new().body("fine"), &mut since, LONG).await.unwrap().expect("it comes");

        drop(stop);
        running.await.unwrap();
        let all = mail.conversations().await.unwrap();
        assert_eq!(all.threads().len(), 1, "{:?}", all.threads());
        let senders: Vec<_> =
            all.threads()[0].messages.iter().map(|message| message.sent_by.clone().unwrap()).collect();
        assert_eq!(senders, [id("ada"), id("bob"), id("ada")]);
        assert_eq!(all.threads()[0].seen_by.len(), 2);
    });
}

const LONG: Duration = Duration::from_secs(20);
