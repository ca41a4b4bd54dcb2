//! What belongs together, and what is done with it: threads, answers, labels, searches, attachments, waiting for mail.

mod attachments;
mod collection;
mod fleet;
mod labels;
mod metadata;
mod mime;
mod reply;
mod summary;
mod thread;
mod wait;

pub use self::attachments::{AttachmentHead, AttachmentPiece, Attachments};
pub use self::collection::{Conversations, Place, Thread, ThreadId, ThreadMessage};
pub use self::fleet::{FleetConversations, FleetMessage, FleetThread};
pub use self::reply::Reply;
pub use self::wait::{Cursor, FoundCode, Wanted};
