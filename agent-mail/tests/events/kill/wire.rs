//! A mail system that outlives the program: it runs in the test, and the program reaches it over the loopback.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use agent_mail::mail_access::{
    Arrival, Batch, Error as MailError, Login, MailAccess, Outgoing, Position, PostOffice, Received,
    Selection, Status, Submission, Uid,
};
use async_trait::async_trait;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex as AsyncMutex, oneshot};

/// The program's end.
#[derive(Debug)]
pub(crate) struct Remote {
    to: Arc<AsyncMutex<OwnedWriteHalf>>,
    next: AtomicU64,
    open: Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>,
}

impl Remote {
    pub(crate) async fn connect(to: SocketAddr) -> Arc<Self> {
        let (from, to) = TcpStream::connect(to).await.unwrap().into_split();
        let open: Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>> = Arc::default();
        let waiting = open.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(from).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut answer: Value = serde_json::from_str(&line).unwrap();
                let number = answer["number"].as_u64().unwrap();
                if let Some(caller) = waiting.lock().unwrap().remove(&number) {
                    // A caller that was dropped doesn't hear it.
                    let _heard = caller.send(answer["answer"].take());
                }
            }
        });
        Arc::new(Self { to: Arc::new(AsyncMutex::new(to)), next: AtomicU64::new(0), open })
    }

    /// Asks and waits for the answer.
    pub(crate) async fn ask(&self, question: Value) -> Value {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        self.open.lock().unwrap().insert(number, answer);
        let line = format!("{}\n", json!({ "number": number, "question": question }));
        // A half-written line of a dropped caller would spoil all behind it: it is written by a task of its own.
        let to = self.to.clone();
        tokio::spawn(async move { to.lock().await.write_all(line.as_bytes()).await.unwrap() });
        answered.await.unwrap()
    }
}

fn login_of(login: &Login) -> Value {
    json!([login.address().to_string(), login.password().expose_secret()])
}

#[async_trait]
impl MailAccess for Remote {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, MailError> {
        let recipients: Vec<String> = message.recipients().iter().map(ToString::to_string).collect();
        let answer = self
            .ask(json!({
                "submit": login_of(login), "sender": message.sender().to_string(), "recipients": recipients,
                "id": message.message_id().as_str(), "bytes": String::from_utf8(message.bytes().to_vec()).unwrap(),
            }))
            .await;
        assert_eq!(answer, json!("taken"));
        Ok(Submission::new(message.recipients().to_vec(), Vec::new(), Status::new(250, None, "Ok")))
    }

    async fn check_submission(&self, _: &Login) -> Result<(), MailError> {
        Err(MailError::Refused { operation: "check submission", status: Status::new(500, None, "not here") })
    }
    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, MailError> {
        let selection = match selection {
            Selection::After(at) => json!({ "after": at.map(|at| (at.uid_validity, at.uid)) }),
            Selection::Uids(validity, uids) => {
                json!({ "uids": (validity, uids.iter().map(|uid| uid.get()).collect::<Vec<_>>()) })
            }
            Selection::MessageId(id) => json!({ "id": id.as_str() }),
            _ => json!("unseen"),
        };
        let answer =
            self.ask(json!({ "fetch": login_of(login), "selection": selection, "limit": limit })).await;
        let message = |message: &Value| {
            let uid = Uid::new(message[0].as_u64().unwrap().try_into().unwrap()).unwrap();
            let raw = message[1].as_str().unwrap().as_bytes();
            Received::parse(uid, SystemTime::UNIX_EPOCH, false, raw)
        };
        let messages = answer["messages"].as_array().unwrap().iter().map(message).collect();
        let validity = answer["validity"].as_u64().unwrap().try_into().unwrap();
        Ok(Batch::new(validity, messages, answer["more"].as_bool().unwrap()))
    }

