//! Filters that only look.

use async_trait::async_trait;

use super::{Letter, OutboundCheck, Ruling};
use crate::Error;

/// Refuses messages of more bytes.
#[derive(Debug)]
pub(super) struct MaxBytes(pub(super) usize);

#[async_trait]
impl OutboundCheck for MaxBytes {
    fn name(&self) -> &'static str {
        "max bytes"
    }

    async fn check(&self, letter: &Letter) -> Result<Ruling, Error> {
        let bytes = letter.message.canonical().len();
        Ok(if bytes <= self.0 {
            Ruling::Pass
        } else {
            Ruling::Refuse(format!("it has {bytes} bytes, and {} are allowed", self.0))
        })
    }
}

/// Refuses messages to more recipients.
#[derive(Debug)]
pub(super) struct MaxRecipients(pub(super) usize);

#[async_trait]
impl OutboundCheck for MaxRecipients {
    fn name(&self) -> &'static str {
        "max recipients"
    }

    async fn check(&self, letter: &Letter) -> Result<Ruling, Error> {
        let recipients = letter.message.recipients().count();
        Ok(if recipients <= self.0 {
            Ruling::Pass
        } else {
            Ruling::Refuse(format!("it has {recipients} recipients, and {} are allowed", self.0))
        })
    }
}
