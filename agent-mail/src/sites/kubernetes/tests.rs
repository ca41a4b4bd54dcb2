use super::*;
use crate::sites::SiteStatus;

fn slug() -> Slug {
    "shop".parse().unwrap()
}

fn state(status: SiteStatus) -> SiteState {
    let mut state = SiteState::new("mailcow", "shop.mail.example".parse().unwrap());
    state.status = status;
    state
}

fn cluster() -> (FakeKubernetes, SitesInKubernetes) {
    let fake = FakeKubernetes::new("first");
    fake.add_namespace("shop");
    let sites = over(&fake).token(SecretString::from("first")).build().unwrap();
    (fake, sites)
}

fn over(fake: &FakeKubernetes) -> SitesInKubernetesBuilder {
    SitesInKubernetes::builder("https://10.96.0.1", "platform.example").client(Arc::new(fake.clone()))
}

#[tokio::test]
async fn what_others_annotated_stays_and_an_error_goes_when_it_is_over() {
    let (fake, sites) = cluster();
    let failed = state(SiteStatus::Pending).failed(&Error::new(ErrorKind::Unavailable, "enable", "shop"));
    assert_eq!(sites.replace(&slug(), None, &failed).await.unwrap(), Committed::Done);
    let annotations = fake.annotations("shop").unwrap();
    assert_eq!(annotations["platform.example/mail-status"], "failed");
    assert_eq!(annotations.len(), 6);
    let ready = state(SiteStatus::Ready);
    assert_eq!(sites.replace(&slug(), Some(&failed), &ready).await.unwrap(), Committed::Done);
    let annotations = fake.annotations("shop").unwrap();
    assert!(!annotations.contains_key("platform.example/mail-last-error"));
    assert_eq!((annotations.len(), &*annotations["other.example/owner"]), (5, "somebody"));
}

#[tokio::test]
async fn a_write_of_others_in_between_is_no_conflict_unless_it_is_about_mail() {
    let (fake, sites) = cluster();
    for _ in 0..3 {
        fake.fail_next(Method::Patch, KubernetesFault::Overtake);
    }
    assert_eq!(sites.replace(&slug(), None, &state(SiteStatus::Ready)).await.unwrap(), Committed::Done);
    assert_eq!(fake.annotations("shop").unwrap()["other.example/note"], "overtaken");

    fake.annotate("shop", "platform.example/mail-enabled", "true");
    let conflict = sites.replace(&slug(), Some(&state(SiteStatus::Ready)), &state(SiteStatus::Failed)).await;
    assert_eq!(conflict.unwrap(), Committed::Conflict);

    let (fake, sites) = cluster();
    for _ in 0..ATTEMPTS {
        fake.fail_next(Method::Patch, KubernetesFault::Answer(409));
    }
    let error = sites.replace(&slug(), None, &state(SiteStatus::Ready)).await.unwrap_err();
    assert_eq!((error.kind(), fake.patches()), (ErrorKind::Unavailable, 0));
}

