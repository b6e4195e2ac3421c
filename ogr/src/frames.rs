//! Answers on stdout, in the frames of the protocol.

use crate::fault;
use serde::Serialize;
use std::io::{BufWriter, Stdout, Write};
use tuban_ogr_protocol::{Fault, Trouble, frame};

/// The way out.
pub struct Frames {
    out: BufWriter<Stdout>,
    /// A way to misbehave once a batch was sent, for tests.
    pub fault: Option<Fault>,
}

impl Frames {
    /// Frames on stdout.
    pub fn new(out: Stdout) -> Self {
        Self { out: BufWriter::with_capacity(64 << 10, out), fault: None }
    }

    /// Sends a frame.
    pub fn send(&mut self, kind: u8, bytes: &[u8]) -> Result<(), Trouble> {
        self.announce(kind, u32::try_from(bytes.len()).map_err(|error| Trouble::new("too_large", error))?)?;
        self.out.write_all(bytes).and_then(|()| self.out.flush()).map_err(|error| Trouble::new("pipe", error))?;
        if kind == frame::BATCH {
            fault::act_midway(self.fault, self);
        }
        Ok(())
    }

    /// Sends a frame of JSON.
    pub fn json(&mut self, kind: u8, value: &impl Serialize) -> Result<(), Trouble> {
        let bytes = serde_json::to_vec(value).map_err(|error| Trouble::new("json", error))?;
        self.send(kind, &bytes)
    }

    /// Sends what goes before a frame's bytes.
    pub fn announce(&mut self, kind: u8, length: u32) -> Result<(), Trouble> {
        let [a, b, c, d] = length.to_le_bytes();
        self.out.write_all(&[kind, a, b, c, d]).map_err(|error| Trouble::new("pipe", error))
    }

    /// Sends on what is held back.
    pub fn flush(&mut self) {
        // A pipe that broke is noticed at the next frame.
        let _ = self.out.flush();
    }
}
