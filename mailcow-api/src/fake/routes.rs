//! The routes beside those of domains, mailboxes, aliases and what belongs to these.

use serde_json::Value;

use super::state::{Reply, State, list};

impl State {
    /// Carries out a route, if it is one of these.
    pub(super) fn further(&mut self, route: &[&str], body: &Value) -> Option<Reply> {
        Some(match route {
            // What users activate themselves cannot be set through the API.
            ["get", "active-user-sieve", _] => list(Vec::new()),
            ["get", "bcc", "all"] => self.list_bcc_maps(),
            ["get", "bcc", id] => self.get_bcc_map(id),
            ["get", "domain-admin", "all"] => self.list_domain_admins(),
            ["get", "domain-admin", name] => self.get_domain_admin(name),
            ["get", "filters", "all"] => self.list_filters(None),
            ["get", "filters", mailbox] => self.list_filters(Some(mailbox)),
            ["get", "fwdhost", "all"] => self.list_forwarding_hosts(),
            ["get", "fwdhost", host] => self.get_forwarding_host(host),
            ["get", "policy_bl_domain" | "policy_bl_mailbox", object] => self.list_policies(object, false),
            ["get", "policy_wl_domain" | "policy_wl_mailbox", object] => self.list_policies(object, true),
            ["get", "recipient_map", "all"] => self.list_recipient_maps(),
            ["get", "recipient_map", id] => self.get_recipient_map(id),
            ["get", "resource", "all"] => self.list_resources(),
            ["get", "resource", address] => self.get_resource(address),
            ["get", "syncjobs", "all"] | ["get", "syncjobs", "all", "no_log"] => self.list_sync_jobs(None),
            ["get", "syncjobs", mailbox] | ["get", "syncjobs", mailbox, "no_log"] => {
                self.list_sync_jobs(Some(mailbox))
            }
            ["get", "time_limited_aliases", mailbox] => self.list_temporary_aliases(mailbox),
            ["get", "tls-policy-map", "all"] => self.list_tls_policy_maps(),
            ["get", "tls-policy-map", id] => self.get_tls_policy_map(id),
            ["add", "bcc"] => self.add_bcc_map(body),
            ["add", "domain-admin"] => self.add_domain_admin(body),
            ["add", "domain-policy"] => self.add_policy("domain", body),
            ["add", "filter"] => self.add_filter(body),
            ["add", "fwdhost"] => self.add_forwarding_host(body),
            ["add", "mailbox-policy"] => self.add_policy("mailbox", body),
            ["add", "recipient_map"] => self.add_recipient_map(body),
            ["add", "resource"] => self.add_resource(body),
            ["add", "sso", "domain-admin"] => self.issue_domain_admin_token(body),
            ["add", "syncjob"] => self.add_sync_job(body),
            ["add", "time_limited_alias"] => self.add_temporary_alias(body),
            ["add", "tls-policy-map"] => self.add_tls_policy_map(body),
            ["edit", "bcc"] => self.edit_bcc_map(body),
            ["edit", "da-acl"] => self.edit_domain_admin_rights(body),
            ["edit", "domain-admin"] => self.edit_domain_admin(body),
            ["edit", "filter"] => self.edit_filter(body),
            ["edit", "fwdhost"] => self.edit_forwarding_host(body),
            ["edit", "recipient_map"] => self.edit_recipient_map(body),
            ["edit", "resource"] => self.edit_resource(body),
            ["edit", "syncjob"] => self.edit_sync_job(body),
            ["edit", "time_limited_alias"] => self.edit_temporary_alias(body),
            ["edit", "tls-policy-map"] => self.edit_tls_policy_map(body),
            ["delete", "bcc"] => self.delete_bcc_map(body),
            ["delete", "domain-admin"] => self.delete_domain_admin(body),
            ["delete", "domain-policy"] => self.delete_policy("domain", body),
            ["delete", "filter"] => self.delete_filter(body),
            ["delete", "fwdhost"] => self.delete_forwarding_host(body),
            ["delete", "mailbox-policy"] => self.delete_policy("mailbox", body),
            ["delete", "recipient_map"] => self.delete_recipient_map(body),
            ["delete", "resource"] => self.delete_resource(body),
            ["delete", "syncjob"] => self.delete_sync_job(body),
            ["delete", "time_limited_alias"] => self.delete_temporary_alias(body),
            ["delete", "tls-policy-map"] => self.delete_tls_policy_map(body),
            _ => return None,
        })
    }
}
