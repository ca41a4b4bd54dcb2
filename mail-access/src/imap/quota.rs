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
            match storage(rest) {
                Some(Some(quota)) if least.is_none_or(|least| room(quota) < room(least)) => {
                    least = Some(quota)
                }
                Some(_) => {}
                None => readable = false,
            }
        })
        .await?;
        if readable { Ok(least) } else { Err(unreadable()) }
    }
}

fn room(quota: Quota) -> u64 {
    quota.limit.saturating_sub(quota.used)
}

/// Reads ` root (STORAGE 10 512 MESSAGE 1 100)`; `Some(None)` limits something else.
fn storage(rest: Reader<'_>) -> Option<Option<Quota>> {
    let mut rest = rest.space()?;
    rest.astring()?;
    rest.eat(" ")?;
    let items = rest.atoms()?;
    let Some([_, used, limit]) = items.chunks_exact(3).find(|item| item[0].eq_ignore_ascii_case("STORAGE"))
    else {
        return Some(None);
    };
    let bytes = |kibibytes: &str| kibibytes.parse::<u64>().ok()?.checked_mul(1024);
    Some(Some(Quota::new(bytes(used)?, bytes(limit)?)))
}
