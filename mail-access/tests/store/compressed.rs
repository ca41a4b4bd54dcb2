//! A session that is compressed (RFC 4978), with what goes over the wire inside TLS in sight.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mail_access::{
    Connector, Endpoint, FolderName, MailAccess, MessageStore, PlainStream, Query, Selection, SmtpImap,
    Stream, TlsConnector,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Client, uid};

pub(crate) async fn a_whole_session(client: Client) {
    let tap = Arc::new(Tap { connector: client.connector.clone(), wire: Arc::default() });
    let config = client.config.clone().with_imap_compression().with_imap_id("a \"test\"", "1.0").unwrap();
    let mail = SmtpImap::new(config, Arc::clone(&tap) as _);
    let login = &client.login;
    let folder: FolderName = "h\u{e4}lf".parse().unwrap();
    let inbox = FolderName::inbox();
    // Text as text is: words that come again, in another order.
    let lines =
        (0..12_000_u32).map(|line| format!("{line:05} FETCH the same words {}\r\n", line * 7919 % 997));
    let letter = format!("Subject: long\r\n\r\n{}", lines.collect::<String>());
    mail.create_folder(login, &folder).await.unwrap();
    for name in [&folder, &inbox] {
        mail.append(login, name, letter.as_bytes(), &[], None).await.unwrap();
    }
    let found = mail.search(login, &folder, &Query::Subject("long".into())).await.unwrap();
    assert_eq!(found.uids, [uid(1)]);
    let listing = mail.list(login, &folder, &Selection::Unseen).await.unwrap();
    assert_eq!(listing.entries.len(), 1);
    let streamed: Vec<_> =
        mail.messages(login, &folder, &Selection::After(None)).try_collect().await.unwrap();
    let batch = mail.fetch(login, &Selection::Unseen, 10).await.unwrap();
    for read in [&streamed[0], &batch.messages[0]] {
        assert!(read.raw() == letter.as_bytes() && !read.is_seen());
    }
    mail.mark_seen(login, batch.uid_validity, &[uid(1)]).await.unwrap();
    assert!(mail.fetch(login, &Selection::Unseen, 10).await.unwrap().messages.is_empty());
    drop(mail);

    let Wire { connections, read, written } = std::mem::take(&mut *tap.wire.lock().unwrap());
    assert_eq!(connections, 2);
    let count =
        |bytes: &[u8], text: &str| bytes.windows(text.len()).filter(|at| *at == text.as_bytes()).count();
    assert_eq!((count(&written, "C3 COMPRESS DEFLATE\r\n"), count(&read, "C3 OK")), (2, 2));
    assert_eq!(count(&written, "I1 ID (\"name\" \"a \\\"test\\\"\" \"version\" \"1.0\")\r\nA"), 2);
    assert_eq!((count(&read, "the same words"), count(&read, "UIDVALIDITY")), (0, 0));
    assert_eq!(count(&written, "the same words"), 0);
    for (bytes, plain) in [(read.len(), 2 * letter.len()), (written.len(), 2 * letter.len())] {
        assert!(bytes < plain / 2, "{bytes} of {plain}");
    }
}

/// Connects by TLS and notes what goes over it.
#[derive(Debug)]
struct Tap {
    connector: TlsConnector,
    wire: Arc<Mutex<Wire>>,
}

#[derive(Debug, Default)]
struct Wire {
    connections: usize,
    read: Vec<u8>,
    written: Vec<u8>,
}

#[async_trait]
impl Connector for Tap {
    async fn connect(&self, server: &Endpoint) -> io::Result<Stream> {
        let inner = self.connector.connect(server).await?;
        self.wire.lock().unwrap().connections += 1;
        Ok(Box::new(Tapped { inner, wire: Arc::clone(&self.wire) }))
    }

    async fn connect_plain(&self, _: &Endpoint) -> io::Result<PlainStream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn upgrade(&self, _: &Endpoint, _: PlainStream) -> io::Result<Stream> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

struct Tapped {
    inner: Stream,
    wire: Arc<Mutex<Wire>>,
}

impl AsyncRead for Tapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        self.wire.lock().unwrap().read.extend_from_slice(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        self.wire.lock().unwrap().written.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
