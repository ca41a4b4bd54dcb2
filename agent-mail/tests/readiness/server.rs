//! A DNS with several servers and zones on loopback, over real UDP and TCP, that lies where a test wants it to.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, NS, NULL, PTR, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

/// The servers, which end with it.
pub(crate) struct Dns {
    data: Arc<Mutex<Data>>,
    port: u16,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Data {
    /// Which zones a server has; the recursive one has none and knows all.
    servers: BTreeMap<IpAddr, Vec<String>>,
    sets: BTreeMap<(String, String), Vec<String>>,
    /// What one server says instead.
    own: BTreeMap<(IpAddr, String, String), Vec<String>>,
    faults: Vec<(Option<IpAddr>, Option<String>, Fault)>,
    asked: Vec<(IpAddr, String, bool)>,
}

/// How a server misbehaves.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// Answers SERVFAIL.
    Fails,
    /// Doesn't answer.
    Silent,
    /// Answers REFUSED, as one that doesn't have the zone.
    Refuses,
    /// Answers FORMERR to a question with extensions (EDNS).
    NoExtensions,
    /// Says over UDP that the answer doesn't fit.
    Truncates,
    /// Sends these bytes behind the number of the question.
    Raw(fn(&[u8]) -> Vec<u8>),
}

impl Dns {
    /// Starts servers at these addresses, all on one port.
    pub(crate) async fn start(servers: &[(u8, &[&str])]) -> Self {
        let address = |last: u8| IpAddr::from([127, 0, 0, last]);
        let data = Arc::new(Mutex::new(Data::default()));
        let (port, sockets) = bound(servers.iter().map(|(last, _)| address(*last)).collect()).await;
        let mut tasks = JoinSet::new();
        for (server, udp, tcp) in sockets {
            tasks.spawn(serve_udp(server, udp, data.clone()));
            tasks.spawn(serve_tcp(server, tcp, data.clone()));
        }
        for (last, zones) in servers {
            let zones = zones.iter().map(|zone| (*zone).to_owned()).collect();
            data.lock().unwrap().servers.insert(address(*last), zones);
        }
        Self { data, port, _tasks: tasks }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Publishes a set in place of the one before; without records it is gone.
    pub(crate) fn set(&self, name: &str, rtype: &str, records: &[&str]) {
        let records = records.iter().map(|record| (*record).to_owned()).collect();
        self.data.lock().unwrap().sets.insert((name.to_owned(), rtype.to_owned()), records);
    }

    /// Has one server say something else than the others.
    pub(crate) fn set_at(&self, last: u8, name: &str, rtype: &str, records: &[&str]) {
        let records = records.iter().map(|record| (*record).to_owned()).collect();
        let key = ([127, 0, 0, last].into(), name.to_owned(), rtype.to_owned());
        self.data.lock().unwrap().own.insert(key, records);
    }

    /// Breaks a server, or all; for a name, or all.
    pub(crate) fn fault(&self, last: Option<u8>, name: Option<&str>, fault: Fault) {
        let server = last.map(|last| [127, 0, 0, last].into());
        self.data.lock().unwrap().faults.push((server, name.map(str::to_owned), fault));
    }

    /// Counts the questions so far for a name, those over TCP apart.
    pub(crate) fn asked(&self, name: &str) -> (usize, usize) {
        let data = self.data.lock().unwrap();
        let of = |tcp| data.asked.iter().filter(|(_, asked, over)| asked == name && *over == tcp).count();
        (of(false), of(true))
    }
}

impl Data {
    fn get(&self, server: IpAddr, name: &str, rtype: &str) -> &[String] {
        let own = self.own.get(&(server, name.to_owned(), rtype.to_owned()));
        own.or_else(|| self.sets.get(&(name.to_owned(), rtype.to_owned()))).map_or(&[], Vec::as_slice)
    }

    fn exists(&self, name: &str) -> bool {
        let below = format!(".{name}");
        self.sets
            .iter()
            .any(|((known, _), set)| !set.is_empty() && (known == name || known.ends_with(&below)))
    }

    fn fault(&self, server: IpAddr, name: &str) -> Option<Fault> {
        let is_for = |(at, of, _): &&(Option<IpAddr>, Option<String>, Fault)| {
            at.is_none_or(|at| at == server) && of.as_ref().is_none_or(|of| of == name)
        };
        self.faults.iter().find(is_for).map(|(.., fault)| *fault)
    }

    fn answer(&self, server: IpAddr, query: &Query) -> Message {
        let mut message = Message::new(0, MessageType::Response, OpCode::Query);
        let name = plain(query.name());
        let rtype = query.query_type().to_string();
        let zones = &self.servers[&server];
        if zones.is_empty() {
            message.metadata.recursion_available = true;
        } else {
            let own = zones.iter().filter(|zone| is_within(&name, zone)).max_by_key(|zone| zone.len());
            let Some(zone) = own else {
                message.metadata.response_code = ResponseCode::Refused;
                return message;
            };
            let cut = self.sets.iter().find(|((at, kind), set)| {
                let is_below = at.len() > zone.len() && is_within(at, zone) && is_within(&name, at);
                kind == "NS" && !set.is_empty() && is_below && (rtype != "DS" || *at != name)
            });
            if let Some(((at, _), _)) = cut {
                let set = self.get(server, at, "NS");
                message.add_authorities(set.iter().map(|record| parse(at, "NS", record)));
                return message;
            }
            message.metadata.authoritative = true;
        }
        let mut at = name;
        for _ in 0..8 {
            let found = self.get(server, &at, &rtype);
            message.add_answers(found.iter().map(|record| parse(&at, &rtype, record)));
            match self.get(server, &at, "CNAME") {
                [target] if rtype != "CNAME" => {
                    message.add_answer(parse(&at, "CNAME", target));
                    at.clone_from(target);
                }
                _ => break,
            }
        }
        if message.answers.is_empty() && !self.exists(&at) {
            message.metadata.response_code = ResponseCode::NXDomain;
        }
        message
    }

