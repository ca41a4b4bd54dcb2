//! A program is killed in the middle of its backups, again and again: the archives that were finished stay good.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use agent_mail::EncryptionKey;
use agent_mail::backup::Backups;
use agent_mail::mail_access::{FolderName, Login, MessageStore, PostOffice};
use secrecy::ExposeSecret;

#[test]
fn a_killed_program_leaves_the_archives_that_were_finished() {
    let folder = tempfile::tempdir().unwrap();
    let key = EncryptionKey::generate();
    let backups = Backups::open(folder.path(), key.clone()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut told = 0;
    for round in 0..12_u64 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "the_program_that_is_killed", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .env(KEY, key.identity().unwrap().expose_secret())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Kills at many points of an archive, wherever it happens to be: what is proven holds at each.
        for line in lines
            .by_ref()
            .map(Result::unwrap)
            .filter(|line| line.contains(DONE))
            .take(1 + (round % 2) as usize)
        {
            assert!(line.contains(DONE));
            told += 1;
        }
        std::thread::sleep(Duration::from_micros(900 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        told += lines.map_while(Result::ok).filter(|line| line.contains(DONE)).count();

        runtime.block_on(async {
            let (office, ada) = (office(), ada());
            office.add_mailbox(ada.address(), ada.password().clone(), 0).unwrap();
            let archives = backups.archives(ada.address()).await.unwrap();
            assert!(archives.len() >= told, "{} archives of {told} that were finished", archives.len());
            for archive in &archives {
                backups.verify(archive).await.unwrap();
            }
            let last = archives.last().unwrap();
            assert_eq!(backups.restore(last, &office, &ada).await.unwrap().added, MESSAGES);
        });
    }
    // The next backup clears away what was left half done.
    runtime.block_on(async {
        let office = office();
        office.add_mailbox(ada().address(), ada().password().clone(), 0).unwrap();
        backups.back_up(&office, &ada()).await.unwrap();
        let archives = backups.archives(ada().address()).await.unwrap().len();
        let files = std::fs::read_dir(folder.path().join("ada@agents.example")).unwrap().count();
        assert_eq!(files, 2 * archives + 1, "an archive and a manifest each, and the lock");
    });
}

/// Does nothing unless the other test has started it as a program of its own.
#[test]
fn the_program_that_is_killed() {
    let (Ok(folder), Ok(key)) = (env::var(FOLDER), env::var(KEY)) else { return };
    let backups = Backups::open(folder, EncryptionKey::from_identity(&key.into()).unwrap()).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let (office, ada) = (office(), ada());
        office.add_mailbox(ada.address(), ada.password().clone(), 0).unwrap();
        for n in 0..MESSAGES {
            let letter = format!("Subject: letter {n}\r\n\r\n{}\r\n", "x".repeat(70));
            office.append(&ada, &FolderName::inbox(), letter.as_bytes(), &[], None).await.unwrap();
        }
        loop {
            backups.back_up(&office, &ada).await.unwrap();
            println!("{DONE}");
        }
    });
}

fn office() -> PostOffice {
    let office = PostOffice::new();
    office.add_domain("agents.example".parse().unwrap());
    office
}

fn ada() -> Login {
    Login::new("ada@agents.example".parse().unwrap(), "a password".into())
}

const MESSAGES: u64 = 60;
const DONE: &str = "an archive is finished";
const FOLDER: &str = "BACKUPS_OF_THE_KILLED";
const KEY: &str = "KEY_OF_THE_KILLED";
