use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mail_access::conformance::{Harness, Missing};
use mail_access::{
    Address, Arrival, Batch, DomainName, Endpoint, FolderName, Login, MailAccess, MessageStore, NewMessage,
    Position, Received, Selection, SmtpPop3, SmtpPop3Config, Uid,
};

use super::postfix_dovecot::ServersHarness;

/// The same servers, read by POP3.
#[derive(Debug)]
pub(crate) struct Pop3Harness {
    servers: Arc<ServersHarness>,
    access: Arc<SmtpPop3>,
}

impl Pop3Harness {
    /// Says why not, if Dovecot's POP3 is not installed.
    pub(crate) fn new(servers: Arc<ServersHarness>) -> Result<Self, String> {
        let port = servers.servers.pop3s_port().ok_or("dovecot's pop3 is not installed (dovecot-pop3d)")?;
        let endpoint = |port| Endpoint::new("localhost", port).unwrap();
        let config = SmtpPop3Config::new(endpoint(servers.servers.smtps_port()), endpoint(port));
        // A case waits for each message.
        let config = config.with_poll(Duration::from_millis(200));
        let access = SmtpPop3::new(config, Arc::new(servers.links.clone()));
        Ok(Self { servers, access: Arc::new(access) })
    }
}

/// Reads by POP3 and looks by IMAP what became of it: nothing, up to a deletion.
pub(crate) async fn leaves_no_trace_but_what_it_deletes(harness: &Pop3Harness) {
    let login = harness.mailbox().await;
    let (pop3, imap) = (&harness.access, harness.servers.access());
    for number in 1..=3 {
        let message = NewMessage::to(login.address()).with_subject(format!("message {number}"));
        pop3.submit(&login, &message.seal(&login.address().into()).unwrap()).await.unwrap();
        let uid_validity = imap.fetch(&login, &Selection::After(None), 1).await.unwrap().uid_validity;
        let after = Position { uid_validity, uid: number - 1 };
        assert_eq!(imap.wait(&login, after, Duration::from_secs(30)).await.unwrap(), Arrival::New);
    }
    let read = pop3.fetch(&login, &Selection::Unseen, 10).await.unwrap();
    let looked = imap.fetch(&login, &Selection::Unseen, 10).await.unwrap();
    let shown = |batch: &Batch| batch.messages.iter().map(|one| one.raw().to_vec()).collect::<Vec<_>>();
    assert_eq!(shown(&read).len(), 3);
    assert_eq!(shown(&read), shown(&looked), "both give out the same bytes, and POP3 marks none");
    let span = |one: &Received, other: &Received| {
        let (one, other) = (one.internal_date(), other.internal_date());
        one.duration_since(other).unwrap_or_else(|error| error.duration())
    };
    for (one, other) in read.messages.iter().zip(&looked.messages) {
        assert!(span(one, other) < Duration::from_mins(1), "the dates of arrival are about the same");
    }
    let gone = [read.messages[0].uid(), read.messages[2].uid()];
    pop3.delete(&login, read.uid_validity, &gone).await.unwrap();
    pop3.delete(&login, read.uid_validity, &gone).await.expect("it is safe to repeat");
    let left = imap.fetch(&login, &Selection::Unseen, 10).await.unwrap();
    assert_eq!(shown(&left), shown(&looked)[1..2]);
    let left = pop3.fetch(&login, &Selection::After(None), 10).await.unwrap();
    assert_eq!((left.messages[0].uid(), left.messages.len()), (read.messages[1].uid(), 1));
}

#[async_trait]
impl Harness for Pop3Harness {
    fn access(&self) -> Arc<dyn MailAccess> {
        self.access.clone()
    }

    fn store(&self) -> Result<Arc<dyn MessageStore>, Missing> {
        Err(Missing("POP3 knows neither folders nor flags".to_owned()))
    }

    fn size_limit(&self) -> usize {
        self.servers.size_limit()
    }

    fn recipients_limit(&self) -> Result<usize, Missing> {
        self.servers.recipients_limit()
    }

    async fn mailbox(&self) -> Login {
        self.servers.mailbox().await
    }

    async fn catch_all(&self) -> Result<(Login, DomainName), Missing> {
        self.servers.catch_all().await
    }

    async fn refused_recipient(&self) -> Result<Address, Missing> {
        self.servers.refused_recipient().await
    }

    async fn failing_recipient(&self) -> Result<Address, Missing> {
        self.servers.failing_recipient().await
    }

    async fn small_mailbox(&self, mib: u32) -> Result<Login, Missing> {
        self.servers.small_mailbox(mib).await
    }

    async fn interrupt_next(&self, login: &Login, taken: bool) -> Result<(), Missing> {
        self.servers.interrupt_next(login, taken).await
    }

    async fn interrupt_copy(&self, _: &Login, _: &FolderName, _: bool) -> Result<(), Missing> {
        self.store().map(drop)
    }

    /// In a new mailbox the numbers of IMAP and ours are the same.
    async fn break_next(&self, _: &Login, _: bool) -> Result<(), Missing> {
        Err(Missing("Dovecot ends the connection where it can't read a message".to_owned()))
    }

    async fn expunge(&self, login: &Login, uids: &[Uid]) -> Result<(), Missing> {
        self.servers.expunge(login, uids).await
    }

    /// Its numbers are its own, and last as long as it remembers them.
    async fn renumber(&self, login: &Login) -> Result<(), Missing> {
        self.access.forget(login);
        Ok(())
    }
}
