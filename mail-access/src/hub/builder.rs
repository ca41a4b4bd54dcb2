use std::sync::Arc;

use super::board::Board;
use super::reader::{Reading, Shared};
use super::{Copies, EnvelopeRule, Hub, HubAccess, HubPosition};
use crate::{Login, MailAccess};

/// The settings of a [`Hub`].
#[derive(Clone, Debug)]
pub struct HubBuilder {
    access: Arc<dyn MailAccess>,
    login: Login,
    rule: EnvelopeRule,
    position: Option<HubPosition>,
    stock: usize,
    copies: Copies,
}

impl HubBuilder {
    pub(super) fn new(access: Arc<dyn MailAccess>, login: Login, rule: EnvelopeRule) -> Self {
        Self { access, login, rule, position: None, stock: STOCK, copies: Copies::Together }
    }

    /// Goes on where an earlier hub stood; else everything in the mailbox is read.
    pub fn with_position(mut self, position: HubPosition) -> Self {
        self.position = Some(position);
        self
    }

    /// Sets how many bytes of memory the messages may take that nobody has asked for yet; 16777216 (16 MiB) by default.
    /// They are counted twice, as they came and as they were decoded.
    pub fn with_stock(mut self, bytes: usize) -> Self {
        self.stock = bytes;
        self
    }

    /// Sets how a message goes to several addresses of the hub, [`Copies::Together`] by default.
    pub fn with_copies(mut self, copies: Copies) -> Self {
        self.copies = copies;
        self
    }

    /// Begins to read.
    ///
    /// # Panics
    /// Outside a Tokio runtime, which has to have its time driver.
    pub fn start(self) -> Hub {
        self.start_with(false)
    }

    /// Begins to read, for addresses that are to be used as mailboxes of their own.
    ///
    /// # Panics
    /// Outside a Tokio runtime, which has to have its time driver.
    pub fn start_access(self) -> HubAccess {
        HubAccess::new(self.start_with(true))
    }

    fn start_with(self, is_indexed: bool) -> Hub {
        let board = Board::new(self.position, self.stock, is_indexed);
        Hub { reading: Reading::start(Shared::new(self.access, self.login, self.rule, self.copies, board)) }
    }
}

const STOCK: usize = 16 << 20;
