//! The health of a mail system as a Prometheus text endpoint, with alerts.
//!
//! Usage: `cargo run --example health_exporter`
//!
//! Without configuration it looks at a world in memory whose disk is nearly full, scrapes itself once, prints what
//! Prometheus would see, the alerts and the rule file, and ends.
//!
//! With `MAILCOW_API_URL` and `MAILCOW_API_KEY` it looks at that Mailcow each minute, and with `MAILCOW_HOSTNAME` at the
//! certificate of that host, and serves `/metrics` and `/rules.yml` until it gets SIGTERM or ctrl-c. `HEALTH_LISTEN` says
//! where (`127.0.0.1:9153` unless set), `HEALTH_DOMAINS` which domains metrics may name, with commas between, and
//! `HEALTH_RULES` names a file of rules in JSON that take the place of those with the same name. `HEALTH_WEBHOOK` is a URL
//! that alerts are posted to. All of it goes over TLS but the page itself, which is for this host.

mod program;

use std::error::Error;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use agent_mail::health::{
    Alert, AlertSink, AlertState, Disk, Health, HealthMetrics, HealthSource, Monitor, QueuedMail, Rule,
    Rules, WebhookSink, certificate_days, rule_file,
};
use agent_mail::http::{HttpClient, HttpRequest, Method, ReqwestClient};
use agent_mail::mail_access::tls_config;
use agent_mail::readiness::Sockets;
use agent_mail::{DomainName, Embedded, ErrorKind, Mailcow};
use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use program::variable as setting;
use tokio::net::{TcpListener, lookup_host};

/// Shows alerts to whoever sits before the terminal.
#[derive(Debug)]
struct Terminal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program::end(run().await.map(|()| ExitCode::SUCCESS))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let needed = ["MAILCOW_API_URL", "MAILCOW_API_KEY"];
    let optional = ["HEALTH_LISTEN", "HEALTH_DOMAINS", "HEALTH_RULES", "HEALTH_WEBHOOK"];
    let is_real = program::is_real(&needed, &optional.map(|name| (name, &[][..])), &setting)?;
    let handle = PrometheusBuilder::new().install_recorder()?;
    if is_real { serve(handle).await } else { show(handle).await }
}

/// Looks at a world in memory and scrapes itself once.
async fn show(handle: PrometheusHandle) -> Result<(), Box<dyn Error>> {
    let world = Embedded::new("agents.example".parse()?);
    let vitals = world.vitals().clone();
    vitals.set_disk(Disk::new(97, "244G of 252G"));
    vitals.set_rejected_logins(12);
    for n in 0..3 {
        let id = format!("4fGx2k5zBQz{n}").parse()?;
        let mail = QueuedMail::new(id, SystemTime::now(), "ada@agents.example");
        vitals.put_in_queue(mail.with_recipient("bob@far.example", Some("connection timed out")));
    }
    let host: DomainName = "mail.agents.example".parse()?;
    let health = Health::new(Arc::new(vitals.clone())).with_certificate_days(move || {
        let (world, host) = (world.clone(), host.clone());
        async move { certificate_days(&world, Ipv4Addr::new(192, 0, 2, 25).into(), &host).await }
    });
    // So that a single look tells what it finds.
    let disk = Rule::above("disk_full", agent_mail::health::Measure::DiskUsedPercent, 95.0)?;
    let rules = Rules::default().with_rule(disk);
    let metrics = HealthMetrics::new(["agents.example".parse()?]);
    metrics.describe();
    let mut monitor = monitor(Arc::new(health), rules.clone(), metrics);
    println!("One look:");
    monitor.look().await;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let app = app(handle, &rules);
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let server = tokio::spawn(server.into_future());
    println!("\nWhat Prometheus reads at http://{address}/metrics:");
    print!("{}", scrape(address, "/metrics").await?);
    println!("\nThe first of its rules, from /rules.yml:");
    scrape(address, "/rules.yml").await?.lines().take(12).for_each(|line| println!("{line}"));
    let _ = stop.send(());
    server.await??;
    Ok(())
}

