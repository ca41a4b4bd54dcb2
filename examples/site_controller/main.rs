//! A service that gives the sites of a platform's tenants their mail, for a controller to call.
//!
//! Usage: `cargo run --example site_controller`
//!
//! Without configuration it serves a world in memory on a loopback port, calls each of its own endpoints, prints the answers
//! and stops. Otherwise it serves until ctrl-c or SIGTERM, and ends the calls that are under way:
//!
//! | variable | what it is |
//! |---|---|
//! | `SITES_TOKEN` | the bearer token that callers have to send, at least 16 characters; it does not serve without one |
//! | `SITES_LISTEN` | where it listens, a loopback address: a proxy in front of it has the certificate; `127.0.0.1:8080` |
//! | `SITES_KUBERNETES_PREFIX` | keeps the state in annotations below this prefix, of the cluster it runs in |
//! | `MAILCOW_API_URL`, .. | a real Mailcow and deSEC, over TLS: all that `AgentMail::from_env` reads; else the world is in memory |
//! | `MAILCOW_DOMAIN` | the shared mail zone: a site's domain is `<slug>.<zone>` |
//!
//! What it serves is in `openapi.json`, and at `/openapi.json`.

mod api;
mod demo;
mod problem;
#[path = "../program.rs"]
mod program;
mod token;
mod world;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

use agent_mail::sites::Sites;
use program::Vars;
use token::Token;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program::end(run(&program::variable).await.map(|()| ExitCode::SUCCESS))
}

async fn run(vars: Vars<'_>) -> Result<(), Box<dyn Error>> {
    // What only makes sense with a real system behind the service.
    let real = [
        "SITES_KUBERNETES_PREFIX",
        "MAILCOW_API_URL",
        "MAILCOW_API_KEY",
        "DESEC_TOKEN",
        "AGENT_MAIL_STATE_DIR",
    ];
    let mut optional = real.map(|name| (name, &SYSTEM[..])).to_vec();
    optional.push(("SITES_LISTEN", &[]));
    if !program::is_real(&["SITES_TOKEN"], &optional, vars)? {
        return demo::run(&mut std::io::stdout()).await;
    }
    let token: Token = vars("SITES_TOKEN").ok_or("SITES_TOKEN is not set")?.parse()?;
    let listen = vars("SITES_LISTEN").unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listen: SocketAddr = listen.parse().map_err(|_| "SITES_LISTEN is no address like 127.0.0.1:8080")?;
    if !listen.ip().is_loopback() {
        return Err(
            "SITES_LISTEN has to be a loopback address; let a proxy with a certificate stand in front".into(),
        );
    }
    let sites = world::open(vars)?;
    let listener = TcpListener::bind(listen).await?;
    println!("serving on http://{}; ctrl-c ends it", listener.local_addr()?);
    serve(listener, sites, token, stop_signal()).await?;
    println!("stopped");
    Ok(())
}

/// Serves until `stop` is there, and then answers the calls that are under way.
async fn serve(
    listener: TcpListener,
    sites: Sites,
    token: Token,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, api::router(sites, token)).with_graceful_shutdown(stop).await
}

async fn stop_signal() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

/// What [`Config`](agent_mail::Config) can't do without.
const SYSTEM: [&str; 6] = [
    "MAILCOW_API_URL",
    "MAILCOW_API_KEY",
    "MAILCOW_HOSTNAME",
    "MAILCOW_DOMAIN",
    "DESEC_TOKEN",
    "AGENT_MAIL_STATE_DIR",
];

#[cfg(test)]
mod tests;
