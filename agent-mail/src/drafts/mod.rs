//! Mail that is not sent yet: drafts on the server, and messages that wait for somebody's approval.

mod approvals;
mod decide;
mod draft;
mod held;
mod require;

pub use self::approvals::{ApprovalNews, Approvals};
pub(crate) use self::decide::take_back;
pub use self::draft::Draft;
pub use self::held::{Decision, Held, HeldId, Revision, Verdict};
pub(crate) use self::held::{Errand, Holder, Released, hold};
pub use self::require::{Overdue, RequireApproval};
