use std::time::SystemTime;

use mail_access::{AuthenticationResults, Received, TrustedServer, Uid};

/// Reads `bytes` as the value of one field, and as a message whose fields are those of a stranger.
pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(results) = AuthenticationResults::parse(&text) {
        assert!(!results.authserv_id.is_empty());
        for method in &results.methods {
            let lower = text.to_ascii_lowercase();
            assert!(
                lower.contains(&method.method.to_ascii_lowercase()),
                "{method:?} stands nowhere in {text:?}"
            );
            assert!(!method.passed() || lower.contains("pass"), "nothing passed in {text:?}");
        }
        let _ = (results.spf(), results.dmarc(), results.dkim().count());
    }
    let server = TrustedServer::new("mx.agents.example");
    let received = Received::parse(Uid::new(1).expect("not 0"), SystemTime::UNIX_EPOCH, false, bytes);
    let lower = text.to_ascii_lowercase();
    if let Some(results) = received.authentication(&server) {
        assert!(results.authserv_id.eq_ignore_ascii_case("mx.agents.example"));
        assert!(lower.contains("authentication-results"));
    }
    if let Some(from) = received.verified_from(&server) {
        assert!(lower.contains("dmarc") && lower.contains("pass") && lower.contains("mx.agents.example"));
        assert_eq!(received.all_from(), std::slice::from_ref(from), "which of them was it");
    }
}
