//! Shows that two backends say the same: every word of a refusal, every field of a report.

use mail_access::conformance::{Harness, Missing};
use mail_access::{
    Address, DeliveryReports, Error, Login, NewMessage, Outgoing, Received, Selection, Submission,
};
use tokio::time::{Duration, Instant};

/// What a backend answers and delivers, without what is another one each time.
pub(crate) async fn portrait(harness: &dyn Harness) -> Result<Vec<String>, Missing> {
    let (ada, bob) = (harness.mailbox().await, harness.mailbox().await);
    let (failing, full) = (harness.failing_recipient().await?, harness.small_mailbox(1).await?);
    let unknown = harness.refused_recipient().await?;
    let many: Vec<_> = (0..=harness.recipients_limit()?).map(|number| tagged(&bob, number)).collect();
    let mut portrait = Vec::new();
    let mut names = vec![("ADA", ada.address()), ("BOB", bob.address()), ("FULL", full.address())];
    names.extend([("FAILING", &failing), ("UNKNOWN", &unknown)]);
    for (recipients, from) in [
        (vec![bob.address(), &unknown], &ada),
        (vec![&unknown], &ada),
        (vec![bob.address()], &full),
        (vec![bob.address(), &unknown], &full),
        (many.iter().collect(), &ada),
    ] {
        let answer = harness.access().submit(&ada, &letter(from, &recipients, "x")).await;
        portrait.extend(statuses(answer).iter().map(|status| plain(status, &names)));
    }
    let reports = DeliveryReports::none().with_success().with_failure();
    let asked = [
        letter(&ada, &[bob.address(), &failing], "x").with_reports(reports.with_envelope_id("a b").unwrap()),
        letter(&ada, &[full.address()], &format!("{}\r\n", "x".repeat(70)).repeat(18_000)),
        letter(&ada, &[&failing], "x"),
    ];
    let mut known = 0;
    for (message, reports) in asked.iter().zip([2, 1, 1]) {
        harness.access().submit(&ada, message).await.unwrap();
        let mut told = arrived(harness, &ada, known + reports).await.split_off(known);
        known += reports;
        told.sort_by_key(|report| report.subject().to_owned());
        portrait.extend(told.iter().flat_map(|report| report_of(report, &names)));
    }
    let delivered = arrived(harness, &bob, 1).await;
    portrait.push(format!("delivered: {}", above(&delivered[0])));
    Ok(portrait)
}

fn letter(from: &Login, to: &[&Address], text: &str) -> Outgoing {
    let message = to.iter().fold(NewMessage::default(), |message, to| message.with_to(*to));
    message.with_text(text).seal(&from.address().into()).unwrap()
}

fn tagged(login: &Login, number: usize) -> Address {
    Address::new(&format!("{}+{number}", login.address().local_part()), login.address().domain().clone())
        .unwrap()
}

async fn arrived(harness: &dyn Harness, login: &Login, count: usize) -> Vec<Received> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let batch = harness.access().fetch(login, &Selection::After(None), usize::MAX).await.unwrap();
        if batch.messages.len() >= count {
            return batch.messages;
        }
        assert!(Instant::now() < deadline, "{} of {count} messages arrived", batch.messages.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn statuses(answer: Result<Submission, Error>) -> Vec<String> {
    match answer {
        Ok(done) => {
            let refused = done.refused.iter().map(|(_, status)| format!("refused: {status}"));
            refused.chain([format!("accepted: {}", done.status)]).collect()
        }
        Err(Error::RecipientsRefused { refused, .. }) => {
            refused.iter().map(|(_, status)| format!("each: {status}")).collect()
        }
        Err(error) => vec![format!("all: {}", error.status().expect("it was refused"))],
    }
}

/// Writes names for addresses, and leaves out the numbers of queues.
fn plain(text: &str, names: &[(&str, &Address)]) -> String {
    let mut words = Vec::new();
    for word in text.split([' ', '<', '>', ';']).filter(|word| !word.is_empty()) {
        let (word, end) = word.strip_suffix(':').map_or((word, ""), |word| (word, ":"));
        let word = match names.iter().find(|(_, address)| address.to_string() == word) {
            Some((name, _)) => name,
            None if word.contains('@') => "SOMEBODY",
            None => word,
        };
        words.push(format!("{word}{end}"));
    }
    for (before, after) in [("as", ""), ("", "Saved")] {
        let place = words.iter().position(|word| word == before || word == after).filter(|&place| place > 0);
        let place =
            if before.is_empty() { place.map(|place| place - 1) } else { place.map(|place| place + 1) };
        if let Some(word) = place.and_then(|place| words.get_mut(place)) {
            "ID".clone_into(word);
        }
    }
    words.join(" ")
}

/// Returns the names of the fields of a header, and the values of those of a report for machines.
fn report_of(report: &Received, names: &[(&str, &Address)]) -> Vec<String> {
    let raw = String::from_utf8_lossy(report.raw()).replace("\r\n    ", " ").replace("\r\n\t", " ");
    let types = raw.lines().filter(|line| line.to_lowercase().starts_with("content-")).map(|line| {
        let line = line.split("boundary").next().unwrap_or_default();
        format!("part: {line}")
    });
    let (_, machines) = raw.split_once("message/delivery-status\r\n").expect("it is a report");
    let machines = machines.split("\r\n--").next().unwrap_or_default();
    let fields = machines.lines().map(|line| {
        let name = line.split(':').next().unwrap_or_default();
        if VARYING.contains(&name) { name.to_owned() } else { plain(line, names) }
    });
    let (_, returned) =
        raw.rsplit_once("Content-Transfer-Encoding: 8bit\r\n\r\n").expect("it ends with the message");
    let first = plain(returned.lines().next().unwrap_or_default(), names);
    let header = format!("report: {} | {}", report.subject(), field_names(&raw));
    [header, format!("returned: {first}")].into_iter().chain(types).chain(fields).collect()
}

/// Returns the names of the fields that stand above a message, without those of a filter that isn't installed here.
fn above(message: &Received) -> String {
    let raw = String::from_utf8_lossy(message.raw()).into_owned();
    let names = field_names(&raw).replace("Authentication-Results ", "");
    names.split(" Date").next().unwrap_or_default().to_owned()
}

fn field_names(raw: &str) -> String {
    let header = raw.split("\r\n\r\n").next().unwrap_or_default();
    let fields = header.lines().filter(|line| !line.starts_with([' ', '\t']));
    fields.filter_map(|line| line.split(':').next()).collect::<Vec<_>>().join(" ")
}

const VARYING: [&str; 4] = ["Reporting-MTA", "X-Postfix-Queue-ID", "Arrival-Date", "Remote-MTA"];
