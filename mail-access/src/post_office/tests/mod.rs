mod administration;
mod broken;
mod delivery;
mod faults;
mod folders;
mod honesty;
mod late;
mod load;
mod model;
mod policy;
mod reports;
mod troubles;
mod verdicts;
mod waiting;

use std::time::{Duration, SystemTime};

use super::*;
use crate::{
    Batch, Error, Login, MailAccess, MessageId, NewMessage, Outgoing, Position, Selection, Submission,
};

/// Hosts `agents.example` with Ada and Bob, at a time that stands still.
fn office() -> PostOffice {
    office_of(PostOffice::builder())
}

fn office_of(builder: PostOfficeBuilder) -> PostOffice {
    let office = builder.with_clock(|| SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.into())).build();
    office.add_domain("agents.example".parse().unwrap());
    for name in ["ada", "bob"] {
        office.add_mailbox(&at_home(name), PASSWORD.into(), 0).unwrap();
    }
    office
}

fn at_home(name: &str) -> Address {
    address(&format!("{name}@agents.example"))
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn login(name: &str) -> Login {
    Login::new(at_home(name), PASSWORD.into())
}

/// Writes a message of Ada's.
fn message(recipients: &[&str]) -> Outgoing {
    let mut message = NewMessage::default().with_subject("Engines").with_text("See part 4.");
    for recipient in recipients {
        message = message.with_to(address(recipient));
    }
    message.seal(&at_home("ada").into()).unwrap()
}

async fn submit(office: &PostOffice, recipients: &[&str]) -> Result<Submission, Error> {
    office.submit(&login("ada"), &message(recipients)).await
}

async fn inbox(office: &PostOffice, name: &str) -> Batch {
    office.fetch(&login(name), &Selection::After(None), usize::MAX).await.unwrap()
}

async fn count(office: &PostOffice, name: &str) -> usize {
    inbox(office, name).await.messages.len()
}

fn id() -> MessageId {
    "1@agents.example".parse().unwrap()
}

/// Returns the code and the enhanced code of a refusal.
fn refusal<T: fmt::Debug>(answer: Result<T, Error>) -> (u16, (u8, u16, u16)) {
    match answer.unwrap_err() {
        Error::Refused { status, .. } | Error::Authentication { status, .. } => {
            (status.code, status.enhanced.unwrap())
        }
        other => panic!("{other:?}"),
    }
}

const PASSWORD: &str = "canary-5417";
/// 20 November 2026, 10:40:00 UTC.
const NOW: u32 = 1_795_171_200;
