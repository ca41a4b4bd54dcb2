//! What a plan for a thousand agents costs on Mailcow.
//!
//! `cargo bench --bench operator` prints three figures. *Onboarding*: the time that applying takes where each call takes
//! 50 ms, against that of the calls alone, eight at once. The clock is tokio's, which stands still while anything is
//! computed, so the ratio is that of waiting only. *Computing*: what all of it takes on this machine, the fake's work
//! included. *Unchanged*: the calls of a plan that finds nothing to do, and of its apply.

use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_mail::{AgentMail, Desec, DomainSpec, Embedded, Mailcow, MemorySecrets, MemoryState, Operator};
use async_trait::async_trait;
use desec_api::{FakeDesec, Ttl};
use mailcow_api::{Client, FakeMailcow, HttpClient, HttpError, HttpRequest, HttpResponse};
use tokio::runtime::Builder;
use tokio::time::{Instant as PausedInstant, sleep};

fn main() {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime can be made").block_on(run());
}

async fn run() {
    let (mailcow, desec) = (FakeMailcow::new(), FakeDesec::new());
    desec.add_domain(&ZONE.parse().expect("it is a domain"), Ttl::new(3600).expect("it is a TTL"));
    let (operator, spec) = (operator(&mailcow, &desec), spec());

    let plan = operator.plan(&spec).await.expect("it can be planned");
    let before = mailcow.calls().len();
    let (began, really_began) = (PausedInstant::now(), Instant::now());
    operator.apply(&plan).await.expect("it can be applied");
    let (took, computing) = (began.elapsed(), really_began.elapsed());
    let calls = mailcow.calls().len() - before;
    let least = CALL * u32::try_from(calls).expect("they are some thousands") / AT_ONCE;
    let ratio = took.as_secs_f64() / least.as_secs_f64();
    println!("{}", plan.cost());
    println!("onboarding {COUNT} agents: {calls} calls, {took:.2?} to {least:.2?}, ratio {ratio:.3}");
    println!("computing: {computing:.2?}");
    assert!(ratio <= 1.2, "within 1.2 of calls x 50 ms / concurrency");

    let before = (mailcow.calls().len(), desec.calls().len());
    let plan = operator.plan(&spec).await.expect("it can be planned");
    operator.apply(&plan).await.expect("it can be applied");
    let (calls, reads) = (mailcow.calls().len() - before.0, desec.calls().len() - before.1);
    println!("unchanged: {} steps, {calls} Mailcow calls, {reads} DNS read", plan.steps().len());
    assert!(plan.is_empty() && calls <= 12 && reads <= 1);
}

fn operator(mailcow: &FakeMailcow, desec: &FakeDesec) -> Operator {
    let http = Arc::new(Slow(mailcow.clone()));
    let client = Client::builder("https://mail.example.com", mailcow.api_key()).http_client(http);
    let mailcow = Arc::new(Mailcow::new(client.build().expect("the address and the key are right")));
    let desec = desec.client_builder().unpaced().build().expect("the token is right");
    let (state, secrets) = (Arc::new(MemoryState::default()), Arc::new(MemorySecrets::default()));
    let domain = || ZONE.parse().expect("it is a domain");
    let agents = AgentMail::builder(domain())
        .provisioner(mailcow.clone())
        .mail_access(Arc::new(Embedded::new(domain()).post_office().clone()))
        .state(state.clone())
        .secrets(secrets.clone())
        .build();
    Operator::builder(mailcow)
        .dns(Arc::new(Desec::new(desec)), domain())
        .state(state)
        .secrets(secrets)
        .agents(agents.expect("nothing is missing"))
        .at_once(AT_ONCE as usize)
        .build()
        .expect("nothing is missing")
}

fn spec() -> DomainSpec {
    let (domain, host) = (ZONE.parse().expect("it is a domain"), "mail.agents.example".parse());
    let mut spec = DomainSpec::new(domain, host.expect("it is a host"));
    spec.limits.mailboxes = 2 * COUNT;
    spec.limits.total_quota_mib = 2 * COUNT * 256;
    let agents = (0..COUNT).map(|n| format!("agent-{n:04}").parse().expect("it is a name"));
    agents.fold(spec, DomainSpec::with_agent)
}

/// Each call takes its time.
#[derive(Debug)]
struct Slow(FakeMailcow);

#[async_trait]
impl HttpClient for Slow {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        sleep(CALL).await;
        self.0.handle(&request)
    }
}

const ZONE: &str = "agents.example";
const COUNT: u32 = 1000;
const AT_ONCE: u32 = 8;
const CALL: Duration = Duration::from_millis(50);
