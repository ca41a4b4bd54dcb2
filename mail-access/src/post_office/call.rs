//! What every call for a mailbox has to pass: the login, the troubles that a test calls for, and the folder.

use tokio::task::coop::consume_budget;
use tokio::time::sleep;

use super::access::interrupted;
use super::folder::Folder;
use super::folders::special_use;
use super::mailbox::Mailbox;
use super::state::{Name, State};
use super::{Fault, Occasion, PostOffice};
use crate::{Error, FolderName, Login, Status};

/// Who asks for what, and of which folders.
pub(super) struct Call<'a> {
    login: &'a Login,
    pub(super) operation: &'static str,
    folder: Option<&'a FolderName>,
    target: Option<&'a FolderName>,
    /// Whether the folder is made if there is none.
    makes: bool,
}

impl<'a> Call<'a> {
    pub(super) fn of(login: &'a Login, operation: &'static str, folder: &'a FolderName) -> Self {
        Self { folder: Some(folder), ..Self::on_all(login, operation) }
    }

    pub(super) fn on_all(login: &'a Login, operation: &'static str) -> Self {
        Self { login, operation, folder: None, target: None, makes: false }
    }

    pub(super) fn with_target(self, target: &'a FolderName) -> Self {
        Self { target: Some(target), ..self }
    }

    /// Lets the folder be made if there is none.
    pub(super) fn making_it(self) -> Self {
        Self { makes: true, ..self }
    }

    pub(super) fn folder_in<'m>(&self, mailbox: &'m mut Mailbox) -> Result<&'m mut Folder, Error> {
        let name = self.folder.expect("the call is about a folder");
        mailbox.folder(name).ok_or_else(|| no_such_folder(self.operation, "NONEXISTENT", name))
    }

    /// Finds the folder, if its UIDs still mean what the caller believes.
    pub(super) fn numbered<'m>(
        &self,
        mailbox: &'m mut Mailbox,
        uid_validity: u32,
    ) -> Result<&'m mut Folder, Error> {
        let folder = self.folder_in(mailbox)?;
        if folder.uid_validity == uid_validity {
            Ok(folder)
        } else {
            Err(self.renumbered(uid_validity, folder))
        }
    }

    pub(super) fn renumbered(&self, expected: u32, folder: &Folder) -> Error {
        Error::Renumbered { operation: self.operation, expected, found: folder.uid_validity }
    }
}

impl PostOffice {
    pub(super) async fn reading<T>(
        &self,
        call: &Call<'_>,
        look: impl FnOnce(&mut Mailbox) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.pause(call).await;
        self.look(call, look)
    }

    pub(super) fn look<T>(
        &self,
        call: &Call<'_>,
        look: impl FnOnce(&mut Mailbox) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut state = self.state();
        let unavailable = |fault| fault == Fault::FetchUnavailable;
        if state.take_fault(Occasion::Reading { login: call.login.address() }, unavailable).is_some() {
            return Err(self.unavailable(call.operation));
        }
        look(self.enter(&mut state, call)?)
    }

    pub(super) async fn changing<T>(
        &self,
        call: &Call<'_>,
        act: impl FnOnce(&mut Mailbox) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.pause(call).await;
        let mut state = self.state();
        let is_trouble =
            |fault| matches!(fault, Fault::ChangeUnavailable | Fault::ChangeLost | Fault::ChangeTakenAndLost);
        let trouble = state.take_fault(Occasion::Changing { login: call.login.address() }, is_trouble);
        if trouble == Some(Fault::ChangeUnavailable) {
            return Err(self.unavailable(call.operation));
        }
        let mailbox = self.enter(&mut state, call)?;
        if trouble == Some(Fault::ChangeLost) {
            return Err(interrupted(call.operation));
        }
        let done = act(mailbox)?;
        if trouble.is_some() { Err(interrupted(call.operation)) } else { Ok(done) }
    }

    /// Checks the login and brings the folders of a call into being, as far as they are there for everybody.
    pub(super) fn enter<'s>(&self, state: &'s mut State, call: &Call<'_>) -> Result<&'s mut Mailbox, Error> {
        let (login, operation) = (call.login, call.operation);
        let wanted =
            |folder: &&&FolderName| !folder.is_inbox() && (call.makes || special_use(folder).is_some());
        for folder in [&call.folder, &call.target].into_iter().flatten().filter(wanted) {
            if state.open(login, operation)?.folder(folder).is_none() {
                let uid_validity = state.next_uid_validity((self.office.settings.clock)());
                state.open(login, operation)?.folders().make(folder, uid_validity);
            }
        }
        if let Some(folder) = call.folder
            && state
                .take_fault(Occasion::Opening { login: login.address() }, |fault| {
                    fault == Fault::NumberedAnew
                })
                .is_some()
        {
            let uid_validity = state.next_uid_validity((self.office.settings.clock)());
            state.open(login, operation)?.renumber(folder, uid_validity);
            if folder.is_inbox() {
                state.listeners.ring(|| Name::of(login.address()).to_string());
            }
        }
        state.open(login, operation)
    }

    async fn pause(&self, call: &Call<'_>) {
        consume_budget().await;
        let slow = self.state().take_slowness(call.login.address());
        if let Some(pause) = slow {
            sleep(pause).await;
        }
    }
}

pub(super) fn no_such_folder(operation: &'static str, code: &str, folder: &FolderName) -> Error {
    refused(operation, &format!("[{code}] Mailbox doesn't exist: {folder}"))
}

pub(super) fn refused(operation: &'static str, text: &str) -> Error {
    Error::Refused { operation, status: Status::new(0, None, text) }
}
