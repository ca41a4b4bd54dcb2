//! From a request to a route: the path as nginx and PHP read it, the key, the method, the body.

use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{
    search,
    state::{Reply, State, list},
};
use crate::{HttpRequest, HttpResponse, Method};

/// What a key may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    ReadWrite,
    ReadOnly,
    /// No key was sent.
    Nobody,
    /// A key was sent that is none.
    Stranger,
}

/// Returns the route behind a URL, as `["get", "mailbox", "a@b.example"]`.
pub(super) fn route(request: &HttpRequest) -> Vec<String> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    // nginx decodes once and puts the path raw into a query, which PHP cuts at "&" and decodes again.
    let query = decode(request.url.path());
    let query = query.split('&').next().unwrap_or_default().replace('+', " ");
    let path = decode(&query);
    let route = path.split_once("/api/v1/").map_or("", |(_, route)| route);
    route.trim_end_matches('/').split('/').map(str::to_owned).collect()
}

pub(super) fn role(request: &HttpRequest, read_write: &str, read_only: &str) -> Role {
    let mut key = request.api_key.expose_secret().to_owned();
    key.retain(|c| c.is_ascii_alphanumeric() || c == '-');
    match key.as_str() {
        "" => Role::Nobody,
        key if key == read_write => Role::ReadWrite,
        key if key == read_only => Role::ReadOnly,
        _ => Role::Stranger,
    }
}

/// Turns away what does not get as far as a route.
pub(super) fn refuse(role: Role, request: &HttpRequest, action: &str) -> Option<HttpResponse> {
    let is_write = matches!(action, "add" | "edit" | "delete");
    match (role, action) {
        (Role::Stranger, _) => {
            let body = protocol_error(401, "authentication failed");
            return Some(body.with_content_type("text/html; charset=utf-8"));
        }
        (Role::Nobody, "add") => {
            let body = json!([{"type": "danger", "log": ["mailbox", "add"], "msg": "access_denied"}]);
            return Some(HttpResponse::new(200, body.to_string()));
        }
        (Role::Nobody, _) if !is_write => return Some(HttpResponse::new(200, "")),
        (Role::ReadOnly | Role::Nobody, _) if is_write => {
            return Some(protocol_error(403, "API read/write access denied"));
        }
        _ => {}
    }
    match (request.method, is_write) {
        (Method::Get, true) => Some(protocol_error(200, "Cannot find attributes in post data")),
        (Method::Get, false) if action == "search" => {
            Some(protocol_error(405, "only POST method is allowed"))
        }
        (Method::Post, false) if action == "get" => Some(protocol_error(405, "only GET method is allowed")),
        _ => None,
    }
}

