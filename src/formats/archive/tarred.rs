//! Tars that were compressed with gzip. They have no list: all of it is inflated to find what is in it, and what describes an entry may be as long as the
//! rest. So all that is inflated counts, wanted or not, and descriptions have an end.

use super::{Swelling, Unpacking, link, names, refused, told};
use crate::formats::ReadError;
use flate2::read::GzDecoder;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

/// What stands before an entry: its header, its long name and whatever else is said of it, bytes.
const LARGEST_HEAD: u64 = 1 << 20;

impl Unpacking<'_> {
    /// Unpacks the tar at `path`.
    pub fn tar(&mut self, path: &Path) -> Result<(), ReadError> {
        let head = Rc::new(Cell::new(LARGEST_HEAD));
        let inflated = Metered { inner: GzDecoder::new(BufReader::new(File::open(path)?)), swelling: Swelling::of(path)?, left: Rc::clone(&head) };
        let mut archive = tar::Archive::new(inflated);
        let mut entries = archive.entries().map_err(told)?;
        loop {
            head.set(LARGEST_HEAD);
            let Some(entry) = entries.next() else { return Ok(()) };
            head.set(u64::MAX);
            let mut entry = entry.map_err(told)?;
            self.count(1)?;
            let name = names::readable(&entry.path_bytes(), String::new);
            let name = names::safe(name.trim_start_matches("./"))?;
            let kind = entry.header().entry_type();
            if kind.is_symlink() || kind.is_hard_link() {
                return Err(link(&name));
            }
            if kind.is_gnu_sparse() {
                // Its holes are not in the tar, so that nothing of it bounds what comes out.
                return Err(refused(
                    "archive_broken",
                    format!("压缩包内“{name}”是稀疏文件，不接受；请重新压缩"),
                    format!("“{name}” in the archive is a sparse file, which is not taken; pack it again"),
                ));
            }
            if kind.is_file()
                && !names::is_archive(&name)
                && let Some(target) = self.target("", &name)?
            {
                self.unpack(&mut entry, &target, &name)?;
            }
            // What was passed over is read here, so that nothing but the next head is read under its limit.
            io::copy(&mut entry, &mut io::sink()).map_err(told)?;
        }
    }
}

/// A reader that ends with a refusal where an archive swells, or more is read than is left.
struct Metered<R> {
    inner: R,
    swelling: Swelling,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        let room = left.min(buffer.len() as u64) as usize;
        if room == 0 && !buffer.is_empty() {
            return Err(io::Error::other(refused(
                "archive_broken",
                "压缩包内某个文件的文件名或说明超过 1 MiB，已拒收，请重新压缩",
                "what the archive says of one of its files is longer than 1 MiB; pack it again",
            )));
        }
        let read = self.inner.read(&mut buffer[..room])?;
        self.left.set(left - read as u64);
        self.swelling.add(read as u64).map_err(io::Error::other)?;
        Ok(read)
    }
}