    /// Answers in bytes, or not at all.
    fn respond(&mut self, server: IpAddr, bytes: &[u8], over_tcp: bool) -> Option<Vec<u8>> {
        let request = Message::from_vec(bytes).ok()?;
        let query = request.queries.first()?;
        let name = plain(query.name());
        self.asked.push((server, name.clone(), over_tcp));
        let mut message = self.answer(server, query);
        match self.fault(server, &name) {
            Some(Fault::Silent) => return None,
            Some(Fault::Raw(make)) => return Some([&bytes[..2], &make(bytes)].concat()),
            Some(Fault::Fails) => message = failed(ResponseCode::ServFail),
            Some(Fault::Refuses) => message = failed(ResponseCode::Refused),
            Some(Fault::NoExtensions) if request.edns.is_some() => message = failed(ResponseCode::FormErr),
            Some(Fault::Truncates) if !over_tcp => message.metadata.truncation = true,
            _ => {}
        }
        message.metadata.id = request.metadata.id;
        message.metadata.recursion_desired = request.metadata.recursion_desired;
        message.add_query(query.clone());
        if request.edns.is_some() {
            message.set_edns(Edns::new());
        }
        let whole = message.to_vec().unwrap();
        if over_tcp || (whole.len() <= usize::from(request.max_payload()) && !message.metadata.truncation) {
            return Some(whole);
        }
        Some(message.truncate().to_vec().unwrap())
    }
}

async fn serve_udp(server: IpAddr, socket: UdpSocket, data: Arc<Mutex<Data>>) {
    let mut bytes = [0; 4096];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut bytes).await else { continue };
        let answer = data.lock().unwrap().respond(server, &bytes[..length], false);
        if let Some(answer) = answer {
            let _ = socket.send_to(&answer, from).await;
        }
    }
}

async fn serve_tcp(server: IpAddr, listener: TcpListener, data: Arc<Mutex<Data>>) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        let exchange = async {
            let mut bytes = vec![0; usize::from(stream.read_u16().await?)];
            stream.read_exact(&mut bytes).await?;
            let answer = data.lock().unwrap().respond(server, &bytes, true).unwrap_or_default();
            stream.write_u16(u16::try_from(answer.len()).unwrap()).await?;
            stream.write_all(&answer).await?;
            stream.read_u8().await
        };
        let _: io::Result<u8> = exchange.await;
    }
}

/// Finds a port that is free at all addresses.
async fn bound(servers: Vec<IpAddr>) -> (u16, Vec<(IpAddr, UdpSocket, TcpListener)>) {
    'ports: loop {
        let first = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = first.local_addr().unwrap().port();
        drop(first);
        let mut sockets = Vec::new();
        for server in &servers {
            let address = SocketAddr::new(*server, port);
            let (Ok(udp), Ok(tcp)) = (UdpSocket::bind(address).await, TcpListener::bind(address).await)
            else {
                continue 'ports;
            };
            sockets.push((*server, udp, tcp));
        }
        return (port, sockets);
    }
}

fn failed(code: ResponseCode) -> Message {
    let mut message = Message::new(0, MessageType::Response, OpCode::Query);
    message.metadata.response_code = code;
    message
}

fn parse(owner: &str, rtype: &str, record: &str) -> Record {
    let fields: Vec<&str> = record.split(' ').collect();
    let bytes = || {
        (0..record.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&record[at..at + 2], 16).unwrap())
            .collect::<Vec<_>>()
    };
    let unknown = |code: u16| RData::Unknown { code: RecordType::from(code), rdata: NULL::with(bytes()) };
    let data = match rtype {
        "A" => RData::A(A(record.parse().unwrap())),
        "AAAA" => RData::AAAA(AAAA(record.parse().unwrap())),
        "CNAME" => RData::CNAME(CNAME(name(record))),
        "MX" => RData::MX(MX::new(fields[0].parse().unwrap(), name(fields[1]))),
        "NS" => RData::NS(NS(name(record))),
        "PTR" => RData::PTR(PTR(name(record))),
        "SOA" => RData::SOA(SOA::new(name("a"), name("b"), record.parse().unwrap(), 1, 1, 1, 1)),
        "TXT" => {
            let strings =
                record.as_bytes().chunks(255).map(|chunk| String::from_utf8_lossy(chunk).into_owned());
            RData::TXT(TXT::new(strings.collect()))
        }
        "DS" => unknown(43),
        "DNSKEY" => unknown(48),
        other => panic!("{other} is not served"),
    };
    Record::from_rdata(name(owner), 60, data)
}

fn name(text: &str) -> Name {
    let labels = text.split('.').filter(|label| !label.is_empty()).map(str::as_bytes);
    let mut name = Name::from_labels(labels).unwrap();
    name.set_fqdn(true);
    name
}

fn plain(name: &Name) -> String {
    name.to_lowercase().to_ascii().trim_end_matches('.').to_owned()
}

fn is_within(name: &str, zone: &str) -> bool {
    zone.is_empty() || name == zone || name.ends_with(&format!(".{zone}"))
}
