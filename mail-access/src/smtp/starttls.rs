use super::conversation::Conversation;
use super::deadlines::COMMAND;
use crate::DomainName;
use crate::wire::{Connector, Endpoint, Fault, PlainStream, Stream};

/// Talks a server into TLS (RFC 3207) and returns the private stream.
///
/// What was said before is forgotten: whoever is on the way may have said it. He can make this fail, and no more:
/// there is no way from here to a login without TLS.
pub(super) async fn connect(
    connector: &dyn Connector,
    server: &Endpoint,
    domain: &DomainName,
) -> Result<Stream, Fault> {
    let plain = connector.connect_plain(server).await?.into_inner();
    let mut conversation = Conversation::over(plain);
    conversation.greeting().await?;
    if !conversation.hello(domain).await?.has("STARTTLS") {
        return Err(Fault::Protocol("it doesn't offer STARTTLS, or somebody on the way hides that".into()));
    }
    let reply = conversation.ask("STARTTLS\r\n", COMMAND, "the answer to STARTTLS").await?;
    match reply.code {
        READY => {}
        400..=599 => return Err(Fault::Refused(reply.status())),
        code => return Err(Fault::Protocol(format!("{code} is no answer to STARTTLS"))),
    }
    // It would be read as if it had come through TLS (the response injection of USENIX Security 2021).
    if conversation.is_ahead() {
        return Err(Fault::Protocol("something came between the answer to STARTTLS and TLS".into()));
    }
    let plain = PlainStream::new(conversation.stream.into_inner());
    Ok(connector.upgrade(server, plain).await?)
}

const READY: u16 = 220;
