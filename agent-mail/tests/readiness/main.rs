//! Whether a domain is ready to send, over a DNS and ports of its own on loopback; and the gate that asks for it.

mod gate;
mod gate_world;
mod hostile;
mod moved;
mod ports;
mod records;
mod resolver;
mod server;
mod spf;
mod world;
