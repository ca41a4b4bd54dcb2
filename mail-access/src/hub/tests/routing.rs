use std::collections::HashMap;

use super::*;

/// A generator of its own, so that a run is the same for the same seed, and fast for 10^5 mails.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // Xorshift; it only has to be varied.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.roll(all.len())]
    }

    fn in_any_case(&mut self, text: &str) -> String {
        let turned = |c: char, turn| if turn { c.to_ascii_uppercase() } else { c };
        text.chars().map(|c| turned(c, self.roll(3) == 0)).collect()
    }
}

fn name(number: usize) -> Address {
    // Every seventh has a tagged address of its own beside it.
    let local = if number % 7 == 1 { format!("agent-{}+own", number - 1) } else { format!("agent-{number}") };
    let domain = if number % 7 > 1 { DOMAINS[number % 2] } else { DOMAINS[0] };
    address(&format!("{local}@{domain}"))
}

/// Writes the header of a sender who wants to be delivered elsewhere.
fn adversarial(dice: &mut Dice, subject: usize, addresses: usize) -> String {
    let mut header = format!("Subject: {subject}\r\n");
    for _ in 0..dice.roll(6) {
        let victim = name(dice.roll(addresses));
        let victim = dice.in_any_case(&victim.to_string());
        let field = dice.one_of(&[
            "X-Original-To",
            "x-original-to",
            "Delivered-To",
            "To",
            "Cc",
            "Envelope-To",
            "X-ORIGINAL-TO ",
        ]);
        let fold = dice.one_of(&["", "\r\n ", "\r\n\t"]);
        let hop = dice.one_of(&[
            "",
            "Received: from mail.invalid\r\n\tby mail.invalid with LMTP id 1; Fri, 20 Nov 2026\r\n",
            "Received: from c.example by b.example with ESMTP; Fri, 20 Nov 2026\r\n",
            "List-Id: <all.agents.example>\r\n",
            "junk without a colon\r\n",
        ]);
        header.insert_str(
            if dice.roll(2) == 0 { 0 } else { header.len() },
            &format!("{hop}{field}: {fold}{victim}\r\n"),
        );
    }
    header + "\r\nHello.\r\n"
}

#[tokio::test(start_paused = true)]
async fn whatever_senders_write_nothing_is_misrouted_and_nothing_lost() {
    let count = cases(500);
    let world = World::new();
    let hub = world.hub();
    let mailboxes: Vec<_> = (0..count).map(|number| hub.address(&name(number))).collect();
    assert_eq!(hub.addresses(), count);
    let mut dice = Dice(0x5eed);
    let mut expected: HashMap<usize, Vec<String>> = HashMap::new();
    let mut dead = Vec::new();
    let mut subject = 0;
    while subject < count {
        let mut recipients: Vec<Address> = Vec::new();
        for _ in 0..=dice.roll(3) {
            let number = dice.roll(count);
            let plain = name(number).to_string();
            let (local, domain) = plain.split_once('@').unwrap();
            let tag = if local.contains('+') { "" } else { dice.one_of(&["", "", "+t", "+a+b"]) };
            let (text, owner) = match dice.roll(10) {
                0 => (format!("nobody-{number}{tag}@{domain}"), None),
                _ => (dice.in_any_case(&format!("{local}{tag}@{domain}")), Some(number)),
            };
            let recipient = address(&text);
            if recipients.iter().any(|known| known.is_same_mailbox(&recipient)) {
                continue;
            }
            match owner {
                Some(number) => expected.entry(number).or_default().push(subject.to_string()),
                None => dead.push((subject.to_string(), recipient.clone())),
            }
            recipients.push(recipient);
        }
        world.receive_bytes(recipients, adversarial(&mut dice, subject, count).into_bytes()).await;
        subject += 1;
    }
    for (number, mailbox) in mailboxes.iter().enumerate() {
        for subject in expected.remove(&number).unwrap_or_default() {
            assert_eq!(take(mailbox).await.0, subject, "{mailbox:?}");
        }
    }
    let letters = hub.dead_letters();
    for (subject, recipient) in dead {
        let letter = take_dead(&letters).await;
        assert_eq!((letter.message().subject(), letter.why()), (&*subject, &Unroutable::Unknown(recipient)));
    }
    assert_eq!(hub.position().open(), 0, "nothing else came");
}

#[tokio::test(start_paused = true)]
async fn who_is_in_the_envelope_gets_it_and_nobody_else() {
    let world = World::new();
    let hub = world.hub();
    let [ada, bob, press] = ["ada@agents.example", "bob@agents.example", "ada+press@agents.example"]
        .map(|name| hub.address(&address(name)));
    // A blind copy, a list, several of one mail, tags and IDN.
    let header = "Subject: s\r\nTo: bob@agents.example\r\nCc: ada+press@agents.example\r\n\r\nx\r\n";
    for recipients in [&["ADA+x@Agents.example"][..], &["bob@agents.example", "ada@agents.example"]] {
        let recipients = recipients.iter().map(|to| address(to)).collect();
        world.receive_bytes(recipients, header.into()).await;
    }
    let first = ada.next().await.unwrap();
    assert_eq!(first.recipient(), &address("ADA+x@agents.example"));
    assert_eq!(take(&ada).await.0, "s");
    assert_eq!(take(&bob).await.0, "s");
    assert!(timeout(PATIENCE, press.next()).await.is_err());
    let idn = hub.address(&address("D\u{f6}rte@B\u{fc}cher.example"));
    world.receive("idn", &["d\u{d6}rte+x@xn--bcher-kva.example"]).await;
    assert_eq!(take(&idn).await.0, "idn");
}

#[tokio::test(start_paused = true)]
async fn mail_without_evidence_is_a_dead_letter() {
    let world = World::new();
    let office = Arc::new(world.office.clone());
    // The office writes no Envelope-To; senders do.
    let rule = EnvelopeRule::on_top("Envelope-To").unwrap();
    let hub = Hub::builder(office, world.login.clone(), rule).start();
    let ada = hub.address(&address("ada@agents.example"));
    let forged = b"Envelope-To: ada@agents.example\r\nSubject: s\r\n\r\nx\r\n";
    world.receive_bytes(vec![address("ada@agents.example")], forged.to_vec()).await;
    let letter = take_dead(&hub.dead_letters()).await;
    assert_eq!(letter.why(), &Unroutable::NoEvidence);
    assert!(timeout(PATIENCE, ada.next()).await.is_err());
}
