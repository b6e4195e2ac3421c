//! Makes a file from the features that follow the job on stdin. Stdin that ends without
//! [`END_OF_LAYER`] was broken off, and nothing is made of it.

use crate::fault;
use crate::frames::Frames;
use crate::sink::Sink;
use std::io::BufRead;
use tuban_ogr_protocol::{END_OF_LAYER, Job, Trouble, WriteWish, frame};

/// No single feature is larger, bytes.
const LARGEST: u32 = 512 << 20;

/// Does the job.
pub fn write(job: &Job, wish: &WriteWish, input: &mut impl BufRead, out: &mut Frames) -> Result<(), Trouble> {
    let mut sink = Sink::create(&job.path, &job.driver, wish)?;
    let mut bytes = Vec::new();
    while sized(input, &mut bytes)? {
        let values: Vec<serde_json::Value> = serde_json::from_slice(&bytes).map_err(|error| Trouble::new("json", error))?;
        if !sized(input, &mut bytes)? {
            return Err(Trouble::new("pipe", "a feature without its geometry"));
        }
        sink.push(&values, &bytes)?;
        fault::act_midway(job.fault, out);
    }
    sink.close()?;
    out.send(frame::END, &[])
}

/// Reads a length and so many bytes; false at the end of the layer.
fn sized(input: &mut impl BufRead, bytes: &mut Vec<u8>) -> Result<bool, Trouble> {
    let broken = |error| Trouble::new("pipe", error);
    let mut length = [0; 4];
    input.read_exact(&mut length).map_err(broken)?;
    let length = u32::from_le_bytes(length);
    if length == END_OF_LAYER {
        return Ok(false);
    }
    if length > LARGEST {
        return Err(Trouble::new("too_large", length));
    }
    bytes.resize(length as usize, 0);
    input.read_exact(bytes).map_err(broken)?;
    Ok(true)
}
