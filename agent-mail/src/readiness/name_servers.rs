use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::tcp::TcpClientStream;
use hickory_resolver::net::udp::UdpClientStream;
use hickory_resolver::net::xfer::{DnsRequestSender, FirstAnswer};
use hickory_resolver::net::{DnsHandle, NetError};
use hickory_resolver::proto::op::{DnsRequest, DnsRequestOptions, DnsResponse, Query, ResponseCode};
use hickory_resolver::proto::rr::{self, Name, RData};
use hickory_resolver::proto::serialize::binary::{BinEncodable, BinEncoder};
use tokio::time::timeout;

use super::{Answer, LookUp, LookUpError, Record, RecordData, RecordType, Server};
use crate::{Error, ErrorKind};

/// Asks real name servers (feature `readiness`): over UDP, and over TCP what doesn't fit there.
///
/// Nothing is remembered between look-ups, and no answer is believed that doesn't come from the server asked, with the
/// random number and the question that were sent. An answer is at most 64 KiB.
#[derive(Clone, Debug)]
#[must_use]
pub struct NameServers {
    recursive: Vec<SocketAddr>,
    port: u16,
    deadline: Duration,
}

impl NameServers {
    /// Asks this recursive server; servers of zones are asked on port 53.
    pub fn new(recursive: SocketAddr) -> Self {
        Self { recursive: vec![recursive], port: 53, deadline: Duration::from_secs(5) }
    }

    /// Asks the recursive servers that the operating system uses, one after the other (`/etc/resolv.conf`). Where that
    /// names none, or isn't there, it is the one on this machine, as resolv.conf(5) has it.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the file can't be read.
    pub fn of_system() -> Result<Self, Error> {
        Self::of_file(RESOLV_CONF)
    }

    fn of_file(path: &str) -> Result<Self, Error> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.map_err(|source| {
                Error::new(ErrorKind::Unavailable, "find name servers", path)
                    .with_fix("name a recursive name server yourself")
                    .with_source(source)
            })?,
        };
        let own = Self::new((Ipv4Addr::LOCALHOST, 53).into());
        let recursive = nameservers(&text);
        Ok(if recursive.is_empty() { own } else { Self { recursive, ..own } })
    }

    /// Sets the port on which the servers of zones are asked.
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets how long one server may take for one look-up; 5 seconds unless set.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Asks as everyone does today, and the servers that know no extensions (EDNS) without these: they say so (RFC 6891
    /// section 7), or give an answer that can't be told from none.
    async fn ask(
        &self,
        server: SocketAddr,
        recursion: bool,
        query: Query,
    ) -> Result<DnsResponse, LookUpError> {
        let mut options = DnsRequestOptions::default();
        options.recursion_desired = recursion;
        options.edns_payload_len = PAYLOAD;
        let answer = self.exchange(server, DnsRequest::from_query(query.clone(), options)).await;
        let knows_no_extensions = match &answer {
            Ok(answer) => {
                matches!(answer.metadata.response_code, ResponseCode::FormErr | ResponseCode::NotImp)
            }
            Err(error) => matches!(error, LookUpError::Silent(_)),
        };
        if !knows_no_extensions {
            return answer;
        }
        options.use_edns = false;
        self.exchange(server, DnsRequest::from_query(query, options)).await
    }

    async fn exchange(&self, server: SocketAddr, request: DnsRequest) -> Result<DnsResponse, LookUpError> {
        let failed = |error: NetError| match error {
            NetError::Timeout => LookUpError::Silent(self.deadline),
            NetError::Io(error) => LookUpError::Unreachable(error.to_string()),
            other => LookUpError::Malformed(other.to_string()),
        };
        let provider = TokioRuntimeProvider::new();
        // Half of the time, so that there is some left to ask again.
        let wait = Some(self.deadline / 2);
        let mut udp = UdpClientStream::builder(server, provider.clone()).with_timeout(wait).build();
        let answer = udp.send_message(request.clone()).first_answer().await.map_err(failed)?;
        if !answer.metadata.truncation {
            return Ok(answer);
        }
        let tcp =
            TcpClientStream::exchange(server, None, self.deadline, None, provider).await.map_err(failed)?;
        let answer = tcp.send(request.clone()).first_answer().await.map_err(failed)?;
        if answer.queries == request.queries {
            return Ok(answer);
        }
        Err(LookUpError::Malformed("it answers another question".into()))
    }
}

