//! What the sweeps of `ensure` are about.

use mailcow_api::{
    AliasAddress, AliasTarget, Bookings, Client, DkimKeySpec, DomainName, Ensured, Error, FilterKind,
    MailboxAddress, MailboxStatus, Mib, NewAlias, NewAliasDomain, NewAppPassword, NewDomain, NewDomainAdmin,
    NewFilter, NewHub, NewMailbox, NewRelayhost, NewResource, NewTransport, Protocol, QuarantineCategory,
    QuarantineNotification, RateFrame, RateLimit, ResourceKind,
};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Thing {
    Alias,
    AliasDomain,
    AppPassword,
    CatchAll,
    Dkim,
    Domain,
    DomainAdmin,
    DomainLimit,
    DomainRelay,
    DomainTags,
    Filter,
    Forward,
    Hub,
    Mailbox,
    MailboxLimit,
    MailboxRelay,
    MailboxTags,
    Relayhost,
    Resource,
    Transport,
}

/// Two wishes about the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    First,
    Other,
}

impl Thing {
    pub(crate) const ALL: [Self; 20] = [
        Self::Alias,
        Self::AliasDomain,
        Self::AppPassword,
        Self::CatchAll,
        Self::Dkim,
        Self::Domain,
        Self::DomainAdmin,
        Self::DomainLimit,
        Self::DomainRelay,
        Self::DomainTags,
        Self::Filter,
        Self::Forward,
        Self::Hub,
        Self::Mailbox,
        Self::MailboxLimit,
        Self::MailboxRelay,
        Self::MailboxTags,
        Self::Relayhost,
        Self::Resource,
        Self::Transport,
    ];

