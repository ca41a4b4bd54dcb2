//! A mailbox goes into files and comes back out of them, each message checked by its SHA-256.
//!
//! Usage: `cargo run --example export_mailbox [-- DIRECTORY]`
//!
//! It fills a mailbox in memory, exports it as mbox and as Maildir, removes the mailbox, makes it anew, imports it from
//! either, and shows that all of it is there again: bytes, folders, flags and dates. With a directory the files stay
//! there, to be looked at with other mail programs. The same calls work on every `MessageStore`.

use std::error::Error;
use std::path::PathBuf;

use mail_access::{Archive, Flag, FolderName, Login, MessageStore, PostOffice, Selection};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let kept = std::env::args().nth(1).map(PathBuf::from);
    let directory = kept
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("export-mailbox-{}", std::process::id())));
    let office = PostOffice::new();
    office.add_domain("agents.example".parse()?);
    let ada = Login::new("ada@agents.example".parse()?, "a password".into());
    open(&office, &ada)?;
    fill(&office, &ada).await?;
    let before = contents(&office, &ada).await?;

    for (name, archive) in [
        ("mbox", Archive::mbox(directory.join("mbox"))),
        ("maildir", Archive::maildir(directory.join("maildir"))),
    ] {
        let exported = archive.export(&office, &ada).await?;
        let again = archive.export(&office, &ada).await?;
        let verified = archive.verify().await?;
        println!("{name}: {} messages written, {} when asked again", exported.added, again.added);
        println!(
            "  {} messages of {} bytes in {} folders are as they were",
            verified.messages, verified.bytes, verified.folders
        );

        office.remove_mailbox(ada.address())?;
        open(&office, &ada)?;
        let imported = archive.import(&office, &ada).await?;
        let again = archive.import(&office, &ada).await?;
        println!("  {} messages filed in an empty mailbox, {} when asked again", imported.added, again.added);
        if contents(&office, &ada).await? != before {
            return Err("the mailbox is another one".into());
        }
        println!("  the mailbox is the same as before, to the byte");
    }
    if kept.is_none() {
        std::fs::remove_dir_all(&directory)?;
    }
    Ok(())
}

fn open(office: &PostOffice, login: &Login) -> Result<(), Box<dyn Error>> {
    office.add_mailbox(login.address(), login.password().clone(), 0)?;
    Ok(())
}

async fn fill(office: &PostOffice, ada: &Login) -> Result<(), Box<dyn Error>> {
    let projects: FolderName = "Projects/Entw\u{fc}rfe".parse()?;
    office.create_folder(ada, &projects).await?;
    let letters: [(&FolderName, &[u8], &[Flag]); 3] = [
        (
            &FolderName::inbox(),
            b"Subject: tricky\r\n\r\nFrom here on it looks like an mbox.\r\n",
            &[Flag::Seen],
        ),
        (&FolderName::inbox(), b"Subject: no line end\r\n\r\nthe last line has none", &[]),
        (&projects, b"Subject: plan\r\n\r\n1. dream\r\n", &[Flag::Flagged, Flag::keyword("$Forwarded")?]),
    ];
    for (folder, letter, flags) in letters {
        office.append(ada, folder, letter, flags, None).await?;
    }
    Ok(())
}

/// Describes all that the mailbox holds.
async fn contents(office: &PostOffice, login: &Login) -> Result<Vec<String>, Box<dyn Error>> {
    let mut contents = Vec::new();
    for folder in office.folders(login).await?.into_iter().filter(|folder| folder.selectable) {
        contents.push(folder.name.to_string());
        for entry in office.list(login, &folder.name, &Selection::After(None)).await?.entries {
            let at = mail_access::Position {
                uid_validity: office.status(login, &folder.name).await?.uid_validity,
                uid: entry.uid.get(),
            };
            let bytes = office.read(login, &folder.name, at, 0..entry.size).await?;
            contents.push(format!(
                "{:?} {:?} {:?}",
                entry.flags,
                entry.internal_date,
                String::from_utf8_lossy(&bytes)
            ));
        }
    }
    Ok(contents)
}
