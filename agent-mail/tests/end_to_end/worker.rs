//! A program that is killed in the middle of its work, and started again.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use agent_mail::{AgentMail, AgentMailbox, NewMessage};

use crate::program;
use crate::world::World;

/// Names the file in which the program notes what it handled; that it is set makes this process the program.
pub(crate) const REPORT: &str = "AGENT_MAIL_E2E_REPORT";

/// Sends a batch and handles it, as far as that was not done by an earlier run.
pub(crate) fn main(report: &str) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(work(Path::new(report)))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the program failed: {error:?}");
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn killed_and_started_again(world: &World) {
    // The first batch is all handled; the second is what the program is killed in.
    world.runtime.block_on(async { program::exchange(&world.agent_mail()).await });
    let report = world.folder().join("report");
    for kill_at in KILLS {
        let mut program = start(world, &report);
        let deadline = Instant::now() + LIMIT;
        while handled(&report).len() < kill_at {
            assert!(Instant::now() < deadline, "the program does not get to {kill_at} in time");
            assert!(program.try_wait().unwrap().is_none(), "the program ended before it was killed");
            std::thread::sleep(Duration::from_millis(2));
        }
        // On Unix this is SIGKILL: the program has no say in it.
        program.kill().unwrap();
        program.wait().unwrap();
    }
    let mut last = start(world, &report);
    let deadline = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = last.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            last.kill().unwrap();
            panic!("the program does not end in time");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success(), "the last run ends well");

    let mut times: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for (subject, redelivery) in handled(&report) {
        times.entry(subject).or_default().push(redelivery);
    }
    let all: Vec<String> = (0..BATCH).map(subject).collect();
    assert_eq!(times.keys().cloned().collect::<Vec<_>>(), all, "nothing is lost");
    for (subject, told) in &times {
        assert!(
            told[1..].iter().all(|redelivery| *redelivery),
            "{subject} was handled again untold: {told:?}"
        );
    }
}

async fn work(report: &Path) -> Result<(), Box<dyn Error>> {
    let mail = AgentMail::from_env()?;
    let ada = mail.open(&"ada".parse()?).await?;
    let bob = mail.open(&"Bøb".parse()?).await?;
    tokio::try_join!(send(&ada, &bob), handle(&bob, report))?;
    Ok(())
}

async fn send(ada: &AgentMailbox, bob: &AgentMailbox) -> Result<(), Box<dyn Error>> {
    for n in 0..BATCH {
        let message = NewMessage::to(bob.contact()).with_subject(subject(n)).with_text("to be handled once");
        ada.send_once(&format!("batch/{n}"), message).await?;
    }
    Ok(())
}

async fn handle(bob: &AgentMailbox, report: &Path) -> Result<(), Box<dyn Error>> {
    let mut done: std::collections::BTreeSet<String> =
        handled(report).into_iter().map(|(subject, _)| subject).collect();
    let mut file = OpenOptions::new().create(true).append(true).open(report)?;
    let mut events = bob.events();
    while done.len() < BATCH {
        let event = events.next().await.ok_or("the stream of events has ended")??;
        let Some(message) = event.received() else { continue };
        note(&mut file, message.subject().expose(), event.is_redelivery())?;
        done.insert(message.subject().expose().to_owned());
        event.ack().await?;
    }
    Ok(())
}

/// The effect of handling a message: one line, written with one call.
fn note(file: &mut File, subject: &str, redelivery: bool) -> std::io::Result<()> {
    file.write_all(format!("{subject} {redelivery}\n").as_bytes())
}

fn handled(report: &Path) -> Vec<(String, bool)> {
    let text = std::fs::read_to_string(report).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.map(|(subject, redelivery)| (subject.to_owned(), redelivery == "true")).collect()
}

fn start(world: &World, report: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .env_clear()
        .envs(world.environment())
        .env(REPORT, report)
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

fn subject(n: usize) -> String {
    format!("mail-{n:03}")
}

const BATCH: usize = 40;
/// How many messages are handled when the program is killed.
const KILLS: [usize; 4] = [1, 7, 15, 28];
const LIMIT: Duration = Duration::from_mins(1);
