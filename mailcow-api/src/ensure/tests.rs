use std::sync::Mutex;

use super::*;

/// A server on which a change has effect only as scripted: what is left of the fields after each, or that it is gone.
struct Script {
    left: Mutex<Vec<&'static str>>,
    changes: Mutex<Vec<Change>>,
    is_gone: Mutex<bool>,
}

/// What is left after a change (nothing at all if the object is gone), and whether its outcome is in doubt.
type Change = (Option<Vec<&'static str>>, bool);

impl Script {
    fn new(left: &[&'static str], changes: &[(Option<&[&'static str]>, bool)]) -> Self {
        let changes = changes.iter().rev().map(|(left, doubt)| (left.map(<[_]>::to_vec), *doubt)).collect();
        Self { left: Mutex::new(left.to_vec()), changes: Mutex::new(changes), is_gone: Mutex::default() }
    }

    async fn run(&self) -> Result<Ensured<Vec<&'static str>>, Error> {
        let client = Client::builder("https://mail.example.com", "KEY".into()).build().unwrap();
        let done = converge(&client, self).await;
        assert!(self.changes.lock().unwrap().is_empty(), "fewer changes were made than expected");
        done
    }
}

impl Wish for Script {
    type Found = Vec<&'static str>;

    async fn read(&self, _: &Client) -> Result<Option<Self::Found>, Error> {
        Ok((!*self.is_gone.lock().unwrap()).then(|| self.left.lock().unwrap().clone()))
    }

    async fn create(&self, _: &Client) -> Result<(), Error> {
        Err(missing("add/script", "script"))
    }

    fn differs(&self, found: &Self::Found) -> Vec<&'static str> {
        found.clone()
    }

    async fn change(&self, _: &Client, found: &Self::Found, fields: &[&'static str]) -> Result<(), Error> {
        assert_eq!(found, fields);
        let (left, doubt) = self.changes.lock().unwrap().pop().expect("no further change is expected");
        match left {
            Some(left) => *self.left.lock().unwrap() = left,
            None => *self.is_gone.lock().unwrap() = true,
        }
        let (subject, reason) = ("script".to_owned(), "as scripted".to_owned());
        let error = Error::Unknown { operation: "edit/script", subject, reason, source: None };
        if doubt { Err(error) } else { Ok(()) }
    }
}

#[tokio::test]
async fn what_the_server_confirms_and_does_not_do_is_tried_once_and_told() {
    let done = Script::new(&["a", "b"], &[(Some(&["b"]), false), (Some(&["b"]), false)]).run().await.unwrap();
    assert_eq!((done.outcome(), &done.differs), (Outcome::Changed(&["a"]), &vec!["b"]));
    let done = Script::new(&["a"], &[(Some(&["a"]), false)]).run().await.unwrap();
    assert_eq!((done.outcome(), &done.differs), (Outcome::Unchanged, &vec!["a"]));
}

#[tokio::test]
async fn after_a_doubt_the_rest_is_done_as_long_as_something_was() {
    let done = Script::new(&["a", "b"], &[(Some(&["b"]), true), (Some(&[]), true)]).run().await.unwrap();
    assert_eq!(done.outcome(), Outcome::Changed(&["a", "b"]));
    let error =
        Script::new(&["a", "b"], &[(Some(&["b"]), true), (Some(&["b"]), true)]).run().await.unwrap_err();
    assert!(error.outcome_unknown());
}

#[tokio::test]
async fn what_is_gone_or_was_never_there_is_an_error() {
    let error = Script::new(&["a"], &[(None, false)]).run().await.unwrap_err();
    assert_eq!(error.code(), "unexpected_answer");
    assert!(Script::new(&["a"], &[(None, true)]).run().await.unwrap_err().outcome_unknown());
    let absent = Script::new(&[], &[]);
    *absent.is_gone.lock().unwrap() = true;
    assert_eq!(absent.run().await.unwrap_err().code(), "object_doesnt_exist");
}

#[test]
fn outcomes_are_told_in_words() {
    let words =
        [Outcome::Created, Outcome::Changed(&["quota", "tags"]), Outcome::Unchanged].map(|o| o.to_string());
    assert_eq!(words, ["created", "changed quota, tags", "unchanged"]);
}
