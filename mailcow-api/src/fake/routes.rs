//! The routes beside those of domains, mailboxes, aliases and what belongs to these.

use serde_json::Value;

use super::{
    logs::is_log,
    presets::{list_rspamd_presets, list_sieve_presets},
    quarantine::set_quarantine_settings,
    rspamd::set_rspamd_map,
    state::{Reply, State, list},
    status,
    templates::TemplateKind,
};

impl State {
    /// Carries out a route, if it is one of these.
    pub(super) fn further(&mut self, route: &[&str], body: &Value) -> Option<Reply> {
        self.read_further(route).or_else(|| self.write_further(route, body))
    }

    fn read_further(&self, route: &[&str]) -> Option<Reply> {
        Some(match route {
            // What users activate themselves cannot be set through the API.
            ["get", "active-user-sieve", _] => list(Vec::new()),
            // The real route is broken.
            ["get", "app-passwd", _] => Reply::Empty,
            ["get", "bcc", "all"] => self.list_bcc_maps(),
            ["get", "bcc", id] => self.get_bcc_map(id),
            ["get", "domain", "template", "all"] => self.list_templates(TemplateKind::Domain),
            ["get", "domain", "template", id] => self.get_template(TemplateKind::Domain, id),
            ["get", "domain-admin", "all"] => self.list_domain_admins(),
            ["get", "domain-admin", name] => self.get_domain_admin(name),
            ["get", "fail2ban"] => self.get_fail2ban(),
            ["get", "filters", "all"] => self.list_filters(None),
            ["get", "filters", mailbox] => self.list_filters(Some(mailbox)),
            ["get", "fwdhost", "all"] => self.list_forwarding_hosts(),
            ["get", "fwdhost", host] => self.get_forwarding_host(host),
            ["get", "global_filters", "all"] => self.list_global_filters(),
            ["get", "global_filters", "postfilter"] => self.get_global_filter(false),
            ["get", "global_filters", "prefilter"] => self.get_global_filter(true),
            ["get", "logs", log] if is_log(log) => self.list_log(log, None),
            ["get", "logs", log, rows] if is_log(log) => self.list_log(log, Some(rows)),
            ["get", "mailbox", "template", "all"] => self.list_templates(TemplateKind::Mailbox),
            ["get", "mailbox", "template", id] => self.get_template(TemplateKind::Mailbox, id),
            ["get", "mailq", "all"] => self.list_mail_queue(),
            ["get", "oauth2-client", "all"] => self.list_oauth_clients(),
            ["get", "oauth2-client", id] => self.get_oauth_client(id),
            ["get", "passwordpolicy"] => self.get_password_policy(),
            ["get", "passwordpolicy", "html"] => self.show_password_policy(),
            ["get", "policy_bl_domain" | "policy_bl_mailbox", object] => self.list_policies(object, false),
            ["get", "policy_wl_domain" | "policy_wl_mailbox", object] => self.list_policies(object, true),
            ["get", "postcat", id] => self.show_queued(id),
            ["get", "presets", "rspamd"] => list_rspamd_presets(),
            ["get", "presets", "sieve"] => list_sieve_presets(),
            ["get", "quarantine", "all"] => self.list_quarantine(),
            ["get", "quarantine", id] => self.get_quarantined(id),
            ["get", "recipient_map", "all"] => self.list_recipient_maps(),
            ["get", "recipient_map", id] => self.get_recipient_map(id),
            ["get", "resource", "all"] => self.list_resources(),
            ["get", "resource", address] => self.get_resource(address),
            ["get", "rsetting", "all"] => self.list_rspamd_settings(),
            ["get", "rsetting", id] => self.get_rspamd_setting(id),
            ["get", "rspamd", "actions"] => self.count_rspamd_actions(),
            ["get", "status", "container", _] => status::get_container(),
            ["get", "status", "containers"] => status::list_containers(),
            ["get", "status", "host"] => status::get_host(),
            ["get", "status", "host", "ip"] => status::get_addresses(),
            ["get", "status", "vmail"] => status::get_disk(),
            ["get", "syncjobs", "all"] | ["get", "syncjobs", "all", "no_log"] => self.list_sync_jobs(None),
            ["get", "syncjobs", mailbox] | ["get", "syncjobs", mailbox, "no_log"] => {
                self.list_sync_jobs(Some(mailbox))
            }
            ["get", "time_limited_aliases", mailbox] => self.list_temporary_aliases(mailbox),
            ["get", "tls-policy-map", "all"] => self.list_tls_policy_maps(),
            ["get", "tls-policy-map", id] => self.get_tls_policy_map(id),
            _ => return None,
        })
    }