    /// What the first call says.
    pub(crate) fn first(self) -> &'static str {
        match self {
            Self::DomainLimit | Self::MailboxLimit => "changed rl_value",
            Self::DomainRelay | Self::MailboxRelay => "changed relayhost",
            Self::DomainTags | Self::MailboxTags => "changed tags",
            _ => "created",
        }
    }

    /// What the call with the other wish says, if there can be one.
    pub(crate) fn changed(self) -> Option<&'static str> {
        Some(match self {
            Self::Alias => "changed goto, active, sogo_visible, sender_allowed, internal, private_comment",
            Self::AliasDomain => "changed target_domain, active, rl_value",
            // A key and a password are kept as they are, and so is a hub.
            Self::AppPassword | Self::Dkim | Self::Hub => return None,
            Self::CatchAll | Self::Forward => "changed goto",
            Self::Domain => {
                "changed description, aliases, mailboxes, defquota, maxquota, quota, gal, backupmx, relay_all_recipients, rl_value, tags"
            }
            Self::DomainAdmin => "changed domains, active",
            Self::DomainLimit | Self::MailboxLimit => "changed rl_value",
            Self::DomainRelay | Self::MailboxRelay => "changed relayhost",
            Self::DomainTags | Self::MailboxTags => "changed tags",
            Self::Filter => "changed filter_type, script_data",
            Self::Mailbox => {
                "changed name, quota, active, protocol_access, rl_value, tags, force_tfa, tls_enforce_in, tls_enforce_out, sogo_access, relayhost, quarantine_notification, quarantine_category"
            }
            Self::Relayhost => "changed password",
            Self::Resource => "changed kind, multiple_bookings, active",
            Self::Transport => "changed nexthop, username, password, active",
        })
    }

    #[allow(clippy::too_many_lines, reason = "one arm per thing")]
    pub(crate) async fn ensure(self, client: &Client, wanted: Wanted) -> Result<String, Error> {
        let is_other = wanted == Wanted::Other && self.changed().is_some();
        match self {
            Self::Alias => {
                let alias = NewAlias::new(address("team").into(), address("agent"));
                let other = NewAlias::new(address("team").into(), AliasTarget::Discard)
                    .with_active(false)
                    .with_webmail_visible(false)
                    .with_sender_allowed(false)
                    .with_internal(true)
                    .with_private_comment("closed");
                said(client.ensure_alias(if is_other { &other } else { &alias }).await)
            }
            Self::AliasDomain => {
                let wanted =
                    NewAliasDomain::new(domain("alias"), domain(if is_other { "other" } else { "agents" }));
                let wanted = wanted.with_active(!is_other);
                let wanted = if is_other { wanted.with_rate_limit(limit(9)) } else { wanted };
                said(client.ensure_alias_domain(&wanted).await)
            }
            Self::AppPassword => {
                let wanted = NewAppPassword::new(
                    address("agent"),
                    "runtime",
                    "App-Passw0rd-1".into(),
                    [Protocol::Imap],
                );
                said(client.ensure_app_password(&wanted).await)
            }
            Self::CatchAll => {
                let target = address(if is_other { "second" } else { "agent" });
                said(
                    client
                        .ensure_alias(&NewAlias::new(AliasAddress::catch_all(&domain("agents")), target))
                        .await,
                )
            }
            Self::Dkim => said(client.ensure_dkim(&domain("agents"), &DkimKeySpec::new("dkim")?).await),
            Self::Domain => said(client.converge_domain(&new_domain(is_other)).await),
            Self::DomainAdmin => {
                let domains = ["agents", "other"].map(domain).into_iter().skip(usize::from(is_other));
                let wanted = NewDomainAdmin::new("fleet-admin".parse()?, "Fake-Passw0rd-1".into(), domains);
                said(client.ensure_domain_admin(&wanted.with_active(!is_other)).await)
            }
            Self::DomainLimit => {
                let limit = (!is_other).then(|| limit(20));
                said(client.ensure_domain_rate_limit(&domain("agents"), limit.as_ref()).await)
            }
            Self::DomainRelay => {
                let relay = (!is_other).then_some("7".parse()?);
                said(client.ensure_domain_relayhost(&domain("agents"), relay).await)
            }
            Self::DomainTags => {
                let tags = if is_other { &["third"][..] } else { &["FLEET", "new"] };
                said(client.ensure_domain_tags(&domain("agents"), tags).await)
            }
            Self::Filter => {
                let (kind, script) = if is_other {
                    (FilterKind::After, "discard;")
                } else {
                    (FilterKind::Before, "keep;\r\n")
                };
                said(client.ensure_filter(&NewFilter::new(address("agent"), kind, "ours", script)).await)
            }
            Self::Forward => {
                let out: MailboxAddress = if is_other { "b@example.net" } else { "a@example.net" }.parse()?;
                said(client.ensure_alias(&NewAlias::new(address("out").into(), out)).await)
            }
            Self::Hub => {
                let mailbox = NewMailbox::new(address("hub"), "Fake-Passw0rd-1".into(), Mib::new(100));
                let hub = client.ensure_hub(&NewHub::new(mailbox.with_tags(["hub-owner"]))).await?;
                assert!(hub.mailbox.value.senders.contains(&"@agents.example.com".to_owned()));
                assert_eq!(hub.alias.value.targets, ["hub@agents.example.com"]);
                assert!(hub.filter.value.active && hub.filter.value.script.contains("fileinto \"INBOX\""));
                Ok(if hub.is_unchanged() { "unchanged" } else { "created" }.to_owned())
            }
            Self::Mailbox => said(client.converge_mailbox(&new_mailbox(is_other)).await),
            Self::MailboxLimit => {
                let limit = (!is_other).then(|| limit(20));
                said(client.ensure_mailbox_rate_limit(&address("agent"), limit.as_ref()).await)
            }
            Self::MailboxRelay => {
                let relay = (!is_other).then_some("7".parse()?);
                said(client.ensure_mailbox_relayhost(&address("agent"), relay).await)
            }
            Self::MailboxTags => {
                let tags = if is_other { &["third"][..] } else { &["FLEET", "new"] };
                said(client.ensure_mailbox_tags(&address("agent"), tags).await)
            }
            Self::Relayhost => {
                let password = if is_other { "n:ew" } else { "o:ld" };
                let wanted =
                    NewRelayhost::new("[smtp.example.net]:587").with_login("relay:user", password.into());
                said(client.ensure_relayhost(&wanted).await)
            }
            Self::Resource => {
                let room = NewResource::new("Meeting room 1", domain("agents"), ResourceKind::Location);
                let other = NewResource::new("Meeting room 1", domain("agents"), ResourceKind::Thing)
                    .with_bookings(Bookings::AtMost(3))
                    .with_active(false);
                said(client.ensure_resource(if is_other { &other } else { &room }).await)
            }
            Self::Transport => {
                let first = NewTransport::new("partner.example.net", "192.0.2.10");
                let other = NewTransport::new("partner.example.net", "[mx.example.net]:587")
                    .with_login("u:ser", "p:ass".into())
                    .with_active(false);
                said(client.ensure_transport(if is_other { &other } else { &first }).await)
            }
        }
    }

    /// How many there are of it.
    pub(crate) async fn count(self, client: &Client) -> usize {
        let aliases = || async { client.aliases().await.unwrap().len() };
        match self {
            Self::Alias | Self::CatchAll | Self::Forward => aliases().await,
            Self::AliasDomain => client.alias_domains().await.unwrap().len(),
            Self::AppPassword => client.app_passwords(&address("agent")).await.unwrap().len(),
            Self::Dkim => client.get_dkim(&domain("agents")).await.unwrap().into_iter().count(),
            Self::Domain => {
                client.domains().await.unwrap().iter().filter(|d| d.name == "new.example.com").count()
            }
            Self::DomainAdmin => client.domain_admins().await.unwrap().len(),
            Self::DomainLimit | Self::DomainRelay | Self::DomainTags => {
                client.domains().await.unwrap().len() - 1
            }
            Self::Filter => client.filters().await.unwrap().len(),
            Self::Hub => {
                let mailboxes = client.mailboxes().await.unwrap().len() - 1;
                let parts = [mailboxes, aliases().await, client.filters().await.unwrap().len()];
                if parts == [1, 1, 1] { 1 } else { parts.iter().sum() }
            }
            Self::Mailbox => client.mailboxes().await.unwrap().len() - 1,
            Self::MailboxLimit | Self::MailboxRelay | Self::MailboxTags => {
                client.mailboxes().await.unwrap().len()
            }
            Self::Relayhost => client.relayhosts().await.unwrap().len(),
            Self::Resource => client.resources().await.unwrap().len(),
            Self::Transport => client.transports().await.unwrap().len(),
        }
    }
}

