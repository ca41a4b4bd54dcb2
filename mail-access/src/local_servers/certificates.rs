//! A certificate authority that lives as long as the servers.

use std::fs;
use std::io;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::Unavailable;

/// Writes `cert.pem` and `key.pem` for [`NAMES`] into the folder and returns the authority's certificate in PEM.
pub(super) fn issue(folder: &Path) -> Result<String, Unavailable> {
    let failed = |error: rcgen::Error| Unavailable::new(format!("no certificate could be made: {error}"));
    let mut authority = CertificateParams::new(Vec::new()).map_err(failed)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "local servers' authority");
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate().map_err(failed)?;
    let authority_pem = authority.self_signed(&authority_key).map_err(failed)?.pem();
    let issuer = Issuer::new(authority, authority_key);

    let mut server = CertificateParams::new(NAMES.map(String::from)).map_err(failed)?;
    server.distinguished_name.push(DnType::CommonName, "mail.example.test");
    server.use_authority_key_identifier_extension = true;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let server_key = KeyPair::generate().map_err(failed)?;
    let server_pem = server.signed_by(&server_key, &issuer).map_err(failed)?.pem();

    write(folder, &server_pem, &server_key.serialize_pem())
        .map_err(|error| Unavailable::new(format!("the certificate could not be written: {error}")))?;
    Ok(authority_pem)
}

fn write(folder: &Path, certificate: &str, key: &str) -> io::Result<()> {
    fs::create_dir(folder)?;
    fs::write(folder.join("cert.pem"), certificate)?;
    fs::write(folder.join("key.pem"), key)
}

const NAMES: [&str; 3] = ["localhost", "mail.example.test", "127.0.0.1"];
