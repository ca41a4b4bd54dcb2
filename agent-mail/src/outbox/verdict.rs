use std::time::Duration;

use mail_access::{Address, Error as MailError, Status, Submission};

use super::RecipientState;
use crate::journal::Said;

/// What a submission means for each of its recipients.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) of: Vec<(Address, RecipientState, Option<Said>)>,
    /// How long the server wants to be left alone at least.
    pub(super) pause: Option<Duration>,
}

/// Judges the answer to a submission. Who is not named in it stays unknown.
pub(super) fn judge(targets: &[Address], outcome: Result<Submission, MailError>) -> Verdict {
    let all = |state: RecipientState, said: Option<Said>| {
        targets.iter().map(|target| (target.clone(), state, said.clone())).collect::<Vec<_>>()
    };
    let pause = outcome.as_ref().err().and_then(MailError::retry_after);
    match outcome {
        Ok(Submission { accepted, refused, .. }) => {
            let mut verdict = each(&refused);
            verdict.of.extend(accepted.into_iter().map(|who| (who, RecipientState::Accepted, None)));
            verdict
        }
        Err(MailError::RecipientsRefused { refused, .. }) => {
            let mut verdict = each(&refused);
            // Nobody got it: those who were not refused are tried again.
            for target in targets.iter().filter(|target| refused.iter().all(|(who, _)| who != *target)) {
                verdict.of.push((target.clone(), RecipientState::Waiting, None));
            }
            verdict
        }
        Err(MailError::Refused { status, .. }) => {
            Verdict { of: all(state_of(&status), Some(Said::of(&status))), pause }
        }
        Err(MailError::Interrupted { .. }) => Verdict { of: Vec::new(), pause },
        Err(error @ MailError::Invalid { .. }) => {
            Verdict { of: all(RecipientState::Refused, Some(Said::words(error.to_string()))), pause }
        }
        // It was not sent, and another day it may be: a server that is down, a password that is being changed.
        Err(error) => {
            let said = error.status().map_or_else(|| Said::words(error.to_string()), Said::of);
            Verdict { of: all(RecipientState::Waiting, Some(said)), pause }
        }
    }
}

fn each(refused: &[(Address, Status)]) -> Verdict {
    let of = refused.iter().map(|(who, status)| (who.clone(), state_of(status), Some(Said::of(status))));
    let pause = refused.iter().filter_map(|(_, status)| status.retry_after()).max();
    Verdict { of: of.collect(), pause }
}

fn state_of(status: &Status) -> RecipientState {
    if status.is_temporary() { RecipientState::Waiting } else { RecipientState::Refused }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn targets() -> Vec<Address> {
        ["x@b.example", "y@b.example"].map(|text| text.parse().unwrap()).to_vec()
    }

    fn states(outcome: Result<Submission, MailError>) -> (Vec<RecipientState>, Option<Duration>) {
        let verdict = judge(&targets(), outcome);
        let state = |who: &Address| verdict.of.iter().find(|(of, ..)| of == who).map(|(_, state, _)| *state);
        let unknown = RecipientState::Unknown;
        (targets().iter().map(|who| state(who).unwrap_or(unknown)).collect(), verdict.pause)
    }

    #[test]
    fn each_recipient_has_his_own_outcome() {
        use RecipientState::{Accepted, Refused, Unknown, Waiting};
        let [x, y] = <[_; 2]>::try_from(targets()).unwrap();
        let ok = Status::new(250, None, "ok");
        let later = Status::new(450, Some((4, 7, 1)), "Greylisted, try again in 300 seconds");
        let never = Status::new(550, Some((5, 1, 1)), "no such user");
        let submission = |accepted, refused| Ok(Submission::new(accepted, refused, ok.clone()));
        assert_eq!(states(submission(targets(), vec![])).0, [Accepted, Accepted]);
        let five_minutes = Some(Duration::from_mins(5));
        assert_eq!(
            states(submission(vec![y.clone()], vec![(x.clone(), later.clone())])),
            (vec![Waiting, Accepted], five_minutes)
        );
        assert_eq!(states(submission(vec![y], vec![(x.clone(), never.clone())])).0, [Refused, Accepted]);
        let refused = vec![(x, never.clone())];
        assert_eq!(
            states(Err(MailError::RecipientsRefused { operation: "submit", refused })).0,
            [Refused, Waiting]
        );
        let whole =
            |status: &Status| states(Err(MailError::Refused { operation: "submit", status: status.clone() }));
        assert_eq!(whole(&later), (vec![Waiting, Waiting], five_minutes));
        assert_eq!(whole(&never).0, [Refused, Refused]);
        let lost = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(
            states(Err(MailError::Interrupted { operation: "submit", source: lost() })).0,
            [Unknown, Unknown]
        );
        let down =
            MailError::Unavailable { operation: "submit", server: "m.example:465".into(), source: lost() };
        assert_eq!(states(Err(down)).0, [Waiting, Waiting]);
        let invalid = MailError::Invalid { what: "message", problem: "it is none".into() };
        assert_eq!(states(Err(invalid)).0, [Refused, Refused]);
    }
}
