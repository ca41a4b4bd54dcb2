//! Provisioning at Mailcow, with every call going wrong in every way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use agent_mail::backend::SecretStore;
use agent_mail::{AgentId, AgentMail, Embedded, Error, ErrorKind, Mailcow, MemorySecrets, MemoryState};
use async_trait::async_trait;
use mailcow_api::{
    Client, FakeMailcow, Fault, HttpClient, HttpError, HttpRequest, HttpResponse, MailboxAddress,
    NewAppPassword, Protocol,
};
use secrecy::ExposeSecret;

struct World {
    mailcow: FakeMailcow,
    state: Arc<MemoryState>,
    secrets: Arc<MemorySecrets>,
}

impl World {
    fn new() -> Self {
        Self { mailcow: FakeMailcow::new(), state: Arc::default(), secrets: Arc::default() }
    }

    /// Starts the program anew: only Mailcow, the state and the secrets stay.
    fn program(&self) -> AgentMail {
        self.program_over(self.mailcow.client())
    }

    fn program_over(&self, client: Client) -> AgentMail {
        let embedded = Embedded::new("agents.example".parse().unwrap());
        AgentMail::builder("agents.example".parse().unwrap())
            .provisioner(Arc::new(Mailcow::new(client)))
            .mail_access(Arc::new(embedded.post_office().clone()))
            .state(self.state.clone())
            .secrets(self.secrets.clone())
            .hourly_limit(100)
            .build()
            .unwrap()
    }

    async fn check_provisioned(&self, told: &str) {
        let all = self.mailcow.client().app_passwords(&address()).await.unwrap();
        let names: Vec<_> = all.iter().map(|app| app.name.as_str()).collect();
        assert_eq!(names, ["agent-mail"], "{told}");
        let stored = self.secrets.get(&address().as_str().parse().unwrap()).await.unwrap().unwrap();
        let logins = self.mailcow.logins();
        let opened = |login: &&mailcow_api::FakeLogin| {
            login.password.expose_secret() == stored.expose_secret() && login.imap && login.smtp
        };
        assert_eq!(logins.iter().filter(opened).count(), 1, "the stored secret opens it: {told}");
        assert_eq!(logins.len(), 2, "the mailbox's own password and the app's: {told}");
        let limit = self.mailcow.client().get_mailbox(&address()).await.unwrap().unwrap().rate_limit;
        assert_eq!(limit.map(|limit| limit.value.get()), Some(100), "{told}");
    }
}

fn pairs(routes: &[&'static str]) -> Vec<[(&'static str, Fault); 2]> {
    let single: Vec<_> = routes.iter().flat_map(|route| FAULTS.map(|fault| (*route, fault))).collect();
    single.iter().flat_map(|one| single.iter().map(move |other| [*one, *other])).collect()
}

#[tokio::test]
async fn whatever_goes_wrong_there_is_one_mailbox_with_one_app_password() {
    let mut failures = 0;
    for faults in pairs(&PROVISION) {
        let world = World::new();
        for (route, fault) in faults {
            world.mailcow.fail_next(route, fault);
        }
        let mut tries = 0;
        while let Err(error) = world.program().provision(&ada()).await {
            assert!(is_told_rightly(&error, &faults), "{error:?} {faults:?}");
            tries += 1;
            failures += 1;
            assert!(tries <= 2, "each fault costs one try at most: {faults:?}");
        }
        world.check_provisioned(&format!("{faults:?}")).await;
        let writes = world.mailcow.writes();
        world.program().provision(&ada()).await.unwrap();
        assert_eq!(world.mailcow.writes(), writes);
    }
    assert!(failures > 500, "the faults were met: {failures}");
}

#[tokio::test]
async fn whatever_goes_wrong_a_retired_agent_is_gone() {
    for faults in pairs(&RETIRE) {
        let world = World::new();
        world.program().provision(&ada()).await.unwrap();
        for (route, fault) in faults {
            world.mailcow.fail_next(route, fault);
        }
        let mut tries = 0;
        while let Err(error) = world.program().retire(&ada()).await {
            assert!(is_told_rightly(&error, &faults), "{error:?} {faults:?}");
            tries += 1;
            assert!(tries <= 2, "each fault costs one try at most: {faults:?}");
        }
        assert_eq!(world.mailcow.logins().len(), 0, "{faults:?}");
        assert_eq!(format!("{:?} {:?}", world.state, world.secrets), NOTHING_LEFT, "{faults:?}");
    }
}

