//! Certificates for servers under test, good ones and bad ones.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, NameConstraints, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A chain, the server's own certificate first, and its key.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Identity {
    /// A certificate that is in order, but for what `spoil` makes of it.
    pub(crate) fn issued(
        name: &str,
        issuer: &Issuer<'static, KeyPair>,
        spoil: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = good(name);
        spoil(&mut params);
        let key = KeyPair::generate().unwrap();
        Self { chain: vec![params.signed_by(&key, issuer).unwrap().der().clone()], key }
    }

    pub(crate) fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self { chain: vec![good(name).self_signed(&key).unwrap().der().clone()], key }
    }

    /// A certificate that another one signed which is no authority.
    pub(crate) fn issued_by_a_server(name: &str, issuer: &Issuer<'static, KeyPair>) -> Self {
        let (key, between) = (KeyPair::generate().unwrap(), good(name));
        let certificate = between.signed_by(&key, issuer).unwrap().der().clone();
        let mut identity = Self::issued(name, &Issuer::new(between, key), |_| {});
        identity.chain.push(certificate);
        identity
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.unwrap().with_no_client_auth();
        Arc::new(builder.with_single_cert(self.chain.clone(), key).unwrap())
    }
}

pub(crate) fn authority() -> CertifiedIssuer<'static, KeyPair> {
    CertifiedIssuer::self_signed(authority_params(), KeyPair::generate().unwrap()).unwrap()
}

/// An authority for the names below one domain only, and for no address.
pub(crate) fn authority_of(domain: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = authority_params();
    let permitted_subtrees = vec![GeneralSubtree::DnsName(domain.to_owned())];
    let nowhere = GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4]));
    params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: vec![nowhere] });
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "an authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn good(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, format!("the server {name}"));
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(4000, 1, 1);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}
