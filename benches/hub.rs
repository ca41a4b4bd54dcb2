//! What a hub costs for each message and each address.
//!
//! `cargo bench --bench hub` prints first how many bytes an address takes, at numbers where tables and vectors have just
//! grown and where they are full, and how many messages a second find their address; `ADDRESSES` sets how many there
//! are. `route` reads the envelope's evidence out of a header and finds the address, `find` finds it only. Last goes
//! the pace of a whole hub over a mail system in memory: from the arrival to the address's hand.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group};
use mail_access::{Address, AddressMap, EnvelopeRule, Hub, Login, NewMessage, Outgoing, PostOffice};
use peak_alloc::PeakAlloc;
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

fn main() {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime can be made");
    for count in [100_000, 300_000, 520_000, 950_000] {
        print_memory(&runtime, count);
    }
    print_routes();
    print_pace(&runtime);
    routing();
    Criterion::default().configure_from_args().final_summary();
}

criterion_group!(routing, route);

fn route(criterion: &mut Criterion) {
    let (map, headers, recipients) = table();
    let rule = EnvelopeRule::mailcow();
    let mut group = criterion.benchmark_group("hub");
    group.throughput(Throughput::Elements(headers.len() as u64));
    group.sample_size(20);
    group.bench_function("route", |bencher| {
        bencher.iter(|| all_routed(&rule, &map, &headers));
    });
    group.bench_function("find", |bencher| {
        bencher.iter(|| recipients.iter().filter(|recipient| map.find(recipient).is_some()).count());
    });
    group.finish();
}

fn print_routes() {
    let (map, headers, _) = table();
    let rule = EnvelopeRule::mailcow();
    // Of each few headers the fastest round is the one that the machine's other work disturbed least.
    let mut fastest = vec![Duration::MAX; headers.len().div_ceil(FEW)];
    for _ in 0..ROUNDS {
        for (few, fastest) in headers.chunks(FEW).zip(&mut fastest) {
            let begin = Instant::now();
            assert_eq!(all_routed(&rule, &map, few), few.len(), "all are found");
            *fastest = begin.elapsed().min(*fastest);
        }
    }
    let speed = a_second(headers.len(), fastest.iter().sum());
    println!("{} addresses: {speed} routed a second (at least {LEAST_SPEED})", map.len());
    assert!(speed >= LEAST_SPEED, "too slow");
}

fn print_memory(runtime: &Runtime, count: usize) {
    let _entered = runtime.enter();
    let (_, hub) = hub();
    let before = HEAP.current_usage();
    let mut handles = Vec::with_capacity(count);
    let handed = HEAP.current_usage() - before;
    handles.extend((0..count).map(|number| hub.address(&name(number))));
    let used = HEAP.current_usage() - before;
    let each = used.div_ceil(count);
    println!(
        "{count} addresses: {each} bytes each, {} of them its handle (at most {MOST_BYTES})",
        handed / count
    );
    assert!(each <= MOST_BYTES, "too large");
    black_box(handles);
}

/// Mails come for all addresses in turn, and each one takes its own.
fn print_pace(runtime: &Runtime) {
    runtime.block_on(async {
        let (office, hub) = hub();
        let mailboxes: Vec<_> = (0..MAILS).map(|number| hub.address(&name(number))).collect();
        let mails: Vec<_> = (0..MAILS).map(mail).collect();
        let begin = Instant::now();
        let coming = tokio::spawn(async move {
            for mail in mails {
                office.receive(&mail).await.expect("it is taken");
                tokio::task::yield_now().await;
            }
            begin.elapsed()
        });
        for mailbox in &mailboxes {
            let delivery = mailbox.next().await.expect("it comes");
            delivery.acknowledge();
            black_box(delivery);
        }
        let (took, filed): (Duration, Duration) = (begin.elapsed(), coming.await.expect("it ends"));
        println!(
            "{MAILS} mails for as many addresses: {} a second handed out; the last came after {filed:.2?}",
            a_second(MAILS, took)
        );
    });
}

fn a_second(count: usize, took: Duration) -> u128 {
    count as u128 * 1_000_000 / took.as_micros().max(1)
}

fn all_routed(rule: &EnvelopeRule, map: &AddressMap<usize>, headers: &[Vec<u8>]) -> usize {
    let found =
        |header: &&Vec<u8>| rule.recipient(header).is_ok_and(|recipient| map.find(&recipient).is_some());
    headers.iter().filter(found).count()
}

/// Addresses, and headers and recipients in an order that no cache foresees.
fn table() -> (AddressMap<usize>, Vec<Vec<u8>>, Vec<Address>) {
    let count: usize = std::env::var("ADDRESSES").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let mut map = AddressMap::new();
    for number in 0..count {
        map.insert(&name(number), number);
    }
    let order = || (0..count.min(100_000)).map(|place| place * 7_919 % count);
    let recipient = |number: usize| match number % 3 {
        0 => name(number).to_string(),
        1 => name(number).to_string().replace("agent", "Agent"),
        _ => name(number).to_string().replace('@', "+tag@"),
    };
    let headers = order().map(|number| header(&recipient(number)).into_bytes()).collect();
    let recipients = order().map(|number| recipient(number).parse().expect("an address")).collect();
    (map, headers, recipients)
}

/// What Dovecot and Postfix write, and a sender's own fields.
fn header(recipient: &str) -> String {
    format!(
        "Return-Path: <eve@b.example>\r\nDelivered-To: hub@agents.example\r\nReceived: from mail.agents.example \
         ([172.22.1.253])\r\n\tby 9f1c2d3a4b5c with LMTP\r\n\tid QO2AJ0h7BGcZCwAAxyz\r\n\t(envelope-from \
         <eve@b.example>)\r\n\tfor <hub@agents.example>; Fri, 20 Nov 2026 09:00:00 +0000\r\nX-Original-To: \
         {recipient}\r\nReceived: from mx.b.example (mx.b.example [192.0.2.1])\r\n\t(using TLSv1.3)\r\n\tby \
         mail.agents.example (Postcow) with ESMTPS id 4F2A81C\r\n\tfor <{recipient}>; Fri, 20 Nov 2026 09:00:00 \
         +0000\r\nX-Original-To: agent-1@agents.example\r\nFrom: Eve <eve@b.example>\r\nTo: list@b.example\r\nSubject: \
         s\r\n\r\nHello.\r\n"
    )
}

fn hub() -> (PostOffice, Hub) {
    let (office, domain) = (PostOffice::new(), "agents.example".parse().expect("a domain"));
    let login = Login::new("hub@agents.example".parse().expect("an address"), "a password".into());
    office.add_domain(login.address().domain().clone());
    office.add_mailbox(login.address(), login.password().clone(), 0).expect("it can be made");
    office.add_catch_all(&domain, vec![login.address().clone()]).expect("it can be made");
    let hub = Hub::builder(Arc::new(office.clone()), login, EnvelopeRule::mailcow()).start();
    (office, hub)
}

fn mail(number: usize) -> Outgoing {
    let message = NewMessage::to(name(number)).with_subject("x").with_text("a line of text\n".repeat(20));
    let sender: Address = "eve@b.example".parse().expect("an address");
    message.seal(&sender.into()).expect("it can be sealed")
}

fn name(number: usize) -> Address {
    format!("agent-{number:06}@agents.example").parse().expect("an address")
}

const ROUNDS: usize = 11;
const FEW: usize = 500;
const MAILS: usize = 10_000;
const LEAST_SPEED: u128 = 500_000;
const MOST_BYTES: usize = 200;
