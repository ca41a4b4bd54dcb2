//! A list of mailboxes in YAML, brought into being by plan.
//!
//! Usage: `cargo run --example mail_list -- plan [FILE] | apply [FILE] | offboard ADDRESS`
//!
//! Without FILE it takes the list below, though not to a real world. It ends with 0 if there was nothing to do, with 2 if there are changes (`plan`) or
//! changes were made (`apply`, `offboard`), and with 1 after an error. Without a command it shows all of it in a world in
//! memory, whatever the environment says, and ends with 0.
//!
//! The world is embedded and ends with the program; with `MAIL_LIST_DIR`, a folder, it is remembered there, so that a second
//! `apply` finds nothing to do. With `MAILCOW_API_URL` it is a real one: see `world.rs` for what the environment says.

#[path = "../program.rs"]
mod program;
mod world;

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use agent_mail::Address;
use agent_mail::mail_list::{ListedDomain, MailList};
use indicatif::{ProgressBar, ProgressStyle};
use program::Vars;
use world::World;

const EXAMPLE: &str = "\
domains:
  - name: shop.example
    users:
      - ada
      - name: bob
        display_name: Bob Builder
        quota_mib: 512
  - name: blog.example
    users: [cleo@blog.example]
";

/// What a command found or did, as the exit code says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    NothingToDo = 0,
    Changes = 2,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = run(&arguments, &program::variable, &mut std::io::stdout()).await;
    program::end(ended.map(|outcome| ExitCode::from(outcome as u8)))
}

async fn run(arguments: &[&str], vars: Vars<'_>, out: &mut impl Write) -> Result<Outcome, Box<dyn Error>> {
    match arguments {
        [] => show(&World::in_memory()?, out).await,
        ["plan" | "apply"] if World::is_real(vars)? => {
            Err("name the FILE with the list: the one of this example is not for a real world".into())
        }
        ["plan", file @ ..] if file.len() < 2 => {
            let list = read(file)?;
            plan(&World::open(vars).await?, &list, out).await
        }
        ["apply", file @ ..] if file.len() < 2 => {
            let list = read(file)?;
            apply(&World::open(vars).await?, &list, out).await
        }
        ["offboard", address] => {
            let address: Address = address.parse()?;
            offboard(&World::open(vars).await?, &address, out).await
        }
        _ => Err("usage: mail_list plan [FILE] | apply [FILE] | offboard ADDRESS".into()),
    }
}

/// The whole of the list is checked before anything is sent.
fn read(file: &[&str]) -> Result<MailList, Box<dyn Error>> {
    let Some(path) = file.first() else { return Ok(EXAMPLE.parse()?) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path} can't be read: {error}"))?;
    text.parse::<MailList>().map_err(|error| format!("{path} is no list of mailboxes\n{error}").into())
}

async fn plan(world: &World, list: &MailList, out: &mut impl Write) -> Result<Outcome, Box<dyn Error>> {
    let plan = world.roster()?.plan(list).await?;
    writeln!(out, "{plan}")?;
    Ok(if plan.is_empty() { Outcome::NothingToDo } else { Outcome::Changes })
}

async fn apply(world: &World, list: &MailList, out: &mut impl Write) -> Result<Outcome, Box<dyn Error>> {
    let roster = world.roster()?;
    let plan = roster.plan(list).await?;
    let bar = progress_bar(plan.steps().count());
    let applied = roster
        .apply_with(&plan, |progress| {
            bar.set_message(progress.step.subject());
            bar.set_position(progress.done as u64);
        })
        .await;
    bar.finish_and_clear();
    world.remember(list.domains().iter().map(ListedDomain::name)).await?;
    for applied in applied? {
        writeln!(out, "{applied}")?;
    }
    Ok(if plan.is_empty() { Outcome::NothingToDo } else { Outcome::Changes })
}

async fn offboard(world: &World, address: &Address, out: &mut impl Write) -> Result<Outcome, Box<dyn Error>> {
    let gone = world.roster()?.offboard(address).await;
    world.remember([address.domain()]).await?;
    let gone = gone?;
    writeln!(out, "{gone}")?;
    if gone.steps.is_empty() {
        return Ok(Outcome::NothingToDo);
    }
    writeln!(out, "take {address} out of the list too, or the next apply makes it anew")?;
    Ok(Outcome::Changes)
}

/// Goes through all of it once.
async fn show(world: &World, out: &mut impl Write) -> Result<Outcome, Box<dyn Error>> {
    let list: MailList = EXAMPLE.parse()?;
    writeln!(out, "The list:\n\n{EXAMPLE}\nWhat has to be done:\n")?;
    plan(world, &list, out).await?;
    writeln!(out, "\nIt is done:\n")?;
    apply(world, &list, out).await?;
    writeln!(out, "\nA second plan:\n")?;
    let again = plan(world, &list, out).await?;
    writeln!(out, "\nBob leaves:\n")?;
    offboard(world, &"bob@shop.example".parse()?, out).await?;
    writeln!(out, "\nA list with mistakes:\n")?;
    let wrong = "domains:\n  - name: shop.example\n    users: [Ada, bob, bob]\n    owner: me\n";
    if let Err(error) = wrong.parse::<MailList>() {
        writeln!(out, "{error}")?;
    }
    Ok(again)
}