#[tokio::test]
async fn an_agent_is_retired_however_far_its_provisioning_came() {
    for route in PROVISION {
        for fault in FAULTS {
            let world = World::new();
            world.mailcow.fail_next(route, fault);
            let _maybe = world.program().provision(&ada()).await;
            world.program().retire(&ada()).await.unwrap();
            assert_eq!(world.mailcow.logins().len(), 0, "{route} {fault:?}");
            assert_eq!(format!("{:?} {:?}", world.state, world.secrets), NOTHING_LEFT, "{route} {fault:?}");
            world.program().provision(&ada()).await.unwrap();
            world.check_provisioned(&format!("{route} {fault:?}")).await;
        }
    }
}

#[tokio::test]
async fn a_domain_that_could_not_be_made_is_tried_again_by_the_same_program() {
    let world = World::new();
    let program = world.program();
    world.mailcow.fail_next("add/dkim", Fault::NotDone500);
    assert!(program.provision(&ada()).await.is_err());
    program.provision(&ada()).await.unwrap();
    world.check_provisioned("after add/dkim failed").await;
    assert!(world.mailcow.client().get_dkim(&"agents.example".parse().unwrap()).await.unwrap().is_some());
}

/// A write that was given up may be carried out late, when the next one has been.
#[tokio::test]
async fn an_app_password_too_many_is_removed() {
    let world = World::new();
    world.mailcow.fail_next("add/app-passwd", Fault::NotDone500);
    assert!(world.program().provision(&ada()).await.is_err());
    for password in ["Late-Passw0rd-1", "Late-Passw0rd-2"] {
        let late = NewAppPassword::new(address(), "agent-mail", password.into(), [Protocol::Imap]);
        world.mailcow.client().add_app_password(&late).await.unwrap();
    }
    world.program().provision(&ada()).await.unwrap();
    world.check_provisioned("after two late writes").await;
}

/// Answers the first `add/app-passwd` with an error of the database.
#[derive(Debug)]
struct Duplicate(FakeMailcow, AtomicBool);

#[async_trait]
impl HttpClient for Duplicate {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if request.url.path().ends_with("add/app-passwd") && !self.1.swap(true, Ordering::Relaxed) {
            let body = r#"[{"type":"danger","log":[],"msg":["mysql_error","1062 Duplicate entry '7' for key 'PRIMARY'"]}]"#;
            return Ok(HttpResponse::new(200, body));
        }
        self.0.handle(&request)
    }
}

#[tokio::test]
async fn a_refusal_behind_the_mailbox_doesn_t_make_it_foreign() {
    let world = World::new();
    let http = Arc::new(Duplicate(world.mailcow.clone(), AtomicBool::new(false)));
    let builder = Client::builder("https://mail.example.com", world.mailcow.api_key()).http_client(http);
    let program = world.program_over(builder.build().unwrap());
    let error: Error = program.provision(&ada()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    program.provision(&ada()).await.unwrap();
    world.check_provisioned("after a refused app password").await;
}

/// An empty answer to a read is what Mailcow says to those without a key.
fn is_told_rightly(error: &Error, faults: &[(&str, Fault)]) -> bool {
    let empty_read =
        |(route, fault): &(&str, Fault)| route.starts_with("get/") && *fault == Fault::DoneButEmpty;
    match error.kind() {
        ErrorKind::Interrupted | ErrorKind::Unavailable => error.is_retryable(),
        ErrorKind::Unauthenticated => faults.iter().any(empty_read),
        _ => false,
    }
}

fn ada() -> AgentId {
    "ada".parse().unwrap()
}

fn address() -> MailboxAddress {
    "agent_ada@agents.example".parse().unwrap()
}

const NOTHING_LEFT: &str = "MemoryState { records: 0 } MemorySecrets { secrets: 0 }";
const FAULTS: [Fault; 5] =
    [Fault::DoneButEmpty, Fault::DoneBut500, Fault::DoneButLost, Fault::NotDone500, Fault::Unreachable];
const PROVISION: [&str; 10] = [
    "get/domain",
    "add/domain",
    "get/dkim",
    "add/dkim",
    "get/mailbox",
    "add/mailbox",
    "edit/rl-mbox",
    "get/app-passwd/all",
    "add/app-passwd",
    "edit/app-passwd",
];
const RETIRE: [&str; 2] = ["get/mailbox", "delete/mailbox"];

#[tokio::test]
async fn a_new_mailbox_costs_four_reads_and_two_writes() {
    let world = World::new();
    let program = world.program();
    program.provision(&"first".parse().unwrap()).await.unwrap();
    let before = (world.mailcow.calls().len(), world.mailcow.writes());
    program.provision(&ada()).await.unwrap();
    let writes = world.mailcow.writes() - before.1;
    let reads = world.mailcow.calls().len() - before.0 - writes;
    assert_eq!((reads, writes), (4, 2));
}