/// Carries out a route.
pub(super) fn dispatch(state: &mut State, route: &[&str], request: &HttpRequest) -> HttpResponse {
    let body = request.body.as_ref().map_or("", |body| body.expose_secret());
    let body: Value = match (request.method, serde_json::from_str(body)) {
        (Method::Post, Err(_)) => return protocol_error(400, "Request body doesn't contain valid json!"),
        (_, body) => body.unwrap_or_default(),
    };
    let tags = request.url.query_pairs().find(|(name, _)| name == "tags").map(|(_, tags)| tags.into_owned());
    let tags = tags.as_deref();
    let reply = match route {
        ["get", "status", "version"] => Reply::Json(json!({"version": VERSION})),
        ["get", "alias", "all"] => state.list_aliases(None),
        ["get", "alias", "all", domains] => state.list_aliases(Some(domains)),
        ["get", "alias", name] => state.get_alias(name),
        ["get", "alias-domain", "all"] => state.list_alias_domains(),
        ["get", "alias-domain", name] => state.get_alias_domain(name),
        ["get", "domain", "all"] => state.list_domains(tags),
        ["get", "domain", name] => state.get_domain(name),
        ["get", "mailbox", "all"] => list(state.list_mailboxes(None, tags)),
        ["get", "mailbox", "all", domains] => list(state.list_mailboxes(Some(domains), tags)),
        ["get", "mailbox", "reduced"] => state.list_mailboxes_reduced(None),
        ["get", "mailbox", "reduced", domains] => state.list_mailboxes_reduced(Some(domains)),
        ["get", "mailbox", domain] if tags.is_some() => {
            Reply::Json(Value::Array(state.list_mailboxes(Some(domain), tags)))
        }
        ["get", "mailbox", address] => state.get_mailbox(address),
        ["get", "relayhost", "all"] => state.list_relayhosts(),
        ["get", "relayhost", id] => state.get_relayhost(id),
        ["get", "transport", "all"] => state.list_transports(),
        ["get", "transport", id] => state.get_transport(id),
        ["get", "app-passwd", "all", address] => state.list_app_passwords(address),
        ["get", "dkim", name] => state.get_dkim(name),
        ["get", "rl-mbox", "all"] => state.list_mailbox_rates(),
        ["get", "rl-mbox", address] => state.get_mailbox_rate(address),
        ["get", "rl-domain", "all"] => state.list_domain_rates(),
        ["get", "rl-domain", name] => state.get_domain_rate(name),
        ["add", "alias"] => state.add_alias(&body),
        ["add", "alias-domain"] => state.add_alias_domain(&body),
        ["add", "relayhost"] => state.add_relayhost(&body),
        ["add", "transport"] => state.add_transport(&body),
        ["get", "passwordpolicy"] => search::password_policy(),
        ["search", "domain"] => state.search_domain(&body),
        ["search", "mailbox"] => state.search_mailbox(&body),
        ["add", "domain"] => state.add_domain(&body),
        ["add", "mailbox"] => state.add_mailbox(&body),
        ["add", "app-passwd"] => state.add_app_password(&body),
        ["add", "dkim"] => state.add_dkim(&body),
        ["edit", "alias"] => state.edit_alias(&body),
        ["edit", "alias-domain"] => state.edit_alias_domain(&body),
        ["edit", "domain"] => state.edit_domain(&body),
        ["edit", "relayhost"] => state.edit_relayhost(&body),
        ["edit", "transport"] => state.edit_transport(&body),
        [
            "edit",
            route @ ("tls_policy"
            | "quarantine_notification"
            | "quarantine_category"
            | "delimiter_action"
            | "user-acl"),
        ]
        | ["edit", "mailbox", route @ "custom-attribute"] => state.set_mailbox(route, &body),
        ["edit", "mailbox"] => state.edit_mailbox(&body),
        ["edit", "app-passwd"] => state.edit_app_password(&body),
        ["edit", "rl-mbox"] => state.edit_mailbox_rate(&body),
        ["edit", "rl-domain"] => state.edit_domain_rate(&body),
        ["delete", "alias"] => state.delete_alias(&body),
        ["delete", "alias-domain"] => state.delete_alias_domain(&body),
        ["delete", "relayhost"] => state.delete_relayhost(&body),
        ["delete", "transport"] => state.delete_transport(&body),
        ["delete", "domain", "tag", name] => state.delete_domain_tags(name, &body),
        ["delete", "mailbox", "tag", address] => state.delete_mailbox_tags(address, &body),
        ["delete", "domain"] => state.delete_domain(&body),
        ["delete", "mailbox"] => state.delete_mailbox(&body),
        ["delete", "app-passwd"] => state.delete_app_password(&body),
        ["delete", "dkim"] => state.delete_dkim(&body),
        _ => match state.further(route, &body) {
            Some(reply) => reply,
            None => return protocol_error(404, "route not found"),
        },
    };
    reply.into()
}

/// The page of a server whose database is down.
pub(super) fn out_of_order() -> HttpResponse {
    HttpResponse::new(500, "<center>Connection to database failed.</center>\n")
        .with_content_type("text/html; charset=utf-8")
}

fn protocol_error(status: u16, msg: &str) -> HttpResponse {
    HttpResponse::new(status, json!({"type": "error", "msg": msg}).to_string())
}

const VERSION: &str = "2026-07a";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::Target;

    fn routed(path: &str) -> Vec<String> {
        let url = format!("https://mail.example.com/api/v1/{path}").parse().unwrap();
        route(&HttpRequest::new(Method::Get, url, "KEY".into()))
    }

    #[test]
    fn a_path_is_decoded_twice_as_by_the_real_server() {
        assert_eq!(routed("get/mailbox/a@b.example"), ["get", "mailbox", "a@b.example"]);
        assert_eq!(routed("edit/rl-mbox/"), ["edit", "rl-mbox"]);
        assert_eq!(routed("get/mailbox/plus%252Btag@b.example"), ["get", "mailbox", "plus+tag@b.example"]);
        assert_eq!(routed("get/mailbox/plus%2Btag@b.example"), ["get", "mailbox", "plus tag@b.example"]);
        assert_eq!(routed("get/mailbox/r%26d@b.example"), ["get", "mailbox", "r"]);
    }

    proptest! {
        #[test]
        fn every_path_of_the_client_arrives_as_it_was_meant(segments in prop::collection::vec(any::<String>(), 1..4)) {
            let given: Vec<_> = segments.iter().map(String::as_str).collect();
            let base = "https://mail.example.com/api/v1/".parse().unwrap();
            if let Ok(url) = Target::from(given.as_slice()).url(&base, "get/x") {
                let seen = route(&HttpRequest::new(Method::Get, url, "KEY".into()));
                prop_assert_eq!(&seen[2..], &segments[..]);
            }
        }
    }
}
