use mail_access::quote;

/// Splits a text and finds codes and links in it.
pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let split = quote::split(&text);
    let all: String = split.parts().iter().map(quote::Part::text).collect();
    assert_eq!(all, text);
    for two in split.parts().windows(2) {
        assert_ne!(two[0].kind(), two[1].kind());
    }
    let [new, quoted, signature] =
        [split.new_text(), split.quoted(), split.signature()].map(|part| part.len());
    assert!(new + quoted + signature <= text.len());
    for code in quote::codes(&text) {
        assert!(!code.value().is_empty() && (1..=100).contains(&code.confidence()), "{:?}", code.value());
        // Blanks and hyphens may have gone from it, and nothing came.
        let mut rest = text.chars();
        assert!(
            code.value().chars().all(|one| rest.any(|other| other == one)),
            "{:?} of {text:?}",
            code.value()
        );
    }
    for link in quote::links(&text).into_iter().chain(quote::links_in_html(&text)) {
        assert!(["http", "https"].contains(&link.url().scheme()), "{}", link.url());
    }
}
