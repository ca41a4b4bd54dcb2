//! Mail from agent to agent that never leaves the process looks as if it had.

use std::time::SystemTime;

use agent_mail::backend::TimeAndChance;
use agent_mail::mail_access::TrustedServer;
use agent_mail::safety::{Admission, InboundCheck, Letter, OutboundCheck, Ruling};
use agent_mail::{Inbound, ShortWay};
use proptest::prelude::*;

use super::faulty::{Pausing, drop_after};
use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_short_way_brings_the_same_bytes_and_the_same_events(
        subject in "[ -~äöü€]{0,40}",
        text in "([ -~äö€]{0,90}\n){0,5}",
        html in proptest::option::of("<p>[a-zä ]{0,30}</p>"),
        blind in any::<bool>(),
        recipients in 1..4_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let outcome = |policy| {
            let (subject, text, html) = (subject.clone(), text.clone(), html.clone());
            runtime.block_on(async move {
                let world = world();
                let builder = world.system().time_and_chance(Arc::new(Fixed::default()));
                let mail = builder.trusted_server(TrustedServer::new("mail.invalid")).build().unwrap();
                let fleet = Fleet::builder(mail.clone()).short_way(policy).start().await.unwrap();
                let sender = provision(&mail, "sender").await;
                let mut message = NewMessage::to(provision(&mail, "to-0").await.contact()).with_subject(subject).with_text(text);
                for n in 1..recipients {
                    let contact = provision(&mail, &format!("to-{n}")).await.contact();
                    message = if blind { message.with_bcc(contact) } else { message.with_cc(contact) };
                }
                if let Some(html) = html {
                    message = message.with_html(html);
                }
                let receipt = sender.send(message).await.unwrap();
                let short = mail.open(&id("to-0")).await.unwrap().fetch_unseen(1).await.unwrap().is_empty();
                let mut events = fleet.events();
                let mut came = Vec::new();
                for _ in 0..recipients {
                    let event = next(&mut events).await;
                    let message = event.received().unwrap();
                    let verified = message.verified_from().map(ToString::to_string);
                    came.push((event.mailbox().id().clone(), masked(message.raw().expose()), event.is_redelivery(), verified));
                    event.ack().await.unwrap();
                }
                assert!(timeout(Duration::from_hours(1), events.next()).await.is_err());
                came.sort();
                (receipt, came, short)
            })
        };
        let (long, short) = (outcome(ShortWay::Never), outcome(ShortWay::WithinFleet));
        prop_assert_eq!(&long.0, &short.0);
        prop_assert_eq!(&long.1, &short.1);
        prop_assert!(!long.2 && short.2, "one went by the mail system, the other did not");
        prop_assert!(long.1.iter().all(|(.., verified)| verified.is_some()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_the_short_way_is_judged_and_lasts_until_it_is_acknowledged() {
    let world = world();
    let run = || {
        let builder = world.system().outbound_check(Arc::new(Words)).inbound_check(Arc::new(Words));
        builder.build().unwrap()
    };
    let mail = run();
    let fleet = Fleet::builder(mail.clone()).short_way(ShortWay::WithinFleet).start().await.unwrap();
    let (ada, bob) = (provision(&mail, "ada").await, provision(&mail, "bob").await);
    let refused = ada.send(NewMessage::to(bob.address()).with_subject("secret")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    send(&ada, &bob, "spam").await;
    send(&ada, &bob, "flagged").await;
    send(&ada, &bob, "plain").await;
    // One recipient elsewhere sends all of it the long way.
    let both = NewMessage::to(bob.address())
        .with_cc("eve@elsewhere.example".parse::<agent_mail::Address>().unwrap());
    ada.send(both.with_subject("to both")).await.unwrap();
    assert_eq!(bob.fetch_unseen(10).await.unwrap().len(), 1);

    let mut events = fleet.events();
    let mut flagged = next(&mut events).await;
    while flagged.mailbox().id() != bob.id() {
        // That nobody is there at elsewhere.example.
        flagged = next(&mut events).await;
    }
    assert_eq!(
        (subject(&flagged).as_str(), flagged.received().unwrap().flags()),
        ("flagged", &["seen".to_owned()][..])
    );
    drop((events, fleet, mail, ada, bob, flagged));

    // The process ended before anything was acknowledged; in the next one any stream hands it out.
    let mail = run();
    let bob = mail.open(&id("bob")).await.unwrap();
    let mut events = bob.events();
    let mut came = Vec::new();
    for _ in 0..3 {
        let event = timeout(Duration::from_mins(1), events.next()).await.unwrap().unwrap().unwrap();
        came.push((subject(&event), event.is_redelivery()));
        event.ack_with(Effects::new().with_note("last", subject(&event))).await.unwrap();
        assert_eq!(event.ack_with(Effects::new()).await.unwrap_err().kind(), ErrorKind::Stale);
    }
    let expected = [("flagged", true), ("plain", false), ("to both", false)];
    assert_eq!(came, expected.map(|(what, again)| (what.to_owned(), again)));
    assert_eq!(bob.note("last").await.unwrap().unwrap(), b"to both");
    assert!(timeout(Duration::from_hours(1), events.next()).await.is_err());
}

/// A program ends anywhere between the call and its end; the next one makes the call again, the short way or the long one,
/// before or after the recipient has read, and acknowledged, what came of the first.
#[tokio::test(start_paused = true)]
async fn what_is_sent_again_after_a_crash_comes_once_to_each() {
    let mut ends = 0;
    for (reads, acks, policy) in [
        (false, false, ShortWay::WithinFleet),
        (true, false, ShortWay::WithinFleet),
        (true, true, ShortWay::WithinFleet),
        (false, false, ShortWay::Never),
        (true, false, ShortWay::Never),
        (true, true, ShortWay::Never),
    ] {
        for times in 1.. {
            let (world, kept) = (world(), Arc::new(MemoryState::default()));
            let run = || world.system().state(Pausing::once(kept.clone())).build().unwrap();
            let mail = run();
            let fleet = Fleet::builder(mail.clone()).short_way(ShortWay::WithinFleet).start().await.unwrap();
            let sender = provision(&mail, "sender").await;
            let (one, two) = (provision(&mail, "one").await, provision(&mail, "two").await);
            let message = NewMessage::to(one.address()).with_cc(two.address()).with_subject("once");
            let first = drop_after(times, sender.send_once("key", message.clone()), async || {}).await;
            let mut unmarked = 0;
            if reads {
                let mut events = fleet.events();
                while let Ok(Some(event)) = timeout(Duration::from_mins(1), events.next()).await {
                    unmarked += usize::from(!event.is_redelivery());
                    if acks {
                        event.ack().await.unwrap();
                    }
                }
            }
            drop((fleet, mail, one, two, sender));
            // What a dropped call had begun to write is brought to its end meanwhile.
            tokio::time::sleep(Duration::from_secs(1)).await;

            let mail = run();
            let fleet = Fleet::builder(mail.clone()).short_way(policy).start().await.unwrap();
            let sender = mail.open(&id("sender")).await.unwrap();
            let receipt = sender.send_once("key", message).await.unwrap();
            assert_eq!((receipt.accepted.len(), receipt.refused.len()), (2, 0));
            let mut events = fleet.events();
            let mut came = Vec::new();
            while let Ok(Some(event)) = timeout(Duration::from_mins(1), events.next()).await {
                unmarked += usize::from(!event.is_redelivery());
                came.push(event.mailbox().id().as_str().to_owned());
                event.ack().await.unwrap();
            }
            came.sort();
            let already = acks && unmarked == 2 && came.is_empty();
            assert!(already || came == ["one", "two"], "dropped after {times}, {reads} {acks}: {came:?}");
            assert_eq!(unmarked, 2, "dropped after {times}, {reads} {acks}");
            if first.is_some() {
                ends += 1;
                break;
            }
        }
    }
    assert_eq!(ends, 6, "each was swept to its end");
}

/// A second copy of what was handed out and not acknowledged is marked, whichever way it comes.
#[tokio::test(start_paused = true)]
async fn a_copy_by_the_mail_system_of_what_came_the_short_way_is_marked() {
    for reads_first in [false, true] {
        let world = world();
        let mail = world.system().build().unwrap();
        let fleet = Fleet::builder(mail.clone()).short_way(ShortWay::WithinFleet).start().await.unwrap();
        let (ada, bob) = (provision(&mail, "ada").await, provision(&mail, "bob").await);
        let receipt = ada.send(NewMessage::to(bob.address()).with_subject("twice")).await.unwrap();
        let mut events = fleet.events();
        let first = if reads_first { Some(next(&mut events).await) } else { None };
        let copy = NewMessage::to(bob.address()).with_subject("twice");
        let copy = copy.seal_as(&ada.contact(), receipt.message_id, SystemTime::now()).unwrap();
        world.post_office().receive(&copy).await.unwrap();
        let first = match first {
            Some(first) => first,
            None => next(&mut events).await,
        };
        assert!(!first.is_redelivery());
        assert!(next(&mut events).await.is_redelivery());
    }
}

#[derive(Debug)]
struct Words;

#[async_trait]
impl OutboundCheck for Words {
    fn name(&self) -> &'static str {
        "words"
    }
    async fn check(&self, letter: &Letter) -> Result<Ruling, Error> {
        let is_secret = letter.message.subject().contains("secret");
        Ok(if is_secret { Ruling::Refuse("it is secret".into()) } else { Ruling::Pass })
    }
}

#[async_trait]
impl InboundCheck for Words {
    async fn check(&self, _: &AgentId, message: &Inbound) -> Result<Admission, Error> {
        Ok(match message.subject().expose() {
            "spam" => Admission::Drop("spam".into()),
            "flagged" => Admission::Flag("seen".into()),
            _ => Admission::Deliver,
        })
    }
}

/// The same times and the same dice each time.
#[derive(Debug, Default)]
struct Fixed(Mutex<u8>);

impl TimeAndChance for Fixed {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
    }

    fn fill(&self, bytes: &mut [u8]) {
        let mut last = self.0.lock().unwrap();
        for byte in bytes {
            *last = last.wrapping_add(41);
            *byte = *last;
        }
    }
}

/// A message without what differs between any two of the same kind: when it came, its number in the
/// queue, and what divides its parts.
fn masked(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let (header, body) = text.split_once("\r\n\r\n").unwrap();
    let unfolded = header.replace("\r\n\t", " ");
    let lines = unfolded.split("\r\n").map(|line| {
        if !line.starts_with("Received:") {
            return line.to_owned();
        }
        let (trace, _date) = line.rsplit_once(';').unwrap();
        let words = trace.split(' ').scan("", |before, word| {
            let shown = if *before == "id" { "QUEUE" } else { word };
            *before = word;
            Some(shown)
        });
        words.collect::<Vec<_>>().join(" ")
    });
    let masked = lines.collect::<Vec<_>>().join("\r\n") + "\r\n\r\n" + body;
    // Its maker threw dice of its own for it.
    let boundary =
        masked.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned);
    boundary.map_or(masked.clone(), |boundary| masked.replace(&boundary, "BOUNDARY"))
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(24)
}