fn said<T>(done: Result<Ensured<T>, Error>) -> Result<String, Error> {
    done.map(|done| {
        assert!(done.differs.is_empty(), "these are still otherwise: {:?}", done.differs);
        done.outcome().to_string()
    })
}

fn new_domain(is_other: bool) -> NewDomain {
    let wanted = NewDomain::new(domain("new")).with_tags(["fleet"]);
    if !is_other {
        return wanted.with_dkim(DkimKeySpec::new("dkim").unwrap());
    }
    wanted
        .with_description("agents")
        .with_max_aliases(7)
        .with_max_mailboxes(8)
        .with_quotas(Mib::new(10), Mib::new(20), Mib::new(30))
        .with_global_address_list(false)
        .with_relaying(true, true, false)
        .with_rate_limit(limit(9))
        .with_tags(["fleet", "more"])
}

fn new_mailbox(is_other: bool) -> NewMailbox {
    let wanted =
        NewMailbox::new(address("new"), "Fake-Passw0rd-1".into(), Mib::new(if is_other { 32 } else { 64 }));
    if !is_other {
        return wanted.with_tags(["fleet"]);
    }
    wanted
        .with_name("Agent")
        .with_status(MailboxStatus::LoginDenied)
        .with_protocols([Protocol::Imap])
        .with_forced_tfa(true)
        .with_tls(true, true)
        .with_webmail(false)
        .with_relayhost("7".parse().unwrap())
        .with_quarantine(QuarantineNotification::Never, QuarantineCategory::All)
        .with_rate_limit(limit(9))
        .with_tags(["Fleet", "more"])
}

fn address(local_part: &str) -> MailboxAddress {
    format!("{local_part}@agents.example.com").parse().unwrap()
}

fn domain(label: &str) -> DomainName {
    format!("{label}.example.com").parse().unwrap()
}

fn limit(value: u32) -> RateLimit {
    RateLimit::new(value.try_into().unwrap(), RateFrame::Hour)
}
