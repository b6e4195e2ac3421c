//! Patches that the set in hand is not for: put aside in a file without a name, and with them all that come after the first of them, so that everything is stored in the
//! order of the file. Then the other sets are taken in hand, one after the other, and the file is gone through for each. Where all patches are of one set, nothing of this
//! happens.

use crate::service::{ServiceError, reclassification::rejudging::Rejudge};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use std::path::PathBuf;
use tuban_engine::choosing::Choice;
use tuban_engine::model::{Filing, Finding, Patch};
use tuban_engine::ordered::in_order;

/// Bytes handed to a core at a time.
const BATCH: usize = 512 << 10;

/// A patch that was put aside.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Put {
    /// The number by which people know it, 0 where it is not stored yet.
    pub id: i64,
    /// The key of its row, 0 where it is not stored yet.
    pub key: i64,
    /// The patch.
    pub patch: Patch,
    /// Its confirmed verdict, where there is one.
    pub filing: Option<Filing>,
    /// The finding that it has in the store.
    pub former: Option<Finding>,
    /// Its finding, once its set was in hand.
    pub finding: Option<Finding>,
}

/// Patches put aside.
#[derive(Debug)]
pub(crate) struct Aside {
    folder: PathBuf,
    file: Option<BufWriter<File>>,
    /// The choices of those that have no finding yet.
    open: BTreeSet<Choice>,
}

impl Aside {
    /// None; files will be made in `folder`.
    pub fn none(folder: PathBuf) -> Self {
        Self { folder, file: None, open: BTreeSet::new() }
    }

    /// Whether none was put aside, so that others need not be either.
    pub fn is_none(&self) -> bool {
        self.file.is_none()
    }

    /// Puts one aside; `choice` is what it is to be judged by, where it has no finding.
    pub fn put(&mut self, put: &Put, choice: Choice) -> Result<(), ServiceError> {
        if put.finding.is_none() {
            self.open.insert(choice);
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(&self.folder)?)),
        };
        append(file, &written(put)?)
    }

    /// The choice to be taken in hand next.
    pub fn next_choice(&mut self) -> Option<Choice> {
        self.open.pop_first()
    }

    /// Judges those that `rejudge` is for; all stay in their order.
    pub fn judged(self, rejudge: &Rejudge<'_>) -> Result<Self, ServiceError> {
        let mut judged = Self { open: self.open.clone(), ..Self::none(self.folder.clone()) };
        let mut out = BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(&self.folder)?);
        self.pass(
            |mut put| {
                if put.finding.is_none() {
                    put.finding = rejudge.finding(put.id, &put.patch)?;
                }
                written(&put)
            },
            |puts| puts.iter().try_for_each(|put| append(&mut out, put)),
        )?;
        judged.file = Some(out);
        Ok(judged)
    }

    /// Hands all of them on, in their order, some at a time.
    pub fn each(self, take: impl FnMut(Vec<Put>) -> Result<(), ServiceError>) -> Result<(), ServiceError> {
        self.pass(Ok, take)
    }

    fn pass<R: Send>(
        self,
        work: impl Fn(Put) -> Result<R, ServiceError> + Sync,
        take: impl FnMut(Vec<R>) -> Result<(), ServiceError>,
    ) -> Result<(), ServiceError> {
        let Some(file) = self.file else { return Ok(()) };
        let mut file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.rewind()?;
        let mut file = BufReader::with_capacity(1 << 20, file);
        let next = || {
            let (mut batch, mut bytes) = (Vec::new(), 0);
            while bytes < BATCH
                && let Some(put) = read(&mut file)?
            {
                bytes += put.len();
                batch.push(put);
            }
            Ok((!batch.is_empty()).then_some((batch, bytes)))
        };
        let worked = |batch: Vec<Vec<u8>>| {
            let one = |put: Vec<u8>| work(ciborium::from_reader(put.as_slice()).map_err(broken)?);
            batch.into_iter().map(one).collect::<Result<Vec<R>, ServiceError>>()
        };
        in_order(next, worked, take)
    }
}

/// A patch as it lies in the file: CBOR, which gives doubles back to the last bit.
fn written(put: &Put) -> Result<Vec<u8>, ServiceError> {
    let mut bytes = Vec::new();
    ciborium::into_writer(put, &mut bytes).map_err(broken)?;
    Ok(bytes)
}

/// Appends a patch with its length before it.
fn append(file: &mut impl Write, put: &[u8]) -> Result<(), ServiceError> {
    let length = u32::try_from(put.len()).map_err(broken)?;
    file.write_all(&length.to_le_bytes())?;
    Ok(file.write_all(put)?)
}

/// The next patch; nothing behind the last one.
fn read(file: &mut impl BufRead) -> Result<Option<Vec<u8>>, ServiceError> {
    if file.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut length = [0; 4];
    file.read_exact(&mut length)?;
    let mut put = vec![0; u32::from_le_bytes(length) as usize];
    file.read_exact(&mut put)?;
    Ok(Some(put))
}

fn broken(error: impl std::fmt::Display) -> ServiceError {
    ServiceError::Broken(format!("a patch that was put aside: {error}"))
}
