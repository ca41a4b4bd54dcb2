//! Links that are cut behind a message and before its answer.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use mail_access::{Address, Connector, Endpoint, PlainStream, Stream, TlsConnector};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Cuts the links of those it was told about; all other bytes pass as they are.
#[derive(Clone, Debug)]
pub(crate) struct CuttingConnector {
    inner: TlsConnector,
    /// By the line that begins the submission, and whether the server may still see the message.
    orders: Arc<Mutex<HashMap<String, bool>>>,
}

impl CuttingConnector {
    pub(crate) fn new(inner: TlsConnector) -> Self {
        Self { inner, orders: Arc::default() }
    }

    pub(crate) fn cut_next(&self, sender: &Address, taken: bool) {
        self.orders.lock().unwrap().insert(format!("MAIL FROM:<{sender}>"), taken);
    }
}

#[async_trait]
impl Connector for CuttingConnector {
    async fn connect(&self, server: &Endpoint) -> io::Result<Stream> {
        let inner = self.inner.connect(server).await?;
        Ok(Box::new(Link { inner, orders: Arc::clone(&self.orders), standing: Standing::Whole }))
    }

    async fn connect_plain(&self, server: &Endpoint) -> io::Result<PlainStream> {
        self.inner.connect_plain(server).await
    }

    async fn upgrade(&self, server: &Endpoint, plain: PlainStream) -> io::Result<Stream> {
        self.inner.upgrade(server, plain).await
    }
}

struct Link {
    inner: Stream,
    orders: Arc<Mutex<HashMap<String, bool>>>,
    standing: Standing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Whole,
    /// To be cut at the final dot, once the server has answered it or before it gets there.
    Doomed {
        taken: bool,
    },
    /// The server's next words are lost.
    Deaf,
    Cut,
}

impl AsyncRead for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.standing == Standing::Cut {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        if self.standing == Standing::Deaf {
            buffer.set_filled(before);
            self.standing = Standing::Cut;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Link {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.standing == Standing::Whole {
            let text = String::from_utf8_lossy(bytes);
            let mut orders = self.orders.lock().unwrap();
            let met = orders.keys().find(|line| text.contains(line.as_str())).cloned();
            let taken = met.and_then(|line| orders.remove(&line));
            drop(orders);
            if let Some(taken) = taken {
                self.standing = Standing::Doomed { taken };
            }
        }
        let ends = bytes.ends_with(b"\r\n.\r\n");
        match self.standing {
            Standing::Cut => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Standing::Doomed { taken: false } if ends => {
                self.standing = Standing::Cut;
                return Poll::Ready(Ok(bytes.len()));
            }
            _ => {}
        }
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, bytes))?;
        if self.standing == (Standing::Doomed { taken: true }) && ends && written == bytes.len() {
            self.standing = Standing::Deaf;
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