    async fn mark_seen(&self, _: &Login, _: u32, _: &[Uid]) -> Result<(), MailError> {
        Err(MailError::Refused { operation: "mark seen", status: Status::new(500, None, "not here") })
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, MailError> {
        let after = (after.uid_validity, after.uid);
        let millis = u64::try_from(at_most.as_millis()).unwrap().min(LONGEST_WAIT);
        let answer = self.ask(json!({ "wait": login_of(login), "after": after, "millis": millis })).await;
        Ok(if answer == json!("new") { Arrival::New } else { Arrival::TimedOut })
    }
}

/// Answers the programs that connect, one after the other; questions that are not mail's go to `other`.
pub(crate) async fn serve(
    listener: TcpListener,
    office: PostOffice,
    other: impl Fn(&Value) -> Value + Clone + Send + Sync + 'static,
) {
    loop {
        let (from, to) = listener.accept().await.unwrap().0.into_split();
        let (office, other, to) = (office.clone(), other.clone(), Arc::new(AsyncMutex::new(to)));
        tokio::spawn(async move {
            let mut lines = BufReader::new(from).lines();
            // What a killed program had written is a whole line or nothing.
            while let Ok(Some(line)) = lines.next_line().await {
                let Ok(asked) = serde_json::from_str::<Value>(&line) else { return };
                let (office, other, to) = (office.clone(), other.clone(), to.clone());
                tokio::spawn(async move {
                    let answer = answer(&office, &asked["question"]).await;
                    let answer = answer.unwrap_or_else(|| other(&asked["question"]));
                    let line = format!("{}\n", json!({ "number": asked["number"], "answer": answer }));
                    // The program may be dead by now.
                    let _told = to.lock().await.write_all(line.as_bytes()).await;
                });
            }
        });
    }
}

async fn answer(office: &PostOffice, asked: &Value) -> Option<Value> {
    let login = |value: &Value| {
        let part = |n: usize| Some(value.get(n)?.as_str()?.to_owned());
        Some(Login::new(part(0)?.parse().ok()?, part(1)?.into()))
    };
    let position = |value: &Value| {
        let part = |n: usize| u32::try_from(value.get(n)?.as_u64()?).ok();
        Some(Position { uid_validity: part(0)?, uid: part(1)? })
    };
    if let Some(login) = login(&asked["submit"]) {
        let text = |name: &str| asked[name].as_str().unwrap().to_owned();
        let recipients = asked["recipients"].as_array().unwrap();
        let recipients = recipients.iter().map(|who| who.as_str().unwrap().parse().unwrap()).collect();
        let (sender, id) = (text("sender").parse().unwrap(), text("id").parse().unwrap());
        let message = Outgoing::restore(sender, recipients, id, text("bytes")).unwrap();
        let taken = office.submit(&login, &message).await.unwrap();
        assert!(taken.refused.is_empty());
        return Some(json!("taken"));
    }
    if let Some(login) = login(&asked["fetch"]) {
        let wanted = &asked["selection"];
        let selection = if let Some((validity, uids)) = wanted["uids"].get(0).zip(wanted["uids"].get(1)) {
            let uids = uids.as_array().unwrap().iter();
            let uids = uids.map(|uid| Uid::new(uid.as_u64().unwrap().try_into().unwrap()).unwrap()).collect();
            Selection::Uids(validity.as_u64().unwrap().try_into().unwrap(), uids)
        } else if let Some(id) = wanted["id"].as_str() {
            Selection::MessageId(id.parse().unwrap())
        } else {
            Selection::After(position(&wanted["after"]))
        };
        let limit = asked["limit"].as_u64().unwrap().try_into().unwrap();
        let batch = office.fetch(&login, &selection, limit).await.unwrap();
        let message = |message: &Received| {
            json!([message.uid().get(), String::from_utf8(message.raw().to_vec()).unwrap()])
        };
        let messages: Vec<Value> = batch.messages.iter().map(message).collect();
        return Some(json!({ "validity": batch.uid_validity, "more": batch.more, "messages": messages }));
    }
    let (login, after) = (login(&asked["wait"])?, position(&asked["after"])?);
    let at_most = Duration::from_millis(asked["millis"].as_u64()?);
    Some(match office.wait(&login, after, at_most).await.unwrap() {
        Arrival::New => json!("new"),
        Arrival::TimedOut => json!("timed out"),
    })
}

/// In milliseconds: a program that is killed leaves its questions open for so long.
const LONGEST_WAIT: u64 = 2000;