/// Looks at a Mailcow each minute until it is told to stop.
async fn serve(handle: PrometheusHandle) -> Result<(), Box<dyn Error>> {
    let needed = |name: &str| setting(name).ok_or_else(|| format!("{name} is not set"));
    let client = mailcow_api::Client::builder(&needed("MAILCOW_API_URL")?, needed("MAILCOW_API_KEY")?.into());
    let client = client.build()?;
    let mut rules = Rules::default();
    if let Some(file) = setting("HEALTH_RULES") {
        let own: Rules = serde_json::from_str(&fs::read_to_string(file)?)?;
        rules = own.iter().cloned().fold(rules, Rules::with_rule);
    }
    let domains = setting("HEALTH_DOMAINS").unwrap_or_default();
    let domains = domains.split(',').map(str::trim).filter(|name| !name.is_empty());
    let metrics = HealthMetrics::new(domains.map(str::parse).collect::<Result<Vec<_>, _>>()?);
    metrics.describe();
    let mut health = Health::new(Arc::new(Mailcow::new(client)));
    if let Some(host) = setting("MAILCOW_HOSTNAME") {
        let (host, probe) = (host.parse::<DomainName>()?, Sockets::new(Arc::new(tls_config(None)?)));
        health = health.with_certificate_days(move || {
            let (host, probe) = (host.clone(), probe.clone());
            async move { certificate_days(&probe, address_of(&host).await?, &host).await }
        });
    }
    let mut monitor = monitor(Arc::new(health), rules.clone(), metrics);
    if let Some(url) = setting("HEALTH_WEBHOOK") {
        let http = Arc::new(ReqwestClient::with_public_roots()?);
        monitor = monitor.with_sink(Arc::new(WebhookSink::new(http, url.parse()?)?));
    }

    let listener = TcpListener::bind(setting("HEALTH_LISTEN").unwrap_or("127.0.0.1:9153".into())).await?;
    println!("listening on http://{}/metrics", listener.local_addr()?);
    let looks = tokio::spawn(monitor.with_interval(Duration::from_mins(1)).run());
    axum::serve(listener, app(handle, &rules)).with_graceful_shutdown(told_to_stop()).await?;
    looks.abort();
    println!("stopped");
    Ok(())
}

async fn address_of(host: &DomainName) -> Result<IpAddr, agent_mail::Error> {
    let error = || agent_mail::Error::new(ErrorKind::Unavailable, "look up", host);
    let mut found = lookup_host((host.as_str(), 993)).await.map_err(|source| error().with_source(source))?;
    Ok(found.next().ok_or_else(error)?.ip())
}

fn monitor(source: Arc<dyn HealthSource>, rules: Rules, metrics: HealthMetrics) -> Monitor {
    Monitor::new(source, rules).with_sink(Arc::new(Terminal)).with_metrics(metrics)
}

fn app(handle: PrometheusHandle, rules: &Rules) -> Router {
    let rules = rule_file(rules);
    Router::new()
        .route("/metrics", get(move || async move { handle.render() }))
        .route("/rules.yml", get(move || async move { rules }))
}

async fn scrape(address: SocketAddr, path: &str) -> Result<String, Box<dyn Error>> {
    let client = ReqwestClient::with_public_roots()?;
    let request = HttpRequest::new(Method::Get, format!("http://{address}{path}").parse()?);
    let answer = tokio::time::timeout(Duration::from_secs(10), client.send(request)).await??;
    Ok(String::from_utf8(answer.body)?)
}

/// Waits for SIGTERM or ctrl-c.
#[cfg(unix)]
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Waits for ctrl-c.
#[cfg(not(unix))]
async fn told_to_stop() {
    let _ = tokio::signal::ctrl_c().await;
}

#[async_trait::async_trait]
impl AlertSink for Terminal {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), agent_mail::Error> {
        for alert in alerts {
            let word = match alert.state {
                AlertState::Firing => alert.severity.as_str(),
                AlertState::Resolved => "resolved",
            };
            println!("  [{word}] {}: {}", alert.rule, alert.summary);
        }
        Ok(())
    }
}
