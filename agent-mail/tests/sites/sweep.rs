//! Each call of each workflow breaks once, in each way, with each store; the next call finishes, and nothing is left over.

use std::sync::Arc;

use agent_mail::http::{HttpClient, HttpError, HttpRequest, HttpResponse};
use agent_mail::sites::{FakeKubernetes, SiteStatus, SiteStore, Sites, SitesInKubernetes, SitesInState};
use agent_mail::{Error, ErrorKind};
use async_trait::async_trait;

use super::faults::{Faults, How};
use super::stage::{Stage, until_it_hangs};
use super::{ZONE, ada, slug, template};

#[derive(Clone, Copy, Debug)]
enum Call {
    Enable,
    Disable,
    AddMailbox,
}

impl Call {
    async fn make(self, sites: &Sites) -> Result<(), Error> {
        let shop = slug("shop");
        match self {
            Self::Enable => sites.enable(&shop).await.map(drop),
            Self::Disable => sites.disable(&shop).await.map(drop),
            Self::AddMailbox => sites.add_mailbox(&shop, &ada()).await.map(drop),
        }
    }
}

/// A world, and where the state of its sites is.
struct Scene {
    stage: Stage,
    cluster: Option<FakeKubernetes>,
}

impl Scene {
    async fn after(calls: &[Call], in_kubernetes: bool) -> Self {
        let cluster = in_kubernetes.then(|| FakeKubernetes::new("token"));
        if let Some(cluster) = &cluster {
            cluster.add_namespace("shop");
        }
        let scene = Self { stage: Stage::new(ZONE), cluster };
        for call in calls {
            call.make(&scene.sites()).await.unwrap();
        }
        scene
    }

    /// Starts the program.
    fn sites(&self) -> Sites {
        let store: Arc<dyn SiteStore> = match &self.cluster {
            None => Arc::new(SitesInState::new(self.stage.state(), ZONE.parse().unwrap())),
            Some(cluster) => {
                let client = Broken(cluster.clone(), self.stage.faults.clone());
                let store = SitesInKubernetes::builder("https://10.96.0.1", "platform.example");
                Arc::new(store.client(Arc::new(client)).token("token".into()).build().unwrap())
            }
        };
        Sites::builder(self.stage.operator(), store, template()).build().unwrap()
    }

    async fn seen(&self) -> String {
        let state = self.sites().status(&slug("shop")).await.unwrap();
        let annotations = self.cluster.as_ref().map(|cluster| cluster.annotations("shop"));
        format!("{state:#?}\n{annotations:?}\n{}", self.stage.shown("shop.mail.example").await)
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_breaks_the_next_call_finishes() {
    sweep(false).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_breaks_the_next_call_finishes_in_kubernetes_too() {
    sweep(true).await;
}

async fn sweep(in_kubernetes: bool) {
    let workflows: [(&[Call], Call); 5] = [
        (&[], Call::Enable),
        (&[Call::Enable], Call::AddMailbox),
        (&[Call::Enable, Call::AddMailbox], Call::Disable),
        (&[Call::Enable, Call::AddMailbox, Call::Disable], Call::Enable),
        (&[Call::Enable, Call::AddMailbox], Call::AddMailbox),
    ];
    let (mut broken, mut refused, mut noted) = (0, 0, 0);
    for (before, call) in workflows {
        let wanted = {
            let scene = Scene::after(before, in_kubernetes).await;
            call.make(&scene.sites()).await.unwrap();
            scene.seen().await
        };
        for how in How::ALL {
            for k in 0.. {
                let scene = Scene::after(before, in_kubernetes).await;
                scene.stage.faults.arm(k, how);
                let first = until_it_hangs(call.make(&scene.sites())).await;
                if !scene.stage.faults.calm() {
                    assert!(first.is_some_and(|first| first.is_ok()), "nothing broke");
                    break;
                }
                broken += 1;
                let told = format!("{call:?} {how:?} {k}");
                let state = scene.sites().status(&slug("shop")).await.unwrap();
                let reason =
                    state.last_error.as_ref().is_some_and(|told| !told.is_empty() && told.len() <= 256);
                assert_eq!(state.status == SiteStatus::Failed, reason, "{told}: {state:?}");
                if let Some(Err(_)) = first {
                    refused += 1;
                    noted += usize::from(reason);
                }
                // The program starts anew and is asked for the same.
                call.make(&scene.sites()).await.unwrap_or_else(|error| panic!("{told}: {error}"));
                assert_eq!(scene.seen().await, wanted, "{told}");
            }
        }
    }
    assert!(broken > 100, "{broken} calls were broken");
    // What fails is noted, unless it is the note or the reading before it: at most seven calls of the store.
    let spared = workflows.len() * How::ALL.len() / 2 * 7;
    assert!(refused > 60 && noted + spared >= refused, "{noted} of {refused} failures were noted");
}

/// A mailbox that was begun and is not asked for again leaves no password behind.
#[tokio::test(start_paused = true)]
async fn a_mailbox_that_nobody_asks_for_again_is_whole_or_gone() {
    for how in How::ALL {
        for k in 0.. {
            let scene = Scene::after(&[Call::Enable], false).await;
            scene.stage.faults.arm(k, how);
            let _ = until_it_hangs(Call::AddMailbox.make(&scene.sites())).await;
            if !scene.stage.faults.calm() {
                break;
            }
            let ready = scene.sites().enable(&slug("shop")).await.unwrap();
            assert_eq!((ready.status, ready.last_error), (SiteStatus::Ready, None), "{how:?} {k}");
            let shown = scene.stage.shown("shop.mail.example").await;
            let mailboxes = shown.matches("ServedMailbox {").count();
            assert!(
                shown.ends_with(&format!("MemorySecrets {{ secrets: {mailboxes} }}")),
                "{how:?} {k}: {shown}"
            );
        }
    }
}

/// The way to the cluster, on which requests and answers get lost.
#[derive(Debug)]
struct Broken(FakeKubernetes, Arc<Faults>);

#[async_trait]
impl HttpClient for Broken {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answered = self.1.through(async { Ok(self.0.send(request).await) }).await;
        answered.unwrap_or_else(|error| {
            Err(match error.kind() {
                ErrorKind::Interrupted => HttpError::Lost(error.into()),
                _ => HttpError::NotSent(error.into()),
            })
        })
    }
}