#[tokio::test]
async fn a_lost_answer_is_looked_after() {
    for fault in [KubernetesFault::LoseRequest, KubernetesFault::LoseAnswer, KubernetesFault::Answer(503)] {
        let (fake, sites) = cluster();
        fake.fail_next(Method::Patch, fault);
        let done = sites.replace(&slug(), None, &state(SiteStatus::Ready)).await.unwrap();
        assert_eq!((done, fake.patches()), (Committed::Done, 1), "{fault:?}");
        assert_eq!(sites.read(&slug()).await.unwrap(), Some(state(SiteStatus::Ready)));
    }
    let (fake, sites) = cluster();
    for _ in 0..ATTEMPTS {
        fake.fail_next(Method::Patch, KubernetesFault::LoseRequest);
    }
    let error = sites.replace(&slug(), None, &state(SiteStatus::Ready)).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Interrupted, true));
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_waited_for_until_the_deadline() {
    let (fake, sites) = cluster();
    fake.fail_next(Method::Get, KubernetesFault::Hang);
    let begun = tokio::time::Instant::now();
    assert_eq!(sites.read(&slug()).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(begun.elapsed(), Duration::from_secs(10));
    fake.fail_next(Method::Patch, KubernetesFault::Hang);
    assert_eq!(sites.replace(&slug(), None, &state(SiteStatus::Ready)).await.unwrap(), Committed::Done);
}

#[tokio::test]
async fn refusals_are_told_by_kind_and_without_the_servers_words() {
    let kinds = [
        (401, ErrorKind::Unauthenticated),
        (403, ErrorKind::PermissionDenied),
        (404, ErrorKind::NotFound),
        (422, ErrorKind::Rejected),
        (429, ErrorKind::RateLimited),
        (500, ErrorKind::Unavailable),
        (302, ErrorKind::Unexpected),
    ];
    for (status, kind) in kinds {
        let (fake, sites) = cluster();
        fake.fail_next(Method::Get, KubernetesFault::Answer(status));
        let error = sites.read(&slug()).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (kind, Some("InternalError")), "{status}");
        assert!(!format!("{error} {error:?}").contains("words of the server"));
    }
    let (fake, sites) = cluster();
    assert_eq!(sites.read(&"other".parse().unwrap()).await.unwrap_err().kind(), ErrorKind::NotFound);
    fake.annotate("shop", "platform.example/mail-domain", "no domain");
    assert_eq!(sites.read(&slug()).await.unwrap_err().kind(), ErrorKind::Unexpected);
}

#[tokio::test]
async fn a_token_that_was_renewed_is_used_at_once() {
    let fake = FakeKubernetes::new("first");
    fake.add_namespace("tenant-shop");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let sites = over(&fake).token_file(&path).namespace_prefix("tenant-").build().unwrap();
    assert_eq!(sites.read(&slug()).await.unwrap_err().kind(), ErrorKind::Unavailable, "there is no file");
    std::fs::write(&path, "first\n").unwrap();
    assert_eq!(sites.read(&slug()).await.unwrap(), None);
    fake.set_token("second");
    assert_eq!(sites.read(&slug()).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    std::fs::write(&path, "second").unwrap();
    assert_eq!(sites.read(&slug()).await.unwrap(), None);
    for rubbish in ["", " \n", "a b", "a\r\nx-evil: 1"] {
        std::fs::write(&path, rubbish).unwrap();
        let error = sites.read(&slug()).await.unwrap_err();
        assert!(error.to_string().contains("holds no token"), "{error}");
    }
}

#[tokio::test]
async fn namespaces_of_kubernetes_are_never_touched() {
    let (fake, sites) = cluster();
    fake.add_namespace("kube-system");
    for site in ["kube-system", "default"] {
        let error = sites.read(&site.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    let long = over(&fake).token(SecretString::from("first")).namespace_prefix("tenant-").build().unwrap();
    assert_eq!(
        long.read(&"a".repeat(60).parse().unwrap()).await.unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}

#[tokio::test]
async fn a_token_file_of_any_length_is_read_no_further_than_a_token_reaches() {
    let fake = FakeKubernetes::new("first");
    fake.add_namespace("tenant-one");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let sites = over(&fake).token_file(&path).namespace_prefix("tenant-").build().unwrap();
    std::fs::write(&path, "x".repeat(64 << 20)).unwrap();
    let error = sites.read(&"one".parse().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("longer than a token can be"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

/// A pipe that nobody writes to stands for a mount that hangs.
#[cfg(unix)]
#[tokio::test]
async fn a_token_file_that_hangs_is_left_in_time_and_keeps_one_thread_busy() {
    let fake = FakeKubernetes::new("first");
    fake.add_namespace("tenant-one");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let sites = over(&fake).token_file(&path).namespace_prefix("tenant-").deadline(Duration::from_millis(50));
    let sites = sites.build().unwrap();
    let site = "one".parse().unwrap();
    for _ in 0..3 {
        let error = sites.read(&site).await.unwrap_err();
        assert!(error.to_string().contains("could not be read in time"), "{error}");
    }
    // The one who waits gets this, and is gone; a second one would still wait when the runtime ends.
    std::fs::write(&path, "first").unwrap();
}