/// A bar on a terminal, and nothing elsewhere.
fn progress_bar(steps: usize) -> ProgressBar {
    if steps == 0 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(steps as u64);
    bar.set_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcome(
        arguments: &[&str],
        folder: Option<&std::path::Path>,
    ) -> Result<(Outcome, String), String> {
        let vars =
            |name: &str| folder.filter(|_| name == "MAIL_LIST_DIR").map(|path| path.display().to_string());
        let mut out = Vec::new();
        let outcome = run(arguments, &vars, &mut out).await.map_err(|error| error.to_string())?;
        Ok((outcome, String::from_utf8(out).map_err(|error| error.to_string())?))
    }

    #[tokio::test]
    async fn a_second_run_has_nothing_to_do() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let folder = Some(folder.path());
        let steps: [(&[&str], Outcome); 9] = [
            (&["plan"], Outcome::Changes),
            (&["plan"], Outcome::Changes),
            (&["apply"], Outcome::Changes),
            (&["plan"], Outcome::NothingToDo),
            (&["apply"], Outcome::NothingToDo),
            (&["offboard", "bob@shop.example"], Outcome::Changes),
            (&["offboard", "bob@shop.example"], Outcome::NothingToDo),
            (&["plan"], Outcome::Changes),
            (&["offboard", "nobody@elsewhere.example"], Outcome::NothingToDo),
        ];
        for (n, (arguments, wanted)) in steps.into_iter().enumerate() {
            let (found, told) = outcome(arguments, folder).await?;
            assert_eq!(found, wanted, "{n} {arguments:?}: {told}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_list_with_mistakes_is_refused_with_their_places() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("list.yml");
        std::fs::write(&path, "domains:\n  - name: shop.example\n    users: [ada, Bob]\n")?;
        let path = path.display().to_string();
        for command in ["plan", "apply"] {
            let error = outcome(&[command, &path], None).await.unwrap_err();
            assert!(error.contains("line 3, column 18: \"Bob\" is no user"), "{error}");
        }
        for wrong in [&["apply", "/no/such/list"][..], &["offboard", "nobody"], &["offboard"], &["remove"]] {
            assert!(outcome(wrong, None).await.is_err(), "{wrong:?}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn half_of_what_a_real_world_needs_is_refused_before_anything_is_sent() {
        let cases: [(&[&str], &str); 4] = [
            (&["MAILCOW_API_KEY"], "not set: AGENT_MAIL_STATE_DIR, MAILCOW_API_URL, MAILCOW_HOSTNAME"),
            (&["DESEC_TOKEN"], "not set: AGENT_MAIL_STATE_DIR, DESEC_DOMAIN, MAILCOW_API_KEY"),
            (&["MAILCOW_API_URL", "MAIL_LIST_DIR"], "not set: AGENT_MAIL_STATE_DIR, MAILCOW_API_KEY"),
            (&["MAILCOW_API_URL", "MAILCOW_API_KEY", "MAILCOW_HOSTNAME"], "not set: AGENT_MAIL_STATE_DIR"),
        ];
        for (set, told) in cases {
            let vars = |name: &str| set.contains(&name).then(|| "https://192.0.2.1".to_owned());
            let error = run(&["apply"], &vars, &mut Vec::new()).await.unwrap_err().to_string();
            assert!(error.contains(told) && !error.contains("192.0.2.1"), "{error}");
        }
    }

    /// Its domains are nobody's, or somebody else's.
    #[tokio::test]
    async fn the_list_of_the_example_never_gets_to_a_real_world() -> Result<(), Box<dyn Error>> {
        let vars = |name: &str| match name {
            "MAILCOW_API_URL" => Some("https://127.0.0.1:1".to_owned()),
            "MAILCOW_API_KEY" | "AGENT_MAIL_STATE_DIR" => Some("/dev/null/nowhere".to_owned()),
            "MAILCOW_HOSTNAME" => Some("mail.example.org".to_owned()),
            _ => None,
        };
        assert_eq!(run(&[], &vars, &mut Vec::new()).await?, Outcome::NothingToDo, "it is shown in memory");
        for command in ["plan", "apply"] {
            let error = run(&[command], &vars, &mut Vec::new()).await.unwrap_err();
            assert!(error.to_string().starts_with("name the FILE"), "{error}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn without_a_command_it_shows_itself() -> Result<(), Box<dyn Error>> {
        let (outcome, told) = outcome(&[], None).await?;
        assert_eq!(outcome, Outcome::NothingToDo);
        assert!(told.contains("+ mailbox ada@shop.example") && told.contains("nothing to do"), "{told}");
        Ok(())
    }

    #[test]
    fn exit_codes_are_those_of_the_table() {
        assert_eq!((Outcome::NothingToDo as u8, Outcome::Changes as u8), (0, 2));
    }
}
