//! How people of the town live: they sleep, write to their friends and to the shop, and answer some of what they get.

use std::time::Duration;

use agent_mail::simulator::{Dice, Simulation};
use agent_mail::{Address, AgentMailbox, NewMessage};
use tokio::time::{sleep, timeout};

pub(crate) const NAMES: [&str; 12] =
    ["ada", "bob", "cleo", "dirk", "elif", "fred", "gus", "hana", "ines", "jo", "kai", "lena"];

pub(crate) fn hours(count: u64) -> Duration {
    Duration::from_secs(3_600 * count)
}

/// Lives without end.
pub(crate) async fn live(mailbox: AgentMailbox, town: Simulation, mut dice: Dice) {
    // Friends are few.
    let others: Vec<&str> = NAMES.into_iter().filter(|name| *name != mailbox.id().as_str()).collect();
    let friends: Vec<&str> = (0..3).filter_map(|_| dice.pick(&others).copied()).collect();
    let mut events = mailbox.events();
    loop {
        let hour = town.elapsed().as_secs() / 3_600 % 24;
        if !(7..22).contains(&hour) {
            sleep(dice.between(hours(1), hours(3))).await;
            continue;
        }
        match timeout(dice.between(hours(1) / 3, hours(6)), events.next()).await {
            Ok(Some(Ok(event))) => {
                if let Some(message) = event.received()
                    && dice.happens(0.6)
                {
                    // An answer that the weather swallows is no tragedy here.
                    drop(mailbox.reply(message, "Indeed!").await);
                }
                drop(event.ack().await);
            }
            Ok(_) => return,
            Err(_) => {
                let to = if dice.happens(0.1) {
                    "shop@market.example".to_owned()
                } else {
                    format!("{}@town.example", dice.pick(&friends).unwrap_or(&"ada"))
                };
                let Ok(to) = to.parse::<Address>() else { continue };
                let letter = NewMessage::to(to).with_subject("News").with_text("Have you heard?");
                drop(mailbox.send(letter).await);
            }
        }
    }
}
