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
    /// By words of the command that is to be cut off.
    orders: Orders,
}

type Orders = Arc<Mutex<HashMap<String, Order>>>;

#[derive(Clone, Copy, Debug)]
struct Order {
    /// What ends all that the client sends.
    end: &'static [u8],
    /// What the server says when it has done it, or nothing where its first words say that.
    answer: &'static [u8],
    /// Whether the server may still see the end.
    taken: bool,
}

impl CuttingConnector {
    pub(crate) fn new(inner: TlsConnector) -> Self {
        Self { inner, orders: Arc::default() }
    }

    pub(crate) fn cut_next(&self, sender: &Address, taken: bool) {
        let order = Order { end: b"\r\n.\r\n", answer: b"", taken };
        self.orders.lock().unwrap().insert(format!("MAIL FROM:<{sender}>"), order);
    }

    /// Cuts the next command that names this folder, which has to be a copy.
    pub(crate) fn cut_copy(&self, folder: &str, taken: bool) {
        let order = Order { end: b"\r\n", answer: b"Copy completed", taken };
        self.orders.lock().unwrap().insert(folder.to_owned(), order);
    }
}

#[async_trait]
impl Connector for CuttingConnector {
    async fn connect(&self, server: &Endpoint) -> io::Result<Stream> {
        let inner = self.inner.connect(server).await?;
        Ok(Box::new(Link {
            inner,
            orders: Arc::clone(&self.orders),
            standing: Standing::Whole,
            unheard: Vec::new(),
        }))
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
    orders: Orders,
    standing: Standing,
    /// What a deaf client didn't hear.
    unheard: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Standing {
    Whole,
    /// To be cut at the end, once the server has answered it or before it gets there.
    Doomed(Order),
    /// The server's words are lost, up to its answer.
    Deaf(Order),
    Cut,
}

impl AsyncRead for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if matches!(self.standing, Standing::Cut) {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        if let Standing::Deaf(order) = self.standing {
            self.unheard.extend_from_slice(&buffer.filled()[before..]);
            buffer.set_filled(before);
            let ends = order.answer.is_empty()
                || self.unheard.windows(order.answer.len()).any(|w| w == order.answer);
            if !ends {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
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
        if matches!(self.standing, Standing::Whole) {
            let text = String::from_utf8_lossy(bytes);
            let mut orders = self.orders.lock().unwrap();
            let met = orders.keys().find(|line| text.contains(line.as_str())).cloned();
            let order = met.and_then(|line| orders.remove(&line));
            drop(orders);
            if let Some(order) = order {
                self.standing = Standing::Doomed(order);
            }
        }
        let written = match self.standing {
            Standing::Cut => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Standing::Doomed(Order { end, taken: false, .. }) if bytes.ends_with(end) => {
                self.standing = Standing::Cut;
                return Poll::Ready(Ok(bytes.len()));
            }
            _ => ready!(Pin::new(&mut self.inner).poll_write(context, bytes))?,
        };
        if let Standing::Doomed(order) = self.standing
            && bytes.ends_with(order.end)
            && written == bytes.len()
        {
            self.standing = Standing::Deaf(order);
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
