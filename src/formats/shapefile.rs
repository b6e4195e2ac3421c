//! What must be looked at in a Shapefile before anybody reads it: whether its files are there, whole and of one mind, and what its text is in.

use super::{ReadError, encoding::Evidence, field_names::unnumbered};
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Bytes of the header of `.shp` and `.shx`.
const SHAPE_HEAD: u64 = 100;
/// Bytes of a table looked at for its text.
const TEXT_SEEN: u64 = 64 << 20;
/// Different texts kept as evidence.
const TEXTS: usize = 10_000;

/// Checks the companions of the `.shp` at `path`; what they say of its text.
///
/// # Errors
/// When one is missing, cut short, or disagrees with the others.
pub fn check(path: &Path) -> Result<Evidence, ReadError> {
    let (index, table) = (path.with_extension("shx"), path.with_extension("dbf"));
    let missing: Vec<&str> = [(&index, ".shx"), (&table, ".dbf")].iter().filter(|(file, _)| !file.is_file()).map(|(_, name)| *name).collect();
    if !missing.is_empty() {
        return Err(incomplete(&missing));
    }
    whole(path, ".shp")?;
    whole(&index, ".shx")?;
    let shapes = (std::fs::metadata(&index)?.len().saturating_sub(SHAPE_HEAD)) / 8;
    let mut table = Table::open(&table)?;
    if u64::from(table.records) != shapes {
        return Err(ReadError::refused(
            "shapefile_counts",
            format!("Shapefile 的图形有 {shapes} 个，属性表有 {} 行，对不上，请重新导出", table.records),
            format!("the Shapefile has {shapes} shapes, but {} rows in its table; export it again", table.records),
        ));
    }
    let cpg = std::fs::read(path.with_extension("cpg")).ok().map(|bytes| String::from_utf8_lossy(&bytes[..bytes.len().min(64)]).into_owned());
    Ok(Evidence { cpg, language: table.language, texts: table.texts()? })
}

/// The refusal of a Shapefile without those of its files.
pub fn incomplete(missing: &[&str]) -> ReadError {
    let list = missing.join(", ");
    ReadError::refused(
        "shapefile_incomplete",
        format!("Shapefile 缺少 {list}，请把 .shp、.shx、.dbf、.prj 一起打包上传"),
        format!("the Shapefile lacks {list}; pack .shp, .shx, .dbf and .prj together"),
    )
}

/// That the file is as long as its header says.
fn whole(path: &Path, name: &str) -> Result<(), ReadError> {
    let size = std::fs::metadata(path)?.len();
    let mut head = [0; 28];
    let read = File::open(path)?.read_exact(&mut head);
    let words = u32::from_be_bytes([head[24], head[25], head[26], head[27]]);
    let said = u64::from(words) * 2;
    if read.is_err() || head[..4] != [0, 0, 0x27, 0x0A] {
        return Err(ReadError::refused("not_a_shapefile", format!("{name} 不是 Shapefile 文件"), format!("the {name} is no file of a Shapefile")));
    }
    if size < said || size < SHAPE_HEAD {
        return Err(ReadError::refused(
            "truncated",
            format!("{name} 不完整：应有 {said} 字节，实有 {size} 字节，请重新导出或上传"),
            format!("the {name} is incomplete: it should have {said} bytes and has {size}; export or upload it again"),
        ));
    }
    Ok(())
}

/// Rows of the table beside the `.shp` at `path` that are marked as deleted: GDAL counts them and passes them over.
pub fn deleted_rows(path: &Path) -> Result<u64, ReadError> {
    let mut table = Table::open(&path.with_extension("dbf"))?;
    let mut row = vec![0; table.row_bytes];
    let mut deleted = 0;
    for _ in 0..table.records {
        table.rows.read_exact(&mut row)?;
        deleted += u64::from(row[0] == b'*');
    }
    Ok(deleted)
}

/// A DBF.
struct Table {
    rows: BufReader<File>,
    records: u32,
    row_bytes: usize,
    language: u8,
    /// Where in a row each field of text lies.
    text_fields: Vec<std::ops::Range<usize>>,
    names: Vec<Vec<u8>>,
}

impl Table {
    fn open(path: &Path) -> Result<Self, ReadError> {
        let broken = || ReadError::refused("dbf_broken", ".dbf 属性表损坏，请重新导出", "the .dbf is broken; export it again");
        let size = std::fs::metadata(path)?.len();
        let mut rows = BufReader::with_capacity(1 << 20, File::open(path)?);
        let mut head = [0; 32];
        rows.read_exact(&mut head).map_err(|_| broken())?;
        let records = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let (head_bytes, row_bytes) = (u16::from_le_bytes([head[8], head[9]]), u16::from_le_bytes([head[10], head[11]]));
        let said = u64::from(head_bytes) + u64::from(records) * u64::from(row_bytes);
        if head_bytes < 33 || row_bytes == 0 {
            return Err(broken());
        }
        if size < said {
            return Err(ReadError::refused(
                "truncated",
                format!(".dbf 不完整：应有 {said} 字节，实有 {size} 字节，请重新导出或上传"),
                format!("the .dbf is incomplete: it should have {said} bytes and has {size}; export or upload it again"),
            ));
        }
        let mut rest = vec![0; usize::from(head_bytes) - 32];
        rows.read_exact(&mut rest).map_err(|_| broken())?;
        let (mut text_fields, mut names, mut at) = (Vec::new(), Vec::new(), 1);
        for field in rest.chunks_exact(32).take_while(|field| field[0] != 0x0D) {
            let width = usize::from(field[16]);
            if field[11] == b'C' {
                text_fields.push(at..at + width);
            }
            names.push(field[..11].split(|byte| *byte == 0).next().unwrap_or_default().to_vec());
            at += width;
        }
        if at > usize::from(row_bytes) {
            return Err(broken());
        }
        Ok(Self { rows, records, row_bytes: usize::from(row_bytes), language: head[29], text_fields, names })
    }

    /// The different texts that are more than ASCII.
    fn texts(&mut self) -> Result<Vec<Vec<u8>>, ReadError> {
        let mut texts: HashSet<Vec<u8>> = self.names.iter().filter(|name| !name.is_ascii()).map(|name| unnumbered(name).0.to_vec()).collect();
        let mut row = vec![0; self.row_bytes];
        let seen = (TEXT_SEEN / self.row_bytes as u64).max(1);
        for _ in 0..u64::from(self.records).min(seen) {
            self.rows.read_exact(&mut row)?;
            for field in &self.text_fields {
                let text = row[field.clone()].trim_ascii_end();
                if !text.is_ascii() && !texts.contains(text) {
                    texts.insert(text.to_vec());
                }
            }
            if texts.len() >= TEXTS {
                break;
            }
        }
        Ok(texts.into_iter().collect())
    }
}
