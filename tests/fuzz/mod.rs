//! Mutation fuzzing on the stable toolchain: a corpus, changed at random from a seed, against everything that reads what strangers send.
//!
//! In `make test` each target gets a few hundred inputs, always the same; `make hostile` sets `TUBAN_FUZZ_SECONDS`, and each goes on for so long from a seed of its own,
//! which a failure names. Coverage does not guide it: bolero and cargo-fuzz would, and want a nightly compiler for it.

mod targets;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// Inputs of one target in `make test`.
const INPUTS: u64 = 400;
/// Changes of one input, at most.
const CHANGES: u64 = 6;
/// An input that grows beyond this many bytes is cut.
const LONGEST: usize = 1 << 16;

/// What parsers have trouble with.
const TOKENS: &[&[u8]] = &[
    b"",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b",",
    b":",
    b"=",
    b"&",
    b"%00",
    b"%ff",
    b"%E5%9B%BE",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"'",
    b"-0",
    b"1e308",
    b"-1e309",
    b"1e-400",
    b"99999999999999999999",
    b"4294967296",
    b"-1",
    b"0.1.1",
    b"NaN",
    b"null",
    b"true",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"\xff\xff\xff\xff",
    b"\x01\x00\x00\x00",
    b"PK\x01\x02",
    b"PK\x05\x06",
];

/// Gives `target` every input of the corpus, and then changed ones.
fn fuzz(corpus: &[Vec<u8>], mut target: impl FnMut(&[u8])) {
    assert!(!corpus.is_empty());
    let lasting = std::env::var("TUBAN_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
    let seed = lasting.map_or(1, |_| std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64);
    let (mut draw, began) = (ChaCha8Rng::seed_from_u64(seed), Instant::now());
    let mut tried = 0;
    while lasting.map_or(tried < INPUTS, |lasting| began.elapsed() < lasting) {
        let input = match corpus.get(tried as usize) {
            Some(whole) => whole.clone(),
            None => changed(corpus, &mut draw),
        };
        tried += 1;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(&input))) {
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{seed}-{tried}"));
            std::fs::write(&kept, &input).unwrap();
            eprintln!("seed {seed}, input {tried}: {}", kept.display());
            resume_unwind(panic);
        }
    }
    eprintln!("{tried} inputs");
}

fn below(draw: &mut ChaCha8Rng, end: usize) -> usize {
    (draw.next_u64() % end.max(1) as u64) as usize
}

/// An input of the corpus with a few changes.
fn changed(corpus: &[Vec<u8>], draw: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = corpus[below(draw, corpus.len())].clone();
    for _ in 0..=draw.next_u64() % CHANGES {
        let (at, end) = (below(draw, bytes.len() + 1), bytes.len());
        match draw.next_u64() % 7 {
            0 if at < end => bytes[at] ^= 1 << (draw.next_u64() % 8),
            1 if at < end => bytes[at] = draw.next_u64() as u8,
            2 => drop(bytes.drain(at..(at + below(draw, 16)).min(end))),
            3 => drop(bytes.splice(at..at, bytes[at..(at + below(draw, 64)).min(end)].to_vec())),
            4 => bytes.truncate(at),
            5 => {
                let other = &corpus[below(draw, corpus.len())];
                let from = below(draw, other.len() + 1);
                bytes.splice(at..at, other[from..(from + below(draw, 64)).min(other.len())].iter().copied());
            }
            _ => drop(bytes.splice(at..(at + below(draw, 8)).min(end), TOKENS[below(draw, TOKENS.len())].iter().copied())),
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

/// The files of a corpus, by name.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}
