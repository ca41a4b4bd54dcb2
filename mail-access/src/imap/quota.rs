use super::command::Command;
use super::folders::NAMES;
use super::line::{Reader, unreadable};
use super::session::{Said, Session};
use crate::wire::Fault;
use crate::{FolderName, Quota};

impl Session {
    /// Does what [`MessageStore::quota`](crate::MessageStore::quota) says. Of several limits it is the one with the least
    /// room left.
    pub(crate) async fn quota(&mut self) -> Result<Option<Quota>, Fault> {
        if !self.offers.has("QUOTA") {
            return Ok(None);
        }
        let mut least: Option<Quota> = None;
        let mut readable = true;
        self.execute(&Command::new("GETQUOTAROOT ").folder(&FolderName::inbox()), NAMES, |answer| {
            let Said::Line(line) = answer else { return };
            let Some(rest) = line.after("QUOTA") else { return };
            let storage = storage(rest);
            readable &= storage.is_some();
            least = least.into_iter().chain(storage.unwrap_or_default()).min_by_key(|quota| room(*quota));
        })
        .await?;
        if readable { Ok(least) } else { Err(unreadable()) }
    }
}

fn room(quota: Quota) -> u64 {
    quota.limit.saturating_sub(quota.used)
}

/// Reads ` root (STORAGE 10 512 MESSAGE 1 100)`: what limits bytes, which may be nothing.
fn storage(rest: Reader<'_>) -> Option<Vec<Quota>> {
    let mut rest = rest.space()?;
    rest.astring()?;
    rest.eat(" ")?;
    let items = rest.atoms()?;
    let storage = items.chunks_exact(3).filter(|item| item[0].eq_ignore_ascii_case("STORAGE"));
    let bytes = |kibibytes: &str| kibibytes.parse::<u64>().ok()?.checked_mul(1024);
    storage.map(|item| Some(Quota::new(bytes(item[1])?, bytes(item[2])?))).collect()
}
