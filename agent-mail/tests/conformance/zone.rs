//! A zone at the fake of deSEC, in memory or over HTTP.

use std::sync::Arc;

use agent_mail::backend::{DnsProvider, DynamicDns};
use agent_mail::conformance::{DnsHarness, DynamicDnsHarness};
use agent_mail::{Desec, DomainName};
use desec_api::FakeDesec;

use crate::{block_on, domain};

#[derive(Debug)]
pub(crate) struct FakeZone {
    provider: Arc<Desec>,
    _server: Option<desec_api::FakeServer>,
}

impl FakeZone {
    pub(crate) fn in_memory() -> Self {
        let fake = Self::new_fake();
        let client = fake.client_builder().unpaced().build().expect("a client can be made");
        Self { provider: Arc::new(Desec::new(client)), _server: None }
    }

    pub(crate) fn over_http() -> Self {
        let fake = Self::new_fake();
        let server = block_on(async move { (fake.serve().await, fake) });
        let client = desec_api::Client::builder(server.1.token()).base_url(server.0.uri()).unpaced().build();
        Self {
            provider: Arc::new(Desec::new(client.expect("a client can be made"))),
            _server: Some(server.0),
        }
    }

    fn new_fake() -> FakeDesec {
        let fake = FakeDesec::new();
        let name = domain().as_str().parse().expect("it is a name");
        fake.add_domain(&name, desec_api::Ttl::new(3600).expect("it is a TTL"));
        fake
    }
}

impl DnsHarness for FakeZone {
    fn provider(&self) -> Arc<dyn DnsProvider> {
        self.provider.clone()
    }

    fn zone(&self) -> DomainName {
        domain()
    }
}

impl DynamicDnsHarness for FakeZone {
    fn dynamic(&self) -> Arc<dyn DynamicDns> {
        self.provider.clone()
    }
}
