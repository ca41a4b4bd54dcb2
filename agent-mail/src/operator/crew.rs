//! Several futures at once, in the task of their caller: dropped, all of them end.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// Runs futures, at most `at_once` at a time, and hands each result over as it comes. After the first failure none is
/// begun any more; those under way are run to their end.
///
/// # Errors
/// The first failure.
pub(super) async fn run<T, E, F: Future<Output = Result<T, E>>>(
    mut waiting: impl Iterator<Item = F>,
    at_once: usize,
    mut done: impl FnMut(T),
) -> Result<(), E> {
    let mut running: Vec<Pin<Box<F>>> = Vec::with_capacity(at_once);
    let mut failure = None;
    poll_fn(|context| {
        loop {
            if failure.is_none() {
                running.extend(waiting.by_ref().take(at_once - running.len()).map(Box::pin));
            }
            let before = running.len();
            running.retain_mut(|future| match future.as_mut().poll(context) {
                Poll::Pending => true,
                Poll::Ready(Ok(result)) => {
                    done(result);
                    false
                }
                Poll::Ready(Err(error)) => {
                    failure.get_or_insert(error);
                    false
                }
            });
            match running.len() {
                0 if before == 0 || failure.is_some() => return Poll::Ready(()),
                len if len == before => return Poll::Pending,
                _ => {}
            }
        }
    })
    .await;
    failure.map_or(Ok(()), Err)
}