    fn write_further(&mut self, route: &[&str], body: &Value) -> Option<Reply> {
        Some(match route {
            ["add", "bcc"] => self.add_bcc_map(body),
            ["add", "dkim_duplicate"] => self.duplicate_dkim(body),
            ["add", "dkim_import"] => self.import_dkim(body),
            ["add", "domain", "template"] => self.add_template(TemplateKind::Domain, body),
            ["add", "domain-admin"] => self.add_domain_admin(body),
            ["add", "domain-policy"] => self.add_policy("domain", body),
            ["add", "filter"] => self.add_filter(body),
            ["add", "fwdhost"] => self.add_forwarding_host(body),
            ["add", "global-filter"] => self.set_global_filter(body),
            ["add", "mailbox", "template"] => self.add_template(TemplateKind::Mailbox, body),
            ["add", "mailbox-policy"] => self.add_policy("mailbox", body),
            ["add", "mta-sts"] => self.add_mta_sts(body),
            ["add", "oauth2-client"] => self.add_oauth_client(body),
            ["add", "recipient_map"] => self.add_recipient_map(body),
            ["add", "resource"] => self.add_resource(body),
            ["add", "rsetting"] => self.add_rspamd_setting(body),
            ["add", "sso", "domain-admin"] => self.issue_domain_admin_token(body),
            ["add", "syncjob"] => self.add_sync_job(body),
            ["add", "time_limited_alias"] => self.add_temporary_alias(body),
            ["add", "tls-policy-map"] => self.add_tls_policy_map(body),
            ["edit", "bcc"] => self.edit_bcc_map(body),
            ["edit", "da-acl"] => self.edit_domain_admin_rights(body),
            ["edit", "domain", "template"] => self.edit_template(TemplateKind::Domain, body),
            ["edit", "domain-admin"] => self.edit_domain_admin(body),
            ["edit", "fail2ban"] => self.edit_fail2ban(body),
            ["edit", "filter"] => self.edit_filter(body),
            ["edit", "fwdhost"] => self.edit_forwarding_host(body),
            ["edit", "mailbox", "template"] => self.edit_template(TemplateKind::Mailbox, body),
            ["edit", "mailq"] => self.edit_mail_queue(body),
            ["edit", "mta-sts"] => self.edit_mta_sts(body),
            ["edit", "oauth2-client"] => self.edit_oauth_client(body),
            ["edit", "passwordpolicy"] => self.edit_password_policy(body),
            ["edit", "qitem"] => self.edit_quarantined(body),
            ["edit", "quarantine"] => set_quarantine_settings(body),
            ["edit", "recipient_map"] => self.edit_recipient_map(body),
            ["edit", "resource"] => self.edit_resource(body),
            ["edit", "rsetting"] => self.edit_rspamd_setting(body),
            ["edit", "rspamd-map"] => set_rspamd_map(body),
            ["edit", "syncjob"] => self.edit_sync_job(body),
            ["edit", "time_limited_alias"] => self.edit_temporary_alias(body),
            ["edit", "tls-policy-map"] => self.edit_tls_policy_map(body),
            ["delete", "bcc"] => self.delete_bcc_map(body),
            ["delete", "domain", "template"] => self.delete_template(TemplateKind::Domain, body),
            ["delete", "domain-admin"] => self.delete_domain_admin(body),
            ["delete", "domain-policy"] => self.delete_policy("domain", body),
            ["delete", "filter"] => self.delete_filter(body),
            ["delete", "fwdhost"] => self.delete_forwarding_host(body),
            ["delete", "mailbox", "template"] => self.delete_template(TemplateKind::Mailbox, body),
            ["delete", "mailbox-policy"] => self.delete_policy("mailbox", body),
            ["delete", "mailq"] => self.delete_queued(body),
            ["delete", "oauth2-client"] => self.delete_oauth_client(body),
            ["delete", "qitem"] => self.delete_quarantined(body),
            ["delete", "recipient_map"] => self.delete_recipient_map(body),
            ["delete", "resource"] => self.delete_resource(body),
            ["delete", "rsetting"] => self.delete_rspamd_setting(body),
            ["delete", "syncjob"] => self.delete_sync_job(body),
            ["delete", "time_limited_alias"] => self.delete_temporary_alias(body),
            ["delete", "tls-policy-map"] => self.delete_tls_policy_map(body),
            _ => return None,
        })
    }
}
