use std::io;
use std::time::Duration;

/// Waits for `future` at most for `limit`; what is dropped then must leave nothing that is used again.
pub(crate) async fn within<T>(
    limit: Duration,
    what: &'static str,
    future: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    tokio::time::timeout(limit, future).await.unwrap_or_else(|_| {
        let problem = format!("the server was silent for {} s: {what}", limit.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, problem))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_ends_at_the_limit() {
        let begin = tokio::time::Instant::now();
        let error =
            within(Duration::from_secs(7), "greeting", std::future::pending::<io::Result<()>>()).await;
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begin.elapsed(), Duration::from_secs(7));
    }
}
