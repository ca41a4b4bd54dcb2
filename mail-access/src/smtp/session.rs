use super::conversation::Conversation;
use super::deadlines::FAREWELL;
use super::envelope::Asked;
use super::offers::Offers;
use super::starttls;
use crate::Login;
use crate::wire::{Connector, Endpoint, Fault, Security, Stream, within, write};

/// A private connection to a submission server that is logged in, between two messages.
pub(crate) struct Session {
    pub(super) talk: Conversation,
    pub(super) offers: Offers,
    pub(super) standing: Standing,
    /// What the replies to the envelope that went ahead are about.
    pub(super) ahead: Vec<Asked>,
    /// It answered the last message fast.
    pub(super) is_brisk: bool,
}

/// What the server takes the next line for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The beginning of a message.
    Idle,
    /// A part of an envelope that came to nothing; RSET ends it.
    Refused,
    /// Nobody knows: the connection is of no more use.
    Unknown,
    /// A line of a message.
    Content,
    /// What comes behind the envelope that went ahead, whose replies are next.
    Ahead,
}

impl Session {
    /// Connects, by STARTTLS if that is wanted, greets and logs in.
    pub(crate) async fn connect(
        connector: &dyn Connector,
        server: &Endpoint,
        security: Security,
        login: &Login,
    ) -> Result<Self, Fault> {
        match security {
            Security::ImplicitTls => Self::open(connector.connect(server).await?, login).await,
            Security::StartTls => {
                let stream = starttls::connect(connector, server, login.address().domain()).await?;
                Self::begin(Conversation::over(stream), login).await
            }
        }
    }

    /// Greets and logs in over a stream that is private from the first byte on.
    pub(crate) async fn open(stream: Stream, login: &Login) -> Result<Self, Fault> {
        let mut talk = Conversation::over(stream);
        talk.greeting().await?;
        Self::begin(talk, login).await
    }

    async fn begin(mut talk: Conversation, login: &Login) -> Result<Self, Fault> {
        let offers = talk.hello(login.address().domain()).await?;
        let standing = Standing::Idle;
        let mut session = Self { talk, offers, standing, ahead: Vec::new(), is_brisk: false };
        session.authenticate(login).await?;
        Ok(session)
    }

    /// Tells whether it can take a message: the last one was answered, and the server neither left nor spoke out of
    /// turn since, as far as is known without asking it.
    pub(crate) fn is_usable(&mut self) -> bool {
        matches!(self.standing, Standing::Idle | Standing::Refused) && self.talk.is_quiet()
    }

    /// Tells whether the envelope of the next message went ahead, so that it can take that one and no other.
    pub(crate) fn is_ahead(&self) -> bool {
        self.standing == Standing::Ahead
    }

    /// Waits until the server leaves or speaks out of turn; either way it is of no more use.
    pub(crate) async fn disturbed(&mut self) {
        self.talk.disturbed().await;
    }

    /// Takes leave without waiting for the answer; it doesn't matter whether it succeeds.
    pub(crate) async fn quit(mut self) {
        if matches!(self.standing, Standing::Content | Standing::Ahead) {
            return;
        }
        let farewell = async { Ok(write(&mut self.talk.stream, b"QUIT\r\n").await.is_ok()) };
        let _ = within(FAREWELL, "QUIT", farewell).await;
    }
}
