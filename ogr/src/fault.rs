//! Ways to misbehave, so that the service's tests can see it survive each. The service itself never asks for one.

use crate::frames::Frames;
use rustix::process::{Resource, Rlimit, Signal, getppid, kill_process, prlimit};
use std::time::Duration;
use tuban_ogr_protocol::frame::{BATCH, HEADER, TROUBLE};
use tuban_ogr_protocol::{Fault, Trouble};

/// Misbehaves as asked, in the middle of what it does.
pub fn act_midway(fault: Option<Fault>, out: &mut Frames) {
    match fault {
        Some(Fault::CrashMidway) => act(Some(Fault::Crash), out),
        Some(Fault::HangMidway) => act(Some(Fault::Hang), out),
        _ => {}
    }
}

/// A feature with no fields and no geometry.
const EMPTY: [u8; 11] = [0, 2, 0, 0, 0, b'{', b'}', 0, 0, 0, 0];

/// Says that there is one layer.
fn announce_layer(out: &mut Frames) -> Result<(), Trouble> {
    let layer = r#"{"name":"flood","geometry":"Polygon","polygonal":true,"count":1,"wkt":null,"epsg":4490,"fields":[]}"#;
    let header = format!(r#"{{"layers":[{layer}],"confinement":{{"folder":"none","own_network":false,"filtered":false}}}}"#);
    out.send(HEADER, header.as_bytes())
}

/// Misbehaves as asked; most ways do not come back.
pub fn act(fault: Option<Fault>, out: &mut Frames) {
    match fault {
        None | Some(Fault::CrashMidway | Fault::HangMidway) => {}
        Some(Fault::Crash) => std::process::abort(),
        Some(Fault::Hang) => loop {
            std::thread::sleep(Duration::from_hours(1));
        },
        Some(Fault::Spin) => loop {
            std::hint::spin_loop();
        },
        Some(Fault::Flood) => {
            let mut sent = announce_layer(out);
            // A thousand of them, again and again.
            let mut batch = 1000_u32.to_le_bytes().to_vec();
            batch.extend([EMPTY; 1000].concat());
            while sent.is_ok() {
                sent = out.send(BATCH, &batch);
            }
        }
        Some(Fault::Lie) => {
            let _ = out.announce(BATCH, u32::MAX);
            out.flush();
            act(Some(Fault::Hang), out);
        }
        Some(Fault::Memory) => {
            let mut held = Vec::new();
            loop {
                held.push(vec![1_u8; 16 << 20]);
            }
        }
        Some(Fault::Segfault) => crate::raw::segfault(false),
        Some(Fault::SegfaultOfMemory) => crate::raw::segfault(true),
        Some(Fault::AbortOfMemory) => crate::raw::abort_without_memory(),
        Some(Fault::Killed) => {
            crate::raw::end_as_killed();
        }
        Some(Fault::Drip) => {
            let mut sent = announce_layer(out);
            let mut batch = 1_u32.to_le_bytes().to_vec();
            batch.extend(EMPTY);
            while sent.is_ok() {
                std::thread::sleep(Duration::from_millis(200));
                sent = out.send(BATCH, &batch);
            }
        }
        Some(Fault::Escape) => {
            let tried = [
                ("socket", std::net::UdpSocket::bind("127.0.0.1:0").is_ok()),
                ("program", std::process::Command::new("/bin/true").status().is_ok()),
                ("read", std::fs::File::open("/etc/passwd").is_ok()),
                ("write", std::fs::write("/tmp/tuban-ogr-escape", b"x").is_ok()),
                ("fork", crate::raw::forks()),
                ("signal", getppid().is_some_and(|service| kill_process(service, Signal::CONT).is_ok())),
                ("limits", getppid().is_some_and(|service| prlimit(Some(service), Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).is_ok())),
            ];
            let escaped: Vec<&str> = tried.iter().filter(|(_, escaped)| *escaped).map(|(name, _)| *name).collect();
            let _ = out.json(TROUBLE, &Trouble::new("escaped", escaped.join(" ")));
            std::process::exit(1);
        }
    }
}
