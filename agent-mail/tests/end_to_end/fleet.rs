//! What of the fakes' side can be seen: whose mailboxes there are, and what is published.

use agent_mail::{ErrorKind, NewMessage};
use mail_access::{Error as MailError, Login, MailAccess, Selection};

use crate::program::{self, id, next};
use crate::world::World;

pub(crate) fn the_program_runs_on_real_servers(world: &World) {
    world.runtime.block_on(async {
        let mail = world.agent_mail();
        program::exchange(&mail).await;
        assert_eq!(
            world.mailcow.logins().iter().filter(|login| login.imap).count(),
            4,
            "each with its app password"
        );
        let zone = world.desec.zone(&mail.domain().as_str().parse().unwrap()).unwrap();
        let dkim = zone.iter().find(|set| set.subname.as_str() == "dkim._domainkey").unwrap();
        let published: String = dkim.records[0].split('"').filter(|part| !part.trim().is_empty()).collect();
        let key =
            world.mailcow.client().get_dkim(&mail.domain().as_str().parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(published, key.txt, "what is published is Mailcow's own key");
    });
}

pub(crate) fn a_retired_agent_can_not_log_in(world: &World) {
    world.runtime.block_on(async {
        let mail = world.agent_mail();
        let ada = mail.provision(&id("ada")).await.unwrap();
        ada.send(NewMessage::to(ada.contact()).with_subject("note")).await.unwrap();
        let event = next(&mut ada.events()).await;
        assert_eq!(event.received().unwrap().subject(), "note");
        let secret = world.folder().join("state/secrets/agent_ada@agents.example.test");
        let password = std::fs::read_to_string(&secret).unwrap();
        let login = Login::new(ada.address().clone(), password.into());
        world.mail_access().fetch(&login, &Selection::Unseen, 1).await.unwrap();

        mail.retire(&id("ada")).await.unwrap();
        mail.retire(&id("ada")).await.unwrap();
        assert!(world.mailcow.logins().is_empty());
        assert!(!secret.exists());
        let refused = world.mail_access().fetch(&login, &Selection::Unseen, 1).await;
        assert!(matches!(refused, Err(MailError::Authentication { .. })), "{refused:?}");
        // What the program still holds is of an agent that is gone; the server isn't even asked.
        let refused = ada.send(NewMessage::to(ada.contact())).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused:?}");
        assert_eq!(mail.open(&id("ada")).await.unwrap_err().kind(), ErrorKind::NotFound);
    });
}
