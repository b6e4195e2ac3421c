//! The bare pass: what it costs only to parse a file as JSON, on one core, by parsers known to be fast.
//!
//!     bare_pass FILE…      one JSON line for each file and way: megabytes, seconds (the second of two passes, reading the file included)
//!
//! Every way makes a double of every number. `visit` builds nothing: sonic-rs hands each number to a visitor that adds them up. The others build what
//! their users work with, a tree of values or a tape.

use std::{error::Error, fmt, fs, hint::black_box, time::Instant};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

type Way = fn(&mut [u8]) -> Result<(), Box<dyn Error>>;
const WAYS: [(&str, Way); 4] = [
    ("visit", |bytes| parsed(sonic_rs::from_slice::<Sum>(bytes))),
    ("sonic-rs value", |bytes| parsed(sonic_rs::from_slice::<sonic_rs::Value>(bytes))),
    ("simd-json tape", |bytes| parsed(simd_json::to_tape(bytes))),
    ("serde_json value", |bytes| parsed(serde_json::from_slice::<serde_json::Value>(bytes))),
];

/// Makes sure that the work is done, though nobody looks at it.
fn parsed<T, E: Error + 'static>(document: Result<T, E>) -> Result<(), Box<dyn Error>> {
    black_box(&document?);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    for path in std::env::args().skip(1) {
        let megabytes = fs::metadata(&path)?.len() as f64 / 1e6;
        for (name, way) in WAYS {
            way(&mut fs::read(&path)?)?;
            let start = Instant::now();
            way(&mut fs::read(&path)?)?;
            let seconds = start.elapsed().as_secs_f64();
            println!("{}", serde_json::json!({"file": path, "way": name, "megabytes": megabytes, "seconds": seconds}));
        }
    }
    Ok(())
}

/// All numbers of a document, added up.
struct Sum(f64);

impl<'de> Deserialize<'de> for Sum {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(Adding)
    }
}

struct Adding;

impl<'de> Visitor<'de> for Adding {
    type Value = Sum;

    fn expecting(&self, words: &mut fmt::Formatter) -> fmt::Result {
        words.write_str("any JSON")
    }

    fn visit_f64<E>(self, number: f64) -> Result<Sum, E> {
        Ok(Sum(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Sum, E> {
        Ok(Sum(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Sum, E> {
        Ok(Sum(number as f64))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Sum, E> {
        Ok(Sum(0.0))
    }

    fn visit_str<E>(self, _: &str) -> Result<Sum, E> {
        Ok(Sum(0.0))
    }

    fn visit_unit<E>(self) -> Result<Sum, E> {
        Ok(Sum(0.0))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Sum, A::Error> {
        let mut sum = 0.0;
        while let Some(Sum(more)) = members.next_element()? {
            sum += more;
        }
        Ok(Sum(sum))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Sum, A::Error> {
        let mut sum = 0.0;
        while let Some((IgnoredAny, Sum(more))) = members.next_entry()? {
            sum += more;
        }
        Ok(Sum(sum))
    }
}