#[async_trait]
impl LookUp for NameServers {
    async fn look_up(&self, server: Server, name: &str, rtype: RecordType) -> Result<Answer, LookUpError> {
        let labels = name.split('.').filter(|label| !label.is_empty()).map(str::as_bytes);
        let mut owner =
            Name::from_labels(labels).map_err(|error| LookUpError::Malformed(error.to_string()))?;
        owner.set_fqdn(true);
        let query = Query::query(owner, wire_type(rtype));
        let servers = match server {
            Server::At(address) => vec![SocketAddr::new(address, self.port)],
            Server::Recursive => self.recursive.clone(),
        };
        let mut outcome = Err(LookUpError::Unreachable("there is no server".into()));
        for address in servers {
            let asked = self.ask(address, server == Server::Recursive, query.clone());
            outcome = match timeout(self.deadline, asked).await {
                Ok(said) => said.and_then(|answer| read(&answer)),
                Err(_) => Err(LookUpError::Silent(self.deadline)),
            };
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

fn read(answer: &DnsResponse) -> Result<Answer, LookUpError> {
    let code = answer.metadata.response_code;
    if !matches!(code, ResponseCode::NoError | ResponseCode::NXDomain) {
        return Err(LookUpError::Refused(code.to_string()));
    }
    let records = |records: &[rr::Record]| records.iter().filter_map(record).collect();
    Ok(Answer {
        is_no_name: code == ResponseCode::NXDomain,
        is_authoritative: answer.metadata.authoritative,
        records: records(&answer.answers),
        authority: records(&answer.authorities),
    })
}

fn record(record: &rr::Record) -> Option<Record> {
    let data = match &record.data {
        RData::A(address) => RecordData::A(address.0),
        RData::AAAA(address) => RecordData::Aaaa(address.0),
        RData::CNAME(target) => RecordData::Cname(plain(&target.0)),
        RData::MX(mx) => RecordData::Mx { preference: mx.preference, host: plain(&mx.exchange) },
        RData::NS(host) => RecordData::Ns(plain(&host.0)),
        RData::PTR(host) => RecordData::Ptr(plain(&host.0)),
        RData::SOA(soa) => RecordData::Soa(soa.serial),
        RData::TXT(txt) => RecordData::Txt(txt.txt_data.concat()),
        // Whether hickory knows these by name depends on features that others may set.
        other => match u16::from(record.record_type()) {
            43 => RecordData::Ds(wire(other)?),
            48 => RecordData::Dnskey(wire(other)?),
            _ => return None,
        },
    };
    Some(Record { name: plain(&record.name), data })
}

fn plain(name: &Name) -> String {
    let mut text = name.to_lowercase().to_ascii();
    if text.ends_with('.') {
        text.pop();
    }
    text
}

fn wire(data: &RData) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    data.emit(&mut BinEncoder::new(&mut bytes)).ok()?;
    Some(bytes)
}

fn wire_type(rtype: RecordType) -> rr::RecordType {
    match rtype {
        RecordType::A => rr::RecordType::A,
        RecordType::Aaaa => rr::RecordType::AAAA,
        RecordType::Cname => rr::RecordType::CNAME,
        RecordType::Dnskey => rr::RecordType::DNSKEY,
        RecordType::Ds => rr::RecordType::DS,
        RecordType::Mx => rr::RecordType::MX,
        RecordType::Ns => rr::RecordType::NS,
        RecordType::Ptr => rr::RecordType::PTR,
        RecordType::Soa => rr::RecordType::SOA,
        RecordType::Txt => rr::RecordType::TXT,
    }
}

/// Reads the lines `nameserver <address>` (resolv.conf(5)); a scope behind `%` is left out.
fn nameservers(text: &str) -> Vec<SocketAddr> {
    let addresses = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = (words.next()? == "nameserver").then(|| words.next())??;
        address.split('%').next()?.parse::<IpAddr>().ok()
    });
    // As many as the system's own resolver looks at.
    addresses.take(3).map(|address| SocketAddr::new(address, 53)).collect()
}

const RESOLV_CONF: &str = "/etc/resolv.conf";
/// What passes every network in one piece (RFC 9715).
const PAYLOAD: u16 = 1232;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_s_servers_are_read() {
        let text = "# a remark\nsearch x.example\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\n nameserver 2001:db8::53 # b\nnameserver x\nnameserver 192.0.2.54\n";
        let wanted = ["192.0.2.53:53", "[fe80::1]:53", "[2001:db8::53]:53"];
        assert_eq!(nameservers(text), wanted.map(|text| text.parse::<SocketAddr>().unwrap()));
        assert!(nameservers("options rotate\nnameserver").is_empty());
    }

    #[test]
    fn a_system_that_names_none_has_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("resolv.conf");
        let path = path.to_str().unwrap();
        let servers = || NameServers::of_file(path).unwrap().recursive;
        assert_eq!(servers(), ["127.0.0.1:53".parse::<SocketAddr>().unwrap()]);
        std::fs::write(path, "search x.example\n").unwrap();
        assert_eq!(servers(), ["127.0.0.1:53".parse::<SocketAddr>().unwrap()]);
        std::fs::write(path, "nameserver 192.0.2.53\n").unwrap();
        assert_eq!(servers(), ["192.0.2.53:53".parse::<SocketAddr>().unwrap()]);
        std::fs::write(path, [0xff]).unwrap();
        assert_eq!(NameServers::of_file(path).unwrap_err().kind(), ErrorKind::Unavailable);
    }
}
